/**
 * Asynchronous invocations: queued, tried again after errors and throttles, given up after the last try or when too old,
 * then sent to the destination the function names. Events survive a restart of the lab.
 */
import type { ServiceError } from "../../wire/errors.ts";
import type { World } from "../world.ts";
import type { Outcome } from "./environment.ts";
import type { Run } from "./environments.ts";
import { type FunctionRecord, stateOf, type Target } from "./functions.ts";

export interface QueuedEvent {
  readonly id: string;
  readonly region: string;
  readonly functionName: string;
  readonly qualifier: string | undefined;
  readonly json: string;
  readonly acceptedMs: number;
  /** Tries that ended in a function error. */
  tries: number;
  /** Times it was put back because of a throttle. */
  throttles: number;
}

const DEFAULT_RETRY_DELAYS_MS = [1000, 2000];
const DEFAULT_MAX_AGE_SECONDS = 21_600;

export interface QueueSurroundings {
  target(event: QueuedEvent): Target;
  run(target: Target, requestId: string, json: string): Run;
  readonly retryDelaysMs: readonly number[] | undefined;
  /** Whether an accepted event is handed to the function twice, under one request id, as Lambda may do at any time. */
  doubled(functionName: string): boolean;
}

export class AsyncQueue {
  private readonly world: World;
  private readonly around: QueueSurroundings;

  constructor(world: World, around: QueueSurroundings) {
    this.world = world;
    this.around = around;
  }

  accept(target: Target, id: string, json: string): void {
    const event: QueuedEvent = {
      id,
      region: target.record.region,
      functionName: target.record.name,
      qualifier: target.qualifier,
      json,
      acceptedMs: this.world.now(),
      tries: 0,
      throttles: 0,
    };
    stateOf(this.world).queue[id] = event;
    void this.attempt(event);
    if (this.around.doubled(event.functionName)) void this.attempt({ ...event });
  }

  resume(): void {
    for (const event of Object.values(stateOf(this.world).queue)) this.again(event, 0);
  }

  private again(event: QueuedEvent, delayMs: number): void {
    this.world.later(delayMs, `asynchronous invocation of ${event.functionName}`, () => this.attempt(event));
  }

  private async attempt(event: QueuedEvent): Promise<void> {
    let target: Target;
    try {
      target = this.around.target(event);
    } catch {
      delete stateOf(this.world).queue[event.id];
      return;
    }
    const config = target.record.eventInvoke[event.qualifier ?? "$LATEST"];
    const maxAgeMs = (config?.MaximumEventAgeInSeconds ?? DEFAULT_MAX_AGE_SECONDS) * 1000;
    const tooOld = (afterMs: number) => this.world.now() + afterMs - event.acceptedMs > maxAgeMs;
    let run: Run;
    try {
      run = this.around.run(target, event.id, event.json);
    } catch (error) {
      if ((error as ServiceError).code !== "TooManyRequestsException") {
        delete stateOf(this.world).queue[event.id];
        this.tell(event, `${event.functionName} could not be invoked: ${(error as Error).message}`);
        return;
      }
      // AWS backs off from 1 s to 5 min; the lab from a tenth of a second to 5 s.
      event.throttles += 1;
      const delayMs = Math.min(100 * 2 ** (event.throttles - 1), 5000);
      if (tooOld(delayMs)) await this.giveUp(event, target, "EventAgeExceeded", undefined);
      else this.again(event, delayMs);
      return;
    }
    const outcome = await run.outcome;
    if (this.world.closed) return;
    if (outcome.ok) {
      delete stateOf(this.world).queue[event.id];
      await deliver(
        this.world,
        target,
        config?.DestinationConfig?.OnSuccess?.Destination,
        record(this.world, event, target, "Success", outcome),
      );
      return;
    }
    event.tries += 1;
    const retries = config?.MaximumRetryAttempts ?? 2;
    const delays = this.around.retryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS;
    const delayMs = delays[Math.min(event.tries, delays.length) - 1] ?? 0;
    if (event.tries > retries) await this.giveUp(event, target, "RetriesExhausted", outcome);
    else if (tooOld(delayMs)) await this.giveUp(event, target, "EventAgeExceeded", outcome);
    else {
      this.tell(event, `${event.functionName} is tried again in ${delayMs / 1000} s (try ${event.tries + 1} of ${retries + 1})`);
      this.again(event, delayMs);
    }
  }

