// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Durable executions: invokes a function again and again, from checkpoint to checkpoint, until it says it is done.
 * Keeps every execution as plain JSON, so that a restarted lab goes on with it. Knows nothing of what the steps do.
 */
import { ServiceError } from "../../wire/errors.ts";
import type { World } from "../world.ts";
import type { FunctionFailure } from "./environment.ts";
import type { Run } from "./environments.ts";
import { callbackIdOf, callbackParts, ENDINGS, type ExecutionRecord, type ExecutionStatus, inWords, uuid } from "./execution-record.ts";
import { functionArn, stateOf, type Target } from "./functions.ts";
import { eventOf, invocationEvent } from "./history.ts";
import {
  apply,
  dueMs,
  type ErrorObject,
  isOutstanding,
  type OperationRecord,
  replayed,
  settleDue,
  validate,
  wireOperation,
} from "./operations.ts";
import { paged } from "./pages.ts";

/** Called around every checkpoint; "kill" ends the function's process there, as a crash would. */
export type OnCheckpoint = (checkpoint: {
  functionName: string;
  executionName: string;
  updates: readonly any[];
  applied: "before" | "after";
}) => "kill" | undefined;

export interface Surroundings {
  /** Runs one invocation of the execution's function. Throws when it is throttled. */
  run(target: Target, requestId: string, json: string): Run;
  target(record: ExecutionRecord): Target;
  /** ctx.invoke: runs another function to its end. */
  chain(functionName: string, input: string, record: ExecutionRecord): Promise<{ result?: string; error?: ErrorObject }>;
  /** Told once, when an execution has ended. */
  ended(record: ExecutionRecord): void;
  readonly speed: number;
  /** Operations handed over with an invocation; the function asks for the rest. */
  readonly firstPage: number;
  readonly faults: { onCheckpoint?: OnCheckpoint };
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const MOST_CRASHES = 10;
const crashBackoffMs = (crashes: number) => Math.min(100 * 2 ** (crashes - 1), 2000);
interface InFlight {
  readonly run: Run;
  /** Something changed that the running invocation has not been told. */
  stale: boolean;
  /** It checkpointed something, or was told of a change. */
  progressed: boolean;
}

export class Executions {
  private readonly world: World;
  private readonly around: Surroundings;
  private readonly inFlight = new Map<string, InFlight>();
  private readonly timers = new Map<string, () => void>();
  private readonly waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }[]>();
  /** The last answer by execution: a repeated request with the same ClientToken gets it again. */
  private readonly lastAnswers = new Map<string, { clientToken: string; answer: any }>();

  constructor(world: World, around: Surroundings) {
    this.world = world;
    this.around = around;
  }

  /** Goes on with every execution that was running when the lab stopped. */
  resume(): void {
    for (const record of this.all()) {
      if (record.status !== "RUNNING") continue;
      this.tell(record, "is resumed after the lab's restart");
      for (const operation of Object.values(record.operations)) {
        if (operation.type === "CHAINED_INVOKE" && operation.status === "STARTED") this.chain(record, operation);
      }
      this.world.later(0, `resuming ${record.name}`, () => {
        this.passTime(record);
        this.arm(record);
        return this.advance(record);
      });
    }
  }

  close(): void {
    for (const waiters of this.waiting.values())
      for (const { reject } of waiters) reject(new ServiceError("ServiceException", "The lab closed.", 500));
    this.waiting.clear();
  }

  find(arn: string | undefined): ExecutionRecord {
    const record = stateOf(this.world).executions[arn ?? ""];
    if (!record) throw new ServiceError("ResourceNotFoundException", `Durable execution not found: ${arn}`);
    return record;
  }

  of(region: string, functionName: string): ExecutionRecord[] {
    return this.all().filter((record) => record.region === region && record.functionName === functionName);
  }

  /** Starts an execution, or joins the one that has this name and payload already. */
  begin(target: Target, name: string | undefined, payload: string, asynchronous: boolean): ExecutionRecord {
    const { record: owner, version } = target;
    const { executions } = stateOf(this.world);
    const now = this.world.now();
    const namesake = name === undefined ? undefined : this.of(owner.region, owner.name).find((record) => record.name === name);
    if (namesake && !(namesake.endedMs !== undefined && now > namesake.endedMs + namesake.retentionDays * 86_400_000)) {
      if (namesake.payload === payload) return namesake;
      throw new ServiceError(
        "DurableExecutionAlreadyStartedException",
        `Durable execution ${name} was already started with a different payload.`,
        409,
      );
    }
    if (namesake) delete executions[namesake.arn];
    const base = functionArn(owner.region, this.world.account, owner.name, version.version);
    let arn = "";
    let id = "";
    do {
      id = uuid(this.world);
      arn = `${base}/durable-execution/${name ?? id}/${id}`;
    } while (executions[arn]);
    const record: ExecutionRecord = {
      arn,
      name: name ?? id,
      region: owner.region,
      functionName: owner.name,
      version: version.version,
      qualifier: target.qualifier ?? "$LATEST",
      payload,
      asynchronous,
      startedMs: now,
      timeoutSeconds: version.durable?.ExecutionTimeout ?? 86_400,
      retentionDays: version.durable?.RetentionPeriodInDays ?? 14,
      status: "RUNNING",
      operations: { [id]: { id, type: "EXECUTION", status: "STARTED", startedMs: now, input: payload } },
      changed: [],
      token: "",
      invocations: 0,
      crashes: 0,
      history: [],
    };
    executions[arn] = record;
    this.write(record, record.operations[id] as OperationRecord);
    this.tell(record, "started");
    this.arm(record);
    void this.advance(record);
    return record;
  }

