/** One outage cut into stages: the shapes, medians and ranges. Pure. */

/** In the order they come; the naive job server has fewer. */
export const STAGES = ["detect", "decide", "fence", "drain", "promote", "repoint", "TTL", "first write"] as const;
export type Stage = (typeof STAGES)[number];

export interface Run {
  readonly seed: number;
  /** From the kill of the primary's processes to the client's first acknowledged order at the new one. */
  readonly outageMs: number;
  readonly stages: Partial<Record<Stage, number>>;
  /** How much of a stage AWS took for its own work: a change of security groups, the promotion with the engine's own restart, Route 53's spreading. */
  readonly awsMs: Partial<Record<Stage, number>>;
  readonly lost: number;
  /** What was drawn by chance for this run, in words. */
  readonly drawn: string;
}

/** Neither the window in which nobody may act yet, nor the time a client keeps an answer, which it was told to do. */
const WAITED_FOR: readonly Stage[] = ["detect", "TTL"];

/** Turns the moments at which stages ended into their lengths. A stage that ended before the one above it took no time of its own. */
export function stagesBetween(fromMs: number, ends: readonly (readonly [Stage, number])[]): Partial<Record<Stage, number>> {
  let from = fromMs;
  const stages: Partial<Record<Stage, number>> = {};
  for (const [stage, at] of ends) {
    stages[stage] = Math.max(0, at - from);
    from = Math.max(from, at);
  }
  return stages;
}

/** All but the detection window and the TTL. */
export const actedMs = (run: Run): number =>
  STAGES.filter((stage) => !WAITED_FOR.includes(stage)).reduce((sum, stage) => sum + (run.stages[stage] ?? 0), 0);

/** AWS's part of it. */
export const awsMs = (run: Run): number => Object.values(run.awsMs).reduce((sum, ms) => sum + ms, 0);

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
  return { median, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}
