import * as cw from "@aws-sdk/client-cloudwatch";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { describe, expect, test, vi } from "vitest";
import { createCloudWatch, extractEmf } from "../../lab/cloud/cloudwatch.ts";
import { evaluate, type MissingData } from "../../lab/cloud/cloudwatch-evaluation.ts";
import { labWith } from "./on-the-wire.ts";

/** The two tables of the user guide's page on missing data: datapoints oldest first, X breaches, - is missing. */
describe("missing data is treated as the user guide's tables say", () => {
  const treatments: MissingData[] = ["missing", "ignore", "breaching", "notBreaching"];
  const table: [m: number, points: string, ...states: string[]][] = [
    [3, "0-X-X", "OK", "OK", "OK", "OK"],
    [3, "0----", "OK", "OK", "OK", "OK"],
    [3, "-----", "INSUFFICIENT_DATA", "current", "ALARM", "OK"],
    [3, "0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"],
    [3, "--X--", "ALARM", "current", "ALARM", "OK"],
    [2, "0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"],
    [2, "00X0X", "ALARM", "ALARM", "ALARM", "ALARM"],
    [2, "0-X--", "OK", "OK", "ALARM", "OK"],
    [2, "----0", "OK", "OK", "ALARM", "OK"],
    [2, "---X-", "ALARM", "current", "ALARM", "OK"],
  ];
  for (const [m, text, ...states] of table) {
    test(`${m} of 3: ${text}`, () => {
      const range = [...text].reverse().map((mark, at) => (mark === "-" ? undefined : { at, value: mark === "X" ? 1 : 0, n: 1 }));
      const got = treatments.map((treatMissingData) => {
        const rule = { evaluationPeriods: 3, datapointsToAlarm: m, comparison: "GreaterThanThreshold", threshold: 0.5, treatMissingData };
        const both = [evaluate(rule, range, "OK").state, evaluate(rule, range, "ALARM").state];
        return both[0] === both[1] ? both[0] : "current";
      });
      expect(got).toEqual(states);
    });
  }
});

async function watched() {
  const published: Record<string, unknown>[] = [];
  const invoked: { FunctionName: string; Payload: Buffer; LabSource: unknown }[] = [];
  const events: { detail: Record<string, unknown>; resources: string[] }[] = [];
  const lab = await labWith((world) => [
    createCloudWatch(world, { retryDelaysMs: [10] }),
    { name: "sns", operations: { Publish: (input) => void published.push(input) } },
    { name: "lambda", operations: { Invoke: (input) => void invoked.push(input) } },
    { name: "events", operations: { LabDeliver: ({ event }) => void events.push(event) } },
  ]);
  const start = Math.floor(Date.now() / 60_000) * 60_000;
  const at = (seconds: number) => start + seconds * 1000;
  let now = start;
  lab.world.now = () => now;
  const client = new CloudWatchClient(lab.client());
  const look = async (seconds: number) => {
    now = at(seconds);
    await lab.world.call("monitoring", "LabEvaluate", {}, { region: "eu-central-1" });
  };
  const put = (Value: number, seconds: number, more = {}) =>
    client.send(
      new cw.PutMetricDataCommand({
        Namespace: "DR",
        MetricData: [{ MetricName: "Lost", Value, Timestamp: new Date(at(seconds)), StorageResolution: 1, ...more }],
      }),
    );
  const alarm = (more = {}) =>
    client.send(
      new cw.PutMetricAlarmCommand({
        AlarmName: "shop-lost",
        AlarmDescription: "The primary is lost",
        Namespace: "DR",
        MetricName: "Lost",
        Statistic: "Maximum",
        Period: 10,
        EvaluationPeriods: 2,
        Threshold: 1,
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        AlarmActions: ["arn:aws:sns:eu-west-1:111122223333:understudy", "arn:aws:lambda:eu-central-1:111122223333:function:watch"],
        ...more,
      }),
    );
  const state = async () => (await client.send(new cw.DescribeAlarmsCommand({ AlarmNames: ["shop-lost"] }))).MetricAlarms?.[0]?.StateValue;
  return { lab, client, at, look, put, alarm, state, published, invoked, events };
}

