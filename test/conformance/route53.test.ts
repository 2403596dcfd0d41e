/** What AWS promises of Route 53 and the lab keeps: one test a sentence. Health checks look at real endpoints on loopback. */
import * as r53 from "@aws-sdk/client-route-53";
import { describe, expect, test, vi } from "vitest";
import { createCloudWatch } from "../../lab/cloud/cloudwatch.ts";
import { controlPlaneDark } from "../../lab/cloud/route53.ts";
import { createS3 } from "../../lab/cloud/s3.ts";
import type { World } from "../../lab/cloud/world.ts";
import { type Endpoint, endpoint, status } from "../lab/endpoint.ts";
import { set, type TestZone, zone } from "../lab/route53-zone.ts";

const FAST = { healthCheckMs: () => 20 };
const PRIMARY = "10.0.0.1";
const SECONDARY = "10.0.0.2";

let references = 0;

/** A health check that is what its endpoint is; without one, a check that never has data. */
async function checkOn({ client }: TestZone, at: Endpoint | undefined, config: Partial<r53.HealthCheckConfig> = {}): Promise<string> {
  const endpointConfig = { Type: "HTTP" as const, IPAddress: "127.0.0.1", Port: at?.port ?? 1, FailureThreshold: 1, RequestInterval: 10 };
  const { HealthCheck } = await client.send(
    new r53.CreateHealthCheckCommand({
      CallerReference: `check ${++references}`,
      HealthCheckConfig: config.Type ? { ...config, Type: config.Type } : { ...endpointConfig, ...config },
    }),
  );
  return HealthCheck!.Id!;
}

const update = ({ client }: TestZone, HealthCheckId: string, input: Partial<r53.UpdateHealthCheckCommandInput>) =>
  client.send(new r53.UpdateHealthCheckCommand({ HealthCheckId, ...input }));

const failover = (role: r53.ResourceRecordSetFailover, address: string, HealthCheckId?: string): r53.ResourceRecordSet => ({
  ...set("db.example.com", "A", [address]),
  SetIdentifier: role.toLowerCase(),
  Failover: role,
  HealthCheckId,
});

/** PRIMARY answers while the check `ofPrimary` is healthy: how a test sees what Route 53 thinks of a check. */
async function pair(lab: TestZone, ofPrimary?: string, ofSecondary?: string): Promise<void> {
  await lab.applied(["CREATE", failover("PRIMARY", PRIMARY, ofPrimary)], ["CREATE", failover("SECONDARY", SECONDARY, ofSecondary)]);
}

const becomes = (lab: TestZone, address: string) => vi.waitFor(async () => expect(await lab.answer()).toBe(address), 10_000);

/** Resolves when the endpoint has been asked by every checker once more, and their answers are noted. */
async function roundsOf(at: Endpoint, rounds = 3): Promise<void> {
  const from = at.asked.length;
  await vi.waitFor(() => expect(at.asked.length - from).toBeGreaterThan(8 * rounds), 10_000);
}

