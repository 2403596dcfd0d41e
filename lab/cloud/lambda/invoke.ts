// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Invoke: who may, which function, waited for or queued, once or as a durable execution. Leaves processes, queue and executions to their own files.
 */
import { ServiceError } from "../../wire/errors.ts";
import type { Caller, World } from "../world.ts";
import type { LambdaOptions, Run, RunsFunctions } from "./environments.ts";
import { type ExecutionRecord, uuid } from "./execution-record.ts";
import { Executions } from "./executions.ts";
import { findTarget, stateOf, type Target } from "./functions.ts";
import type { LambdaFaults } from "./index.ts";
import { admits, type InvokeSource } from "./policy.ts";
import { AsyncQueue, deliver } from "./queue.ts";

const SYNC_LIMIT_BYTES = 6 * 1024 * 1024;
const ASYNC_LIMIT_BYTES = 1024 * 1024;
const TAIL_BYTES = 4096;

export interface Invoker {
  invoke(input: any, caller: Caller): Promise<any>;
  readonly executions: Executions;
  readonly queue: AsyncQueue;
}

export function createInvoker(world: World, environments: RunsFunctions, options: LambdaOptions, faults: LambdaFaults): Invoker {
  const inside = (region: string, principal = "lambda.amazonaws.com"): Caller => ({
    region,
    account: world.account,
    principal,
    requestId: world.id(32),
  });

  /** Every invocation passes here: story and metrics. */
  const run = (target: Target, requestId: string, json: string): Run => {
    const { record, version } = target;
    const startedMs = world.now();
    let running: Run;
    try {
      running = environments.run(target, requestId, json);
    } catch (error) {
      if ((error as ServiceError).code === "TooManyRequestsException") measure(world, target, { Throttles: 1 });
      throw error;
    }
    world.tell({
      kind: "invoke",
      region: record.region,
      service: "lambda",
      what: `${record.name} is invoked`,
      detail: { functionName: record.name, version: version.version, requestId },
    });
    void running.outcome.then(
      (outcome) => {
        if (world.closed) return;
        const durationMs = world.now() - startedMs;
        measure(world, target, { Invocations: 1, Errors: outcome.ok ? 0 : 1, Duration: durationMs });
        if (outcome.ok) return;
        const what = `${record.name} failed: ${outcome.failure.errorType}: ${outcome.failure.errorMessage}`;
        world.tell({
          kind: "invoke",
          region: record.region,
          service: "lambda",
          what,
          detail: { functionName: record.name, requestId, ms: durationMs },
        });
      },
      () => {},
    );
    return running;
  };

  const executions: Executions = new Executions(world, {
    run,
    faults,
    speed: options.durableSpeed ?? 1,
    firstPage: options.durableFirstPage ?? 100,
    target: (record) => findTarget(world, record.functionName, record.version, inside(record.region)),
    async chain(functionName, input, record) {
      const owner = findTarget(world, record.functionName, record.version, inside(record.region));
      const answer = await invoke({ FunctionName: functionName, Payload: Buffer.from(input) }, inside(record.region, owner.version.role));
      const text = Buffer.from(answer.Payload ?? "").toString("utf8");
      if (!answer.FunctionError) return { result: text };
      const failure = JSON.parse(text || "{}");
      return { error: { ErrorType: failure.errorType, ErrorMessage: failure.errorMessage } };
    },
    ended(record) {
      if (record.asynchronous) void tellEnd(record);
    },
  });

  async function tellEnd(record: ExecutionRecord): Promise<void> {
    // A function that was deleted meanwhile has taken its destinations with it.
    if (!stateOf(world).functions[`${record.region}/${record.functionName}`]) return;
    const target = findTarget(world, record.functionName, record.version, inside(record.region));
    const config = target.record.eventInvoke[record.qualifier]?.DestinationConfig;
    const succeeded = record.status === "SUCCEEDED";
    await deliver(world, target, succeeded ? config?.OnSuccess?.Destination : config?.OnFailure?.Destination, {
      version: "1.0",
      timestamp: new Date(world.now()).toISOString(),
      requestContext: {
        requestId: record.arn,
        functionArn: target.arn,
        condition: succeeded ? "Success" : "RetriesExhausted",
        approximateInvokeCount: record.invocations,
      },
      requestPayload: JSON.parse(record.payload),
      responseContext: { statusCode: 200, executedVersion: record.version, ...(succeeded ? {} : { functionError: "Unhandled" }) },
      responsePayload: succeeded ? JSON.parse(record.result || "null") : record.error,
    });
  }

  const queue = new AsyncQueue(world, {
    run,
    retryDelaysMs: options.asyncRetryDelaysMs,
    doubled: (functionName) => faults.doubled?.(functionName) ?? false,
    target: (event) => findTarget(world, event.functionName, event.qualifier, inside(event.region)),
  });

  async function invoke(input: any, caller: Caller): Promise<any> {
    const target = findTarget(world, input.FunctionName, input.Qualifier, caller);
    admit(target, sourceOf(input, caller), caller);
    const kind = input.InvocationType ?? "RequestResponse";
    if (!["RequestResponse", "Event", "DryRun"].includes(kind)) {
      throw new ServiceError(
        "InvalidParameterValueException",
        `InvocationType '${kind}' is not valid: expected RequestResponse, Event or DryRun.`,
      );
    }
    const json = payloadOf(input.Payload, kind === "Event" ? ASYNC_LIMIT_BYTES : SYNC_LIMIT_BYTES);
    const durable = target.version.durable !== undefined;
    if (durable && !target.qualifier) {
      throw new ServiceError(
        "InvalidParameterValueException",
        `You cannot invoke a durable function using an unqualified ARN: name a version, an alias or $LATEST (${target.arn}:$LATEST).`,
      );
    }
    if (!durable && input.DurableExecutionName)
      throw new ServiceError(
        "InvalidParameterValueException",
        `${target.record.name} is not a durable function: DurableExecutionName does not apply.`,
      );
    if (input.DurableExecutionName && !/^[a-zA-Z0-9-_]{1,64}$/.test(input.DurableExecutionName)) {
      throw new ServiceError(
        "InvalidParameterValueException",
        `DurableExecutionName '${input.DurableExecutionName}' is not valid: 1 to 64 letters, digits, - or _.`,
      );
    }
    if (kind === "DryRun") return { StatusCode: 204 };
    if (durable) return invokeDurable(target, input.DurableExecutionName, json, kind === "Event");
    if (kind === "Event") {
      queue.accept(target, uuid(world), json);
      return { StatusCode: 202 };
    }
    const requestId = uuid(world);
    const startedMs = world.now();
    const running = run(target, requestId, json);
    const outcome = await running.outcome;
    const answer = {
      StatusCode: 200,
      ExecutedVersion: target.version.version,
      Payload: Buffer.from(outcome.json),
      ...(outcome.ok ? {} : { FunctionError: "Unhandled" }),
    };
    return input.LogType === "Tail" ? { ...answer, LogResult: tail(requestId, target, running.lines, world.now() - startedMs) } : answer;
  }

  async function invokeDurable(target: Target, name: string | undefined, json: string, asynchronous: boolean): Promise<any> {
    const record = executions.begin(target, name, json, asynchronous);
    const answer = { ExecutedVersion: record.version, DurableExecutionArn: record.arn };
    if (asynchronous) return { ...answer, StatusCode: 202 };
    await executions.end(record);
    if (record.status === "SUCCEEDED") return { ...answer, StatusCode: 200, Payload: Buffer.from(record.result ?? "null") };
    const { ErrorType, ErrorMessage, ErrorData, StackTrace } = record.error ?? {};
    const failure = { errorType: ErrorType, errorMessage: ErrorMessage, errorData: ErrorData, stackTrace: StackTrace };
    return { ...answer, StatusCode: 200, FunctionError: "Unhandled", Payload: Buffer.from(JSON.stringify(failure)) };
  }

  return { invoke, executions, queue };
}

