/**
 * When automated backups are due, which an instance has, and how far it could be restored. The log is read
 * where the instance wrote it (restore.ts), so a deleted instance has none. Takes and deletes nothing.
 */
import type { World } from "../world.ts";
import { type InstanceRecord, regionState, type SnapshotRecord } from "./state.ts";

export const DAY_MS = 86_400_000;
const HALF_HOUR_MS = 1_800_000;
/** RDS sends an instance's log away this often. */
const LOGS_EVERY_MS = 300_000;

/**
 * The window of an instance that asks for none. AWS throws dice inside eight hours of the region's night; the lab takes the half hour
 * that is furthest from now, so that nothing is backed up in the middle of a short lab.
 */
export function usualWindow(world: World): string {
  const opens = Math.floor((world.now() + DAY_MS / 2) / HALF_HOUR_MS) * HALF_HOUR_MS;
  const clock = (at: number): string => new Date(at).toISOString().slice(11, 16);
  return `${clock(opens)}-${clock(opens + HALF_HOUR_MS)}`;
}

/** When the window that is open at `now` opened; undefined when it is closed. The times are UTC, and a window may span midnight. */
export function openedAt(window: string, now: number): number | undefined {
  const [opens = 0, closes = 0] = window.split("-").map((time) => {
    const [hours = 0, minutes = 0] = time.split(":").map(Number);
    return (hours * 60 + minutes) * 60_000;
  });
  const since = (now - opens + DAY_MS) % DAY_MS;
  return since < (closes - opens + DAY_MS) % DAY_MS ? now - since : undefined;
}

export const automatedOf = (world: World, record: InstanceRecord): SnapshotRecord[] =>
  Object.values(regionState(world, record.region).snapshots).filter(
    (each) => each.type === "automated" && each.resourceId === record.resourceId,
  );

/** How far the instance could be restored: to the logs RDS has, which a dead database writes no more. */
export function latestRestorable(world: World, record: InstanceRecord): Date | undefined {
  if (record.retentionDays === 0) return undefined;
  const backups = automatedOf(world, record).flatMap(({ status, databaseAt }) => (status === "available" ? [databaseAt ?? 0] : []));
  if (backups.length === 0) return undefined;
  const logs = Math.floor((record.fault?.at ?? world.now()) / LOGS_EVERY_MS) * LOGS_EVERY_MS;
  return new Date(Math.max(logs, ...backups));
}
