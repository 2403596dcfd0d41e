import { type DurableContext, withDurableExecution } from "@aws/durable-execution-sdk-js";
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { afterEach, expect, test } from "vitest";
import { waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";

const open = bench();
const REGION = "eu-central-1";
const TOPIC = `arn:aws:sns:${REGION}:111122223333:ops`;

const rds = (operation: string, input: object) => open().lab.world.call("rds", operation, input, { region: REGION });
const instance = async (id: string) => (await rds("DescribeDBInstances", { DBInstanceIdentifier: id })).DBInstances[0];
const available = (id: string) =>
  waitFor(`${id} to be available`, 20_000, async () => {
    const { DBInstanceStatus, PendingModifiedValues } = await instance(id);
    return DBInstanceStatus === "available" && Object.keys(PendingModifiedValues).length === 0;
  });
const alarms = async () => (await open().lab.world.call("monitoring", "DescribeAlarms", {}, { region: REGION })).MetricAlarms;
const json = async (key: string) => {
  const { readDocument } = await import("../../aws/documents.ts");
  const { plan, bucket } = open();
  // biome-ignore lint/suspicious/noExplicitAny: documents of any shape
  return (await readDocument<any>({ region: plan.regions.recovery, bucket }, key))?.value;
};

async function product() {
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const settings = readSettings();
  return { settings, shop: protectedDatabase(settings.plan, "shop") };
}

async function laps(count: number) {
  const { probeLap } = await import("../../runbooks/probe.ts");
  const { settings, shop } = await product();
  for (let lap = 0; lap < count; lap++) {
    if (lap > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
    await probeLap(settings, shop);
  }
  return { settings, shop };
}

/** What the move does at its end, by itself. */
async function restore(execution: string, generation = 2) {
  const { settings, shop } = await product();
  const { restoreProtections } = await import("../../runbooks/protect.ts");
  const regions = { "shop-a": REGION, "shop-b": REGION };
  const handlerFunction = withDurableExecution(async (_: unknown, ctx: DurableContext) => {
    await restoreProtections(ctx, settings, shop, { execution, generation, oldPrimary: "shop-a", newPrimary: "shop-b", regions });
  });
  await new LocalDurableTestRunner({ handlerFunction }).run({ payload: {} });
  return open().news.findLast(({ id }) => id === `${execution}-protections`);
}

let restores: (() => void)[] = [];
afterEach(() => {
  for (const undo of restores) undo();
  restores = [];
});

test("the primary dies with its backups, second zone, protection, parameters, tags and alarms: the new one has them all, and nothing was rebooted for it", async () => {
  const { lab } = open();
  const { DBParameterGroups } = await instance("shop-a");
  const own = { DBParameterGroupName: "shop-own", DBParameterGroupFamily: "postgres18", Description: "the primary's own" };
  await rds("CreateDBParameterGroup", own);
  await rds("ModifyDBInstance", {
    DBInstanceIdentifier: "shop-a",
    BackupRetentionPeriod: 14,
    PreferredBackupWindow: "02:10-02:40",
    PreferredMaintenanceWindow: "tue:04:00-tue:04:30",
    CopyTagsToSnapshot: true,
    MultiAZ: true,
    DBParameterGroupName: "shop-own",
    ApplyImmediately: true,
  });
  await rds("AddTagsToResource", {
    ResourceName: `arn:aws:rds:${REGION}:${lab.world.account}:db:shop-a`,
    Tags: [
      { Key: "team", Value: "shop" },
      { Key: "Name", Value: "shop-a" },
    ],
  });
  const alarm = {
    Namespace: "AWS/RDS",
    MetricName: "CPUUtilization",
    Dimensions: [{ Name: "DBInstanceIdentifier", Value: "shop-a" }],
    Statistic: "Average",
    Period: 60,
    EvaluationPeriods: 5,
    Threshold: 90,
    ComparisonOperator: "GreaterThanThreshold",
    AlarmActions: [TOPIC],
  };
  await lab.world.call("monitoring", "PutMetricAlarm", { ...alarm, AlarmName: "shop-a-cpu" }, { region: REGION });
  await available("shop-a");

  const { settings, shop } = await laps(2);
  const { keepBaseline } = await import("../../runbooks/baseline.ts");
  await keepBaseline(settings, shop, Date.now());
  expect(await json("databases/shop/baseline.json")).toMatchObject({
    instance: "shop-a",
    protections: { multiAz: true, backupRetentionDays: 14, parameterGroup: "shop-own" },
    alarms: [{ name: "shop-a-cpu" }],
  });

  // Its second zone is lost first; within the hour nobody looks again.
  await rds("ModifyDBInstance", { DBInstanceIdentifier: "shop-a", MultiAZ: false, ApplyImmediately: true });
  await available("shop-a");
  await keepBaseline(settings, shop, Date.now());
  await lab.rds.faults.kill(REGION, "shop-a");
  await laps(4);
  const { claim, readRecord } = await import("../../runbooks/record.ts");
  const what = { kind: "failover", target: "shop-b", rule: 401, sentence: "for the bench", order: null } as const;
  await claim(settings, await readRecord(settings, shop), what, Date.now());
  const reboots: string[] = [];
  const changes: object[] = [];
  restores.push(
    instead(lab, "rds", "RebootDBInstance", (call) => (input) => {
      reboots.push((input as { DBInstanceIdentifier: string }).DBInstanceIdentifier);
      return call(input);
    }),
    instead(lab, "rds", "ModifyDBInstance", (call) => async (input) => {
      const answer = await call(input);
      if ((input as { DBInstanceIdentifier: string }).DBInstanceIdentifier === "shop-b") changes.push(input as object);
      return answer;
    }),
  );
  const { handler } = await import("../../functions/move.ts");
  const runner = new LocalDurableTestRunner({ handlerFunction: handler as never });
  const execution = await runner.run({ payload: { kind: "failover", database: "shop", generation: 1, attempt: 1 } });
  const result = execution.getResult() as { outcome: string; sentence: string };
  expect(result.outcome, result.sentence).toBe("succeeded");

  expect(await instance("shop-b")).toMatchObject({
    DBInstanceStatus: "available",
    BackupRetentionPeriod: 14,
    PreferredBackupWindow: "02:10-02:40",
    PreferredMaintenanceWindow: "tue:04:00-tue:04:30",
    CopyTagsToSnapshot: true,
    DeletionProtection: true,
    MultiAZ: true,
    DBParameterGroups: [{ DBParameterGroupName: "shop-own", ParameterApplyStatus: "pending-reboot" }],
    TagList: [{ Key: "team", Value: "shop" }],
  });
  expect(DBParameterGroups[0].DBParameterGroupName).not.toBe("shop-own");
  expect((await alarms()).find(({ AlarmName }: { AlarmName: string }) => AlarmName === "shop-b-cpu")).toMatchObject({
    ...alarm,
    Dimensions: [{ Name: "DBInstanceIdentifier", Value: "shop-b" }],
  });
  expect(changes).toHaveLength(1);
  expect(reboots).toEqual(["shop-a"]);
  const { news } = open();
  expect(news.findLast(({ kind }) => kind === "Move Succeeded")?.next).toContain("still names shop-a as the primary");
  const told = news.at(-1);
  expect(told).toMatchObject({ kind: "Protections Restored", id: "move-shop-g1-a1-protections" });
  expect(told?.details).toContainEqual(["Restored", "alarm shop-b-cpu"]);
  expect(JSON.stringify(told?.details)).toContain("waits for a reboot, which Understudy leaves to you");
  expect((await json("evidence/shop/move-shop-g1-a1.json")).infrastructureCode.join()).toContain("replicate_source_db");
  expect((await json("evidence/shop/move-shop-g1-a1-protections.json")).left).toEqual([]);
  // The next move restores what this primary has.
  expect(await json("databases/shop/baseline.json")).toMatchObject({ instance: "shop-b", alarms: [{ name: "shop-b-cpu" }] });
});

/** The measure is another primary's again, as if the move had just ended. */
async function measure(protections: object, more: object = {}) {
  const { readBaseline, writeBaseline } = await import("../../runbooks/baseline.ts");
  const { settings } = await product();
  const stored = await readBaseline(settings, "shop");
  if (!stored) throw new Error("there is no baseline to change");
  const { value } = stored;
  await writeBaseline(settings, "shop", stored, {
    ...value,
    instance: "shop-a",
    alarms: [],
    protections: { ...value.protections, ...protections },
    ...more,
  });
}

test("all is there already: asked again, nothing is changed", async () => {
  await measure({});
  restores.push(
    instead(open().lab, "rds", "ModifyDBInstance", () => () => {
      throw new Error("nothing is to be changed");
    }),
  );
  expect(await restore("again")).toMatchObject({ kind: "Protections Restored", sentence: expect.stringContaining("lost nothing") });
});

test("RDS refuses one of the settings: the others are restored one by one, and the refused one is a person's", async () => {
  await measure({ parameterGroup: "deleted-since", backupRetentionDays: 21 });
  const told = await restore("refused");
  expect(told).toMatchObject({ kind: "Protections Missing" });
  expect(told?.details).toContainEqual(["Restored", "backups are kept for 21 days, were 14"]);
  expect(told?.details.find(([label]) => label === "Left to you")?.[1]).toContain("DBParameterGroup not found: deleted-since");
  expect(await instance("shop-b")).toMatchObject({ BackupRetentionPeriod: 21, DBParameterGroups: [{ DBParameterGroupName: "shop-own" }] });
  // Not handed on: what is left to a person is still the measure.
  expect(await json("databases/shop/baseline.json")).toMatchObject({
    instance: "shop-a",
    protections: { parameterGroup: "deleted-since" },
  });
});

test("nothing may be restored (AccessDenied everywhere): it is told with its reasons, and nothing fails", async () => {
  await measure({ backupRetentionDays: 30 }, { tags: { owner: "ops" } });
  const denied = (service: string, operation: string) =>
    instead(open().lab, service, operation, () => () => {
      throw new ServiceError("AccessDenied", `not authorized to perform: ${operation}`, 403);
    });
  restores.push(denied("rds", "ModifyDBInstance"), denied("rds", "AddTagsToResource"), denied("monitoring", "DescribeAlarms"));
  const told = await restore("denied");
  expect(told?.kind).toBe("Protections Missing");
  const left = told?.details.filter(([label]) => label === "Left to you").map(([, value]) => value) ?? [];
  expect(left.join()).toContain("not authorized to perform: ModifyDBInstance");
  expect(left.join()).toContain("not authorized to perform: AddTagsToResource");
});

test("another move has begun since: this one's instance is left alone", async () => {
  await measure({ backupRetentionDays: 30 });
  const told = await restore("late", 1);
  expect(told?.kind).toBe("Protections Missing");
  expect(JSON.stringify(told?.details)).toContain("another move has begun since (generation 2)");
  expect(await instance("shop-b")).toMatchObject({ BackupRetentionPeriod: 21 });
});

test("something is left to a person: for a day the measure stays what was lost, then it is what the new primary has", async () => {
  const { settings, shop } = await product();
  const { keepBaseline } = await import("../../runbooks/baseline.ts");
  await keepBaseline(settings, shop, Date.now() + 3_600_000);
  expect(await json("databases/shop/baseline.json")).toMatchObject({ instance: "shop-a" });
  await keepBaseline(settings, shop, Date.now() + 25 * 3_600_000);
  expect(await json("databases/shop/baseline.json")).toMatchObject({ instance: "shop-b", protections: { backupRetentionDays: 21 } });
});
