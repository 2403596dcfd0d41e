// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * CloudWatch's metric store: takes samples, gives statistics of periods. Keeps the newest samples of each metric only
 * (see MAX_SAMPLES), and knows no metric math.
 */
import { ServiceError } from "../wire/errors.ts";

export interface Sample {
  /** Epoch milliseconds, floored to the second or, at standard resolution, to the minute. */
  readonly at: number;
  readonly sum: number;
  readonly n: number;
  readonly min: number;
  readonly max: number;
  /** Value and count, for percentiles; absent for a single value and for statistic sets. */
  readonly values?: readonly (readonly [number, number])[];
  readonly unit?: string;
}

export interface Dimension {
  readonly Name: string;
  readonly Value: string;
}

export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly Dimension[];
  samples: Sample[];
}

export interface MetricName {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly Dimension[];
}

export interface Datapoint {
  readonly at: number;
  readonly value: number;
  readonly n: number;
  readonly unit?: string;
}

const MAX_SAMPLES = 20_000;
const FORTNIGHT_MS = 14 * 86_400_000;
const SIMPLE = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"];

export const invalidValue = (message: string) => new ServiceError("InvalidParameterValue", message, 400);
/** What alarms say where metrics say InvalidParameter…: CloudWatch's two halves differ. */
export const invalidAlarm = (message: string) => new ServiceError("ValidationError", message, 400);
export const invalidCombination = (message: string) => new ServiceError("InvalidParameterCombination", message, 400);

export function metricKey({ Namespace, MetricName, Dimensions = [] }: MetricName): string {
  const sorted = [...Dimensions].sort((a, b) => (a.Name < b.Name ? -1 : 1)).map(({ Name, Value }) => [Name, Value]);
  return JSON.stringify([Namespace, MetricName, sorted]);
}

/** Checks the whole request, then stores it: a refused request leaves nothing behind. */
export function putMetricData(metrics: Record<string, Metric>, input: any, now: number, minuteMs = 60_000): void {
  const namespace: string = input.Namespace;
  const data: any[] = input.MetricData ?? [];
  if (!/^[^:][\x20-\x7e]{0,254}$/.test(namespace))
    throw invalidValue("The value for parameter Namespace is invalid: 1 to 255 printable ASCII characters, not starting with a colon.");
  if (data.length > 1000)
    throw new ServiceError(
      "LimitExceeded",
      `The collection MetricData must not have a size greater than 1000; it has ${data.length}.`,
      400,
    );
  const samples = data.map((datum, at) => ({ datum, sample: sampleOf(datum, `MetricData.member.${at + 1}`, now, minuteMs) }));
  for (const { datum, sample } of samples) {
    const name = { Namespace: namespace, MetricName: datum.MetricName, Dimensions: datum.Dimensions };
    const key = metricKey(name);
    metrics[key] ??= { namespace, name: datum.MetricName, dimensions: datum.Dimensions ?? [], samples: [] };
    const { samples: kept } = metrics[key];
    kept.push(sample);
    if (kept.length > MAX_SAMPLES) kept.splice(0, MAX_SAMPLES / 10);
  }
}

