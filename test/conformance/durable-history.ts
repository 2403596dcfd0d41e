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
