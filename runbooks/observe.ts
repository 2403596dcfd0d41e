/** Reads the world once, for one database. Whatever cannot be read is null or "unknown" in the facts; it never stops the look. */

import type { Stored } from "../aws/documents.ts";
import { describeInstance } from "../aws/rds.ts";
import { readCredentials } from "../aws/secrets.ts";
import type { DatabaseRecord, Facts, InstanceFacts, Sight, StandbyFacts } from "../core/facts.ts";
import { type DatabaseEngine, engineOf, type Target } from "../databases/engines.ts";
import { readRecord, readVote } from "./record.ts";
import type { Protected, Settings } from "./settings.ts";

/** How long one look at a database may take: longer than a slow answer, shorter than a lap. */
export const LOOK_MS = 1_500;

export async function targetOf(settings: Settings, database: Protected, instance: InstanceFacts | null): Promise<Target | null> {
  if (!instance?.address || !instance.port) return null;
  const credentials = await readCredentials(settings.region, database.plan.secret, Date.now());
  return { host: instance.address, port: instance.port, database: database.plan.database, ...credentials };
}

export interface Seen {
  readonly sight: Sight;
  /** Whether the write was acknowledged. */
  readonly wrote: boolean;
  /** What stood in the way, in words. */
  readonly trouble: string | null;
}

/** Tries a write. Any answer of the server, an error too, means it is alive: slow or unwilling is not dead. */
export async function look(engine: DatabaseEngine, target: Target | null, write: (target: Target) => Promise<void>): Promise<Seen> {
  if (!target) return { sight: "lost", wrote: false, trouble: "RDS names no endpoint for it" };
  try {
    await write(target);
    return { sight: "alive", wrote: true, trouble: null };
  } catch (error) {
    const trouble = (error as Error).message || String((error as { code?: unknown }).code);
    return { sight: engine.answered(error) ? "alive" : "lost", wrote: false, trouble };
  }
}

export async function lookAtStandby(target: Target | null, database: Protected): Promise<StandbyFacts | null> {
  if (!target) return null;
  return await engineOf(database.plan.engine)
    .askStandby(target, database.name, LOOK_MS)
    .catch(() => null);
}

export interface Observation {
  readonly facts: Facts;
  readonly stored: Stored<DatabaseRecord>;
  readonly primaryTarget: Target | null;
  readonly standbyTarget: Target | null;
}

export async function observe(settings: Settings, database: Protected): Promise<Observation> {
  const region = database.plan.primary.region;
  const engine = engineOf(database.plan.engine);
  const stored = await readRecord(settings, database);
  const record = stored.value;
  const [vote, primary, standby] = await Promise.all([
    readVote(settings, database.name),
    describeInstance(region, record.primary),
    record.standby ? describeInstance(region, record.standby) : null,
  ]);
  const [primaryTarget, standbyTarget] = await Promise.all([targetOf(settings, database, primary), targetOf(settings, database, standby)]);
  const [own, standbyAnswer] = await Promise.all([
    // Not a heartbeat: those are dated by one clock, the probe's.
    look(engine, primaryTarget, (target) => engine.writeCanary(target, `watch-${database.name}`, LOOK_MS)),
    lookAtStandby(standbyTarget, database),
  ]);
  return {
    facts: { database: database.name, atMs: Date.now(), record, vote, ownLook: own.sight, primary, standby, standbyAnswer },
    stored,
    primaryTarget,
    standbyTarget,
  };
}
