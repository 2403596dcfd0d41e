// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The history of a durable execution, in the shapes GetDurableExecutionHistory answers. Only writes down; decides nothing.
 */
import type { ErrorObject, OperationRecord } from "./operations.ts";

/** One event, times as milliseconds. */
export interface HistoryEvent {
  readonly EventType: string;
  readonly EventId: number;
  readonly EventTimestamp: number;
  readonly [member: string]: unknown;
}

const PREFIX: Record<string, string> = {
  EXECUTION: "Execution",
  CONTEXT: "Context",
  STEP: "Step",
  WAIT: "Wait",
  CALLBACK: "Callback",
  CHAINED_INVOKE: "ChainedInvoke",
};
const SUFFIX: Record<string, string> = {
  STARTED: "Started",
  SUCCEEDED: "Succeeded",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
  TIMED_OUT: "TimedOut",
  STOPPED: "Stopped",
};

/** The event an operation's present state stands for; none for READY, and for a callback or invoke that was given up. */
export function eventOf(operation: OperationRecord, at: number, eventId: number, executionTimeout: number): HistoryEvent | undefined {
  const retried = operation.status === "PENDING";
  const suffix = retried ? (operation.error ? "Failed" : "Succeeded") : SUFFIX[operation.status];
  const prefix = PREFIX[operation.type];
  if (!suffix || (suffix === "Cancelled" && operation.type !== "WAIT")) return undefined;
  const kind = `${prefix}${suffix}`;
  return {
    EventType: kind,
    EventId: eventId,
    EventTimestamp: at,
    Id: operation.id,
    ...(operation.name ? { Name: operation.name } : {}),
    ...(operation.subType ? { SubType: operation.subType } : {}),
    ...(operation.parentId ? { ParentId: operation.parentId } : {}),
    [`${kind}Details`]: detailsOf(operation, suffix, executionTimeout),
  };
}

function detailsOf(operation: OperationRecord, suffix: string, executionTimeout: number): object {
  if (suffix === "Started") {
    if (operation.type === "EXECUTION") return { Input: { Payload: operation.input }, ExecutionTimeout: executionTimeout };
    if (operation.type === "WAIT") return { Duration: operation.waitSeconds, ScheduledEndTimestamp: operation.scheduledEndMs };
    if (operation.type === "CALLBACK")
      return { CallbackId: operation.callbackId, Timeout: operation.timeoutSeconds, HeartbeatTimeout: operation.heartbeatSeconds };
    if (operation.type === "CHAINED_INVOKE") return { FunctionName: operation.functionName, Input: { Payload: operation.input } };
    return {};
  }
  if (operation.type === "WAIT") return suffix === "Succeeded" ? { Duration: operation.waitSeconds } : {};
  const retry =
    operation.type === "STEP"
      ? {
          RetryDetails: {
            CurrentAttempt: operation.attempt ?? 1,
            ...(operation.retryDelaySeconds === undefined ? {} : { NextAttemptDelaySeconds: operation.retryDelaySeconds }),
          },
        }
      : {};
  return suffix === "Succeeded"
    ? { Result: { Payload: operation.result }, ...retry }
    : { Error: { Payload: operation.error ?? {} }, ...retry };
}

export function invocationEvent(
  eventId: number,
  startedMs: number,
  endedMs: number,
  requestId: string,
  error: ErrorObject | undefined,
): HistoryEvent {
  return {
    EventType: "InvocationCompleted",
    EventId: eventId,
    EventTimestamp: endedMs,
    InvocationCompletedDetails: {
      StartTimestamp: startedMs,
      EndTimestamp: endedMs,
      RequestId: requestId,
      ...(error ? { Error: { Payload: error } } : {}),
    },
  };
}

/** The wire form: times as Dates, and without payloads when they are not wanted. */
export function wireEvent(event: HistoryEvent, withData: boolean): any {
  const convert = (key: string, value: any): any => {
    if (typeof value === "number" && key.endsWith("Timestamp")) return new Date(value);
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    if (!withData && ["Input", "Result", "Error"].includes(key)) return {};
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, convert(name, inner)]));
  };
  return convert("", event);
}
