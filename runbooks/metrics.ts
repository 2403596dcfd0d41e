/**
 * A log line that CloudWatch turns into metrics (embedded metric format): it costs no call and cannot be throttled. High resolution, for
 * the ten-second alarm. Says nothing of what a value means.
 */
import type { ProbePlace, Settings } from "./settings.ts";

export function metricLine(
  settings: Pick<Settings, "plan">,
  database: string,
  place: ProbePlace,
  atMs: number,
  values: Record<string, number>,
): string {
  return line({ Plan: settings.plan.name, Database: database, Place: place }, atMs, values);
}

/** Of Understudy as a whole. */
export function planMetricLine(settings: Settings, atMs: number, values: Record<string, number>): string {
  return line({ Plan: settings.plan.name }, atMs, values);
}

function line(dimensions: Record<string, string>, atMs: number, values: Record<string, number>): string {
  const Metrics = Object.keys(values).map((Name) => ({ Name, StorageResolution: 1 }));
  const CloudWatchMetrics = [{ Namespace: "Understudy", Dimensions: [Object.keys(dimensions)], Metrics }];
  return JSON.stringify({ _aws: { Timestamp: atMs, CloudWatchMetrics }, ...dimensions, ...values });
}
