/**
 * What the primary has around it when all is well, kept in the recovery region: databases/NAME/baseline.json. The function that
 * looks for backups refreshes it, at most hourly: the watcher has no time for it. After a move it still tells of the old primary until the move has restored what it says, or a day has passed.
 */
import { listAlarms } from "../aws/alarms.ts";
import { createDocument, readDocument, replaceDocument, type Stored } from "../aws/documents.ts";
import { describeHeld } from "../aws/protections.ts";
import { alarmsOn } from "../core/alarm-copies.ts";
import type { DatabaseRecord } from "../core/facts.ts";
import type { Baseline } from "../core/protections.ts";
import { readRecord } from "./record.ts";
import type { Protected, Settings } from "./settings.ts";

const REFRESH_MS = 3_600_000;
const GRACE_MS = 24 * 3_600_000;

/** In others, settings may be on their way. */
const STEADY = ["available", "backing-up", "storage-optimization"];

const keyOf = (database: string) => `databases/${database}/baseline.json`;

export const readBaseline = (settings: Settings, database: string): Promise<Stored<Baseline> | null> =>
  readDocument<Baseline>(settings.state, keyOf(database));

/** Stops nothing beside it: what could not be kept is tried again by the next lap. */
export async function keepBaseline(settings: Settings, database: Protected, nowMs: number): Promise<void> {
  try {
    const record = (await readRecord(settings, database)).value;
    const { primary } = record;
    // What RDS moves by itself keeps all it has.
    if (record.claim || database.plan.primary.cluster) return;
    const stored = await readBaseline(settings, database.name);
    if (stored && !isDue(stored.value, record, nowMs)) return;
    const fresh = await takeBaseline(record.regions[primary] as string, primary, nowMs);
    if (!fresh) return;
    const alarms = fresh.alarms ?? (stored?.value.instance === primary ? stored.value.alarms : null);
    await writeBaseline(settings, database.name, stored, { ...fresh, alarms });
  } catch (error) {
    console.error(JSON.stringify({ what: "baseline not kept", database: database.name, error: String(error) }));
  }
}

function isDue(kept: Baseline, record: DatabaseRecord, nowMs: number): boolean {
  if (kept.instance === record.primary) return nowMs - kept.atMs >= REFRESH_MS;
  return nowMs - (record.lastMove?.endedAtMs ?? 0) >= GRACE_MS;
}

/** null: RDS knows no such instance, or it is in a state in between. */
export async function takeBaseline(region: string, instance: string, nowMs: number): Promise<Baseline | null> {
  const held = await describeHeld(region, instance);
  if (!held || !STEADY.includes(held.status)) return null;
  const alarms = await listAlarms(region).then(
    (all) => alarmsOn(instance, all),
    (error: unknown) => {
      console.error(JSON.stringify({ what: "alarms not read", region, error: String(error) }));
      return null;
    },
  );
  return { instance, region, atMs: nowMs, protections: held.protections, tags: held.tags, alarms };
}

/** Over the version that was read; another's is as good. */
export async function writeBaseline(settings: Settings, database: string, over: Stored<Baseline> | null, fresh: Baseline): Promise<void> {
  if (over) await replaceDocument(settings.state, keyOf(database), fresh, over.etag);
  else await createDocument(settings.state, keyOf(database), fresh);
}
