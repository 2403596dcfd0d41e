/** What AWS promises of Route 53's health checks, one test a sentence. They look at real endpoints on loopback, and at alarms. */
import * as r53 from "@aws-sdk/client-route-53";
import { describe, expect, test, vi } from "vitest";
import { createCloudWatch } from "../../lab/cloud/cloudwatch.ts";
import type { World } from "../../lab/cloud/world.ts";
import { endpoint, status } from "../lab/endpoint.ts";
import { type TestZone, zone } from "../lab/route53-zone.ts";
import { becomes, checkOn, FAST, failover, PRIMARY, pair, roundsOf, SECONDARY, update } from "./route53-kit.ts";

describe("how a health check comes to its verdict", () => {
  test.skipIf(process.platform !== "linux")("more than 18 % of the checkers make it healthy: one of eight does not, two do", async () => {
    const lab = await zone(FAST);
    let seeing: string[] = [];
    const shop = await endpoint((request, response) =>
      status(seeing.includes(request.socket.remoteAddress!) ? 200 : 500)(request, response),
    );
    await pair(lab, await checkOn(lab, shop));
    await becomes(lab, SECONDARY);
    const checkers = [...new Set(shop.asked.map(({ from }) => from))];
    expect(checkers).toHaveLength(8);
    seeing = checkers.slice(0, 1);
    await roundsOf(shop);
    expect(await lab.answer()).toBe(SECONDARY);
    seeing = checkers.slice(0, 2);
    await becomes(lab, PRIMARY);
  });

  test("a new check is healthy until there is data, an inverted one unhealthy", async () => {
    const lab = await zone({ healthCheckMs: () => 3_600_000 });
    const check = await checkOn(lab, undefined);
    const inverted = await checkOn(lab, undefined, { Inverted: true });
    await pair(lab, check);
    expect(await lab.answer()).toBe(PRIMARY);
    await lab.applied(["UPSERT", failover("PRIMARY", PRIMARY, inverted)]);
    expect(await lab.answer()).toBe(SECONDARY);
  });

  test("Inverted turns the verdict round", async () => {
    const lab = await zone(FAST);
    const shop = await endpoint(status(500));
    await pair(lab, await checkOn(lab, shop, { Inverted: true }));
    await becomes(lab, PRIMARY);
    shop.answer = status(200);
    await becomes(lab, SECONDARY);
  });

  test("Disabled is healthy and sends nothing; Disabled and Inverted is unhealthy: how to force a failover", async () => {
    const lab = await zone(FAST);
    const shop = await endpoint(status(500));
    const check = await checkOn(lab, shop);
    await pair(lab, check);
    await becomes(lab, SECONDARY);
    await update(lab, check, { Disabled: true });
    expect(await lab.answer()).toBe(PRIMARY);
    const other = await endpoint();
    await checkOn(lab, other);
    await roundsOf(other, 1);
    const asked = shop.asked.length;
    await roundsOf(other);
    expect(shop.asked.length).toBe(asked);
    await update(lab, check, { Inverted: true });
    expect(await lab.answer()).toBe(SECONDARY);
    await update(lab, check, { Disabled: false, Inverted: false });
    shop.answer = status(200);
    await becomes(lab, PRIMARY);
  });

  test("STOP: an object in the standby's region fails the primary over, and its absence keeps the primary", async () => {
    const lab = await zone(FAST);
    const standbyRegion = await endpoint(status(404));
    await pair(lab, await checkOn(lab, standbyRegion, { Inverted: true, ResourcePath: "/initiate-failover.html" }));
    await becomes(lab, PRIMARY);
    standbyRegion.answer = status(200);
    await becomes(lab, SECONDARY);
    await standbyRegion.close();
    await becomes(lab, PRIMARY);
  });

  test("RequestInterval, Type and MeasureLatency cannot be changed: an update has no place for them", async () => {
    const lab = await zone();
    const check = await checkOn(lab, undefined);
    const more = { RequestInterval: 30, Type: "TCP", MeasureLatency: true };
    await update(lab, check, { FailureThreshold: 2, ...more });
    const { HealthCheck } = await lab.client.send(new r53.GetHealthCheckCommand({ HealthCheckId: check }));
    expect(HealthCheck?.HealthCheckConfig).toMatchObject({ RequestInterval: 10, Type: "HTTP", MeasureLatency: false, FailureThreshold: 2 });
  });

  test("a stale HealthCheckVersion is a HealthCheckVersionMismatch, 409, and changes nothing", async () => {
    const lab = await zone();
    const check = await checkOn(lab, undefined);
    await update(lab, check, { HealthCheckVersion: 1, FailureThreshold: 5 });
    await expect(update(lab, check, { HealthCheckVersion: 1, FailureThreshold: 7 })).rejects.toMatchObject({
      name: "HealthCheckVersionMismatch",
      $metadata: { httpStatusCode: 409 },
    });
    const { HealthCheck } = await lab.client.send(new r53.GetHealthCheckCommand({ HealthCheckId: check }));
    expect(HealthCheck).toMatchObject({ HealthCheckVersion: 2, HealthCheckConfig: { FailureThreshold: 5 } });
  });

  test("records do not hinder the deletion of a health check, a calculated one does; a record cannot name one that is gone", async () => {
    const lab = await zone();
    const check = await checkOn(lab, undefined);
    const parent = await checkOn(lab, undefined, { Type: "CALCULATED", HealthThreshold: 1, ChildHealthChecks: [check] });
    await pair(lab, check);
    const remove = (HealthCheckId: string) => lab.client.send(new r53.DeleteHealthCheckCommand({ HealthCheckId }));
    await expect(remove(check)).rejects.toMatchObject({ name: "HealthCheckInUse", $metadata: { httpStatusCode: 400 } });
    await remove(parent);
    await remove(check);
    await expect(lab.change(["UPSERT", failover("PRIMARY", PRIMARY, check)])).rejects.toMatchObject({
      name: "NoSuchHealthCheck",
      $metadata: { httpStatusCode: 404 },
    });
  });
});

