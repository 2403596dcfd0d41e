import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { expect, onTestFinished, test } from "vitest";
import { readJson, snapshots, waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead, minutesBetweenLooks } from "./bench.ts";

const open = bench();

async function run(slot: string, from?: string) {
  const { handler } = await import("../../functions/backup.ts");
  const runner = new LocalDurableTestRunner({ handlerFunction: handler as never });
  const execution = await runner.run({ payload: { database: "shop", slot, from } });
  return {
    status: execution.getStatus(),
    result: execution.getResult() as { outcome: string; snapshot: string; sentence: string },
    steps: execution.getOperations().map((it) => it.getName()),
  };
}

test("a backup takes a snapshot, copies it to the recovery region, notes it and tells", async () => {
  const { lab, plan, news } = open();
  const { status, result, steps } = await run("20261121t0600");
  expect(status).toBe("SUCCEEDED");
  expect(result).toMatchObject({ outcome: "completed", snapshot: "understudy-shop-20261121t0600" });
  expect(steps).toEqual([
    "find the primary",
    "the snapshot has started",
    "the snapshot is available",
    "see by when the copy is needed",
    "the copy has started",
    "the copy is available",
    "leave the line of copies",
    "note the recovery point",
    "tell of the backup",
  ]);
  const found = await snapshots(lab, [plan.regions.primary, plan.regions.recovery]);
  expect(found.map(({ region, status: state }) => [region, state])).toEqual([
    ["eu-central-1", "available"],
    ["eu-west-1", "available"],
  ]);
  expect(news.at(-1)?.kind).toBe("Backup Completed");
});

test("the same slot started twice makes one snapshot", async () => {
  const { lab, plan } = open();
  await run("20261121t1200");
  const second = await run("20261121t1200");
  expect(second.result.outcome).toBe("completed");
  const found = await snapshots(lab, [plan.regions.primary]);
  expect(found.filter((it) => it.id === "understudy-shop-20261121t1200")).toHaveLength(1);
});

test("the answer to CreateDBSnapshot is lost: the snapshot that is there is ours, and counts", async () => {
  const { lab } = open();
  let tries = 0;
  const restore = instead(lab, "rds", "CreateDBSnapshot", (before) => async (input) => {
    tries++;
    await before(input);
    throw new ServiceError("InternalFailure", "the reply never came", 500);
  });
  const { result } = await run("20261122t0000");
  restore();
  expect(result.outcome).toBe("completed");
  expect(tries).toBeGreaterThan(0);
});

test("somebody else's snapshot has our name: refused, and left untouched", async () => {
  const { lab, plan, news } = open();
  const id = "understudy-shop-20261122t0600";
  await lab.world.call(
    "rds",
    "CreateDBSnapshot",
    { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: id },
    { region: plan.regions.primary },
  );
  const { result } = await run("20261122t0600");
  expect(result.outcome).toBe("failed");
  expect(result.sentence).toContain("does not carry our tags");
  expect(news.at(-1)).toMatchObject({ kind: "Backup Failed" });
});

test("the total of snapshots is used up: a person is told, nothing is deleted", async () => {
  const { lab } = open();
  const restore = instead(lab, "rds", "CreateDBSnapshot", () => () => {
    throw new ServiceError("SnapshotQuotaExceeded", "Cannot create more than 100 manual snapshots", 400);
  });
  const { result } = await run("20261122t1200");
  restore();
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("Cannot create more than 100 manual snapshots") });
});

test("too many copies are in flight: it waits its turn", async () => {
  const { lab } = open();
  let refusals = 2;
  onTestFinished(minutesBetweenLooks(lab, 1));
  const restore = instead(lab, "rds", "CopyDBSnapshot", (before) => (input) => {
    if (refusals-- > 0) throw new ServiceError("SnapshotQuotaExceeded", "Cannot copy more than 20 snapshots across regions", 400);
    return before(input);
  });
  const { result } = await run("20261122t1800");
  restore();
  expect(result.outcome).toBe("completed");
  expect(refusals).toBeLessThan(0);
});

