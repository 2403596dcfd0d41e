/**
 * How steps retry and how a runbook waits. A wait is durable: it costs nothing and survives a crash. Its smallest unit is a second,
 * so one look may try a few times within a second before it goes to wait; that keeps whole seconds out of an outage.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { DurableContext, StepConfig } from "@aws/durable-execution-sdk-js";
import { isCode } from "../aws/errors.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { Problem } from "../core/problem.ts";

/** What a look saw. A stage is done when its proof holds. */
export interface Proof {
  readonly holds: boolean;
  /** What was seen, or what is still missing. */
  readonly seen: string;
  readonly atMs: number;
}

export const proven = (seen: string): Proof => ({ holds: true, seen, atMs: storeNowMs() });
export const notYet = (seen: string): Proof => ({ holds: false, seen, atMs: storeNowMs() });

const STEP_TRIES = 6;
/** What waiting cannot cure: a lost claim, a missing instance, a refused parameter, a missing permission. */
const isFinal = (error: unknown): boolean =>
  (error instanceof Problem && !error.retry) || isCode(error, "AccessDenied", "UnauthorizedOperation");

/** Throttled calls, lost replies and states in between pass with time. */
// biome-ignore lint/suspicious/noExplicitAny: one retry habit for steps of every type
export const patiently: StepConfig<any> = {
  retryStrategy: (error, tries) => ({
    shouldRetry: tries < STEP_TRIES && !isFinal(error),
    delay: { seconds: Math.min(2 ** (tries - 1), 20) },
  }),
};

const LOOK_AGAIN_MS = 60;
const ONE_LOOK_MS = 900;

/** Looks until the proof holds, for at most `looks` looks a second apart; the last look's words become the error. */
export async function until(ctx: DurableContext, name: string, looks: number, look: () => Promise<Proof>): Promise<Proof> {
  const last = await ctx.waitForCondition<Proof>(name, () => lookFor(look), {
    initialState: notYet("nobody has looked yet"),
    waitStrategy: (proof, tries) =>
      proof.holds || tries >= looks ? { shouldContinue: false } : { shouldContinue: true, delay: { seconds: 1 } },
  });
  if (last.holds) return last;
  throw new Problem("NotProven", `"${name}" could not be proven; the last of ${looks} looks saw: ${last.seen}`, {
    hint: "Nothing is assumed without proof.",
  });
}

async function lookFor(look: () => Promise<Proof>): Promise<Proof> {
  const endsAtMs = Date.now() + ONE_LOOK_MS;
  for (;;) {
    const proof = await look().catch(sawNothing);
    if (proof.holds || Date.now() >= endsAtMs) return proof;
    await pause(LOOK_AGAIN_MS);
  }
}

/** A look that fails has seen nothing; one that meets a final Problem ends the wait. */
function sawNothing(error: Error): Proof {
  if (isFinal(error)) throw error;
  return notYet(error.message);
}

export /** A step's error arrives wrapped; the innermost message is the one a person needs. */
function reasonOf(error: unknown): string {
  let inner = error as Error;
  while (inner.cause instanceof Error) inner = inner.cause;
  return inner.message;
}
