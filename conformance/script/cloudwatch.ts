/** CloudWatch: metrics with their statistics, alarms with their states. */
import type { Json } from "../json.ts";
import type { Story } from "../story.ts";

const Dimensions = [{ Name: "Database", Value: "shop" }];
const misses = { Namespace: "Understudy", MetricName: "Misses", Dimensions };
const span = { StartTime: "${minute-15}", EndTime: "${minute10}" };
const alarm = (AlarmName: string, more: { readonly [name: string]: Json } = {}): Json => ({
  AlarmName,
  ...misses,
  Statistic: "Maximum",
  Period: 60,
  EvaluationPeriods: 3,
  DatapointsToAlarm: 2,
  Threshold: 3,
  ComparisonOperator: "GreaterThanOrEqualToThreshold",
  ...more,
});

const metrics: Story = {
  title: "the probe's metrics",
  service: "cloudwatch",
  region: "eu-west-1",
  calls: [
    ["ListMetrics", { Namespace: "Understudy" }],
    [
      "PutMetricData",
      { Namespace: "Understudy", MetricData: [{ MetricName: "Misses", Dimensions, Value: 2, Timestamp: "${minute-10}", Unit: "Count" }] },
    ],
    [
      "PutMetricData",
      {
        Namespace: "Understudy",
        MetricData: [
          { MetricName: "Misses", Dimensions, Value: 4, Timestamp: "${minute-10}", Unit: "Count" },
          { MetricName: "Misses", Dimensions, Value: 6, Timestamp: "${minute-9}", Unit: "Count" },
          { MetricName: "Misses", Dimensions, Values: [1, 2, 3], Counts: [1, 1, 2], Timestamp: "${minute-8}", Unit: "Count" },
        ],
      },
      { as: "values with counts" },
    ],
    [
      "PutMetricData",
      {
        Namespace: "Understudy",
        MetricData: [
          {
            MetricName: "Lag",
            Dimensions,
            StatisticValues: { SampleCount: 4, Sum: 10, Minimum: 1, Maximum: 4 },
            Timestamp: "${minute-10}",
            Unit: "Seconds",
          },
        ],
      },
    ],
    ["ListMetrics", { Namespace: "Understudy" }, { as: "metrics of a namespace" }],
    ["ListMetrics", { Namespace: "Understudy", MetricName: "Lag" }],
    ["ListMetrics", { Namespace: "Understudy", Dimensions: [{ Name: "Database", Value: "other" }] }],
    [
      "GetMetricStatistics",
      { ...misses, ...span, Period: 60, Statistics: ["Sum", "Average", "Minimum", "Maximum", "SampleCount"] },
      { as: "statistics a minute" },
    ],
    ["GetMetricStatistics", { ...misses, ...span, Period: 300, Statistics: ["Sum"] }, { as: "statistics of five minutes" }],
    ["GetMetricStatistics", { ...misses, MetricName: "Lag", ...span, Period: 60, Statistics: ["Average", "Maximum", "SampleCount"] }],
    ["GetMetricStatistics", { ...misses, ...span, Period: 60, Statistics: ["Sum"], Unit: "Seconds" }],
    ["GetMetricStatistics", { ...misses, MetricName: "Nobody", ...span, Period: 60, Statistics: ["Sum"] }],
    ["GetMetricStatistics", { ...misses, ...span, Period: 61, Statistics: ["Sum"] }, { as: "an odd period" }],
    [
      "GetMetricStatistics",
      { ...misses, StartTime: "${minute0}", EndTime: "${minute-5}", Period: 60, Statistics: ["Sum"] },
      { as: "an end before the start" },
    ],
    [
      "GetMetricData",
      {
        ...span,
        MetricDataQueries: [
          { Id: "misses", MetricStat: { Metric: misses, Period: 60, Stat: "Sum" } },
          { Id: "lag", Label: "how far behind", MetricStat: { Metric: { ...misses, MetricName: "Lag" }, Period: 60, Stat: "Average" } },
          { Id: "nobody", MetricStat: { Metric: { ...misses, MetricName: "Nobody" }, Period: 60, Stat: "Sum" } },
        ],
      },
    ],
    [
      "GetMetricData",
      {
        ...span,
        ScanBy: "TimestampAscending",
        MetricDataQueries: [{ Id: "misses", MetricStat: { Metric: misses, Period: 60, Stat: "Maximum" } }],
      },
    ],
  ],
};