test("the primary runs in the recovery region after a move: its snapshot is taken there, and copied to where it came from", async () => {
  const { lab, plan, news, bucket } = open();
  const { primary, recovery } = plan.regions;
  const id = "shop-restored-20261122t200000";
  const from = { DBInstanceIdentifier: id, DBSnapshotIdentifier: "understudy-shop-20261122t1800" };
  await lab.world.call("rds", "RestoreDBInstanceFromDBSnapshot", from, { region: recovery });
  await waitFor("the restored instance", 30_000, async () => {
    const { DBInstances } = await lab.world.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: id }, { region: recovery });
    return DBInstances[0].DBInstanceStatus === "available";
  });
  const { changeRecord } = await import("../../runbooks/record.ts");
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const shop = protectedDatabase(readSettings().plan, "shop");
  const before = await changeRecord(readSettings(), shop, () => null);
  onTestFinished(async () => void (await changeRecord(readSettings(), shop, () => before)));
  await changeRecord(readSettings(), shop, (record) => ({ ...record, primary: id, regions: { ...record.regions, [id]: recovery } }));

  const name = "understudy-shop-20261124t0000";
  const { result } = await run("20261124t0000");
  expect(result.sentence).toContain(`${name} holds ${id} as of`);
  const found = (await snapshots(lab, [primary, recovery])).filter((it) => it.id === name);
  expect(found.map(({ region, status }) => [region, status])).toEqual([
    [primary, "available"],
    [recovery, "available"],
  ]);
  expect(news.at(-1)).toMatchObject({
    kind: "Backup Completed",
    details: [
      ["Snapshot", name],
      ["Places", `${recovery}, ${primary}`],
    ],
  });
  const newest = () => readJson(lab, recovery, bucket, "databases/shop/recovery-point.json");
  expect(await newest()).toMatchObject({ snapshot: name, region: recovery });

  // Nothing can be copied to where it came from: what was taken in the other region counts.
  const stop = instead(lab, "rds", "CopyDBSnapshot", () => () => {
    throw new ServiceError("KMSKeyNotAccessibleFault", "the key is disabled", 400);
  });
  const alone = await run("20261124t0600");
  stop();
  expect(alone.result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining(`is in ${recovery} alone`) });
  expect(news.at(-1)?.next).toContain(`understudy-shop-20261124t0600 can be restored in ${recovery}`);
  expect(await newest()).toMatchObject({ snapshot: "understudy-shop-20261124t0600", region: recovery });
});

test("its copy never came, and the primary is another by now: only the copy is made, from where the snapshot is (R13)", async () => {
  const { lab, plan } = open();
  const forbidden = instead(lab, "rds", "CopyDBSnapshot", () => () => {
    throw new ServiceError(
      "KMSKeyNotAccessibleFault",
      "Specified KMS key does not exist, is not enabled or you do not have permissions to access it.",
      400,
    );
  });
  expect((await run("20261125t0600")).result.outcome).toBe("failed");
  forbidden();
  const { regions } = plan;
  const isCopied = async () => (await snapshots(lab, [regions.recovery])).some(({ id }) => id === "understudy-shop-20261125t0600");
  expect(await isCopied()).toBe(false);
  const { changeRecord } = await import("../../runbooks/record.ts");
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const settings = readSettings();
  const shop = protectedDatabase(settings.plan, "shop");
  // In the other region: it can have no snapshot of the old one's.
  await changeRecord(settings, shop, (record) => ({
    ...record,
    primary: "shop-b",
    regions: { ...record.regions, "shop-b": regions.recovery },
  }));
  const { result, steps } = await run("20261125t0600", regions.primary);
  expect(result, result.sentence).toMatchObject({ outcome: "completed" });
  expect(steps).not.toContain("the snapshot has started");
  expect(await isCopied()).toBe(true);
  await changeRecord(settings, shop, (record) => ({
    ...record,
    primary: "shop-a",
    regions: { ...record.regions, "shop-b": regions.primary },
  }));
});

test("the source snapshot is deleted while it is copied: failed, and told", async () => {
  const { lab, news } = open();
  const restore = instead(lab, "rds", "CopyDBSnapshot", () => () => {
    throw new ServiceError("DBSnapshotNotFound", "DBSnapshot not found", 404);
  });
  const gone = instead(lab, "rds", "DescribeDBSnapshots", (before) => async (input) => {
    const region = (input as { DBSnapshotIdentifier?: string }).DBSnapshotIdentifier;
    const page = (await before(input)) as { DBSnapshots: { Status: string }[] };
    if (region && page.DBSnapshots[0]?.Status === "available") throw new ServiceError("DBSnapshotNotFound", "DBSnapshot not found", 404);
    return page;
  });
  const { result } = await run("20261123t0000");
  gone();
  restore();
  expect(result.outcome).toBe("failed");
  expect(news.at(-1)?.kind).toBe("Backup Failed");
});