  private async giveUp(event: QueuedEvent, target: Target, condition: string, outcome: Outcome | undefined): Promise<void> {
    delete stateOf(this.world).queue[event.id];
    const destination = target.record.eventInvoke[event.qualifier ?? "$LATEST"]?.DestinationConfig?.OnFailure?.Destination;
    this.tell(
      event,
      `the event for ${event.functionName} is given up (${condition})${destination ? `, told to ${destination}` : ", nobody is told"}`,
      { payload: event.json },
    );
    await deliver(this.world, target, destination, record(this.world, event, target, condition, outcome));
  }

  private tell(event: QueuedEvent, what: string, more: Record<string, unknown> = {}): void {
    this.world.tell({
      kind: "invoke",
      region: event.region,
      service: "lambda",
      what,
      detail: { functionName: event.functionName, requestId: event.id, ...more },
    });
  }
}

/** The invocation record Lambda sends to a destination. */
function record(world: World, event: QueuedEvent, target: Target, condition: string, outcome: Outcome | undefined): DestinationRecord {
  return {
    version: "1.0",
    timestamp: new Date(world.now()).toISOString(),
    requestContext: {
      requestId: event.id,
      functionArn: `${target.arn}${target.qualifier ? "" : ":$LATEST"}`,
      condition,
      approximateInvokeCount: event.tries + (outcome?.ok ? 1 : 0),
    },
    requestPayload: JSON.parse(event.json),
    ...(outcome
      ? {
          responseContext: {
            statusCode: 200,
            executedVersion: target.version.version,
            ...(outcome.ok ? {} : { functionError: "Unhandled" }),
          },
          responsePayload: JSON.parse(outcome.json || "null"),
        }
      : {}),
  };
}

export interface DestinationRecord {
  readonly version: "1.0";
  readonly timestamp: string;
  readonly requestContext: {
    readonly requestId: string;
    readonly functionArn: string;
    readonly condition: string;
    readonly approximateInvokeCount: number;
  };
  readonly requestPayload: unknown;
  readonly responseContext?: { readonly statusCode: number; readonly executedVersion: string; readonly functionError?: string };
  readonly responsePayload?: unknown;
}

/** Sends the record to a topic, a bus or a function. A destination that fails is a line of the story: AWS drops it too. */
export async function deliver(
  world: World,
  target: { record: FunctionRecord; version: { role: string } },
  destination: string | undefined,
  sent: DestinationRecord,
): Promise<void> {
  if (!destination) return;
  const from = { region: destination.split(":")[3] || target.record.region, principal: target.version.role };
  const service = destination.split(":")[2];
  const verdict = sent.requestContext.condition === "Success" ? "Success" : "Failure";
  try {
    if (service === "sns") await world.call("sns", "Publish", { TopicArn: destination, Message: JSON.stringify(sent) }, from);
    else if (service === "events") {
      const entry = {
        Source: "lambda",
        DetailType: `Lambda Function Invocation Result - ${verdict}`,
        Detail: JSON.stringify(sent),
        Resources: [destination, sent.requestContext.functionArn],
        EventBusName: destination,
      };
      await world.call("events", "PutEvents", { Entries: [entry] }, from);
    } else
      await world.call(
        "lambda",
        "Invoke",
        { FunctionName: destination, InvocationType: "Event", Payload: Buffer.from(JSON.stringify(sent)) },
        from,
      );
  } catch (error) {
    world.tell({
      kind: "invoke",
      region: target.record.region,
      service: "lambda",
      what: `the destination ${destination} of ${target.record.name} could not be told: ${(error as Error).message}`,
    });
  }
}