function sampleOf(datum: any, where: string, now: number, minuteMs: number): Sample {
  if (!datum.MetricName) throw new ServiceError("MissingParameter", `The parameter ${where}.MetricName is required.`, 400);
  const dimensions: any[] = datum.Dimensions ?? [];
  if (dimensions.length > 30) throw invalidValue(`The collection ${where}.Dimensions must not have a size greater than 30.`);
  for (const { Name, Value } of dimensions)
    if (!Name || !Value) throw invalidValue(`Each of ${where}.Dimensions needs a Name and a Value that are not empty.`);
  if (![undefined, 1, 60].includes(datum.StorageResolution))
    throw invalidValue(`The value ${datum.StorageResolution} for parameter ${where}.StorageResolution is invalid: 1 or 60.`);
  const given = datum.Timestamp === undefined ? now : new Date(datum.Timestamp).getTime();
  if (!(given >= now - FORTNIGHT_MS && given <= now + 2 * 3_600_000)) {
    throw invalidValue(
      `The parameter ${where}.Timestamp must specify a time no more than two weeks in the past and no more than two hours in the future.`,
    );
  }
  const resolutionMs = datum.StorageResolution === 1 ? 1000 : minuteMs;
  const common = {
    at: Math.floor(given / resolutionMs) * resolutionMs,
    ...(datum.Unit && datum.Unit !== "None" ? { unit: datum.Unit } : {}),
  };
  const ways = [datum.Value, datum.Values, datum.StatisticValues].filter((way) => way !== undefined);
  if (ways.length !== 1)
    throw invalidCombination(`${where} takes one of Value, Values and StatisticValues, and one of them must be there.`);
  if (datum.StatisticValues) {
    const { SampleCount: n, Sum: sum, Minimum: min, Maximum: max } = datum.StatisticValues;
    for (const part of [n, sum, min, max]) checkNumber(part, `${where}.StatisticValues`);
    return { ...common, sum, n, min, max };
  }
  if (datum.Value !== undefined) {
    checkNumber(datum.Value, `${where}.Value`);
    return { ...common, sum: datum.Value, n: 1, min: datum.Value, max: datum.Value };
  }
  const values: number[] = datum.Values;
  const counts: number[] = datum.Counts ?? values.map(() => 1);
  if (values.length === 0 || values.length > 150) throw invalidValue(`${where}.Values takes 1 to 150 values, not ${values.length}.`);
  if (counts.length !== values.length) throw invalidValue(`${where}.Counts must have as many items as Values.`);
  for (const value of [...values, ...counts]) checkNumber(value, `${where}.Values`);
  const pairs = values.map((value, at) => [value, counts[at]!] as const);
  return {
    ...common,
    sum: pairs.reduce((total, [value, count]) => total + value * count, 0),
    n: counts.reduce((total, count) => total + count, 0),
    min: Math.min(...values),
    max: Math.max(...values),
    values: pairs,
  };
}

function checkNumber(value: unknown, where: string): void {
  if (typeof value !== "number" || !Number.isFinite(value))
    throw invalidValue(`The value ${value} for parameter ${where} is invalid: a finite number is expected.`);
}

export function checkStatistic(statistic: string): void {
  if (!SIMPLE.includes(statistic) && percentileOf(statistic) === undefined) {
    throw invalidValue(`The statistic ${statistic} is not known here: ${SIMPLE.join(", ")} or a percentile such as p99.`);
  }
}

/** The statistic of each window [start, start + period) that has samples. Windows are given by their starts. */
export function windowed(
  metric: Metric | undefined,
  starts: readonly number[],
  periodMs: number,
  statistic: string,
  unit?: string,
): (Datapoint | undefined)[] {
  return starts.map((start) => {
    const inside = (metric?.samples ?? []).filter(
      (sample) => sample.at >= start && sample.at < start + periodMs && (unit === undefined || (sample.unit ?? "None") === unit),
    );
    if (inside.length === 0) return undefined;
    return { at: start, value: statisticOf(inside, statistic), n: total(inside, "n"), unit: inside[0]!.unit };
  });
}

/** The period's starts from `from` to `to`, on whole periods. */
export function periodStarts(from: number, to: number, periodMs: number): number[] {
  const starts: number[] = [];
  for (let start = Math.floor(from / periodMs) * periodMs; start < to; start += periodMs) starts.push(start);
  return starts;
}

function statisticOf(samples: readonly Sample[], statistic: string): number {
  switch (statistic) {
    case "Sum":
      return total(samples, "sum");
    case "SampleCount":
      return total(samples, "n");
    case "Minimum":
      return Math.min(...samples.map((sample) => sample.min));
    case "Maximum":
      return Math.max(...samples.map((sample) => sample.max));
    case "Average":
      return total(samples, "sum") / total(samples, "n");
    default:
      return percentile(samples, percentileOf(statistic)!);
  }
}

/** Nearest rank. A statistic set of several samples has no percentile: its values are unknown. */
function percentile(samples: readonly Sample[], share: number): number {
  const pairs = samples.flatMap((sample) => sample.values ?? (sample.min === sample.max ? [[sample.min, sample.n] as const] : []));
  const sorted = [...pairs].sort(([a], [b]) => a - b);
  let left = Math.ceil((share / 100) * sorted.reduce((sum, [, count]) => sum + count, 0));
  for (const [value, count] of sorted) {
    left -= count;
    if (left <= 0) return value;
  }
  return Number.NaN;
}

function percentileOf(statistic: string): number | undefined {
  const found = /^p(\d{1,2}(?:\.\d+)?|100)$/.exec(statistic)?.[1];
  return found === undefined ? undefined : Number(found);
}

function total(samples: readonly Sample[], part: "sum" | "n"): number {
  return samples.reduce((sum, sample) => sum + sample[part], 0);
}
