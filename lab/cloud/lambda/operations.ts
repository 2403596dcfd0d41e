// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The operations of one durable execution (steps, waits, callbacks, contexts, invokes): which update may follow which state,
 * and what it makes of it. Pure but for the time it is given; starts no timer and no process.
 */
import { ServiceError } from "../../wire/errors.ts";

export interface ErrorObject {
  ErrorType?: string;
  ErrorMessage?: string;
  ErrorData?: string;
  StackTrace?: string[];
}

export type OperationStatus = "STARTED" | "PENDING" | "READY" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "TIMED_OUT" | "STOPPED";

export interface OperationRecord {
  readonly id: string;
  readonly parentId?: string;
  readonly name?: string;
  readonly type: "EXECUTION" | "CONTEXT" | "STEP" | "WAIT" | "CALLBACK" | "CHAINED_INVOKE";
  readonly subType?: string;
  readonly startedMs: number;
  status: OperationStatus;
  endedMs?: number;
  /** EXECUTION and CHAINED_INVOKE: the input. */
  readonly input?: string;
  result?: string;
  error?: ErrorObject;
  /** STEP: tries that ended. */
  attempt?: number;
  nextAttemptMs?: number;
  /** As asked for, however fast time runs here. */
  retryDelaySeconds?: number;
  /** WAIT */
  waitSeconds?: number;
  scheduledEndMs?: number;
  /** CALLBACK */
  callbackId?: string;
  timeoutSeconds?: number;
  timeoutMs?: number;
  heartbeatSeconds?: number;
  heartbeatMs?: number;
  /** CONTEXT */
  replayChildren?: boolean;
  /** CHAINED_INVOKE */
  functionName?: string;
}

export type Operations = Record<string, OperationRecord>;

function refuse(message: string): never {
  throw new ServiceError("InvalidParameterValueException", message, 400);
}

/** For each type and action: the states it may follow. "none" is an operation that does not exist yet. */
const MAY_FOLLOW: Record<string, Record<string, readonly (OperationStatus | "none")[]>> = {
  STEP: {
    START: ["none", "READY"],
    SUCCEED: ["none", "STARTED", "READY"],
    FAIL: ["none", "STARTED", "READY"],
    RETRY: ["none", "STARTED", "READY"],
  },
  CONTEXT: { START: ["none"], SUCCEED: ["none", "STARTED"], FAIL: ["none", "STARTED"] },
  WAIT: { START: ["none"], CANCEL: ["STARTED"] },
  CALLBACK: { START: ["none"], CANCEL: ["STARTED"] },
  CHAINED_INVOKE: { START: ["none"], CANCEL: ["STARTED"] },
  EXECUTION: { SUCCEED: ["none", "STARTED"], FAIL: ["none", "STARTED"] },
};

/** Refuses a batch of updates that Lambda would refuse, whole. */
export function validate(updates: readonly any[], operations: Operations): void {
  const at = updates.findIndex((update) => update.Type === "EXECUTION");
  if (at >= 0 && at !== updates.length - 1) refuse("EXECUTION checkpoint must be the only one of its kind and the last update.");
  const begun = new Map<string, any>();
  for (const update of updates) {
    if (!update.Id) refuse("Operation update must have an Id.");
    const earlier = begun.get(update.Id);
    const known = operations[update.Id];
    if (earlier && !(["STEP", "CONTEXT"].includes(earlier.Type) && earlier.Action === "START" && update.Action !== "START")) {
      refuse("Cannot update the same operation twice in a single request.");
    }
    const parentType = update.ParentId ? (begun.get(update.ParentId)?.Type ?? operations[update.ParentId]?.type) : "CONTEXT";
    if (parentType !== "CONTEXT") refuse("Invalid parent operation id.");
    const allowed = MAY_FOLLOW[update.Type]?.[update.Action];
    if (!allowed) refuse(`Invalid ${update.Type} action ${update.Action}.`);
    const state = earlier ? "STARTED" : (known?.status ?? "none");
    if (!allowed.includes(state))
      refuse(
        `Invalid current ${update.Type} state to ${String(update.Action).toLowerCase()}: operation ${update.Name ?? update.Id} is ${state}.`,
      );
    if (known && known.type !== update.Type) refuse(`Operation ${update.Name ?? update.Id} is a ${known.type}, not a ${update.Type}.`);
    if (update.Action === "FAIL" && update.Payload != null) refuse("Cannot provide a Payload for FAIL action.");
    if (update.Action === "SUCCEED" && update.Error != null) refuse("Cannot provide an Error for SUCCEED action.");
    if (update.Action === "RETRY" && update.StepOptions == null) refuse("Invalid StepOptions for the given action.");
    begun.set(update.Id, update);
  }
}

const ENDS: Record<string, OperationStatus> = { SUCCEED: "SUCCEEDED", FAIL: "FAILED", CANCEL: "CANCELLED" };

