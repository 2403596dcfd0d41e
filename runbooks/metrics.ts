/**
 * A log line that CloudWatch turns into metrics (embedded metric format): it costs no call and cannot be throttled. High resolution, for
 * the ten-second alarm. Says nothing of what a value means.
 */
import type { ProbePlace, Settings } from "./settings.ts";

export function metricLine(settings: Settings, database: string, place: ProbePlace, atMs: number, values: Record<string, number>): string {
  return JSON.stringify({
    _aws: {
      Timestamp: atMs,
      CloudWatchMetrics: [
        {
          Namespace: "Understudy",
          Dimensions: [["Plan", "Database", "Place"]],
          Metrics: Object.keys(values).map((Name) => ({ Name, StorageResolution: 1 })),
        },
      ],
    },
    Plan: settings.plan.name,
    Database: database,
    Place: place,
    ...values,
  });
}