test("two breaching periods raise the alarm once, in its three shapes; a good one ends it", async () => {
  const { alarm, put, look, state, published, invoked, events, client } = await watched();
  await alarm();
  expect(await state()).toBe("INSUFFICIENT_DATA");
  await put(0, 1);
  await put(0, 11);
  await look(20);
  expect(await state()).toBe("OK");
  await put(1, 21);
  await look(30);
  expect(await state()).toBe("OK");
  await put(1, 31);
  await look(40);
  expect(await state()).toBe("ALARM");
  await put(1, 41);
  await look(50);
  await vi.waitFor(() => expect([published.length, invoked.length, events.length]).toEqual([1, 1, 2]));

  const arn = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:shop-lost";
  expect(published[0]).toMatchObject({
    TopicArn: "arn:aws:sns:eu-west-1:111122223333:understudy",
    Subject: 'ALARM: "shop-lost" in EU (Frankfurt)',
  });
  expect(JSON.parse(published[0]!.Message as string)).toMatchObject({
    AlarmName: "shop-lost",
    AWSAccountId: "111122223333",
    NewStateValue: "ALARM",
    OldStateValue: "OK",
    Region: "EU (Frankfurt)",
    AlarmArn: arn,
    NewStateReason: expect.stringMatching(
      /^Threshold Crossed: 2 out of the last 2 datapoints \[1\.0 \(.*\), 1\.0 \(.*\)\] were greater than or equal to the threshold \(1\.0\)/,
    ),
    Trigger: {
      MetricName: "Lost",
      Namespace: "DR",
      StatisticType: "Statistic",
      Statistic: "MAXIMUM",
      Period: 10,
      EvaluationPeriods: 2,
      Threshold: 1,
      TreatMissingData: "missing",
    },
  });
  expect(invoked[0]).toMatchObject({ LabSource: { service: "lambda.alarms.cloudwatch.amazonaws.com", arn } });
  expect(JSON.parse(invoked[0]!.Payload.toString())).toMatchObject({
    source: "aws.cloudwatch",
    alarmArn: arn,
    accountId: "111122223333",
    region: "eu-central-1",
    time: expect.stringMatching(/\+0000$/),
    alarmData: {
      alarmName: "shop-lost",
      state: { value: "ALARM" },
      previousState: { value: "OK" },
      configuration: { metrics: [{ metricStat: { period: 10 } }] },
    },
  });
  expect(events.at(-1)).toMatchObject({
    source: "aws.cloudwatch",
    "detail-type": "CloudWatch Alarm State Change",
    resources: [arn],
    detail: { alarmName: "shop-lost", state: { value: "ALARM" } },
  });

  await put(0, 51);
  await look(60);
  expect(await state()).toBe("OK");
  const { AlarmHistoryItems } = await client.send(
    new cw.DescribeAlarmHistoryCommand({ AlarmName: "shop-lost", HistoryItemType: "StateUpdate" }),
  );
  expect(AlarmHistoryItems?.map((item) => item.HistorySummary)).toEqual([
    "Alarm updated from ALARM to OK",
    "Alarm updated from OK to ALARM",
    "Alarm updated from INSUFFICIENT_DATA to OK",
  ]);
});

test("a silent probe: missing data breaches only when the real points are out of range", async () => {
  const { alarm, put, look, state } = await watched();
  await alarm({
    Period: 60,
    EvaluationPeriods: 2,
    Statistic: "SampleCount",
    ComparisonOperator: "LessThanThreshold",
    TreatMissingData: "breaching",
  });
  for (const second of [0, 60]) await put(0, second);
  await look(120);
  expect(await state()).toBe("OK");
  await look(240);
  expect(await state()).toBe("OK");
  await look(360);
  expect(await state()).toBe("ALARM");
});

test("a drill sets the state, its actions run, and the next look takes it back", async () => {
  const { alarm, put, look, state, invoked, client } = await watched();
  await alarm();
  await put(0, 1);
  await put(0, 11);
  await look(20);
  await client.send(new cw.SetAlarmStateCommand({ AlarmName: "shop-lost", StateValue: "ALARM", StateReason: "drill" }));
  expect(await state()).toBe("ALARM");
  await vi.waitFor(() => expect(invoked).toHaveLength(1));
  await look(20);
  expect(await state()).toBe("OK");
  await client.send(new cw.DisableAlarmActionsCommand({ AlarmNames: ["shop-lost"] }));
  await client.send(new cw.SetAlarmStateCommand({ AlarmName: "shop-lost", StateValue: "ALARM", StateReason: "drill" }));
  await client.send(new cw.EnableAlarmActionsCommand({ AlarmNames: ["shop-lost"] }));
  await client.send(new cw.DeleteAlarmsCommand({ AlarmNames: ["shop-lost"] }));
  expect(await state()).toBeUndefined();
  expect(invoked).toHaveLength(1);
});

test("the pollers look by themselves", async () => {
  const lab = await labWith((world) => [createCloudWatch(world, { evaluateEveryMs: { fast: 20, slow: 20 } })]);
  const client = new CloudWatchClient(lab.client());
  const alarm = {
    AlarmName: "quiet",
    Namespace: "DR",
    MetricName: "Votes",
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
  } as const;
  await client.send(new cw.PutMetricAlarmCommand({ ...alarm, ComparisonOperator: "LessThanThreshold", TreatMissingData: "breaching" }));
  await vi.waitFor(() => expect(lab.told("goes from INSUFFICIENT_DATA to ALARM")).toHaveLength(1));
});

