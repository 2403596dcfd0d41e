/** Backup slots: time cut into equal pieces, each of which gets one backup. Pure. */
import { lastPlanned } from "./schedule.ts";

/** Start of a slot in UTC, like "20261121t0900". */
export type BackupSlot = string;

interface Planned {
  readonly everyMinutes: number;
  readonly at?: readonly string[] | undefined;
  readonly timeZone?: string | undefined;
}

/** The slot a moment falls in: since the newest planned time of day, or counted from 1970 in UTC, so that every caller gets the same one. */
export function slotAt(atMs: number, { everyMinutes, at, timeZone = "UTC" }: Planned): BackupSlot {
  const length = everyMinutes * 60_000;
  return slotOf(at ? lastPlanned(atMs, { at, timeZone }) : Math.floor(atMs / length) * length);
}

/** The one that starts then. */
export const slotOf = (startMs: number): BackupSlot => new Date(startMs).toISOString().slice(0, 16).replace(/[-:]/g, "").toLowerCase();

/** When a backup of the slot may begin no longer; null: it may as long as it takes. */
export function windowEndMs(slot: BackupSlot, { startWindowMinutes }: { readonly startWindowMinutes?: number | undefined }): number | null {
  const startMs = startOfSlot(slot);
  return startMs === null || startWindowMinutes === undefined ? null : startMs + startWindowMinutes * 60_000;
}

/** null: it is no slot. */
export function startOfSlot(slot: BackupSlot): number | null {
  const [, year, month, day, hour, minute] = /^(\d{4})(\d{2})(\d{2})t(\d{2})(\d{2})$/.exec(slot) ?? [];
  const startMs = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  return Number.isNaN(startMs) || slotOf(startMs) !== slot ? null : startMs;
}

/** Begins the name of every snapshot Understudy makes. */
export const SNAPSHOT_PREFIX = "understudy-";

/** Lower case, letters, digits and single hyphens: what RDS takes as a snapshot's identifier (CreateDBSnapshot). */
export const snapshotName = (database: string, slot: BackupSlot): string => `${SNAPSHOT_PREFIX}${database}-${slot}`;

export const backupName = (database: string, slot: BackupSlot): string => `backup-${database}-${slot}`;
export const vaultName = (database: string, slot: BackupSlot): string => `vault-${database}-${slot}`;
