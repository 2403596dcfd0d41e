/** Part L.3 and A2: RDS's automated backups, whose identifiers begin with rds:, and what they say of an instance. */
import * as api from "@aws-sdk/client-rds";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openedAt, usualWindow } from "../../lab/cloud/rds/backup-times.ts";
import type { RdsState, SnapshotRecord } from "../../lab/cloud/rds/state.ts";
import { HOME, patient, RdsLab, refusal } from "./rds-lab.ts";

const DAY_MS = 86_400_000;

let lab: RdsLab;
beforeAll(async () => {
  lab = await RdsLab.open({ alone: true });
});
afterAll(async () => {
  await lab?.close();
});

const backupsOf = async (id: string): Promise<api.DBSnapshot[]> =>
  (await lab.send(new api.DescribeDBSnapshotsCommand({ DBInstanceIdentifier: id, SnapshotType: "automated" }))).DBSnapshots;
const only = async (id: string): Promise<api.DBSnapshot> => {
  const [first, ...more] = await backupsOf(id);
  expect(more).toEqual([]);
  return first as api.DBSnapshot;
};
const modify = (id: string, more: object) =>
  lab.send(new api.ModifyDBInstanceCommand({ DBInstanceIdentifier: id, ApplyImmediately: true, ...more }));
const remove = (id: string, more: object = {}) =>
  lab.send(new api.DeleteDBInstanceCommand({ DBInstanceIdentifier: id, SkipFinalSnapshot: true, ...more }));
const gone = (id: string) => vi.waitFor(() => expect(lab.instance(id)).rejects.toEqual(refusal("DBInstanceNotFound", 404)), patient);
/** Makes a snapshot older than it is. */
function age(snapshot: api.DBSnapshot, byMs: number): void {
  const { regions } = lab.world.save().rds as RdsState;
  const record = regions[HOME]?.snapshots[snapshot.DBSnapshotIdentifier ?? ""] as SnapshotRecord;
  const before = (at: number | undefined) => (at === undefined ? undefined : at - byMs);
  Object.assign(record, { takenSince: before(record.takenSince), createdAt: before(record.createdAt) });
}

test("an instance with a retention is backed up when it is made: creating, backing-up, available", async () => {
  const seen = new Set<string>();
  const from = lab.events.length;
  await lab.create("fresh", { BackupRetentionPeriod: 7 });
  await vi.waitFor(async () => {
    seen.add((await lab.instance("fresh")).DBInstanceStatus ?? "");
    expect(seen).toContain("available");
  }, patient);
  expect([...seen]).toEqual(["creating", "backing-up", "available"]);
  const backup = await only("fresh");
  expect(backup).toMatchObject({ SnapshotType: "automated", Status: "available", PercentProgress: 100, Engine: "postgres" });
  expect(backup.DBSnapshotIdentifier).toMatch(/^rds:fresh-\d{4}-\d\d-\d\d-\d\d-\d\d$/);
  expect(backup.DBSnapshotArn).toBe(lab.snapshotArn(backup.DBSnapshotIdentifier ?? ""));
  expect(lab.events.slice(from).map(({ detail }) => detail.EventID.slice(-4))).toEqual(["0005", "0001", "0090", "0091", "0002"]);
  // Unasked, a list holds both kinds.
  const { DBSnapshots } = await lab.send(new api.DescribeDBSnapshotsCommand({ DBInstanceIdentifier: "shop-a" }));
  expect(new Set(DBSnapshots.map(({ SnapshotType }: api.DBSnapshot) => SnapshotType))).toEqual(new Set(["manual", "automated"]));
});

test("without a retention there is no backup and nothing to restore to; with the first day comes the first backup", async () => {
  await lab.create("careless", { BackupRetentionPeriod: 0 });
  await lab.available("careless");
  expect(await backupsOf("careless")).toEqual([]);
  expect((await lab.instance("careless")).LatestRestorableTime).toBeUndefined();
  await modify("careless", { BackupRetentionPeriod: 1 });
  await vi.waitFor(async () => expect(await only("careless")).toMatchObject({ Status: "available" }), patient);
  await lab.available("careless");
  await modify("careless", { BackupRetentionPeriod: 0 });
  await vi.waitFor(async () => expect(await backupsOf("careless")).toEqual([]), patient);
  await lab.available("careless");
  await remove("careless");
});

test("LatestRestorableTime follows within five minutes, and stays behind when the database is dead", async () => {
  const at = (await lab.instance("fresh")).LatestRestorableTime?.getTime() as number;
  expect(at).toBeLessThanOrEqual(Date.now());
  expect(at).toBeGreaterThan(Date.now() - 300_000);
  await lab.rds.faults.kill(HOME, "fresh");
  const died = (await lab.instance("fresh")).LatestRestorableTime?.getTime() as number;
  expect(died).toBeLessThanOrEqual(Date.now());
  await lab.send(new api.RebootDBInstanceCommand({ DBInstanceIdentifier: "fresh" }));
  await lab.available("fresh");
});