/** Applies one valid update and returns the operation it changed. `wait(seconds)` says how long that is in milliseconds. */
export function apply(
  update: any,
  operations: Operations,
  now: number,
  wait: (seconds: number) => number,
  callbackId: (id: string) => string,
): OperationRecord {
  operations[update.Id] ??= {
    id: update.Id,
    ...(update.ParentId ? { parentId: update.ParentId } : {}),
    ...(update.Name ? { name: update.Name } : {}),
    ...(update.SubType ? { subType: update.SubType } : {}),
    ...(update.Type === "CHAINED_INVOKE"
      ? { input: update.Payload ?? "null", functionName: update.ChainedInvokeOptions?.FunctionName }
      : {}),
    type: update.Type,
    status: "STARTED",
    startedMs: now,
  };
  const operation = operations[update.Id] as OperationRecord;
  if (update.ContextOptions?.ReplayChildren !== undefined) operation.replayChildren = update.ContextOptions.ReplayChildren;
  if (update.Action === "START") {
    operation.status = "STARTED";
    delete operation.nextAttemptMs;
    delete operation.retryDelaySeconds;
    if (operation.type === "WAIT") {
      operation.waitSeconds = update.WaitOptions?.WaitSeconds ?? 0;
      operation.scheduledEndMs = now + wait(operation.waitSeconds ?? 0);
    }
    if (operation.type === "CALLBACK") {
      const { TimeoutSeconds = 0, HeartbeatTimeoutSeconds = 0 } = update.CallbackOptions ?? {};
      operation.callbackId = callbackId(operation.id);
      if (TimeoutSeconds > 0) Object.assign(operation, { timeoutSeconds: TimeoutSeconds, timeoutMs: now + wait(TimeoutSeconds) });
      if (HeartbeatTimeoutSeconds > 0)
        Object.assign(operation, { heartbeatSeconds: HeartbeatTimeoutSeconds, heartbeatMs: now + wait(HeartbeatTimeoutSeconds) });
    }
    return operation;
  }
  if (operation.type === "STEP") operation.attempt = (operation.attempt ?? 0) + 1;
  delete operation.result;
  delete operation.error;
  if (update.Payload != null) operation.result = update.Payload;
  if (update.Error != null) operation.error = update.Error;
  if (update.Action === "RETRY") {
    operation.status = "PENDING";
    operation.retryDelaySeconds = update.StepOptions?.NextAttemptDelaySeconds ?? 0;
    operation.nextAttemptMs = now + wait(operation.retryDelaySeconds ?? 0);
  } else {
    operation.status = ENDS[update.Action] as OperationStatus;
    operation.endedMs = now;
  }
  return operation;
}

/** When the operation changes by itself: a wait ends, a retry is due, a callback times out. */
export function dueMs(operation: OperationRecord): number | undefined {
  if (operation.type === "WAIT" && operation.status === "STARTED") return operation.scheduledEndMs;
  if (operation.type === "STEP" && operation.status === "PENDING") return operation.nextAttemptMs;
  if (operation.type !== "CALLBACK" || operation.status !== "STARTED") return undefined;
  const ends = [operation.timeoutMs, operation.heartbeatMs].filter((at) => at !== undefined);
  return ends.length > 0 ? Math.min(...ends) : undefined;
}

/** Makes the change that is due. */
export function settleDue(operation: OperationRecord, now: number): void {
  if (operation.type === "STEP") {
    operation.status = "READY";
    return;
  }
  operation.endedMs = now;
  if (operation.type === "WAIT") {
    operation.status = "SUCCEEDED";
    return;
  }
  const heartbeat =
    operation.heartbeatMs !== undefined &&
    operation.heartbeatMs <= now &&
    !(operation.timeoutMs !== undefined && operation.timeoutMs <= now);
  operation.status = "TIMED_OUT";
  operation.error = {
    ErrorType: heartbeat ? "Callback.Heartbeat" : "Callback.Timeout",
    ErrorMessage: heartbeat ? "Callback timed out on heartbeat" : "Callback timed out",
  };
}

/** Whether somebody outside (a timer, a person, another function) still has to finish it. */
export function isOutstanding(operation: OperationRecord): boolean {
  if (operation.type === "STEP") return operation.status === "PENDING";
  return ["WAIT", "CALLBACK", "CHAINED_INVOKE"].includes(operation.type) && operation.status === "STARTED";
}

/** What a replay is given: children of a finished context stay out unless it asked for them. */
export function replayed(operations: Operations): OperationRecord[] {
  const left = new Set<string>();
  return Object.values(operations).filter((operation) => {
    const parent = operation.parentId ? operations[operation.parentId] : undefined;
    const finished = parent?.type === "CONTEXT" && (parent.status === "SUCCEEDED" || parent.status === "FAILED");
    if (parent && (left.has(parent.id) || (finished && !parent.replayChildren))) {
      left.add(operation.id);
      return false;
    }
    return true;
  });
}

function dated(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}

/** The SDK's Operation shape; its Dates become ISO strings on an invocation event. */
export function wireOperation(operation: OperationRecord): any {
  const { type, result, error } = operation;
  const outcome = { ...(result === undefined ? {} : { Result: result }), ...(error === undefined ? {} : { Error: error }) };
  const details: Record<string, unknown> = {
    EXECUTION: { ExecutionDetails: { InputPayload: operation.input } },
    CONTEXT: {
      ContextDetails: { ...outcome, ...(operation.replayChildren === undefined ? {} : { ReplayChildren: operation.replayChildren }) },
    },
    STEP: {
      StepDetails: {
        ...outcome,
        Attempt: operation.attempt ?? 0,
        ...(operation.nextAttemptMs ? { NextAttemptTimestamp: dated(operation.nextAttemptMs) } : {}),
      },
    },
    WAIT: { WaitDetails: { ScheduledEndTimestamp: dated(operation.scheduledEndMs) } },
    CALLBACK: { CallbackDetails: { ...outcome, CallbackId: operation.callbackId } },
    CHAINED_INVOKE: { ChainedInvokeDetails: outcome },
  };
  return {
    Id: operation.id,
    ...(operation.parentId ? { ParentId: operation.parentId } : {}),
    ...(operation.name ? { Name: operation.name } : {}),
    ...(operation.subType ? { SubType: operation.subType } : {}),
    Type: type,
    Status: operation.status,
    StartTimestamp: dated(operation.startedMs),
    ...(operation.endedMs === undefined ? {} : { EndTimestamp: dated(operation.endedMs) }),
    ...(details[type] as object),
  };
}