describe("calculated health checks", () => {
  test("as many healthy children as the threshold asks for; 0 is always healthy, more than there are children never", async () => {
    const lab = await zone(FAST);
    const [one, two] = [await endpoint(status(500)), await endpoint(status(200))];
    const children = [await checkOn(lab, one), await checkOn(lab, two)];
    const check = await checkOn(lab, undefined, { Type: "CALCULATED", HealthThreshold: 2, ChildHealthChecks: children });
    await pair(lab, check);
    await becomes(lab, SECONDARY);
    for (const [HealthThreshold, expected] of [
      [1, PRIMARY],
      [3, SECONDARY],
      [0, PRIMARY],
    ] as const) {
      await update(lab, check, { HealthThreshold });
      expect(await lab.answer()).toBe(expected);
    }
    await update(lab, check, { HealthThreshold: 2 });
    one.answer = status(200);
    await becomes(lab, PRIMARY);
  });

  test("its status is not for GetHealthCheckStatus, but a metric in us-east-1", async () => {
    const lab = await zone({ ...FAST, metricsEveryMs: 20, others: (world) => [createCloudWatch(world)] });
    const check = await checkOn(lab, undefined, { Type: "CALCULATED", HealthThreshold: 1 });
    await expect(lab.client.send(new r53.GetHealthCheckStatusCommand({ HealthCheckId: check }))).rejects.toMatchObject({
      name: "InvalidInput",
    });
    await vi.waitFor(async () => {
      const { Datapoints } = await lab.lab.world.call(
        "monitoring",
        "GetMetricStatistics",
        {
          Namespace: "AWS/Route53",
          MetricName: "HealthCheckStatus",
          Dimensions: [{ Name: "HealthCheckId", Value: check }],
          StartTime: new Date(Date.now() - 120_000),
          EndTime: new Date(Date.now() + 60_000),
          Period: 60,
          Statistics: ["Minimum"],
        },
        { region: "us-east-1" },
      );
      expect(Datapoints[0]?.Minimum).toBe(0);
    });
  });
});

