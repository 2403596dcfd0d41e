import { expect, test } from "vitest";
import { slotAt } from "../../core/slots.ts";
import { snapshots, waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";

const open = bench();
const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const MINUTE_MS = 60_000;

async function looked(nowMs: number) {
  const { lookForOverdue } = await import("../../runbooks/overdue.ts");
  return await lookForOverdue(open().plan, nowMs);
}

test("no schedule, no rule and no function of the backups is left: the check in the other region counts the minutes (R44, R45)", async () => {
  const { lab, plan } = open();
  const startedMs = Date.now();
  expect(await looked(startedMs)).toEqual([{ database: "shop", minutes: 0 }]);
  expect(await looked(startedMs + 7 * MINUTE_MS)).toEqual([{ database: "shop", minutes: 7 }]);

  const slot = slotAt(startedMs, { everyMinutes: 1 });
  const Tags = Object.entries({ plan: plan.name, database: "shop", slot }).map(([key, Value]) => ({ Key: `understudy:${key}`, Value }));
  const snapshot = { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: `understudy-shop-${slot}`, Tags };
  await lab.world.call("rds", "CreateDBSnapshot", snapshot, { region: HOME });
  expect(await looked(startedMs + 7 * MINUTE_MS)).toEqual([{ database: "shop", minutes: 0 }]);
  // It is being made, for hours, and no other can begin meanwhile.
  expect(await looked(startedMs + 368 * MINUTE_MS)).toMatchObject([
    { database: "shop", minutes: expect.toSatisfy((late: number) => late >= 7) },
  ]);
  const [taken] = await waitFor("the snapshot", 20_000, async () => {
    const found = await snapshots(lab, [HOME]);
    return found[0]?.status === "available" && found;
  });
  const takenMs = Date.parse(taken?.takenAt ?? "");
  expect(await looked(takenMs + 366 * MINUTE_MS)).toEqual([{ database: "shop", minutes: 0 }]);
  expect(await looked(takenMs + 367 * MINUTE_MS)).toEqual([{ database: "shop", minutes: 7 }]);
  // Heard in the recovery region.
  const { Datapoints } = await lab.world.call(
    "monitoring",
    "GetMetricStatistics",
    {
      Namespace: "Understudy/Overdue",
      MetricName: "LookedForOverdue",
      Dimensions: [{ Name: "Plan", Value: plan.name }],
      StartTime: new Date(startedMs - 10 * MINUTE_MS),
      EndTime: new Date(startedMs + 20 * MINUTE_MS),
      Period: 60,
      Statistics: ["SampleCount"],
    },
    { region: AWAY },
  );
  expect(Datapoints.length).toBeGreaterThan(0);
});

test("a region says nothing: nothing is said, and the alarm hears the silence", async () => {
  const silent = instead(open().lab, "rds", "DescribeDBSnapshots", (call) => (input, { region }) => {
    if (region === HOME) throw new ServiceError("ServiceUnavailable", "Service Unavailable", 503);
    return call(input);
  });
  expect(await looked(Date.now())).toEqual([]);
  silent();
});

test("an old backup is copied late: when the copy was made is not when its data was taken, and the next one is overdue all the same", async () => {
  const { lab } = open();
  const [source] = await snapshots(lab, [HOME]);
  const takenMs = Date.parse(source?.takenAt ?? "");
  const untold = instead(lab, "rds", "DescribeDBSnapshots", (call) => async (input, { region }) => {
    const answer = structuredClone(await call(input)) as { DBSnapshots: Record<string, unknown>[] };
    if (region === HOME) return answer;
    // A copy under way, of which RDS says nothing but when it was asked for.
    const { DBSnapshots } = (await lab.world.call(
      "rds",
      "DescribeDBSnapshots",
      { SnapshotType: "manual" },
      { region: HOME },
    )) as typeof answer;
    const copies = DBSnapshots.map(({ OriginalSnapshotCreateTime: _, ...each }) => ({
      ...each,
      Status: "creating",
      SourceDBSnapshotIdentifier: each.DBSnapshotArn,
      SnapshotCreateTime: new Date(takenMs + 366 * MINUTE_MS),
    }));
    return { ...answer, DBSnapshots: copies };
  });
  expect(await looked(takenMs + 367 * MINUTE_MS)).toEqual([{ database: "shop", minutes: 7 }]);
  untold();
});
