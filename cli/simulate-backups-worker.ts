/** One of the workers of `npm run simulate:backups`: runs the seeds it is given, one after another, and reports each. */
import { parentPort, workerData } from "node:worker_threads";
import type { Plan } from "../core/plan/schema.ts";
import { Code } from "../lab/simulation/environments.ts";
import { type MonthResult, simulateMonth } from "../lab/simulation/month/run.ts";

export interface MonthWork {
  readonly plan: Plan;
  readonly sources: Readonly<Record<string, string>>;
  readonly seeds: readonly number[];
  readonly days: number;
  readonly without: readonly string[];
}

export type MonthReport = Omit<MonthResult, "events">;

Error.stackTraceLimit = 0;
const { plan, sources, seeds, days, without } = workerData as MonthWork;
const code = new Map(Object.entries(sources).map(([name, source]) => [name, new Code(name, source)]));
for (const seed of seeds) {
  const { events: _, ...report } = await simulateMonth({ seed, plan, code, days, without: new Set(without) }).catch((cause: unknown) => {
    throw new Error(`seed ${seed} could not be run: ${(cause as Error).message}`, { cause });
  });
  parentPort?.postMessage(report satisfies MonthReport);
}