describe("the failover table", () => {
  test.each([
    ["the primary is healthy, the secondary too: primary", 200, 200, PRIMARY],
    ["the primary is healthy, the secondary is not: primary", 200, 500, PRIMARY],
    ["the primary is unhealthy, the secondary is healthy: secondary", 500, 200, SECONDARY],
    ["both are unhealthy: primary, dead or fenced as it may be", 500, 500, PRIMARY],
  ])("%s", async (_, ofPrimary, ofSecondary, expected) => {
    const lab = await zone(FAST);
    const [one, two] = [await endpoint(status(ofPrimary)), await endpoint(status(ofSecondary))];
    await pair(lab, await checkOn(lab, one), await checkOn(lab, two));
    await roundsOf(one);
    await roundsOf(two);
    expect(await lab.answer()).toBe(expected);
  });

  test("a secondary without a health check is used whenever the primary is unhealthy", async () => {
    const lab = await zone(FAST);
    const one = await endpoint(status(500));
    await pair(lab, await checkOn(lab, one));
    await becomes(lab, SECONDARY);
    one.answer = status(200);
    await becomes(lab, PRIMARY);
  });

  test("a record without a health check is healthy: such a primary is always answered", async () => {
    const lab = await zone(FAST);
    const two = await endpoint();
    await pair(lab, undefined, await checkOn(lab, two));
    await roundsOf(two);
    expect(await lab.answer()).toBe(PRIMARY);
  });

  test("a health check on a cold standby sends clients back to the dead primary until the standby is ready", async () => {
    const lab = await zone(FAST);
    const [dead, cold] = [await endpoint(status(500)), await endpoint(status(503))];
    await pair(lab, await checkOn(lab, dead), await checkOn(lab, cold));
    await roundsOf(dead);
    await roundsOf(cold);
    expect(await lab.answer()).toBe(PRIMARY);
    cold.answer = status(200);
    await becomes(lab, SECONDARY);
  });

  test("a lone record of a pair is answered, healthy or not", async () => {
    const lab = await zone(FAST);
    const one = await endpoint(status(500));
    await lab.applied(["CREATE", failover("SECONDARY", SECONDARY, await checkOn(lab, one))]);
    await roundsOf(one);
    expect(await lab.answer()).toBe(SECONDARY);
  });

  test("what counts is the endpoint of the health check, not the record's value", async () => {
    const lab = await zone(FAST);
    const elsewhere = await endpoint(status(200));
    await pair(lab, await checkOn(lab, elsewhere));
    await roundsOf(elsewhere);
    expect(await lab.answer()).toBe(PRIMARY);
    elsewhere.answer = status(500);
    await becomes(lab, SECONDARY);
  });

  test("exactly one PRIMARY and one SECONDARY, each with an identifier of its own", async () => {
    const lab = await zone();
    await pair(lab);
    const third = { ...failover("PRIMARY", "10.0.0.3"), SetIdentifier: "third" };
    await expect(lab.change(["CREATE", third])).rejects.toMatchObject({
      name: "InvalidChangeBatch",
      message: expect.stringMatching(/SetIdentifier third, and Failover PRIMARY cannot be created/),
    });
    await expect(lab.change(["CREATE", { ...third, SetIdentifier: undefined }])).rejects.toMatchObject({
      name: "InvalidInput",
      message: expect.stringContaining("Missing field 'SetIdentifier' in Change with [Action=CREATE"),
    });
    await expect(lab.change(["CREATE", { ...third, Failover: undefined }])).rejects.toMatchObject({
      message: expect.stringContaining(
        "Expected exactly one of [Weight, Region, Failover, GeoLocation, or MultiValueAnswer], but found none",
      ),
    });
  });

  test("one batch swaps the roles", async () => {
    const lab = await zone();
    await pair(lab);
    await lab.applied(
      ["UPSERT", { ...failover("SECONDARY", PRIMARY), SetIdentifier: "primary" }],
      ["UPSERT", { ...failover("PRIMARY", SECONDARY), SetIdentifier: "secondary" }],
    );
    expect(await lab.answer()).toBe(SECONDARY);
  });
});

