/**
 * Hears every AWS call that is made on behalf of some work, for the evidence. Changes no call, and hears none that nobody asked for.
 * One entry is one call as its caller made it: the SDK's own further tries are counted within.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Call } from "../core/evidence.ts";
import { codeOf } from "./errors.ts";
import { storeNowMs } from "./store-clock.ts";

const hearers = new AsyncLocalStorage<(call: Call) => void>();

/** Every call made by `work`, in its own asynchronous context, is heard when it has ended. */
export const hearingCalls = <Result>(hear: (call: Call) => void, work: () => Promise<Result>): Promise<Result> => hearers.run(hear, work);

interface Made {
  readonly clientName?: string;
  readonly commandName?: string;
}

/** Middleware for every client: `region` is the one it was made for. */
export const isHeard =
  (region: string) =>
  <Given extends { readonly input: unknown }, Answer>(next: (given: Given) => Promise<Answer>, made: Made) =>
  async (given: Given): Promise<Answer> => {
    const hear = hearers.getStore();
    if (!hear) return await next(given);
    const atMs = storeNowMs();
    const told = (answer: string, end: unknown): void =>
      hear({
        service: (made.clientName ?? "").replace(/Client$/, ""),
        operation: (made.commandName ?? "").replace(/Command$/, ""),
        region,
        target: targetOf(given.input),
        atMs,
        tookMs: storeNowMs() - atMs,
        times: 1,
        tries: ((end ?? {}) as { $metadata?: { attempts?: number } }).$metadata?.attempts ?? 1,
        answer,
      });
    try {
      const answer = await next(given);
      told("ok", (answer as { output?: unknown }).output);
      return answer;
    } catch (error) {
      told(codeOf(error), error);
      throw error;
    }
  };

/** What a call was about; the first of these that its input has. Secrets go by their name, never by their value. */
const NAMES = [
  "DBInstanceIdentifier",
  "DBParameterGroupName",
  "Key",
  "HostedZoneId",
  "DurableExecutionName",
  "FunctionName",
  "SecretId",
  "Namespace",
];

function targetOf(input: unknown): string | null {
  const given = (input ?? {}) as Record<string, unknown>;
  const name = NAMES.map((key) => given[key]).find((value) => typeof value === "string");
  return (name as string | undefined) ?? null;
}
