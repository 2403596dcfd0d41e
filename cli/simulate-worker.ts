/** One of the simulation's workers: runs the seeds it is given, one after another, and reports each. */
import { parentPort, workerData } from "node:worker_threads";
import type { Plan } from "../core/plan/schema.ts";
import { latchedDatabases, latches } from "../infra/latch.ts";
import { Code } from "../lab/simulation/environments.ts";
import { type RunResult, simulate } from "../lab/simulation/run.ts";
import { type Only, sceneOf } from "../lab/simulation/scene.ts";
import { shorten, storyLines } from "../lab/simulation/story.ts";

export interface Work {
  readonly plan: Plan;
  /** The plan as it stands, whatever the seed. */
  readonly fixed: boolean;
  /** Every seed's scene is of this kind. */
  readonly only: Only | undefined;
  readonly sources: Readonly<Record<string, string>>;
  readonly seeds: readonly number[];
  readonly safetyMs: number;
  readonly skewMs: number;
  readonly without: readonly string[];
}

export interface Report extends Omit<RunResult, "events"> {
  /** Only of a run that broke a rule. */
  readonly story: readonly string[];
  readonly without: readonly string[];
}

/** Stories are shortened for the first few alone: each costs as many runs as things befell it. */
const SHORTENED = 3;

// Most errors are the weather's, and where one was made is told by --story, which runs elsewhere; to find it out for each takes a twentieth of the time.
Error.stackTraceLimit = 0;
const { plan, fixed, only, sources, seeds, safetyMs, skewMs, without } = workerData as Work;
const code = new Map(Object.entries(sources).map(([name, source]) => [name, new Code(name, source)]));
let broken = 0;
for (const seed of seeds) {
  const scene = fixed ? { plan, safetyMs } : sceneOf(plan, seed, safetyMs, only);
  const latchResources = latchedDatabases(scene.plan).length > 0 ? latches(scene.plan) : undefined;
  const options = { seed, ...scene, latchResources, code, skewMs, without: new Set(without) };
  const found = await simulate(options).catch((cause: unknown) => {
    throw new Error(`seed ${seed} could not be run: ${(cause as Error).message}`, { cause });
  });
  const { events: _, ...plain } = found;
  let report: Report = { ...plain, story: [], without };
  if (found.violations.length > 0 && ++broken <= SHORTENED) {
    const short = await shorten(options, found);
    report = { ...report, violations: short.result.violations, story: storyLines(short.result), without: short.without };
  }
  parentPort?.postMessage(report);
}
