/**
 * Notes a move while it runs, and keeps it. The notes live in the move's own durable story, each step's calls beside its result, so a
 * move that is interrupted and goes on in another process tells the same.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { hearingCalls } from "../aws/calls.ts";
import { appendDocument, appendText } from "../aws/documents.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { type Call, type Evidence, evidenceKey, type Step } from "../core/evidence.ts";
import { evidencePage } from "../core/evidence-page.ts";
import type { Settings } from "./settings.ts";
import { reasonOf } from "./until.ts";

export interface Noted {
  readonly ctx: DurableContext;
  /** What has been done so far. */
  readonly steps: readonly Step[];
}

/** What a step leaves in the durable story. */
interface Kept<Value> {
  readonly value: Value;
  readonly atMs: number;
  readonly endedAtMs: number;
  readonly looks: number;
  readonly calls: readonly Call[];
}

type Work<Value> = (...given: never[]) => Promise<Value>;
interface Condition<Value> {
  readonly initialState: Value;
  readonly waitStrategy: (state: Value, tries: number) => unknown;
}

/**
 * Calls of a step's tries that failed, by execution: they belong to the try that succeeds, which Lambda may run in an invocation of its
 * own. Tries of a process that died are not told.
 */
const failed = new Map<string, Call[]>();

/** A context that behaves as the one given and notes what passes through it: steps, looks and waits, one after the other. */
export function noting(ctx: DurableContext, execution: string): Noted {
  const steps: Step[] = [];

  const heard = async <Value>(work: () => Promise<Value>): Promise<Kept<Value>> => {
    const calls: Call[] = [];
    const atMs = storeNowMs();
    try {
      const value = await hearingCalls((call) => calls.push(call), work);
      const all = [...(failed.get(execution) ?? []), ...calls];
      failed.delete(execution);
      return { value, atMs, endedAtMs: storeNowMs(), looks: 1, calls: merged(all) };
    } catch (error) {
      failed.set(execution, [...(failed.get(execution) ?? []), ...calls]);
      throw error;
    }
  };
  const note = async <Value>(name: string, kept: PromiseLike<Kept<Value>>): Promise<Value> => {
    try {
      const { value, atMs, endedAtMs, looks, calls } = await kept;
      steps.push({ name, atMs, endedAtMs, looks, seen: seenIn(value), holds: holdsIn(value), failed: false, calls });
      return value;
    } catch (error) {
      // The durable story keeps no calls of a step that failed: those of its last tries are still in mind.
      const calls = merged(failed.get(execution) ?? []);
      failed.delete(execution);
      const atMs = steps.at(-1)?.endedAtMs ?? 0;
      const endedAtMs = Math.max(atMs, ...calls.map((call) => call.atMs + call.tookMs));
      steps.push({ name, atMs, endedAtMs, looks: 0, seen: reasonOf(error), holds: false, failed: true, calls });
      throw error;
    }
  };

  const step = <Value>(name: string, work: Work<Value>, config?: never): Promise<Value> =>
    note(
      name,
      ctx.step(name, (...given) => heard(() => work(...(given as unknown as never[]))), config),
    );

  const waitForCondition = <Value>(name: string, look: Work<Value>, config: Condition<Value>): Promise<Value> =>
    note(
      name,
      ctx.waitForCondition<Kept<Value>>(
        name,
        async (before, ...given) => {
          const now = await heard(() => look(...([before.value, ...given] as unknown as never[])));
          const first = before.looks === 0;
          return { ...now, atMs: first ? now.atMs : before.atMs, looks: before.looks + 1, calls: merged([...before.calls, ...now.calls]) };
        },
        {
          ...config,
          initialState: { value: config.initialState, atMs: 0, endedAtMs: 0, looks: 0, calls: [] },
          waitStrategy: (kept: Kept<Value>, tries: number) => config.waitStrategy(kept.value, tries) as never,
        },
      ),
    );

  const wait = ctx.wait.bind(ctx);
  return { ctx: { step, waitForCondition, wait } as unknown as DurableContext, steps };
}

/** Calls that are alike become one with a count: a wait may look thousands of times. */
export function merged(calls: readonly Call[]): Call[] {
  const alike = new Map<string, Call>();
  for (const call of calls) {
    const key = [call.service, call.operation, call.region, call.target, call.answer].join(" ");
    const known = alike.get(key);
    alike.set(
      key,
      known ? { ...known, tookMs: known.tookMs + call.tookMs, times: known.times + call.times, tries: known.tries + call.tries } : call,
    );
  }
  return [...alike.values()];
}

const seenIn = (value: unknown): string | null => {
  const { seen, sentence } = (value ?? {}) as { seen?: unknown; sentence?: unknown };
  return typeof seen === "string" ? seen : typeof sentence === "string" ? sentence : null;
};

const holdsIn = (value: unknown): boolean | null => {
  const { holds } = (value ?? {}) as { holds?: unknown };
  return typeof holds === "boolean" ? holds : null;
};

/** Never over another: a step that runs twice finds its own. Returns the key of the page for people; the data lies beside it. */
export async function keepEvidence(settings: Settings, evidence: Evidence, more: Readonly<Record<string, unknown>>): Promise<string> {
  const { database, execution } = evidence;
  const page = evidenceKey(database, execution, "html");
  await appendDocument(settings.state, evidenceKey(database, execution, "json"), { ...evidence, ...more });
  await appendText(settings.state, page, "text/html; charset=utf-8", evidencePage(evidence));
  return page;
}
