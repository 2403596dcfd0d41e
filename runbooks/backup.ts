/**
 * One backup's life, told top to bottom: snapshot, wait, copy to the recovery region, wait, note it, tell. Identifiers come from the
 * database and the time slot, so the same slot makes one snapshot however often it is started.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { putDocument } from "../aws/documents.ts";
import { isCode } from "../aws/errors.ts";
import { copySnapshot, createSnapshot, describeSnapshot, type SnapshotFacts } from "../aws/rds.ts";
import type { News } from "../core/news.ts";
import { Problem } from "../core/problem.ts";
import { type BackupSlot, snapshotName } from "../core/slots.ts";
import { noteNewest } from "./last-resort.ts";
import { readRecord } from "./record.ts";
import { type Protected, protectedDatabase, type Settings } from "./settings.ts";
import { tell } from "./tell.ts";
import { notYet, type Proof, patiently, proven, reasonOf, until } from "./until.ts";

export interface BackupInput {
  readonly database: string;
  readonly slot: BackupSlot;
}

export interface BackupResult {
  readonly outcome: "completed" | "failed";
  readonly snapshot: string;
  readonly sentence: string;
}

/** Looks of about a second; a first copy of a large database takes hours (aws-facts: queued copies show no progress). */
const PATIENCE = { start: 1800, snapshot: 21_600, copy: 86_400 };

export async function backup(input: BackupInput, ctx: DurableContext, settings: Settings): Promise<BackupResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const policy = database.backup;
  if (!policy) throw new Problem("NoBackupPlanned", `The plan has no backup of "${database.name}".`, { hint: 'Add one under "backups".' });
  const name = snapshotName(database.name, input.slot);
  const from = database.plan.primary.region;
  const to = policy.copyTo;
  const tags = { "understudy:plan": settings.plan.name, "understudy:database": database.name, "understudy:slot": input.slot };

  try {
    const source = await ctx.step("find the primary", async () => (await readRecord(settings, database)).value.primary, patiently);
    await until(ctx, "the snapshot has started", PATIENCE.start, () =>
      started(from, name, tags, () => createSnapshot(from, source, name, tags)),
    );
    await until(ctx, "the snapshot is available", PATIENCE.snapshot, () => available(from, name));
    await until(ctx, "the copy has started", PATIENCE.start, () =>
      started(to, name, tags, async () => {
        const original = await describeSnapshot(from, name);
        if (!original)
          throw new Problem("SnapshotGone", `the snapshot ${name} is gone from ${from}`, {
            hint: "Somebody deleted it before it was copied.",
          });
        await copySnapshot(to, original.arn, name, tags, policy.kmsKeyId);
      }),
    );
    await until(ctx, "the copy is available", PATIENCE.copy, () => available(to, name));
    const kept = await ctx.step("note the recovery point", () => note(settings, database, source, name, from, to), patiently);
    const sentence = `${database.name} is backed up: ${name} holds ${source} as of ${new Date(kept.takenAtMs ?? 0).toISOString()}, in ${from} and ${to}.`;
    await ctx.step(
      "tell of the backup",
      () => tell(settings, news("Backup Completed", database, name, sentence, [from, to], "Nothing.")),
      patiently,
    );
    return { outcome: "completed", snapshot: name, sentence };
  } catch (error) {
    const sentence = `The backup ${name} of ${database.name} failed: ${reasonOf(error)}`;
    const next =
      "See the reason above. The next backup starts by itself at its time; until then the newest recovery point is the one before.";
    await ctx.step(
      "tell of the failure",
      () => tell(settings, news("Backup Failed", database, name, sentence, [from, to], next)),
      patiently,
    );
    return { outcome: "failed", snapshot: name, sentence };
  }
}

/** Starts it unless it is there. One that is there counts only when it is ours, whoever's reply was lost. */
export async function started(region: string, name: string, tags: Record<string, string>, start: () => Promise<void>): Promise<Proof> {
  const there = await describeSnapshot(region, name);
  if (there) {
    mustBeOurs(there, tags);
    return proven(`${name} is ${there.status} in ${region}`);
  }
  try {
    await start();
    return proven(`${name} was started in ${region}`);
  } catch (error) {
    if (isCode(error, "DBSnapshotAlreadyExists")) return notYet(`${name} appears in ${region}`);
    // One code, two meanings (aws-facts A2): the total is a person's business, copies in flight are only a queue.
    if (isCode(error, "SnapshotQuotaExceeded") && !/cannot copy more than/i.test((error as Error).message)) {
      throw new Problem("SnapshotQuotaExceeded", `${region}: ${(error as Error).message}`, {
        hint: "Delete snapshots nobody needs, or ask AWS for a higher quota.",
        cause: error,
      });
    }
    if (isCode(error, "KMSKeyNotAccessible", "InvalidParameterCombination", "InvalidParameterValue", "AccessDenied")) {
      throw new Problem("SnapshotRefused", `${region}: ${(error as Error).message}`, {
        hint: "Correct the plan or the permission named here.",
        cause: error,
      });
    }
    throw error;
  }
}

function mustBeOurs(snapshot: SnapshotFacts, tags: Record<string, string>): void {
  if (Object.entries(tags).every(([key, value]) => snapshot.tags[key] === value)) return;
  throw new Problem("SnapshotNotOurs", `a snapshot named ${snapshot.id} is already in ${snapshot.region} and does not carry our tags`, {
    hint: "Rename or remove it; it is left untouched.",
  });
}

async function available(region: string, name: string): Promise<Proof> {
  const snapshot = await describeSnapshot(region, name);
  if (!snapshot)
    throw new Problem("SnapshotGone", `the snapshot ${name} is gone from ${region}`, {
      hint: "Somebody deleted it, or the copy was cancelled.",
    });
  if (snapshot.status === "available") return proven(`${name} is available in ${region}`);
  if (snapshot.status === "failed")
    throw new Problem("SnapshotFailed", `RDS reports that ${name} failed in ${region}`, { hint: "RDS's own event log has the reason." });
  return notYet(`${name} is ${snapshot.status} at ${snapshot.progressPercent} % in ${region}`);
}

async function note(
  settings: Settings,
  database: Protected,
  source: string,
  name: string,
  from: string,
  to: string,
): Promise<SnapshotFacts> {
  const copy = await describeSnapshot(to, name);
  if (!copy) throw new Problem("SnapshotGone", `the snapshot ${name} is gone from ${to}`, { hint: "Somebody deleted it." });
  await putDocument(settings.state, `backups/${database.name}/${name}.json`, { ...copy, source, places: [from, to] });
  if (copy.takenAtMs !== null) await noteNewest(settings, database.name, { snapshot: name, region: to, takenAtMs: copy.takenAtMs });
  return copy;
}

const news = (kind: News["kind"], database: Protected, name: string, sentence: string, places: string[], next: string): News => ({
  kind,
  id: `${name}-${kind.toLowerCase().replace(" ", "-")}`,
  database: database.name,
  atMs: Date.now(),
  sentence,
  details: [
    ["Snapshot", name],
    ["Places", places.join(", ")],
  ],
  next,
});
