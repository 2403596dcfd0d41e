// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Reading metrics back: statistics, data queries and the list of what there is. Changes nothing, evaluates no expressions.
 */
import { checkStatistic, invalidCombination, invalidValue, type Metric, metricKey, periodStarts, windowed } from "./cloudwatch-metrics.ts";

type Metrics = Record<string, Metric>;

const MAX_DATAPOINTS = 1440;

export function getMetricStatistics(metrics: Metrics, input: any): any {
  const starts = startsOf(input, input.Period);
  if (starts.length > MAX_DATAPOINTS) {
    throw invalidCombination(`You have requested up to ${starts.length} datapoints, which exceeds the limit of ${MAX_DATAPOINTS}.`);
  }
  const extended: string[] = input.ExtendedStatistics ?? [];
  const statistics: string[] = [...(input.Statistics ?? []), ...extended];
  if (statistics.length === 0) throw invalidCombination("At least one of Statistics and ExtendedStatistics must be given.");
  statistics.forEach(checkStatistic);
  const shapes = new Map<number, any>();
  for (const statistic of statistics) {
    for (const point of windowed(metrics[metricKey(input)], starts, input.Period * 1000, statistic, input.Unit)) {
      if (!point) continue;
      const shape = shapes.get(point.at) ?? { Timestamp: new Date(point.at), Unit: point.unit ?? "None" };
      if (extended.includes(statistic)) shape.ExtendedStatistics = { ...shape.ExtendedStatistics, [statistic]: point.value };
      else shape[statistic] = point.value;
      shapes.set(point.at, shape);
    }
  }
  return { Label: input.MetricName, Datapoints: [...shapes.values()] };
}

export function getMetricData(metrics: Metrics, input: any): any {
  const wanted = input.MetricDataQueries.filter((query: any) => query.ReturnData !== false);
  const MetricDataResults = wanted.map(({ Id, Label, MetricStat, Expression }: any) => {
    if (Expression || !MetricStat) throw invalidValue(`The query ${Id} has no MetricStat; the lab evaluates no expressions.`);
    const { Metric, Period, Stat, Unit } = MetricStat;
    checkStatistic(Stat);
    const points = windowed(metrics[metricKey(Metric)], startsOf(input, Period), Period * 1000, Stat, Unit).filter(
      (point) => point !== undefined,
    );
    if (input.ScanBy !== "TimestampAscending") points.reverse();
    return {
      Id,
      Label: Label ?? Metric.MetricName,
      Timestamps: points.map((point) => new Date(point.at)),
      Values: points.map((point) => point.value),
      StatusCode: "Complete",
    };
  });
  return { MetricDataResults, Messages: [] };
}

export function listMetrics(metrics: Metrics, input: any): any {
  const wanted: any[] = input.Dimensions ?? [];
  const has = (metric: Metric, { Name, Value }: any) =>
    metric.dimensions.some((each) => each.Name === Name && (Value === undefined || each.Value === Value));
  const found = Object.values(metrics)
    .filter((metric) => (input.Namespace ?? metric.namespace) === metric.namespace && (input.MetricName ?? metric.name) === metric.name)
    .filter((metric) => wanted.every((dimension) => has(metric, dimension)));
  const { page, NextToken } = paged(found, input.NextToken, 500);
  return {
    Metrics: page.map(({ namespace, name, dimensions }) => ({ Namespace: namespace, MetricName: name, Dimensions: dimensions })),
    NextToken,
  };
}

export function paged<T>(items: T[], token: string | undefined, size: number): { page: T[]; NextToken: string | undefined } {
  const from = Number(token ?? 0);
  return { page: items.slice(from, from + size), NextToken: from + size < items.length ? String(from + size) : undefined };
}

/** The starts of the periods between StartTime and EndTime. */
function startsOf(input: any, periodS: number): number[] {
  const from = new Date(input.StartTime).getTime();
  const to = new Date(input.EndTime).getTime();
  if (!(from < to)) throw invalidValue("The parameter StartTime must be less than the parameter EndTime.");
  if (![1, 5, 10, 20, 30].includes(periodS) && !(periodS >= 60 && periodS % 60 === 0)) {
    throw invalidValue(`The value ${periodS} for parameter Period is invalid: 1, 5, 10, 20, 30 or a multiple of 60 is expected.`);
  }
  return periodStarts(from, to, periodS * 1000);
}