describe("health checks on an alarm", () => {
  const region = "eu-west-1";
  const cloudWatch = (lab: TestZone, operation: string, input: Record<string, unknown>) =>
    lab.lab.world.call("monitoring", operation, input, { region });
  const putAlarm = (lab: TestZone, more: Record<string, unknown> = {}) =>
    cloudWatch(lab, "PutMetricAlarm", {
      AlarmName: "writes stopped",
      Namespace: "Understudy",
      MetricName: "Writes",
      Statistic: "Sum",
      Period: 60,
      EvaluationPeriods: 2,
      Threshold: 1,
      ComparisonOperator: "LessThanThreshold",
      ...more,
    });
  /** The same value for each of the last minutes that are over. */
  const put = (lab: TestZone, Value: number, MetricName = "Writes") =>
    cloudWatch(lab, "PutMetricData", {
      Namespace: "Understudy",
      MetricData: [1, 2, 3].map((minutes) => ({ MetricName, Value, Timestamp: new Date(Date.now() - minutes * 60_000) })),
    });
  const withAlarm = async (config: Partial<r53.HealthCheckConfig> = {}) => {
    const lab = await zone({ ...FAST, others: (world: World) => [createCloudWatch(world)] });
    await putAlarm(lab);
    const AlarmIdentifier = { Region: region as r53.CloudWatchRegion, Name: "writes stopped" };
    const make = () => checkOn(lab, undefined, { Type: "CLOUDWATCH_METRIC", AlarmIdentifier, ...config });
    return { lab, make };
  };
  /** The check has read its metric at least once more. */
  const looked = async (lab: TestZone) => {
    const reads = vi.spyOn(lab.lab.world, "call");
    const count = () => reads.mock.calls.filter(([, operation]) => operation === "GetMetricStatistics").length;
    await vi.waitFor(() => expect(count()).toBeGreaterThan(2));
    reads.mockRestore();
  };

  test("CLOUDWATCH_METRIC reads the metric's data: SetAlarmState does not move it", async () => {
    const { lab, make } = await withAlarm();
    await put(lab, 5);
    await pair(lab, await make());
    await looked(lab);
    await cloudWatch(lab, "SetAlarmState", { AlarmName: "writes stopped", StateValue: "ALARM", StateReason: "drill" });
    await looked(lab);
    expect(await lab.answer()).toBe(PRIMARY);
  });

  test("the data crosses the threshold for all periods: unhealthy, whatever the alarm says", async () => {
    const { lab, make } = await withAlarm();
    await put(lab, 0);
    await pair(lab, await make());
    await becomes(lab, SECONDARY);
    await cloudWatch(lab, "SetAlarmState", { AlarmName: "writes stopped", StateValue: "OK", StateReason: "drill" });
    await looked(lab);
    expect(await lab.answer()).toBe(SECONDARY);
  });

  test.each([
    ["Healthy", PRIMARY],
    ["Unhealthy", SECONDARY],
    ["LastKnownStatus", PRIMARY],
  ] as const)("no data: InsufficientDataHealthStatus %s; a check that never knew a status is healthy", async (insufficient, expected) => {
    const { lab, make } = await withAlarm({ InsufficientDataHealthStatus: insufficient });
    await pair(lab, await make());
    await looked(lab);
    expect(await lab.answer()).toBe(expected);
  });

  test("LastKnownStatus keeps what the data last said", async () => {
    const { lab, make } = await withAlarm({ InsufficientDataHealthStatus: "LastKnownStatus" });
    await put(lab, 0);
    await pair(lab, await make());
    await becomes(lab, SECONDARY);
    const now = Date.now() + 3_600_000;
    lab.lab.world.now = () => now;
    await looked(lab);
    expect(await lab.answer()).toBe(SECONDARY);
  });

  test("a change of the alarm is not followed until the health check is updated", async () => {
    const { lab, make } = await withAlarm();
    await put(lab, 5);
    await put(lab, 0, "Others");
    const check = await make();
    await pair(lab, check);
    await putAlarm(lab, { MetricName: "Others" });
    await looked(lab);
    expect(await lab.answer()).toBe(PRIMARY);
    const { HealthCheck } = await update(lab, check, { AlarmIdentifier: { Region: region, Name: "writes stopped" } });
    expect(HealthCheck?.CloudWatchAlarmConfiguration).toMatchObject({ MetricName: "Others", Period: 60, Statistic: "Sum" });
    await becomes(lab, SECONDARY);
  });

  test("standard resolution and simple statistics only", async () => {
    const { lab, make } = await withAlarm();
    await putAlarm(lab, { Statistic: undefined, ExtendedStatistic: "p99" });
    await expect(make()).rejects.toMatchObject({ name: "InvalidInput", message: expect.stringContaining("extended statistic") });
    await putAlarm(lab, { Period: 10 });
    await expect(make()).rejects.toMatchObject({ name: "InvalidInput", message: expect.stringContaining("high-resolution") });
    await cloudWatch(lab, "DeleteAlarms", { AlarmNames: ["writes stopped"] });
    await expect(make()).rejects.toMatchObject({ name: "InvalidInput", message: expect.stringContaining("does not exist in eu-west-1") });
  });
});