  /** Resolves when the execution has ended, however. */
  end(record: ExecutionRecord): Promise<void> {
    if (record.status !== "RUNNING") return Promise.resolve();
    return new Promise((resolve, reject) => this.waiting.set(record.arn, [...(this.waiting.get(record.arn) ?? []), { resolve, reject }]));
  }

  checkpoint(input: any): any {
    const record = this.find(input.DurableExecutionArn);
    const last = this.lastAnswers.get(record.arn);
    if (last && input.ClientToken && last.clientToken === input.ClientToken) return last.answer;
    this.checkToken(record, input.CheckpointToken);
    const updates: any[] = (input.Updates ?? []).map((update: any) =>
      update.Type === "EXECUTION" ? { ...update, Id: this.root(record).id } : update,
    );
    this.maybeKill(record, updates, "before");
    validate(updates, record.operations);
    const now = this.world.now();
    for (const update of updates) {
      const operation = apply(
        update,
        record.operations,
        now,
        (seconds) => this.waitMs(seconds),
        (id) => callbackIdOf(record.arn, id),
      );
      if (update.Action !== "START") record.crashes = 0;
      this.note(record, operation);
      if (operation.type === "CHAINED_INVOKE" && update.Action === "START") this.chain(record, operation);
      if (operation.type === "EXECUTION") this.finish(record, operation.status as ExecutionStatus, operation.result, operation.error);
    }
    this.passTime(record);
    this.arm(record);
    if (record.status === "RUNNING") record.token = this.newToken();
    const answer = {
      CheckpointToken: record.token,
      NewExecutionState: {
        Operations: record.changed.map((id) => wireOperation(record.operations[id] as OperationRecord)),
        NextMarker: "",
      },
    };
    const flight = this.inFlight.get(record.arn);
    if (flight) {
      flight.progressed ||= record.changed.length > 0;
      flight.stale = false;
    }
    record.changed = [];
    if (input.ClientToken) this.lastAnswers.set(record.arn, { clientToken: input.ClientToken, answer });
    this.maybeKill(record, updates, "after");
    return answer;
  }

  state(input: any): any {
    const record = this.find(input.DurableExecutionArn);
    this.checkToken(record, input.CheckpointToken);
    return this.page(record, input.Marker, input.MaxItems || 100);
  }

  private page(record: ExecutionRecord, marker: string | undefined, size: number): any {
    const { page, next } = paged(replayed(record.operations), marker, size);
    return { Operations: page.map(wireOperation), NextMarker: next ?? "" };
  }

  stop(record: ExecutionRecord, error: ErrorObject | undefined): Date {
    if (record.status === "RUNNING")
      this.finish(record, "STOPPED", undefined, error ?? { ErrorType: "ExecutionStopped", ErrorMessage: "The execution was stopped." });
    return new Date(record.endedMs ?? this.world.now());
  }

  /** A callback's answer from outside. */
  callback(callbackId: string | undefined, answer: { result?: string; error?: ErrorObject } | "heartbeat"): void {
    const { record, operation } = this.callbackOf(callbackId);
    if (answer === "heartbeat") {
      if (operation.heartbeatSeconds) operation.heartbeatMs = this.world.now() + this.waitMs(operation.heartbeatSeconds);
      this.arm(record);
      return;
    }
    this.settle(record, operation, answer);
  }

  private all(): ExecutionRecord[] {
    return Object.values(stateOf(this.world).executions);
  }

  private root(record: ExecutionRecord): OperationRecord {
    return Object.values(record.operations)[0] as OperationRecord;
  }

  private waitMs(seconds: number): number {
    return (seconds * 1000) / this.around.speed;
  }

  private newToken(): string {
    return Buffer.from(this.world.id(24)).toString("base64");
  }

  private checkToken(record: ExecutionRecord, token: string | undefined): void {
    if (record.status !== "RUNNING" || !token || token !== record.token) {
      throw new ServiceError(
        "InvalidParameterValueException",
        `Invalid Checkpoint Token: ${record.status === "RUNNING" ? "it was used already, or belongs to an earlier invocation" : `the execution is ${record.status}`}.`,
        400,
      );
    }
  }

