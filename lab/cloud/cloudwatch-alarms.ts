// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The shape of an alarm: read from PutMetricAlarm with its checks, given back as DescribeAlarms writes it.
 * Alarms watch one metric; metric math, anomaly bands and composite alarms are refused.
 */
import { type AlarmState, COMPARISONS, type MissingData, type Rule } from "./cloudwatch-evaluation.ts";
import { checkStatistic, type Dimension, invalidAlarm } from "./cloudwatch-metrics.ts";
import type { Caller } from "./world.ts";

export interface StateRecord {
  value: AlarmState;
  reason: string;
  /** JSON text. */
  reasonData?: string;
  at: number;
}

export interface Alarm {
  name: string;
  arn: string;
  /** The metric's id in events: made here, as CloudWatch makes one. */
  id: string;
  description?: string;
  actionsEnabled: boolean;
  actions: Record<AlarmState, string[]>;
  metric: { Namespace: string; MetricName: string; Dimensions: Dimension[] };
  statistic: string;
  unit?: string;
  periodS: number;
  rule: Rule;
  /** Which of the rule's members were given: only those are shown. */
  given?: { datapointsToAlarm: boolean; treatMissingData: boolean };
  state: StateRecord;
  updatedAt: number;
}

const TREATMENTS = ["missing", "breaching", "notBreaching", "ignore"];

/** An updated alarm keeps the state of the one before. */
export function alarmFrom(input: any, before: Alarm | undefined, caller: Caller, now: number, id: string): Alarm {
  const metric = metricOf(input);
  const comparison: string = input.ComparisonOperator;
  if (!(comparison in COMPARISONS))
    throw invalidAlarm(`ComparisonOperator ${comparison} is not known here: ${Object.keys(COMPARISONS).join(", ")}.`);
  if (input.Threshold === undefined) throw invalidAlarm("Threshold is required for an alarm on a metric.");
  const n: number = input.EvaluationPeriods;
  if (!(Number.isInteger(n) && n >= 1)) throw invalidAlarm(`EvaluationPeriods ${n} is invalid: a whole number from 1 up is expected.`);
  const m: number = input.DatapointsToAlarm ?? n;
  if (!(m >= 1 && m <= n)) throw invalidAlarm(`DatapointsToAlarm ${m} is invalid: it must be from 1 to EvaluationPeriods (${n}).`);
  checkPeriod(metric.periodS, n);
  const treat: string = input.TreatMissingData ?? "missing";
  if (!TREATMENTS.includes(treat)) throw invalidAlarm(`TreatMissingData "${treat}" is invalid: ${TREATMENTS.join(", ")}.`);
  return {
    name: input.AlarmName,
    arn: `arn:aws:cloudwatch:${caller.region}:${caller.account}:alarm:${input.AlarmName}`,
    id: before?.id ?? id,
    description: input.AlarmDescription,
    actionsEnabled: input.ActionsEnabled ?? true,
    actions: { OK: input.OKActions ?? [], ALARM: input.AlarmActions ?? [], INSUFFICIENT_DATA: input.InsufficientDataActions ?? [] },
    ...metric,
    rule: { evaluationPeriods: n, datapointsToAlarm: m, comparison, threshold: input.Threshold, treatMissingData: treat as MissingData },
    given: { datapointsToAlarm: input.DatapointsToAlarm !== undefined, treatMissingData: input.TreatMissingData !== undefined },
    state: before?.state ?? { value: "INSUFFICIENT_DATA", reason: "Unchecked: Initial alarm creation", at: now },
    updatedAt: now,
  };
}

/** From the plain members, or from a Metrics list that holds one metric and no expression. */
function metricOf(input: any): Pick<Alarm, "metric" | "statistic" | "unit" | "periodS"> {
  let source = { ...input, Statistic: input.Statistic ?? input.ExtendedStatistic };
  if (input.Metrics?.length) {
    const [{ MetricStat, Expression }, ...more] = input.Metrics;
    if (Expression || more.length > 0 || !MetricStat)
      throw invalidAlarm("Metrics: the lab's alarms watch one MetricStat; expressions are not evaluated.");
    source = { ...MetricStat.Metric, Period: MetricStat.Period, Statistic: MetricStat.Stat, Unit: MetricStat.Unit };
  }
  for (const field of ["Namespace", "MetricName", "Period", "Statistic"]) {
    if (source[field] === undefined)
      throw invalidAlarm(`${field === "Statistic" ? "Statistic or ExtendedStatistic" : field} is required for an alarm on a metric.`);
  }
  checkStatistic(source.Statistic);
  return {
    metric: { Namespace: source.Namespace, MetricName: source.MetricName, Dimensions: source.Dimensions ?? [] },
    statistic: source.Statistic,
    unit: source.Unit,
    periodS: source.Period,
  };
}

function checkPeriod(periodS: number, evaluationPeriods: number): void {
  if (![10, 20, 30].includes(periodS) && !(periodS >= 60 && periodS % 60 === 0)) {
    throw invalidAlarm(`Period ${periodS} is invalid: 10, 20, 30 or a multiple of 60 is expected.`);
  }
  const limit = periodS < 3600 ? 86_400 : 7 * 86_400;
  if (periodS * evaluationPeriods > limit) {
    throw invalidAlarm(
      `Metrics cannot be checked across more than ${limit === 86_400 ? "a day" : "a week"} (EvaluationPeriods * Period must be <= ${limit}).`,
    );
  }
}

export function alarmShape(alarm: Alarm): any {
  const percentile = alarm.statistic.startsWith("p");
  return {
    AlarmName: alarm.name,
    AlarmArn: alarm.arn,
    AlarmDescription: alarm.description,
    AlarmConfigurationUpdatedTimestamp: new Date(alarm.updatedAt),
    ActionsEnabled: alarm.actionsEnabled,
    OKActions: alarm.actions.OK,
    AlarmActions: alarm.actions.ALARM,
    InsufficientDataActions: alarm.actions.INSUFFICIENT_DATA,
    StateValue: alarm.state.value,
    StateReason: alarm.state.reason,
    StateReasonData: alarm.state.reasonData,
    StateUpdatedTimestamp: new Date(alarm.state.at),
    StateTransitionedTimestamp: new Date(alarm.state.at),
    ...alarm.metric,
    [percentile ? "ExtendedStatistic" : "Statistic"]: alarm.statistic,
    Unit: alarm.unit,
    Period: alarm.periodS,
    EvaluationPeriods: alarm.rule.evaluationPeriods,
    DatapointsToAlarm: alarm.given?.datapointsToAlarm === false ? undefined : alarm.rule.datapointsToAlarm,
    Threshold: alarm.rule.threshold,
    ComparisonOperator: alarm.rule.comparison,
    TreatMissingData: alarm.given?.treatMissingData === false ? undefined : alarm.rule.treatMissingData,
  };
}
