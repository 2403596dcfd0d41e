/**
 * What is kept of a durable execution, the names of its callbacks, and how its changes are said in words. Changes nothing itself.
 */
import type { World } from "../world.ts";
import type { HistoryEvent } from "./history.ts";
import type { ErrorObject, OperationRecord, Operations } from "./operations.ts";

export type ExecutionStatus = "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "STOPPED";

export interface ExecutionRecord {
  readonly arn: string;
  readonly name: string;
  readonly region: string;
  readonly functionName: string;
  /** The version all its invocations run. */
  readonly version: string;
  readonly qualifier: string;
  readonly payload: string;
  readonly asynchronous: boolean;
  readonly startedMs: number;
  readonly timeoutSeconds: number;
  readonly retentionDays: number;
  status: ExecutionStatus;
  result?: string;
  error?: ErrorObject;
  endedMs?: number;
  operations: Operations;
  /** Operations that changed since the function was last told. */
  changed: string[];
  /** The one checkpoint token that is good now. */
  token: string;
  invocations: number;
  /** Invocations that crashed since the last progress. */
  crashes: number;
  history: HistoryEvent[];
}

const WORDS: Record<string, string> = {
  EXECUTION: "execution",
  CONTEXT: "context",
  STEP: "step",
  WAIT: "wait",
  CALLBACK: "callback",
  CHAINED_INVOKE: "invoke",
};
const PAST: Record<string, string> = {
  STARTED: "started",
  SUCCEEDED: "succeeded",
  FAILED: "failed",
  CANCELLED: "was cancelled",
  TIMED_OUT: "timed out",
  READY: "is tried again",
};

/** How an execution's end is told. */
export const ENDINGS: Record<ExecutionStatus, string> = {
  RUNNING: "is running",
  SUCCEEDED: "succeeded",
  FAILED: "failed",
  STOPPED: "was stopped",
  TIMED_OUT: "timed out",
};

/** "step fence succeeded", "step promote failed (Throttling), try 2 follows". */
export function inWords(operation: OperationRecord): string {
  const { status, error } = operation;
  const what = `${WORDS[operation.type]} ${operation.name ?? operation.subType ?? operation.id.slice(0, 8)}`;
  if (status === "PENDING") {
    const why = error ? `failed (${error.ErrorMessage ?? error.ErrorType ?? "no reason"})` : "is not there yet";
    return `${what} ${why}, try ${(operation.attempt ?? 0) + 1} follows`;
  }
  return `${what} ${PAST[status] ?? status}${status === "FAILED" && error?.ErrorMessage ? `: ${error.ErrorMessage}` : ""}`;
}

export function callbackIdOf(arn: string, operationId: string): string {
  return Buffer.from(JSON.stringify([arn, operationId])).toString("base64");
}

/** The execution's ARN and the operation's id; empty for what is no callback id. */
export function callbackParts(callbackId: string | undefined): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(callbackId ?? "", "base64").toString("utf8"));
    return Array.isArray(parts) ? parts.map(String) : [];
  } catch {
    return [];
  }
}

/** An id in the form of a UUID, from the world's own chance. */
export function uuid(world: World): string {
  const hex = world.id(32);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
