/** Backup slots: time cut into equal pieces, each of which gets one backup. Pure. */

/** Start of a slot in UTC, like "20261121t0900". */
export type BackupSlot = string;

/** The slot a moment falls in. Slots are counted from 1970 in UTC, so every caller gets the same one. */
export function slotAt(atMs: number, everyMinutes: number): BackupSlot {
  const length = everyMinutes * 60_000;
  const start = new Date(Math.floor(atMs / length) * length);
  return start.toISOString().slice(0, 16).replace(/[-:]/g, "").toLowerCase();
}

/** Begins the name of every snapshot Understudy makes. */
export const SNAPSHOT_PREFIX = "understudy-";

/** Lower case, letters, digits and single hyphens: what RDS takes as a snapshot's identifier (CreateDBSnapshot). */
export const snapshotName = (database: string, slot: BackupSlot): string => `${SNAPSHOT_PREFIX}${database}-${slot}`;

export const backupName = (database: string, slot: BackupSlot): string => `backup-${database}-${slot}`;
