// biome-ignore-all lint/suspicious/noExplicitAny: a log line is any JSON
/**
 * Metrics in log lines: CloudWatch's Embedded Metric Format. One line in, its metrics put; other lines are left alone.
 */
import type { World } from "./world.ts";

/** Whether the line is EMF. What PutMetricData refuses is told in the story: AWS, too, drops it silently. */
export function extractEmf(world: World, region: string, line: string): boolean {
  if (!line.includes('"_aws"')) return false;
  let entry: any;
  try {
    entry = JSON.parse(line.slice(line.indexOf("{")));
  } catch {
    return false;
  }
  const directives = entry?._aws?.CloudWatchMetrics;
  if (!Array.isArray(directives)) return false;
  for (const { Namespace, Dimensions = [[]], Metrics = [] } of directives) {
    const MetricData = Dimensions.flatMap((names: string[]) => Metrics.map((metric: any) => datum(entry, names, metric))).filter(Boolean);
    world.call("monitoring", "PutMetricData", { Namespace, MetricData }, { region, principal: "service:logs" }).catch((error: Error) => {
      world.tell({
        kind: "log",
        region,
        service: "monitoring",
        what: `the metrics of a log line are dropped: ${error.message}`,
        detail: { Namespace },
      });
    });
  }
  return true;
}

function datum(entry: any, names: string[], { Name, Unit, StorageResolution }: any): any {
  const value = entry[Name];
  if (value === undefined) return undefined;
  return {
    MetricName: Name,
    Unit,
    StorageResolution,
    Timestamp: new Date(entry._aws.Timestamp),
    Dimensions: names.filter((name) => entry[name] !== undefined).map((name) => ({ Name: name, Value: String(entry[name]) })),
    ...(Array.isArray(value) ? { Values: value } : { Value: value }),
  };
}
