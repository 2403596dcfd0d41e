/** What both simulations do with seeds: share them among workers, hear each one's report, sum up what came out as one hash. */
import { createHash } from "node:crypto";
import { Worker, type WorkerOptions } from "node:worker_threads";

export interface Seeds {
  readonly first: number;
  readonly runs: number;
  readonly workers: number;
}

/** Runs leave much that is short-lived; room for it saves a third of the time. */
const YOUNG_MB = 768;

/** `file`: of the worker, which finds its `seeds` beside `work` and posts one report for each. Resolves with all of them. */
export async function overSeeds<Report>(
  file: URL,
  { first, runs, workers }: Seeds,
  work: object,
  atEnd: (end: () => unknown) => void,
  hear: (report: Report) => void,
  limits: WorkerOptions["resourceLimits"] = {},
): Promise<Report[]> {
  const reports: Report[] = [];
  const share = (worker: number): Promise<void> => {
    const seeds = Array.from({ length: runs }, (_, run) => first + run).filter((_, run) => run % workers === worker);
    const thread = new Worker(file, {
      workerData: { ...work, seeds },
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB, ...limits },
    });
    atEnd(() => thread.terminate());
    return new Promise((resolve, reject) => {
      thread.on("message", (report: Report) => {
        reports.push(report);
        hear(report);
      });
      thread.on("error", reject);
      thread.on("exit", () => resolve());
    });
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => share(worker)));
  if (reports.length !== runs) throw new Error(`Only ${reports.length} of ${runs} runs were reported: a worker ended early.`);
  return reports;
}

/** In the order of their seeds. */
export const bySeed = <Report extends { readonly seed: number }>(reports: readonly Report[]): Report[] =>
  reports.toSorted((one, other) => one.seed - other.seed);

/** Of everything that happened in all runs. */
export function hashOf(sorted: readonly { readonly seed: number; readonly hash: string }[]): string {
  const hash = createHash("sha256");
  for (const each of sorted) hash.update(`${each.seed} ${each.hash}\n`);
  return hash.digest("hex").slice(0, 16);
}

/** An option's number. */
export function numberOf(name: string, text: string, from: number, to: number, whole = true): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= from && value <= to && (!whole || Number.isInteger(value))) return value;
  throw new Error(`--${name} is "${text}", expected a ${whole ? "whole " : ""}number from ${from} to ${to}.`);
}