/** The service that invokes, if it is one: then the function's resource policy decides. */
function sourceOf(input: any, caller: Caller): InvokeSource | undefined {
  if (input.LabSource) return input.LabSource as InvokeSource;
  const service = caller.principal.endsWith(".amazonaws.com") && caller.principal !== "lambda.amazonaws.com";
  return service ? { service: caller.principal } : undefined;
}

function admit(target: Target, source: InvokeSource | undefined, caller: Caller): void {
  if (!source) return;
  const key = target.qualifier === undefined || target.qualifier === "$LATEST" ? "" : target.qualifier;
  if (admits(target.record.policies[key] ?? [], source, caller.account)) return;
  throw new ServiceError(
    "AccessDeniedException",
    `${source.service} is not authorized to perform: lambda:InvokeFunction on resource: ${target.arn} because no resource-based policy allows it${source.arn ? ` for ${source.arn}` : ""}`,
    403,
  );
}

function payloadOf(payload: Uint8Array | string | undefined, limitBytes: number): string {
  const bytes = Buffer.from(payload ?? "");
  if (bytes.byteLength === 0) return "{}";
  if (bytes.byteLength > limitBytes) {
    throw new ServiceError(
      "RequestTooLargeException",
      `Request must be smaller than ${limitBytes} bytes for the InvokeFunction operation; it has ${bytes.byteLength}.`,
      413,
    );
  }
  const json = bytes.toString("utf8");
  try {
    JSON.parse(json);
  } catch (error) {
    throw new ServiceError("InvalidRequestContentException", `Could not parse request body into json: ${(error as Error).message}`);
  }
  return json;
}

/** The last 4 KB of the invocation's log, base64, as LogType Tail asks. */
function tail(requestId: string, target: Target, lines: readonly string[], ms: number): string {
  const report = `REPORT RequestId: ${requestId}\tDuration: ${ms}.00 ms\tBilled Duration: ${ms} ms\tMemory Size: ${target.version.memorySizeMb} MB`;
  const log = [
    `START RequestId: ${requestId} Version: ${target.version.version}`,
    ...lines,
    `END RequestId: ${requestId}`,
    report,
    "",
  ].join("\n");
  return Buffer.from(log).subarray(-TAIL_BYTES).toString("base64");
}

/** Lambda's own metrics in CloudWatch, when the lab has one. */
function measure(world: World, { record }: Target, values: Record<string, number>): void {
  if (!world.services.has("monitoring")) return;
  const MetricData = Object.entries(values).map(([MetricName, Value]) => ({
    MetricName,
    Value,
    Unit: MetricName === "Duration" ? "Milliseconds" : "Count",
    Timestamp: new Date(world.now()),
    Dimensions: [{ Name: "FunctionName", Value: record.name }],
  }));
  world
    .call(
      "monitoring",
      "PutMetricData",
      { Namespace: "AWS/Lambda", MetricData },
      { region: record.region, principal: "lambda.amazonaws.com" },
    )
    .catch((error: Error) => {
      world.tell({
        kind: "lab",
        region: record.region,
        service: "lambda",
        what: `the metrics of ${record.name} were not taken: ${error.message}`,
      });
    });
}