describe("aliases", () => {
  const alias = (lab: TestZone, DNSName: string, more: Partial<r53.ResourceRecordSet> = {}): r53.ResourceRecordSet => ({
    Name: "db.example.com",
    Type: "A",
    AliasTarget: { HostedZoneId: lab.HostedZoneId.split("/").at(-1)!, DNSName, EvaluateTargetHealth: true },
    ...more,
  });

  test("an alias evaluates its target's health: nested failover reaches the region that lives", async () => {
    const lab = await zone(FAST);
    const [one, two] = [await endpoint(status(200)), await endpoint(status(200))];
    const target = (Name: string, address: string, HealthCheckId: string, Weight: number) => ({
      ...set(Name, "A", [address], 7),
      SetIdentifier: address,
      Weight,
      HealthCheckId,
    });
    await lab.applied(
      ["CREATE", target("one.example.com", PRIMARY, await checkOn(lab, one), 1)],
      ["CREATE", target("two.example.com", SECONDARY, await checkOn(lab, two), 1)],
      ["CREATE", alias(lab, "one.example.com", { SetIdentifier: "a", Failover: "PRIMARY" })],
      ["CREATE", alias(lab, "two.example.com", { SetIdentifier: "b", Failover: "SECONDARY" })],
    );
    expect(await lab.resolver.resolve4("db.example.com", { ttl: true })).toEqual([{ address: PRIMARY, ttl: 7 }]);
    one.answer = status(500);
    await becomes(lab, SECONDARY);
    two.answer = status(500);
    await becomes(lab, PRIMARY);
  });

  test("an alias that does not evaluate its target is healthy", async () => {
    const lab = await zone(FAST);
    const one = await endpoint(status(500));
    const blind = alias(lab, "one.example.com", { SetIdentifier: "a", Failover: "PRIMARY" });
    await lab.applied(
      ["CREATE", { ...set("one.example.com", "A", [PRIMARY]), SetIdentifier: "1", Weight: 1, HealthCheckId: await checkOn(lab, one) }],
      ["CREATE", { ...blind, AliasTarget: { ...blind.AliasTarget!, EvaluateTargetHealth: false } }],
      ["CREATE", failover("SECONDARY", SECONDARY)],
    );
    await roundsOf(one);
    expect(await lab.answer()).toBe(PRIMARY);
  });

  test("an alias leads to a record of the same type that is there, in the same zone", async () => {
    const lab = await zone();
    const id = lab.HostedZoneId.split("/").at(-1)!;
    const refused = (message: string) => ({ name: "InvalidChangeBatch", message: `[${message}]` });
    const missing = `Tried to create an alias that targets none.example.com., type A in zone ${id}, but that target was not found`;
    await expect(lab.change(["CREATE", alias(lab, "none.example.com")])).rejects.toMatchObject(refused(missing));
    const outside = `Tried to create an alias that targets lb.example.net., type A in zone ${id}`;
    await expect(lab.change(["CREATE", alias(lab, "lb.example.net")])).rejects.toMatchObject(
      refused(`${outside}, but the alias target name does not lie within the target zone, ${outside}, but that target was not found`),
    );
    const both = { ...alias(lab, "a.example.com"), TTL: 60 };
    await expect(lab.change(["CREATE", both])).rejects.toMatchObject({
      name: "InvalidInput",
      message: expect.stringContaining("but found more than one"),
    });
    await lab.applied(["CREATE", alias(lab, "a.example.com")], ["CREATE", set("a.example.com", "A", [PRIMARY])]);
    expect(await lab.answer()).toBe(PRIMARY);
  });
});

describe("weighted records", () => {
  const weighted = (address: string, Weight: number, HealthCheckId?: string): r53.ResourceRecordSet => ({
    ...set("db.example.com", "A", [address]),
    SetIdentifier: address,
    Weight,
    HealthCheckId,
  });
  const counts = async (lab: TestZone, queries: number) => {
    const found: Record<string, number> = {};
    for (let each = 0; each < queries; each++) {
      const address = await lab.answer();
      found[address] = (found[address] ?? 0) + 1;
    }
    return found;
  };

  test("a record is answered as often as its weight says, the same way for the same seed", async () => {
    const runs = [];
    for (const seed of [5, 5]) {
      const lab = await zone({ seed });
      await lab.applied(["CREATE", weighted(PRIMARY, 3)], ["CREATE", weighted(SECONDARY, 1)]);
      runs.push(await counts(lab, 400));
    }
    const [{ [PRIMARY]: one = 0, [SECONDARY]: two = 0 } = {}] = runs;
    expect([one + two, one > 250, two > 50]).toEqual([400, true, true]);
    expect(runs[1]).toEqual(runs[0]);
  });

  test("weight 0 is never answered, unless all are 0: then each is as likely as the next", async () => {
    const lab = await zone({ seed: 9 });
    await lab.applied(["CREATE", weighted(PRIMARY, 1)], ["CREATE", weighted(SECONDARY, 0)]);
    expect(await counts(lab, 50)).toEqual({ [PRIMARY]: 50 });
    await lab.applied(["UPSERT", weighted(PRIMARY, 0)]);
    const found = await counts(lab, 100);
    expect(found[PRIMARY]).toBeGreaterThan(20);
    expect(found[SECONDARY]).toBeGreaterThan(20);
  });

  test("weight 0 is answered when all others are unhealthy; when that one is too, the others are", async () => {
    const lab = await zone(FAST);
    const [one, two] = [await endpoint(status(500)), await endpoint(status(200))];
    await lab.applied(
      ["CREATE", weighted(PRIMARY, 1, await checkOn(lab, one))],
      ["CREATE", weighted(SECONDARY, 0, await checkOn(lab, two))],
    );
    await becomes(lab, SECONDARY);
    two.answer = status(500);
    await becomes(lab, PRIMARY);
  });

  test("weights run from 0 to 255; one TTL for the group; at most 100 records of one name and type", async () => {
    const lab = await zone();
    for (const Weight of [-1, 256])
      await expect(lab.change(["CREATE", weighted(PRIMARY, Weight)])).rejects.toMatchObject({ name: "InvalidInput" });
    const ttl = { ...weighted(SECONDARY, 1), TTL: 60 };
    await expect(lab.change(["CREATE", weighted(PRIMARY, 255)], ["CREATE", ttl])).rejects.toMatchObject({
      name: "InvalidChangeBatch",
      message: expect.stringContaining("cannot be created as weighted sets must contain the same TTL."),
    });
    const many = Array.from(
      { length: 101 },
      (_, at) => ["CREATE", weighted(`10.0.1.${at}`, 1)] as [r53.ChangeAction, r53.ResourceRecordSet],
    );
    await expect(lab.change(...many)).rejects.toMatchObject({ name: "InvalidChangeBatch" });
    await lab.change(...many.slice(1));
  });
});

