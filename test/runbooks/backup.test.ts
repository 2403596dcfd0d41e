import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { expect, test } from "vitest";
import { snapshots } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";

const open = bench();

async function run(slot: string) {
  const { handler } = await import("../../functions/backup.ts");
  const runner = new LocalDurableTestRunner({ handlerFunction: handler as never });
  const execution = await runner.run({ payload: { database: "shop", slot } });
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
    "the copy has started",
    "the copy is available",
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
  const restore = instead(lab, "rds", "CopyDBSnapshot", (before) => (input) => {
    if (refusals-- > 0) throw new ServiceError("SnapshotQuotaExceeded", "Cannot copy more than 20 snapshots across regions", 400);
    return before(input);
  });
  const { result } = await run("20261122t1800");
  restore();
  expect(result.outcome).toBe("completed");
  expect(refusals).toBeLessThan(0);
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