const alarms: Story = {
  title: "alarms on the probe's metrics",
  service: "cloudwatch",
  region: "eu-central-1",
  calls: [
    ["DescribeAlarms"],
    [
      "PutMetricAlarm",
      alarm("primary-lost", {
        AlarmDescription: "three misses",
        AlarmActions: ["arn:aws:sns:eu-central-1:${account}:news"],
        TreatMissingData: "breaching",
      }),
    ],
    ["DescribeAlarms", { AlarmNames: ["primary-lost"] }],
    ["PutMetricAlarm", alarm("primary-lost", { AlarmDescription: "two misses", Threshold: 2 })],
    ["DescribeAlarms", { AlarmNames: ["primary-lost"] }],
    ["PutMetricAlarm", alarm("probe-silent", { Statistic: "SampleCount", ComparisonOperator: "LessThanThreshold", Unit: "Count" })],
    ["DescribeAlarms", { AlarmNamePrefix: "pr" }],
    ["DescribeAlarms", { MaxRecords: 1 }, { keep: { page: "NextToken" }, as: "a page of alarms" }],
    ["DescribeAlarms", { MaxRecords: 1, NextToken: "${page}" }, { as: "the next page of alarms" }],
    ["SetAlarmState", { AlarmName: "primary-lost", StateValue: "ALARM", StateReason: "a drill", StateReasonData: '{"drill":true}' }],
    ["DescribeAlarms", { StateValue: "ALARM" }],
    ["SetAlarmState", { AlarmName: "primary-lost", StateValue: "PANIC", StateReason: "a drill" }],
    [
      "SetAlarmState",
      { AlarmName: "primary-lost", StateValue: "OK", StateReason: "a drill", StateReasonData: "not json" },
      { as: "reason data that is not JSON" },
    ],
    ["SetAlarmState", { AlarmName: "nobody", StateValue: "OK", StateReason: "a drill" }],
    ["DisableAlarmActions", { AlarmNames: ["primary-lost"] }],
    ["DescribeAlarms", { AlarmNames: ["primary-lost"] }],
    ["EnableAlarmActions", { AlarmNames: ["primary-lost"] }],
    ["DescribeAlarms", { AlarmNames: ["nobody"] }],
    ["DeleteAlarms", { AlarmNames: ["nobody"] }, { as: "an alarm of nobody deleted" }],
    ["DeleteAlarms", { AlarmNames: ["primary-lost", "probe-silent"] }],
    ["DescribeAlarms"],
  ],
};

const refusals: Story = {
  title: "what a metric and an alarm may not be",
  service: "cloudwatch",
  region: "us-east-1",
  calls: [
    [
      "PutMetricData",
      { Namespace: "Understudy", MetricData: [{ MetricName: "Misses", Value: 1, Timestamp: "${long ago}" }] },
      { as: "a metric of long ago" },
    ],
    ["PutMetricData", { Namespace: "AWS/RDS", MetricData: [{ MetricName: "ReplicaLag", Value: 1 }] }, { as: "a metric of AWS's" }],
    [
      "PutMetricData",
      { Namespace: "Understudy", MetricData: [{ MetricName: "Misses", Value: 1, Values: [1] }] },
      { as: "a metric with two values" },
    ],
    [
      "PutMetricData",
      { Namespace: "Understudy", MetricData: [{ MetricName: "Misses", Values: [1, 2], Counts: [1] }] },
      { as: "a metric with too few counts" },
    ],
    ["PutMetricAlarm", alarm("wrong", { Period: 45 }), { as: "an alarm with an odd period" }],
    ["PutMetricAlarm", alarm("wrong", { ComparisonOperator: "MuchGreater" }), { as: "an alarm with no known comparison" }],
    ["PutMetricAlarm", alarm("wrong", { DatapointsToAlarm: 4 }), { as: "an alarm with M above N" }],
    ["PutMetricAlarm", alarm("wrong", { EvaluationPeriods: 0 }), { as: "an alarm over no period" }],
    ["PutMetricAlarm", alarm("wrong", { TreatMissingData: "guess" }), { as: "an alarm that guesses" }],
    [
      "PutMetricAlarm",
      { AlarmName: "wrong", ComparisonOperator: "LessThanThreshold", EvaluationPeriods: 1, Threshold: 1 },
      { as: "an alarm on nothing" },
    ],
    ["PutMetricAlarm", alarm("slow", { ExtendedStatistic: "p99", Statistic: "Average" }), { as: "an alarm with two statistics" }],
  ],
};

export const CLOUDWATCH: readonly Story[] = [metrics, alarms, refusals];