describe("policies do not mix under one name and type", () => {
  const A = set("db.example.com", "A", [PRIMARY]);
  const failoverSet: r53.ResourceRecordSet = { ...A, SetIdentifier: "f", Failover: "PRIMARY" };
  const weightedSet: r53.ResourceRecordSet = { ...A, SetIdentifier: "w", Weight: 1 };
  test.each([
    ["weighted beside failover", failoverSet, weightedSet, "SetIdentifier w cannot be created as a non-weighted set exists"],
    ["failover beside weighted", weightedSet, failoverSet, "SetIdentifier f cannot be created as a non-failover set exists"],
    ["failover beside simple", A, failoverSet, "SetIdentifier f cannot be created as a non-failover set exists"],
    ["simple beside weighted", weightedSet, A, "cannot be created as other RRSets exist with the same name and type."],
  ])("%s", async (_, first, second, message) => {
    const lab = await zone();
    await lab.change(["CREATE", first]);
    await expect(lab.change(["CREATE", second])).rejects.toMatchObject({
      name: "InvalidChangeBatch",
      message: expect.stringContaining(message),
    });
    await lab.change(["DELETE", first], ["CREATE", second]);
  });

  test("latency, geolocation, multivalue and the like are refused by name", async () => {
    const lab = await zone();
    for (const policy of [{ Region: "eu-west-1" as const }, { GeoLocation: { CountryCode: "*" } }, { MultiValueAnswer: true }])
      await expect(lab.change(["CREATE", { ...A, SetIdentifier: "x", ...policy }])).rejects.toMatchObject({
        name: "InvalidInput",
        message: expect.stringContaining(`no ${Object.keys(policy)[0]} in Change with`),
      });
  });
});

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

