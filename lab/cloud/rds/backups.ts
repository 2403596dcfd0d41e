/**
 * Automated backups: a snapshot when an instance with a retention is made, one a day in its backup window, and their end with the
 * retention or the instance.
 */
import type { World } from "../world.ts";
import { automatedOf, DAY_MS, openedAt } from "./backup-times.ts";
import { instanceEvent } from "./events.ts";
import { exists, type Rds, setStatus } from "./lifecycle.ts";
import { addSnapshot, snapshotStatus, takeSnapshot } from "./snapshots.ts";
import { type InstanceRecord, rdsState, regionState } from "./state.ts";

const LOOK_EVERY_MS = 20_000;

/** Where a new or restored instance ends up: available, with a backup behind it when it has a retention. */
export async function settleWithBackup(rds: Rds, record: InstanceRecord): Promise<void> {
  if (record.retentionDays > 0) await backUp(rds, record);
  else setStatus(rds.world, record, "available");
}

/** An automated snapshot of an instance that runs: it is `backing-up` meanwhile. A backup that fails leaves the instance as it was. */
export async function backUp(rds: Rds, record: InstanceRecord): Promise<void> {
  const { world } = rds;
  setStatus(world, record, "backing-up");
  instanceEvent(world, record, "0001");
  const snapshot = addSnapshot(world, record, freeName(world, record), "automated", record.copyTagsToSnapshot ? record.tags : []);
  try {
    await takeSnapshot(rds, record, snapshot, 0);
    instanceEvent(world, record, "0002");
  } catch (error) {
    if (rds.fleet.isClosing) throw error;
    if (exists(world, record)) snapshotStatus(world, snapshot, "failed");
    const what = `the automated backup of ${record.id} failed: ${(error as Error).message}`;
    world.tell({ kind: "lab", region: record.region, service: "rds", what });
  }
  if (exists(world, record) && record.status === "backing-up") setStatus(world, record, "available");
}

/** Named by the minute; the next one when that is taken. */
function freeName(world: World, record: InstanceRecord): string {
  for (let at = world.now(); ; at += 60_000) {
    const id = `rds:${record.id}-${new Date(at).toISOString().slice(0, 16).replace(/[T:]/g, "-")}`;
    if (!(id in regionState(world, record.region).snapshots)) return id;
  }
}

/** Takes the instance's automated snapshots away: those older than `before`, or all of them. */
export async function dropBackups({ world, fleet }: Rds, record: InstanceRecord, before = Number.POSITIVE_INFINITY): Promise<void> {
  const { snapshots } = regionState(world, record.region);
  for (const snapshot of automatedOf(world, record)) {
    if ((snapshot.createdAt ?? snapshot.takenSince ?? 0) >= before) continue;
    delete snapshots[snapshot.id];
    await fleet.dropBackup(snapshot);
  }
}

/** Looks now and then whether a window has opened, or a backup has outlived its retention. */
export function keepBackups(rds: Rds, everyMs = LOOK_EVERY_MS): void {
  rds.fleet.work(everyMs, "automated backups", "-", async () => {
    keepBackups(rds, everyMs);
    const now = rds.world.now();
    const all = Object.values(rdsState(rds.world).regions).flatMap(({ instances }) => Object.values(instances));
    for (const record of all.filter(({ retentionDays, cluster }) => retentionDays > 0 && !cluster)) {
      await dropBackups(rds, record, now - record.retentionDays * DAY_MS);
      const opened = openedAt(record.backupWindow, now);
      if (opened === undefined || record.status !== "available" || record.promoting || record.failingOver) continue;
      if (automatedOf(rds.world, record).every(({ takenSince = 0 }) => takenSince < opened)) await backUp(rds, record);
    }
  });
}