test("a backup is neither deleted nor shared by hand", async () => {
  const { DBSnapshotIdentifier } = await only("fresh");
  await expect(lab.send(new api.DeleteDBSnapshotCommand({ DBSnapshotIdentifier }))).rejects.toEqual(
    refusal("InvalidDBSnapshotState", 400, /^automated snapshots cannot be deleted/),
  );
  const share = { DBSnapshotIdentifier, AttributeName: "restore", ValuesToAdd: ["444455556666"] };
  await expect(lab.send(new api.ModifyDBSnapshotAttributeCommand(share))).rejects.toEqual(
    refusal("InvalidParameterValue", 400, /DBSnapshotIdentifier is not a valid identifier/),
  );
});

test("a copy of a backup is a manual snapshot, and a restore from either has the rows", async () => {
  await lab.sql("fresh", "CREATE TABLE late (id int)");
  const { DBSnapshotIdentifier: id } = await only("fresh");
  expect(await lab.copy("fresh-kept", {}, HOME, id)).toMatchObject({ SnapshotType: "manual", DBSnapshotIdentifier: "fresh-kept" });
  await lab.snapshotIs("fresh-kept", "available");
  await lab.send(
    new api.RestoreDBInstanceFromDBSnapshotCommand({
      DBInstanceIdentifier: "again",
      DBSnapshotIdentifier: id,
      VpcSecurityGroupIds: ["sg-open"],
    }),
  );
  await lab.available("again");
  // As it was when it was made, before the table.
  await expect(lab.sql("again", "SELECT * FROM late")).rejects.toThrow(/late/);
  await remove("again");
});

test("one a day is taken once its window opens, and the oldest go with the retention", async () => {
  const first = await only("fresh");
  age(first, DAY_MS);
  const clock = (at: number) => new Date(at).toISOString().slice(11, 16);
  await modify("fresh", { PreferredBackupWindow: `${clock(Date.now() - 600_000)}-${clock(Date.now() + 3_000_000)}` });
  await vi.waitFor(async () => expect(await backupsOf("fresh")).toHaveLength(2), patient);
  await lab.available("fresh");
  age(first, 7 * DAY_MS);
  await vi.waitFor(async () => expect((await only("fresh")).DBSnapshotIdentifier).not.toBe(first.DBSnapshotIdentifier), patient);
});

test("backups end with their instance, unless they are kept; manual snapshots stay", async () => {
  await lab.create("kept", { BackupRetentionPeriod: 1 });
  await lab.available("kept");
  const [backup] = await backupsOf("fresh");
  await remove("fresh");
  await remove("kept", { DeleteAutomatedBackups: false });
  await gone("fresh");
  await gone("kept");
  await expect(lab.snapshot(backup?.DBSnapshotIdentifier ?? "")).rejects.toEqual(refusal("DBSnapshotNotFound", 404));
  expect(await only("kept")).toMatchObject({ Status: "available" });
  expect(await lab.snapshot("fresh-kept")).toMatchObject({ Status: "available" });
});

test("a window is read in UTC, may span midnight, and is half an hour at least", async () => {
  const at = (time: string) => Date.parse(`2026-11-20T${time}:00Z`);
  expect(openedAt("03:00-03:30", at("03:10"))).toBe(at("03:00"));
  expect(openedAt("03:00-03:30", at("03:30"))).toBeUndefined();
  expect(openedAt("23:45-00:15", at("00:05"))).toBe(at("00:05") - 20 * 60_000);
  for (const PreferredBackupWindow of ["3:00-3:30", "03:00-03:29", "24:00-24:30", "nightly"])
    await expect(modify("shop-a", { PreferredBackupWindow })).rejects.toEqual(refusal("InvalidParameterValue", 400, /backup window/));
  // Nobody's short lab is backed up in its middle.
  expect(openedAt(usualWindow(lab.world), Date.now())).toBeUndefined();
});

test("an instance is restored to a point in time: rows of before are in it, rows of after are not, and the source is as it was", async () => {
  await lab.create("timely", { BackupRetentionPeriod: 1 });
  await lab.available("timely");
  const source = lab.rds.cluster(HOME, "timely");
  await source.query("create table story (word text)");
  await source.query("insert into story values ('before')");
  const [{ at }] = (await source.query("select extract(epoch from clock_timestamp()) * 1000 as at")) as [{ at: number }];
  const RestoreTime = new Date(Math.ceil(Number(at)) + 20);
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(RestoreTime.getTime()), patient);
  await source.query("insert into story values ('after')");
  const early = new api.RestoreDBInstanceToPointInTimeCommand({
    SourceDBInstanceIdentifier: "timely",
    TargetDBInstanceIdentifier: "timely-then",
    RestoreTime,
  });
  // RDS sends the log away every five minutes: what it has not got yet it cannot restore.
  await expect(lab.send(early)).rejects.toEqual(refusal("InvalidRestoreFault", 400));
  vi.spyOn(lab.world, "now").mockImplementation(() => Date.now() + 300_000);
  await lab.send(early);
  await lab.available("timely-then");
  vi.restoreAllMocks();
  expect(await lab.rds.cluster(HOME, "timely-then").query("select word from story")).toEqual([{ word: "before" }]);
  expect(await source.query("select count(*)::int as rows from story")).toEqual([{ rows: 2 }]);
  await lab.create("bare", { BackupRetentionPeriod: 0 });
  await expect(
    lab.send(
      new api.RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceIdentifier: "bare",
        TargetDBInstanceIdentifier: "never",
        UseLatestRestorableTime: true,
      }),
    ),
  ).rejects.toEqual(refusal("PointInTimeRestoreNotEnabled", 400));
});