describe("changes", () => {
  test("a batch holds as a whole or not at all", async () => {
    const lab = await zone();
    await expect(
      lab.change(["CREATE", set("a.example.com", "A", [PRIMARY])], ["DELETE", set("none.example.com", "A", [PRIMARY])]),
    ).rejects.toMatchObject({ name: "InvalidChangeBatch", $metadata: { httpStatusCode: 400 } });
    const { ResourceRecordSets } = await lab.client.send(new r53.ListResourceRecordSetsCommand({ HostedZoneId: lab.HostedZoneId }));
    expect(ResourceRecordSets).toHaveLength(2);
  });

  test("a change is PENDING before it is INSYNC, and is not answered before", async () => {
    const lab = await zone({ dnsInsyncMs: 150 });
    const { ChangeInfo } = await lab.change(["CREATE", set("db.example.com", "A", [PRIMARY])]);
    expect([ChangeInfo?.Status, await lab.answer()]).toEqual(["PENDING", "ENOTFOUND"]);
    await lab.insync(ChangeInfo!.Id!);
    expect(await lab.answer()).toBe(PRIMARY);
  });

  test("an UPSERT replaces the whole set: left out, the health check is gone", async () => {
    const lab = await zone();
    const check = await checkOn(lab, undefined);
    await pair(lab, check);
    await lab.applied(["UPSERT", failover("PRIMARY", PRIMARY)]);
    const { ResourceRecordSets } = await lab.client.send(
      new r53.ListResourceRecordSetsCommand({ HostedZoneId: lab.HostedZoneId, StartRecordName: "db.example.com" }),
    );
    expect(ResourceRecordSets?.[0]).toEqual({ ...failover("PRIMARY", PRIMARY), Name: "db.example.com." });
  });

  test("a DELETE matches every value: TTL, role, weight and health check too", async () => {
    const lab = await zone();
    const check = await checkOn(lab, undefined);
    await pair(lab, check);
    for (const wrong of [
      failover("PRIMARY", PRIMARY),
      { ...failover("PRIMARY", PRIMARY, check), TTL: 6 },
      { ...failover("SECONDARY", PRIMARY, check), SetIdentifier: "primary" },
    ])
      await expect(lab.change(["DELETE", wrong])).rejects.toMatchObject({
        message:
          "[Tried to delete resource record set [name='db.example.com.', type='A', set-identifier='primary'] but the values provided do not match the current values]",
      });
    await lab.change(["DELETE", failover("PRIMARY", PRIMARY, check)]);
  });

  test("a set may be deleted and made anew in one batch", async () => {
    const lab = await zone();
    await lab.applied(["CREATE", set("db.example.com", "A", [PRIMARY])]);
    await lab.applied(["DELETE", set("db.example.com", "A", [PRIMARY])], ["CREATE", set("db.example.com", "A", [SECONDARY])]);
    expect(await lab.answer()).toBe(SECONDARY);
  });

  const sets = (records: number, length: number): r53.ResourceRecordSet[] =>
    Array.from({ length: Math.ceil(records / 100) }, (_, at) =>
      set(
        `s${at}.example.com`,
        "TXT",
        Array.from({ length: Math.min(100, records - at * 100) }, (_, each) => `"${String(each).padEnd(length - 2, "x")}"`),
      ),
    );

  test.each([
    ["1,000 records", sets(1000, 5), sets(1001, 5)],
    ["32,000 characters", sets(200, 160), sets(200, 161)],
  ])("at most %s a request; an UPSERT counts twice", async (_, most, tooMany) => {
    const lab = await zone();
    const send = (action: r53.ChangeAction, all: r53.ResourceRecordSet[]) =>
      lab.change(...all.map((each): [r53.ChangeAction, r53.ResourceRecordSet] => [action, each]));
    const refused = { name: "InvalidChangeBatch", message: expect.stringMatching(/^\[Number of \w+ limit of \d+ exceeded\.\]$/) };
    await expect(send("CREATE", tooMany)).rejects.toMatchObject(refused);
    await expect(send("UPSERT", most)).rejects.toMatchObject(refused);
    await send("CREATE", most);
  });

  test("at most 400 records in a set", async () => {
    const lab = await zone();
    const values = Array.from({ length: 401 }, (_, at) => `10.0.${at >> 8}.${at & 255}`);
    await expect(lab.change(["CREATE", set("db.example.com", "A", values)])).rejects.toMatchObject({ name: "InvalidChangeBatch" });
    await lab.change(["CREATE", set("db.example.com", "A", values.slice(1))]);
  });

  test("routed records are listed in pages, from name, type and identifier on", async () => {
    const lab = await zone();
    await pair(lab);
    const list = (input: Partial<r53.ListResourceRecordSetsCommandInput>) =>
      lab.client.send(new r53.ListResourceRecordSetsCommand({ HostedZoneId: lab.HostedZoneId, MaxItems: 1, ...input }));
    const first = await list({ StartRecordName: "db.example.com" });
    expect(first).toMatchObject({
      IsTruncated: true,
      NextRecordName: "db.example.com.",
      NextRecordType: "A",
      NextRecordIdentifier: "secondary",
    });
    const { NextRecordName: StartRecordName, NextRecordType: StartRecordType, NextRecordIdentifier: StartRecordIdentifier } = first;
    const second = await list({ StartRecordName, StartRecordType, StartRecordIdentifier });
    expect(second.ResourceRecordSets?.map(({ SetIdentifier }) => SetIdentifier)).toEqual(["secondary"]);
  });

  test("PriorRequestNotComplete, 400: a second batch for a zone that is still being worked on; the SDK tries again", async () => {
    const lab = await zone();
    lab.route53.faults.priorRequestNotComplete = 2;
    const create = () => lab.change(["CREATE", set("db.example.com", "A", [PRIMARY])]);
    await expect(create()).rejects.toMatchObject({ name: "PriorRequestNotComplete", $metadata: { httpStatusCode: 400 } });
    const patient = new r53.Route53Client({ ...lab.lab.client("us-east-1"), maxAttempts: 3 });
    const { $metadata } = await patient.send(
      new r53.ChangeResourceRecordSetsCommand({
        HostedZoneId: lab.HostedZoneId,
        ChangeBatch: { Changes: [{ Action: "CREATE", ResourceRecordSet: set("db.example.com", "A", [PRIMARY]) }] },
      }),
    );
    expect($metadata.attempts).toBe(2);
  });
});

