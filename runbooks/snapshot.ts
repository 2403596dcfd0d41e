/** Finds what is due and starts one backup each. A slot whose copy is there already costs one call. */
import { startExecution } from "../aws/functions.ts";
import { describeSnapshot } from "../aws/rds.ts";
import { machineExecution } from "../core/machine-set.ts";
import type { MachinePlan } from "../core/plan/schema.ts";
import { type BackupSlot, backupName, slotAt, snapshotName, windowEndMs } from "../core/slots.ts";
import type { BackupInput } from "./backup.ts";
import type { MachineInput } from "./machine.ts";
import type { Protected, Settings } from "./settings.ts";

export interface SnapshotResult {
  /** Or the machine. */
  readonly database: string;
  readonly slot: string;
  /** The execution that makes this slot's backup; null when its copy is there already. */
  readonly execution: string | null;
}

/** null: none is due now. */
export async function startDueBackup(settings: Settings, database: Protected, nowMs: number): Promise<SnapshotResult | null> {
  if (!database.backup) return null;
  const slot = slotAt(nowMs, database.backup);
  if (isOver(slot, database.backup, nowMs)) return null;
  const copy = await describeSnapshot(database.backup.copyTo, snapshotName(database.name, slot));
  if (copy?.status === "available") return { database: database.name, slot, execution: null };
  const input: BackupInput = { database: database.name, slot };
  const execution = backupName(database.name, slot);
  await startExecution(settings.region, settings.functions.backup, execution, input);
  return { database: database.name, slot, execution };
}

/** Its window is. */
const isOver = (slot: BackupSlot, planned: Pick<MachinePlan, "startWindowMinutes">, nowMs: number): boolean =>
  nowMs >= (windowEndMs(slot, planned) ?? Number.POSITIVE_INFINITY);

/** Lambda starts a name once: however often a slot is started, its set is taken once. null: none is due now. */
export async function startDueMachine(settings: Settings, machine: MachinePlan, nowMs: number): Promise<SnapshotResult | null> {
  const slot = slotAt(nowMs, machine);
  if (isOver(slot, machine, nowMs)) return null;
  const input: MachineInput = { machine: machine.name, slot };
  const execution = machineExecution(machine.name, slot);
  await startExecution(settings.region, settings.functions.machine, execution, input);
  return { database: machine.name, slot, execution };
}
