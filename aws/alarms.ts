/** CloudWatch's metric alarms, read whole and made anew. Nothing decides here. */
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  type MetricAlarm,
  PutMetricAlarmCommand,
  type PutMetricAlarmInput,
} from "@aws-sdk/client-cloudwatch";
import type { Alarm } from "../core/alarm-copies.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const cloudwatch = perRegion((region) => new CloudWatchClient({ region, ...CLIENT_SETTINGS }));

/** What PutMetricAlarm takes of what DescribeAlarms gives. */
const MEMBERS = [
  "AlarmDescription",
  "ActionsEnabled",
  "OKActions",
  "AlarmActions",
  "InsufficientDataActions",
  "MetricName",
  "Namespace",
  "Statistic",
  "ExtendedStatistic",
  "Dimensions",
  "Period",
  "Unit",
  "EvaluationPeriods",
  "DatapointsToAlarm",
  "Threshold",
  "ComparisonOperator",
  "TreatMissingData",
  "EvaluateLowSampleCountPercentile",
  "Metrics",
  "ThresholdMetricId",
] as const satisfies readonly (keyof MetricAlarm & keyof PutMetricAlarmInput)[];

/** Every metric alarm of a region, page by page: CloudWatch finds no alarm by a dimension's value. */
export async function listAlarms(region: string): Promise<Alarm[]> {
  const found: Alarm[] = [];
  let NextToken: string | undefined;
  do {
    const page = await cloudwatch(region).send(new DescribeAlarmsCommand({ AlarmTypes: ["MetricAlarm"], MaxRecords: 100, NextToken }));
    for (const alarm of page.MetricAlarms ?? []) found.push({ name: alarm.AlarmName ?? "", settings: settingsOf(alarm) });
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

function settingsOf(alarm: MetricAlarm): Alarm["settings"] {
  return Object.fromEntries(
    MEMBERS.flatMap((member) => {
      const value = alarm[member];
      return value === undefined || value === null || (Array.isArray(value) && value.length === 0) ? [] : [[member, value]];
    }),
  );
}

export async function putAlarm(region: string, alarm: Alarm): Promise<void> {
  await cloudwatch(region).send(new PutMetricAlarmCommand({ ...alarm.settings, AlarmName: alarm.name } as PutMetricAlarmInput));
}