test("five requests a second for the account, all operations together; the sixth is Throttling with HTTP 400", async () => {
  const lab = await zone({ throttle: true });
  const now = Date.now() + 60_000;
  lab.lab.world.now = () => now;
  const check = await checkOn(lab, undefined);
  const calls = [
    () => lab.client.send(new r53.ListHostedZonesCommand({})),
    () => lab.client.send(new r53.GetHealthCheckCommand({ HealthCheckId: check })),
    () => lab.change(["CREATE", set("db.example.com", "A", [PRIMARY])]),
    () => update(lab, check, { FailureThreshold: 2 }),
  ];
  for (const call of calls) await call();
  await expect(calls[0]!()).rejects.toMatchObject({ name: "Throttling", message: "Rate exceeded", $metadata: { httpStatusCode: 400 } });
});

describe("the control plane in us-east-1 is dark", () => {
  test("every call answers 503; DNS answers, health checks and S3 go on; failover by health check still works", async () => {
    const lab = await zone({ ...FAST, others: (world) => [createS3(world)] });
    const shop = await endpoint();
    const check = await checkOn(lab, shop);
    await pair(lab, check);
    controlPlaneDark(lab.lab.world, true);
    const calls = [
      () => lab.client.send(new r53.ListHostedZonesCommand({})),
      () => lab.change(["UPSERT", failover("PRIMARY", SECONDARY)]),
      () => update(lab, check, { Inverted: true }),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ name: "ServiceUnavailable", $metadata: { httpStatusCode: 503 } });
    expect(await lab.answer()).toBe(PRIMARY);
    shop.answer = status(500);
    await becomes(lab, SECONDARY);
    await lab.lab.world.call("s3", "ListBuckets", {}, { region: "eu-west-1" });
    controlPlaneDark(lab.lab.world, false);
    await lab.client.send(new r53.ListHostedZonesCommand({}));
  });

  test("a change accepted before stays PENDING until the light is back", async () => {
    const lab = await zone({ dnsInsyncMs: 30 });
    const other = await zone({ dnsInsyncMs: 60 });
    const { ChangeInfo } = await lab.change(["CREATE", set("db.example.com", "A", [PRIMARY])]);
    controlPlaneDark(lab.lab.world, true);
    await other.applied(["CREATE", set("db.example.com", "A", [PRIMARY])]);
    expect(await lab.answer()).toBe("ENOTFOUND");
    controlPlaneDark(lab.lab.world, false);
    await lab.insync(ChangeInfo!.Id!);
    expect(await lab.answer()).toBe(PRIMARY);
  });

  test("it may hang instead: a call gets no answer before the light is back", async () => {
    const lab = await zone();
    controlPlaneDark(lab.lab.world, true, "hangs");
    let ended = false;
    const call = lab.client.send(new r53.ListHostedZonesCommand({})).catch((error: Error) => {
      ended = true;
      return error;
    });
    await vi.waitFor(() => expect(lab.lab.told("the control plane of Route 53 is dark")).toHaveLength(1));
    expect(await lab.answer("ns.example.com")).toBe("ENOTFOUND");
    expect(ended).toBe(false);
    controlPlaneDark(lab.lab.world, false);
    expect(await call).toMatchObject({ name: "ServiceUnavailable" });
  });

  test("a lab that goes on is as dark as it was left", async () => {
    const before = await zone();
    controlPlaneDark(before.lab.world, true);
    const state = JSON.parse(JSON.stringify(before.lab.world.save()));
    controlPlaneDark(before.lab.world, false);
    await expect(zone({ state })).rejects.toMatchObject({ name: "ServiceUnavailable" });
  });
});