  private maybeKill(record: ExecutionRecord, updates: readonly any[], applied: "before" | "after"): void {
    if (updates.length === 0) return;
    if (this.around.faults.onCheckpoint?.({ functionName: record.functionName, executionName: record.name, updates, applied }) !== "kill")
      return;
    const last = updates.at(-1);
    this.world.tell({
      kind: "fault",
      region: record.region,
      service: "lambda",
      what: `${record.name}: the process is killed ${applied} the checkpoint of ${last.Name ?? last.Type} (${last.Action})`,
    });
    this.inFlight.get(record.arn)?.run.kill();
    throw new ServiceError("ServiceException", "The function's process was killed.", 500);
  }

  private callbackOf(callbackId: string | undefined): { record: ExecutionRecord; operation: OperationRecord } {
    const [arn = "", id = ""] = callbackParts(callbackId);
    const record = stateOf(this.world).executions[arn];
    const operation = record?.operations[id];
    if (!record || !operation)
      throw new ServiceError("ResourceNotFoundException", "Callback not found: the CallbackId names no callback of this lab.");
    if (operation.status !== "STARTED" || record.status !== "RUNNING")
      throw new ServiceError(
        "CallbackTimeoutException",
        `Callback ${operation.name ?? ""} is closed: ${record.status === "RUNNING" ? operation.status : record.status}.`,
      );
    return { record, operation };
  }

  private settle(record: ExecutionRecord, operation: OperationRecord, answer: { result?: string; error?: ErrorObject }): void {
    if (operation.status !== "STARTED" || record.status !== "RUNNING") return;
    operation.status = answer.error ? "FAILED" : "SUCCEEDED";
    operation.endedMs = this.world.now();
    if (answer.error) operation.error = answer.error;
    else if (answer.result !== undefined) operation.result = answer.result;
    this.note(record, operation);
    this.arm(record);
    this.wake(record);
  }

  private chain(record: ExecutionRecord, operation: OperationRecord): void {
    this.around.chain(operation.functionName ?? "", operation.input ?? "null", record).then(
      (answer) => this.settle(record, operation, answer),
      (error: Error) => {
        if (!this.world.closed)
          this.settle(record, operation, { error: { ErrorType: (error as ServiceError).code ?? error.name, ErrorMessage: error.message } });
      },
    );
  }

  /** Makes the changes whose time has come. */
  private passTime(record: ExecutionRecord): void {
    const now = this.world.now();
    if (record.status !== "RUNNING") return;
    for (const operation of Object.values(record.operations)) {
      const due = dueMs(operation);
      if (due === undefined || due > now) continue;
      settleDue(operation, now);
      this.note(record, operation);
    }
    if (now >= record.startedMs + record.timeoutSeconds * 1000) {
      this.finish(record, "TIMED_OUT", undefined, {
        ErrorType: "ExecutionTimedOut",
        ErrorMessage: `Execution timed out after ${record.timeoutSeconds} seconds`,
      });
    }
  }

  /** One timer an execution: the next thing that happens by itself. */
  private arm(record: ExecutionRecord): void {
    this.timers.get(record.arn)?.();
    this.timers.delete(record.arn);
    if (record.status !== "RUNNING") return;
    const dues = Object.values(record.operations)
      .map(dueMs)
      .filter((at) => at !== undefined);
    const nextMs = Math.min(record.startedMs + record.timeoutSeconds * 1000, ...dues);
    const delayMs = Math.min(nextMs - this.world.now(), LONGEST_TIMER_MS);
    this.timers.set(
      record.arn,
      this.world.later(delayMs, `${record.name}: timer`, () => {
        this.passTime(record);
        this.arm(record);
        if (record.changed.length > 0) this.wake(record);
      }),
    );
  }

  private wake(record: ExecutionRecord): void {
    const flight = this.inFlight.get(record.arn);
    if (flight) flight.stale = true;
    else void this.advance(record);
  }

