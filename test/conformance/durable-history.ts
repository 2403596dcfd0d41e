// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Brings the history of a durable execution into a form in which two runs of one story can be compared: every event in its order,
 * with names for ids, without times and without what only one run can have. Judges nothing.
 */
import type { Event } from "@aws-sdk/client-lambda";

/** One event as a line of plain values; undefined members are left out. */
export type Line = Record<string, unknown>;

/**
 * Left out: times, request and callback ids, stack traces; invocations, since how often a function is invoked between two
 * checkpoints is chance. Left out because AWS's kit does not play the service there: `CurrentAttempt` (the kit says 1, 1, 2 for a
 * step's first three failures; tries are counted by their starts instead), the type of a callback's timeout (the kit has none),
 * the function and the input of an invoke (empty in the kit).
 */
export function linesOf(events: readonly Event[]): Line[] {
  const names = new Map<string, string>();
  const tries = new Map<string, number>();
  const nameOf = (id: string | undefined) => (id === undefined ? undefined : names.get(id));
  return events
    .filter(({ EventType }) => EventType !== "InvocationCompleted")
    .map((event) => {
      const { EventType, Id, Name, SubType, ParentId } = event;
      if (Id && !names.has(Id)) names.set(Id, Name ?? `${SubType ?? "execution"} without a name`);
      if (EventType === "StepStarted") tries.set(Id ?? "", (tries.get(Id ?? "") ?? 0) + 1);
      const details: any = (event as any)[`${EventType}Details`] ?? {};
      const { Input, Result, Error: error, RetryDetails: retry } = details;
      return {
        what: EventType,
        name: Name,
        subType: SubType,
        inside: nameOf(ParentId),
        ...given({
          id: EventType?.startsWith("Execution") ? undefined : Id,
          input: EventType === "ChainedInvokeStarted" ? undefined : Input?.Payload,
          result: Result?.Payload,
          error: error?.Payload && {
            type: EventType === "CallbackTimedOut" ? undefined : error.Payload.ErrorType,
            message: error.Payload.ErrorMessage,
            data: error.Payload.ErrorData,
          },
          seconds: details.Duration,
          timeoutSeconds: details.Timeout,
          heartbeatSeconds: details.HeartbeatTimeout,
          tries: EventType?.startsWith("Step") ? tries.get(Id ?? "") : undefined,
          againInSeconds: retry?.NextAttemptDelaySeconds,
        }),
      };
    })
    .map(given);
}

function given(line: Line): Line {
  return Object.fromEntries(Object.entries(line).filter(([, value]) => value !== undefined && value !== ""));
}

/**
 * What is left of a runbook's history when the world's own pace is taken out: of a condition only its last look, and results without
 * times, lags, addresses and ids of changes.
 */
export function settled(lines: readonly Line[]): Line[] {
  return lines
    .filter((line) => line.subType !== "WaitForCondition" || (line.what !== "StepStarted" && line.againInSeconds === undefined))
    .map((line) => {
      const { tries, ...rest } = line;
      const kept = line.subType === "WaitForCondition" ? rest : line;
      return Object.fromEntries(
        Object.entries(kept).map(([key, value]) => [key, key === "result" ? paceless(JSON.parse(String(value))) : value]),
      );
    });
}

function paceless(value: any, key = ""): any {
  // How often a step looked, and what a warm process still knew and did not ask for.
  if (key === "calls" || key === "looks") return `the ${key}`;
  if (Array.isArray(value)) return value.map((each) => paceless(each));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, paceless(each, name)]));
  if (typeof value === "number" && /Ms$|[Ll]ag|[Ss]econds/.test(key)) return `a ${key}`;
  // How far PostgreSQL's own counters have come depends on when they are read.
  if (key === "rowsChanged") return "a count";
  if (typeof value !== "string") return value;
  // A dying process resets a connection while it is made or while it is read, as it happens.
  if (key === "primaryTrouble") return "a trouble";
  if (key === "transactions") return "a place in the log";
  return value
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "(a date)")
    .replace(/\b[0-9A-F]+\/[0-9A-F]+\b/g, "(a place in the log)")
    .replace(/127\.\d+\.\d+\.\d+/g, "(an address)")
    .replace(/\/change\/\w+/g, "(a change)")
    .replace(/\d+(\.\d+)? m?s\b/g, "(seconds)");
}