test("metrics come back as statistics of their periods", async () => {
  const { client, put, at } = await watched();
  const Dimensions = [{ Name: "Database", Value: "shop" }];
  for (const [value, second] of [
    [1, 0],
    [3, 1],
    [8, 61],
  ] as const)
    await put(value, second, { Dimensions, Unit: "Seconds" });
  await client.send(
    new cw.PutMetricDataCommand({
      Namespace: "DR",
      MetricData: [
        { MetricName: "Many", Values: [1, 2, 3, 100], Counts: [10, 10, 10, 1], Timestamp: new Date(at(0)) },
        { MetricName: "Set", StatisticValues: { SampleCount: 4, Sum: 10, Minimum: 1, Maximum: 4 }, Timestamp: new Date(at(0)) },
      ],
    }),
  );
  const range = { StartTime: new Date(at(0)), EndTime: new Date(at(120)) };
  const statistics = await client.send(
    new cw.GetMetricStatisticsCommand({
      ...range,
      Namespace: "DR",
      MetricName: "Lost",
      Dimensions,
      Period: 60,
      Statistics: ["Average", "SampleCount"],
    }),
  );
  expect(statistics.Datapoints).toEqual([
    { Timestamp: new Date(at(0)), Average: 2, SampleCount: 2, Unit: "Seconds" },
    { Timestamp: new Date(at(60)), Average: 8, SampleCount: 1, Unit: "Seconds" },
  ]);
  const query = (Id: string, MetricName: string, Stat: string, more = {}) => ({
    Id,
    MetricStat: { Metric: { Namespace: "DR", MetricName, ...more }, Period: 60, Stat },
  });
  const MetricDataQueries = [
    query("max", "Lost", "Maximum", { Dimensions }),
    query("p90", "Many", "p90"),
    query("avg", "Set", "Average"),
    query("none", "None", "Sum"),
  ];
  const { MetricDataResults } = await client.send(new cw.GetMetricDataCommand({ ...range, MetricDataQueries }));
  expect(MetricDataResults?.map(({ Id, Values }) => [Id, Values])).toEqual([
    ["max", [8, 3]],
    ["p90", [3]],
    ["avg", [2.5]],
    ["none", []],
  ]);
  const { Metrics } = await client.send(new cw.ListMetricsCommand({ Namespace: "DR", Dimensions: [{ Name: "Database" }] }));
  expect(Metrics).toEqual([{ Namespace: "DR", MetricName: "Lost", Dimensions }]);
});

test("what CloudWatch refuses names the parameter", async () => {
  const { alarm, put, client, at } = await watched();
  const refused = (message: string) => ({ name: "InvalidParameterValueException", message: expect.stringContaining(message) });
  const noAlarm = (message: string) => ({ name: "ValidationException", message: expect.stringContaining(message) });
  await expect(alarm({ Period: 15 })).rejects.toMatchObject(noAlarm("Period 15 is invalid"));
  await expect(alarm({ DatapointsToAlarm: 3 })).rejects.toMatchObject(noAlarm("DatapointsToAlarm 3"));
  await expect(alarm({ Period: 3600, EvaluationPeriods: 200 })).rejects.toMatchObject(noAlarm("more than a week"));
  await expect(put(Number.NaN, 0)).rejects.toMatchObject(refused("Value"));
  await expect(put(1, 3 * 3600)).rejects.toMatchObject(refused("Timestamp"));
  await expect(put(1, 0, { StorageResolution: 5 })).rejects.toMatchObject(refused("StorageResolution"));
  await expect(
    client.send(new cw.PutMetricDataCommand({ Namespace: "AWS/RDS", MetricData: [{ MetricName: "ReplicaLag", Value: 0 }] })),
  ).rejects.toMatchObject(refused("AWS/"));
  const many = {
    Namespace: "DR",
    MetricName: "Lost",
    StartTime: new Date(at(-86_400)),
    EndTime: new Date(at(0)),
    Period: 10,
    Statistics: ["Sum" as const],
  };
  await expect(client.send(new cw.GetMetricStatisticsCommand(many))).rejects.toMatchObject({
    name: "InvalidParameterCombinationException",
  });
});

test("a function's log line in the embedded metric format becomes metrics", async () => {
  const { lab, client, at } = await watched();
  const line = JSON.stringify({
    _aws: {
      Timestamp: at(0),
      CloudWatchMetrics: [
        {
          Namespace: "Understudy",
          Dimensions: [["Plan"], ["Plan", "Database"]],
          Metrics: [
            { Name: "PrimaryLost", StorageResolution: 1 },
            { Name: "LagSeconds", Unit: "Seconds" },
          ],
        },
      ],
    },
    Plan: "shop",
    Database: "orders",
    PrimaryLost: 1,
    LagSeconds: [0.5, 1.5],
  });
  expect(extractEmf(lab.world, "eu-central-1", line)).toBe(true);
  for (const other of ["START RequestId: 1", '{"level":"info"}', '{"_aws":', '{"_aws":{}}'])
    expect(extractEmf(lab.world, "eu-central-1", other)).toBe(false);
  await vi.waitFor(async () => expect((await client.send(new cw.ListMetricsCommand({ Namespace: "Understudy" }))).Metrics).toHaveLength(4));
});
