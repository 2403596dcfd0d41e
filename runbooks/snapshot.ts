/** Finds what is due and starts one backup each. A slot whose copy is there already costs one call. */
import { startExecution } from "../aws/functions.ts";
import { describeSnapshot } from "../aws/rds.ts";
import { backupName, slotAt, snapshotName } from "../core/slots.ts";
import type { BackupInput } from "./backup.ts";
import type { Protected, Settings } from "./settings.ts";

export interface SnapshotResult {
  readonly database: string;
  readonly slot: string;
  /** The execution that makes this slot's backup; null when its copy is there already. */
  readonly execution: string | null;
}

export async function startDueBackup(settings: Settings, database: Protected, nowMs: number): Promise<SnapshotResult | null> {
  if (!database.backup) return null;
  const slot = slotAt(nowMs, database.backup.everyMinutes);
  const copy = await describeSnapshot(database.backup.copyTo, snapshotName(database.name, slot));
  if (copy?.status === "available") return { database: database.name, slot, execution: null };
  const input: BackupInput = { database: database.name, slot };
  const execution = backupName(database.name, slot);
  await startExecution(settings.region, settings.functions.backup, execution, input);
  return { database: database.name, slot, execution };
}
