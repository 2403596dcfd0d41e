/**
 * How steps retry and how a runbook waits. A wait is durable: it costs nothing and survives a crash. Its smallest unit is a second,
 * so one look may try a few times within a second before it goes to wait; that keeps whole seconds out of an outage.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { DurableContext, StepConfig } from "@aws/durable-execution-sdk-js";
import { isCode } from "../aws/errors.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { Position } from "../core/facts.ts";
import { Problem } from "../core/problem.ts";

/** What a look saw. A stage is done when its proof holds. */
export interface Proof {
  readonly holds: boolean;
  /** What was seen, or what is still missing. */
  readonly seen: string;
  readonly atMs: number;
  /** Where a standby stood when it was seen to have everything. */
  readonly position?: Position;
  /** What no waiting cures, in words. */
  readonly final?: string;
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

/** For what is only told: nobody waits for a second try of it. */
// biome-ignore lint/suspicious/noExplicitAny: for steps of every type
export const once: StepConfig<any> = { retryStrategy: () => ({ shouldRetry: false }) };

/** What takes a moment is seen at most a twentieth of it late; what takes seconds is not asked for more often than need be. */
const LOOK_AGAIN_MS = { least: 5, most: 60, later: 300 };
/** The first look waits for what takes a second or two, because going to wait durably and coming back takes more than one. */
const FIRST_LOOK_MS = 2_000;
const ONE_LOOK_MS = 900;
const NOBODY_YET = "nobody has looked yet";

/**
 * Looks until the proof holds, for at most `looks` looks, usually a second apart; the last look's words become the error. Each is given
 * what the one before it returned, in whatever run of the function that was; of one that failed that stands, but for its words.
 */
export async function until<Seen extends Proof>(
  ctx: DurableContext,
  name: string,
  looks: number,
  look: (before: Seen | Proof) => Promise<Seen | Proof>,
  everySeconds = 1,
): Promise<Seen> {
  const last = await ctx.waitForCondition<Seen | Proof>(
    name,
    (before) =>
      before.seen === NOBODY_YET
        ? lookFor(look, before, FIRST_LOOK_MS, LOOK_AGAIN_MS.least)
        : lookFor(look, before, ONE_LOOK_MS, LOOK_AGAIN_MS.later),
    {
      initialState: notYet(NOBODY_YET),
      waitStrategy: (proof, tries) =>
        proof.holds || proof.final !== undefined || tries >= looks
          ? { shouldContinue: false }
          : { shouldContinue: true, delay: { seconds: everySeconds } },
    },
  );
  if (last.holds) return last as Seen;
  if (last.final !== undefined) throw new Error(last.final);
  throw new Problem("NotProven", `"${name}" could not be proven; the last of ${looks} looks saw: ${last.seen}`, {
    hint: "Nothing is assumed without proof.",
  });
}

/** One look: what it begins goes on beside the next steps, and whoever waits for it looks again. */
export const lookOnce = (ctx: DurableContext, name: string, look: () => Promise<Proof>): Promise<Proof> =>
  ctx.step(
    name,
    async () => {
      const proof = await look().catch(sawNothing);
      if (proof.final !== undefined) throw new Error(proof.final);
      return proof;
    },
    once,
  );

/**
 * For what nobody waits for: one look at a time, soon a minute apart, for about so many minutes, each given what the one before it
 * returned.
 */
export async function eventually<Seen extends Proof>(
  ctx: DurableContext,
  name: string,
  minutes: number,
  look: (before: Seen | Proof) => Promise<Seen | Proof>,
): Promise<Seen> {
  const last = await ctx.waitForCondition<Seen | Proof>(name, (before) => lookAfter(look, before), {
    initialState: notYet(NOBODY_YET),
    waitStrategy: (proof, tries) =>
      proof.holds || proof.final !== undefined || tries >= minutes + QUICK_LOOKS
        ? { shouldContinue: false }
        : { shouldContinue: true, delay: { seconds: Math.min(2 ** (tries - 1), 60) } },
  });
  if (last.holds) return last as Seen;
  if (last.final !== undefined) throw new Error(last.final);
  throw new Problem("NotProven", `"${name}" could not be proven in ${minutes} minutes; the last look saw: ${last.seen}`, {
    hint: "Nothing is assumed without proof.",
  });
}
/** Looks before they are a minute apart. */
const QUICK_LOOKS = 6;

const lookAfter = <Seen extends Proof>(
  look: (before: Seen | Proof) => Promise<Seen | Proof>,
  before: Seen | Proof,
): Promise<Seen | Proof> => look(before).catch((error) => ({ ...before, ...sawNothing(error) }));

async function lookFor<Seen extends Proof>(
  look: (before: Seen | Proof) => Promise<Seen | Proof>,
  before: Seen | Proof,
  patienceMs: number,
  leastMs: number,
): Promise<Seen | Proof> {
  const startedAtMs = Date.now();
  let proof = before;
  for (;;) {
    proof = await lookAfter(look, proof);
    const sinceMs = Date.now() - startedAtMs;
    if (proof.holds || proof.final !== undefined || sinceMs >= patienceMs) return proof;
    await pause(Math.max(leastMs, Math.min(LOOK_AGAIN_MS.most, sinceMs / 20)));
  }
}

/**
 * A look that fails has seen nothing; one that meets a final Problem ends the wait, by what it returns: what a look throws on a later try of
 * the same invocation, the SDK checkpoints as failed twice, and the execution ends there.
 */
const sawNothing = (error: Error): Proof => ({ ...notYet(error.message), ...(isFinal(error) ? { final: error.message } : {}) });

/** A step's error arrives wrapped; the innermost message is the one a person needs. */
export function reasonOf(error: unknown): string {
  let inner = error as Error;
  while (inner.cause instanceof Error) inner = inner.cause;
  return inner.message;
}