  /** One invocation, and what follows from its answer. Never throws. */
  private async advance(record: ExecutionRecord): Promise<void> {
    if (record.status !== "RUNNING" || this.inFlight.has(record.arn) || this.world.closed) return;
    const requestId = uuid(this.world);
    const startedMs = this.world.now();
    record.token = this.newToken();
    const event = {
      DurableExecutionArn: record.arn,
      CheckpointToken: record.token,
      InitialExecutionState: this.page(record, undefined, this.around.firstPage),
      UpdatedOperationIds: record.changed,
    };
    let run: Run;
    try {
      run = this.around.run(this.around.target(record), requestId, JSON.stringify(event));
    } catch (error) {
      const code = (error as ServiceError).code;
      if (code !== "TooManyRequestsException")
        this.crashed(record, { errorType: code ?? "ServiceException", errorMessage: (error as Error).message });
      else this.world.later(200, `${record.name}: throttled`, () => this.advance(record));
      return;
    }
    const flight: InFlight = { run, stale: false, progressed: record.changed.length > 0 };
    record.changed = [];
    record.invocations += 1;
    this.inFlight.set(record.arn, flight);
    const outcome = await run.outcome.catch((error: Error) => ({
      ok: false as const,
      failure: { errorType: "ServiceException", errorMessage: error.message },
      json: "",
    }));
    this.inFlight.delete(record.arn);
    if (this.world.closed) return;
    const failure = outcome.ok ? undefined : { ErrorType: outcome.failure.errorType, ErrorMessage: outcome.failure.errorMessage };
    record.history.push(invocationEvent(record.history.length + 1, startedMs, this.world.now(), requestId, failure));
    if (record.status !== "RUNNING") return;
    if (!outcome.ok) return this.crashed(record, outcome.failure);
    const answer = JSON.parse(outcome.json || "null") as { Status?: string; Result?: string; Error?: ErrorObject } | null;
    if (answer?.Status === "SUCCEEDED") return this.finish(record, "SUCCEEDED", answer.Result, undefined);
    if (answer?.Status === "FAILED") return this.finish(record, "FAILED", undefined, answer.Error ?? {});
    if (answer?.Status !== "PENDING")
      return this.finish(record, "FAILED", undefined, {
        ErrorType: "InvalidParameterValueException",
        ErrorMessage: "Invalid Status in invocation output: is the handler wrapped as a durable function?",
      });
    if (flight.stale || record.changed.length > 0) return this.advance(record);
    if (!Object.values(record.operations).some(isOutstanding)) {
      if (flight.progressed) return this.advance(record);
      this.finish(record, "FAILED", undefined, {
        ErrorType: "InvalidParameterValueException",
        ErrorMessage: "Cannot return PENDING status with no pending operations.",
      });
    }
  }

  /** An invocation died. The execution goes on by replay after a short wait; the SDK alone decides that the story has failed. */
  private crashed(record: ExecutionRecord, failure: FunctionFailure): void {
    record.crashes += 1;
    if (record.crashes > MOST_CRASHES) {
      this.finish(record, "FAILED", undefined, {
        ErrorType: failure.errorType,
        ErrorMessage: failure.errorMessage,
        ...(failure.stackTrace ? { StackTrace: failure.stackTrace } : {}),
      });
      return;
    }
    const backoffMs = crashBackoffMs(record.crashes) / this.around.speed;
    this.tell(record, `the invocation crashed (${failure.errorMessage}); it is resumed in ${backoffMs / 1000} s`);
    this.world.later(backoffMs, `${record.name}: resuming`, () => this.advance(record));
  }

  private finish(record: ExecutionRecord, status: ExecutionStatus, result: string | undefined, error: ErrorObject | undefined): void {
    record.status = status;
    record.endedMs = this.world.now();
    if (result !== undefined) record.result = result;
    if (error !== undefined) record.error = error;
    const root = this.root(record);
    root.status = status as OperationRecord["status"];
    root.endedMs = record.endedMs;
    if (result !== undefined) root.result = result;
    if (error !== undefined) root.error = error;
    this.write(record, root);
    this.timers.get(record.arn)?.();
    this.timers.delete(record.arn);
    this.lastAnswers.delete(record.arn);
    this.tell(record, `${ENDINGS[status]}${status === "SUCCEEDED" ? "" : `: ${error?.ErrorMessage ?? "no reason given"}`}`);
    for (const { resolve } of this.waiting.get(record.arn) ?? []) resolve();
    this.waiting.delete(record.arn);
    this.around.ended(record);
  }

  /** Writes a change down: for the function, for the history, for the story. */
  private note(record: ExecutionRecord, operation: OperationRecord): void {
    if (operation.type === "EXECUTION") return;
    if (!record.changed.includes(operation.id)) record.changed.push(operation.id);
    this.write(record, operation);
    this.tell(record, inWords(operation), {
      type: operation.type,
      name: operation.name,
      status: operation.status,
      ...(operation.callbackId ? { callbackId: operation.callbackId } : {}),
    });
  }

  private write(record: ExecutionRecord, operation: OperationRecord): void {
    const event = eventOf(operation, this.world.now(), record.history.length + 1, record.timeoutSeconds);
    if (event) record.history.push(event);
  }

  private tell(record: ExecutionRecord, what: string, detail: Record<string, unknown> = {}): void {
    this.world.tell({
      kind: "durable",
      region: record.region,
      service: "lambda",
      what: `${record.name}: ${what}`,
      detail: { executionArn: record.arn, functionName: record.functionName, ...detail },
    });
  }
}
