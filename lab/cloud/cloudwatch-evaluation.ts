/**
 * Decides an alarm's state from its datapoints: M of N, and missing data as CloudWatch treats it (the user guide's page
 * "Configuring how CloudWatch alarms treat missing data"). Pure: knows neither the clock nor the store.
 */
import type { Datapoint } from "./cloudwatch-metrics.ts";

export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";
export type MissingData = "missing" | "breaching" | "notBreaching" | "ignore";

export interface Rule {
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly comparison: string;
  readonly threshold: number;
  readonly treatMissingData: MissingData;
}

export interface Verdict {
  readonly state: AlarmState;
  readonly reason: string;
  /** The real datapoints the verdict rests on, newest first. */
  readonly points: readonly Datapoint[];
}

/** CloudWatch looks at more periods than it evaluates, so that a late datapoint is not at once a missing one. */
export const EXTRA_PERIODS = 2;

interface Comparison {
  readonly holds: (value: number, threshold: number) => boolean;
  readonly words: string;
}

export const COMPARISONS: Record<string, Comparison> = {
  GreaterThanOrEqualToThreshold: { holds: (value, threshold) => value >= threshold, words: "greater than or equal to" },
  GreaterThanThreshold: { holds: (value, threshold) => value > threshold, words: "greater than" },
  LessThanThreshold: { holds: (value, threshold) => value < threshold, words: "less than" },
  LessThanOrEqualToThreshold: { holds: (value, threshold) => value <= threshold, words: "less than or equal to" },
};

/** `range` holds the evaluation range's windows, newest first; undefined where no datapoint came. */
export function evaluate(rule: Rule, range: readonly (Datapoint | undefined)[], current: AlarmState): Verdict {
  const { evaluationPeriods: n, datapointsToAlarm: m, treatMissingData: treat } = rule;
  const { holds } = COMPARISONS[rule.comparison]!;
  const points = range.filter((point) => point !== undefined).slice(0, n);
  const breaching = points.filter((point) => holds(point.value, rule.threshold));
  const missing = n - points.length;
  const verdict = (state: AlarmState): Verdict => ({
    state,
    points,
    reason: reasonOf(rule, state, current, points, breaching.length, missing),
  });

  if (breaching.length >= m) return verdict("ALARM");
  if (missing > 0 && treat === "breaching") return verdict(breaching.length + missing >= m ? "ALARM" : "OK");
  if (missing > 0 && treat === "notBreaching") return verdict("OK");
  if (points.length === 0) return verdict(treat === "ignore" ? current : "INSUFFICIENT_DATA");
  if (points.length >= m || breaching.length < points.length) return verdict("OK");
  // Too few datapoints, and every one breaches: enough for an alarm once the oldest is as old as the alarm asks.
  const oldest = range.findLastIndex((point) => point !== undefined) + 1;
  return verdict(oldest >= m && treat === "missing" ? "ALARM" : current);
}

function reasonOf(
  rule: Rule,
  state: AlarmState,
  current: AlarmState,
  points: readonly Datapoint[],
  breaching: number,
  missing: number,
): string {
  const { evaluationPeriods: n, datapointsToAlarm: m } = rule;
  if (state === "INSUFFICIENT_DATA") return `Insufficient Data: ${n} ${n === 1 ? "datapoint was" : "datapoints were"} unknown.`;
  if (points.length === 0) {
    const treated = rule.treatMissingData === "breaching" ? "Breaching" : "NonBreaching";
    return `Threshold Crossed: no datapoints were received for ${plural(n, "period")} and ${plural(missing, "missing datapoint")} ${missing === 1 ? "was" : "were"} treated as [${treated}].`;
  }
  const count = state === "ALARM" ? breaching : points.length - breaching;
  const shown = points.map((point) => `${decimal(point.value)} (${usDate(point.at)})`).join(", ");
  const verb = points.length === 1 ? "was" : "were";
  return (
    `Threshold Crossed: ${count} out of the last ${plural(n, "datapoint")} [${shown}] ${verb} ${state === "ALARM" ? "" : "not "}` +
    `${COMPARISONS[rule.comparison]!.words} the threshold (${decimal(rule.threshold)}) ` +
    `(minimum ${plural(state === "ALARM" ? m : n - m + 1, "datapoint")} for ${state === "ALARM" ? "OK" : current} -> ${state} transition).`
  );
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** `21/11/26 09:30:00`: day, month, year, as the console prints them. */
function usDate(at: number): string {
  const [, year, month, day, time] = /^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)/.exec(new Date(at).toISOString())!;
  return `${day}/${month}/${year} ${time}`;
}
