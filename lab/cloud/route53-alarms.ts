// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Health checks on a CloudWatch alarm: they take the alarm's settings once and then judge the metric's data by themselves, so
 * neither SetAlarmState nor a later change of the alarm moves them. And the metrics Route 53 gives of its own health checks.
 */
import { ServiceError } from "../wire/errors.ts";
import { EXTRA_PERIODS, evaluate } from "./cloudwatch-evaluation.ts";
import { type HealthCheck, isHealthy, shareHealthy, type WatchedAlarm } from "./route53-health.ts";
import { isEndpointType } from "./route53-health-config.ts";
import { invalidInput } from "./route53-records.ts";
import { stateOf } from "./route53-state.ts";
import type { World } from "./world.ts";

const ROUTE53 = "service:route53";
const SIMPLE_STATISTICS = ["Average", "Minimum", "Maximum", "Sum", "SampleCount"];

/** The alarm of this account, as it is now. Throws InvalidInput for one that Route 53 cannot follow. */
export async function watchedAlarm(world: World, { Region, Name }: { Region: string; Name: string }): Promise<WatchedAlarm> {
  const alarm = await describe(world, Region, Name);
  if (!alarm) throw invalidInput(`Invalid parameter : The alarm ${Name} does not exist in ${Region}.`);
  if (!alarm.MetricName) throw invalidInput(`Invalid parameter : The alarm ${Name} does not watch a single metric.`);
  if (!SIMPLE_STATISTICS.includes(alarm.Statistic))
    throw invalidInput(
      `Invalid parameter : The alarm ${Name} uses an extended statistic; only ${SIMPLE_STATISTICS.join(", ")} are supported.`,
    );
  if (alarm.Period < 60 || alarm.Period % 60 !== 0)
    throw invalidInput(`Invalid parameter : The alarm ${Name} watches a high-resolution metric; only standard resolution is supported.`);
  return {
    namespace: alarm.Namespace,
    metricName: alarm.MetricName,
    dimensions: alarm.Dimensions ?? [],
    statistic: alarm.Statistic,
    unit: alarm.Unit,
    periodS: alarm.Period,
    rule: {
      evaluationPeriods: alarm.EvaluationPeriods,
      datapointsToAlarm: alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods,
      comparison: alarm.ComparisonOperator,
      threshold: alarm.Threshold,
      treatMissingData: alarm.TreatMissingData ?? "missing",
    },
  };
}

async function describe(world: World, region: string, name: string): Promise<any> {
  try {
    const { MetricAlarms } = await world.call("monitoring", "DescribeAlarms", { AlarmNames: [name] }, { region, principal: ROUTE53 });
    return MetricAlarms[0];
  } catch (error) {
    if (error instanceof ServiceError) throw invalidInput(`Invalid parameter : The alarm ${name} cannot be read: ${error.message}`);
    throw error;
  }
}

/** Windows are whole periods; the newest is the last one that is over. */
export async function readAlarm(world: World, check: HealthCheck): Promise<void> {
  const { alarm, config } = check;
  if (!alarm || !config.AlarmIdentifier) return;
  const periodMs = (alarm.periodS / 60) * world.timings.metricMinuteMs;
  const end = Math.floor(world.now() / periodMs) * periodMs;
  const starts = Array.from({ length: alarm.rule.evaluationPeriods + EXTRA_PERIODS }, (_, at) => end - (at + 1) * periodMs);
  const { Datapoints } = await world.call(
    "monitoring",
    "GetMetricStatistics",
    {
      Namespace: alarm.namespace,
      MetricName: alarm.metricName,
      Dimensions: alarm.dimensions,
      Unit: alarm.unit,
      Statistics: [alarm.statistic],
      Period: periodMs / 1000,
      StartTime: new Date(starts.at(-1)!),
      EndTime: new Date(end),
    },
    { region: config.AlarmIdentifier.Region, principal: ROUTE53 },
  );
  const values = new Map<number, number>(Datapoints.map((point: any) => [new Date(point.Timestamp).getTime(), point[alarm.statistic]]));
  const points = starts.map((at) => (values.has(at) ? { at, value: values.get(at)!, n: 1 } : undefined));
  const { state } = evaluate(alarm.rule, points, check.metric?.state ?? "INSUFFICIENT_DATA");
  check.metric = { state, lastKnown: state === "INSUFFICIENT_DATA" ? check.metric?.lastKnown : state };
}

/** As GetHealthCheck shows it. */
export function alarmShape(alarm: WatchedAlarm): any {
  return {
    EvaluationPeriods: alarm.rule.evaluationPeriods,
    Threshold: alarm.rule.threshold,
    ComparisonOperator: alarm.rule.comparison,
    Period: alarm.periodS,
    MetricName: alarm.metricName,
    Namespace: alarm.namespace,
    Statistic: alarm.statistic,
    Dimensions: alarm.dimensions,
  };
}

/** AWS/Route53, always in us-east-1: the only place where the status of a calculated health check can be read. */
export async function publishHealth(world: World): Promise<void> {
  const { healthChecks } = stateOf(world);
  if (!world.services.has("monitoring")) return;
  for (const { id, config, checkers } of Object.values(healthChecks)) {
    const Dimensions = [{ Name: "HealthCheckId", Value: id }];
    const data = [{ MetricName: "HealthCheckStatus", Value: isHealthy(healthChecks, id) ? 1 : 0, Unit: "None", Dimensions }];
    if (isEndpointType(config.Type) && !config.Disabled)
      data.push({ MetricName: "HealthCheckPercentageHealthy", Value: 100 * shareHealthy(checkers), Unit: "Percent", Dimensions });
    if (config.Type === "CALCULATED" && !config.Disabled) {
      const healthy = (config.ChildHealthChecks ?? []).filter((child) => isHealthy(healthChecks, child)).length;
      data.push({ MetricName: "ChildHealthCheckHealthyCount", Value: healthy, Unit: "None", Dimensions });
    }
    await world.call(
      "monitoring",
      "PutMetricData",
      { Namespace: "AWS/Route53", MetricData: data },
      { region: "us-east-1", principal: ROUTE53 },
    );
  }
}
