/**
 * An instance that is made out of a backup, beside all others: asked for, waited for, asked what it holds. Restores and drills share it.
 * Each look is safe to repeat; what has the name and is not ours is left untouched. Deletes nothing, moves nothing.
 */
import { isCode } from "../aws/errors.ts";
import { describeInstance, describeShape } from "../aws/rds.ts";
import { type Restored, restoreInstance } from "../aws/restores.ts";
import { Problem } from "../core/problem.ts";
import type { RecoveryPoint } from "../core/restore.ts";
import { engineOf, type Target } from "../databases/engines.ts";
import { type Inventory, takeInventory } from "../databases/inventories.ts";
import { endpointOf, LOOK_MS, targetOf } from "./observe.ts";
import type { Protected, Settings } from "./settings.ts";
import { notYet, type Proof, proven } from "./until.ts";

/** In minutes: a large snapshot takes hours. */
export const PATIENCE = { create: 30, available: 720, answer: 60, gone: 60 };
const INVENTORY_MS = 20_000;

/** Of the instances of ours: which order, or which drill, made it. */
export const MADE_BY = "understudy:restored-by";

/** Admits Understudy's functions and nobody else: what is not verified yet is nobody's to read or write. */
export function verifyGroup(database: Protected, region: string): string {
  const group = database.plan.drainSecurityGroups?.[region];
  if (group) return group;
  throw new Problem("NoDrainGroup", `the plan names no drainSecurityGroups for ${region}, through which a restored instance is verified`, {
    hint: "Add one whose only inbound rule admits Understudy's functions.",
  });
}

const REFUSED = [
  "AccessDenied",
  "DBSnapshotNotFound",
  "InvalidDBSnapshotState",
  "InvalidRestore",
  "PointInTimeRestoreNotEnabled",
  "InstanceQuotaExceeded",
  "StorageQuotaExceeded",
  "KMSKeyNotAccessible",
  "DBSubnetGroupNotFound",
  "DBParameterGroupNotFound",
  "InvalidParameterCombination",
  "InvalidParameterValue",
  "InvalidVPCNetworkState",
  "OperationNotPermitted",
];

export async function created(name: string, point: RecoveryPoint, like: Restored): Promise<Proof> {
  const { region } = point;
  const there = await describeShape(region, name);
  if (there) {
    if (there.tags[MADE_BY] === like.tags[MADE_BY]) return proven(`${name} is there, in ${region}`);
    throw new Problem("NameTaken", `there is an instance ${name} in ${region} that this restore did not make`, {
      hint: "Rename it, or order again; it is left untouched.",
    });
  }
  try {
    await restoreInstance(name, point, like);
  } catch (error) {
    if (isCode(error, "DBInstanceAlreadyExists")) return notYet((error as Error).message);
    if (isCode(error, ...REFUSED))
      throw new Problem("RestoreRefused", `${region}: ${(error as Error).message}`, {
        hint: "See the reason, then order again.",
        cause: error,
      });
    throw error;
  }
  return notYet(`${name} was asked for`);
}

const LOST = ["failed", "incompatible-restore", "incompatible-network", "incompatible-parameters", "inaccessible-encryption-credentials"];

export async function available(region: string, name: string): Promise<Proof> {
  const found = await describeInstance(region, name);
  if (!found) throw new Problem("InstanceGone", `RDS no longer knows ${name}`, { hint: "Somebody deleted it." });
  if (LOST.includes(found.status))
    throw new Problem("RestoreFailed", `RDS reports ${name} as ${found.status}`, { hint: "RDS's own event log has the reason." });
  return found.status === "available" && found.address ? proven(`${name} is available`) : notYet(`${name} is ${found.status}`);
}

export async function targetAt(settings: Settings, database: Protected, region: string, name: string): Promise<Target> {
  const target = await targetOf(settings, database, endpointOf(await describeInstance(region, name)));
  if (target) return target;
  throw new Error(`RDS names no endpoint for ${name}`);
}

/** "available" is RDS's word; that it answers as a primary is the proof. */
export async function answers(settings: Settings, database: Protected, region: string, name: string): Promise<Proof> {
  const target = await targetAt(settings, database, region, name);
  const { inRecovery } = await engineOf(database.plan.engine).askStandby(target, database.name, LOOK_MS);
  return inRecovery ? notYet(`${name} is still in recovery`) : proven(`${name} answers`);
}

export interface Holds extends Inventory {
  /** Of the newest heart: what was written after it is not in there, as far as anybody can tell. null: no heart ever beat in it. */
  readonly newestMs: number | null;
}

export async function holds(settings: Settings, database: Protected, region: string, name: string): Promise<Holds> {
  const target = await targetAt(settings, database, region, name);
  const inventory = await takeInventory(database.plan.engine, target, INVENTORY_MS);
  const beats = inventory.heartbeats.map(({ atMs }) => atMs);
  return { ...inventory, newestMs: beats.length > 0 ? Math.max(...beats) : null };
}

/** Like "14 tables, 120,301 rows counted". */
export function holdsWords({ tables }: Inventory): string {
  const counts = Object.values(tables);
  const counted = counts.filter((count) => count !== null);
  const rows = counted.reduce((sum, count) => sum + count, 0);
  const rest = counts.length - counted.length;
  return `${counts.length} tables, ${rows} rows counted${rest > 0 ? `; ${rest} tables were not counted in time` : ""}`;
}
