/**
 * One backup's life, told top to bottom: snapshot where the primary on record is, wait, copy to the other region, note it, tell.
 * Identifiers come from the database and the time slot, so the same slot makes one snapshot however often it is started.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { putDocument } from "../aws/documents.ts";
import { startExecution } from "../aws/functions.ts";
import type { SnapshotFacts } from "../aws/rds.ts";
import type { News } from "../core/news.ts";
import type { BackupPlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";
import { type BackupSlot, snapshotName, vaultName, windowEndMs } from "../core/slots.ts";
import { vaultFailed } from "../core/vault-news.ts";
import { copied } from "./copy.ts";
import { noteNewest } from "./last-resort.ts";
import { readRecord } from "./record.ts";
import { type Protected, protectedDatabase, type Settings } from "./settings.ts";
import { available, mustBeThere, taken } from "./snapshot-steps.ts";
import { tell } from "./tell.ts";
import { eventually, type Proof, patiently, reasonOf } from "./until.ts";
import type { VaultInput } from "./vault.ts";

export interface BackupInput {
  readonly database: string;
  readonly slot: BackupSlot;
  /** Where its snapshot is already: only the copy never came. */
  readonly from?: string | undefined;
}

export interface BackupResult {
  readonly outcome: "completed" | "failed";
  readonly snapshot: string;
  readonly sentence: string;
}

/** In minutes. A primary that is being modified or rebooted takes no snapshot; it is asked again meanwhile. */
const PATIENCE = { start: 60, snapshot: 360 };

export async function backup(input: BackupInput, ctx: DurableContext, settings: Settings): Promise<BackupResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const policy = database.backup;
  if (!policy) throw new Problem("NoBackupPlanned", `The plan has no backup of "${database.name}".`, { hint: 'Add one under "backups".' });
  const name = snapshotName(database.name, input.slot);
  const tags = { "understudy:plan": settings.plan.name, "understudy:database": database.name, "understudy:slot": input.slot };

  let from: string | null = null;
  let to = policy.copyTo;
  let holds = false;
  try {
    const found: Found = await ctx.step(
      input.from ? "find the snapshot" : "find the primary",
      () => (input.from ? findSnapshot(input.from, name) : findPrimary(settings, database)),
      patiently,
    );
    const { source } = found;
    const here = found.region;
    from = here;
    // It moved to where its copies are: then the copy goes to where it came from.
    const back = here === policy.copyTo;
    const there = back ? settings.plan.regions.primary : policy.copyTo;
    to = there;
    const begin = ({ seen }: Proof) => taken(here, source, name, tags, windowEndMs(input.slot, policy), seen);
    if (!input.from) await eventually(ctx, "the snapshot has started", policy.startWindowMinutes ?? PATIENCE.start, begin);
    await eventually(ctx, "the snapshot is available", PATIENCE.snapshot, () => available(here, name));
    if (back) {
      // Where Understudy runs it can be restored from already, whether or not the other region answers.
      await ctx.step("note the snapshot", () => noteHere(settings, database, name), patiently);
      holds = true;
    }
    const keyFor = (original: SnapshotFacts) => (back ? keyOfOldHome(policy, original) : policy.kmsKeyId);
    await copied(ctx, settings, { database, name, tags, from: here, to: there, keyFor });
    const kept = await ctx.step("note the recovery point", () => note(settings, database, source, name, here, there), patiently);
    await sendToVault(ctx, settings, input);
    const sentence = `${database.name} is backed up: ${name} holds ${source} as of ${new Date(kept.takenAtMs ?? 0).toISOString()}, in ${here} and ${there}.`;
    await ctx.step(
      "tell of the backup",
      () => tell(settings, news("Backup Completed", database, name, sentence, [here, there], "Nothing.")),
      patiently,
    );
    return { outcome: "completed", snapshot: name, sentence };
  } catch (error) {
    if (holds) await sendToVault(ctx, settings, input);
    const sentence = holds
      ? `The backup ${name} of ${database.name} is in ${from} alone, for its copy to ${to} failed: ${reasonOf(error)}`
      : `The backup ${name} of ${database.name} failed: ${reasonOf(error)}`;
    const newest = holds ? `${name} can be restored in ${from}` : "until then the newest recovery point is the one before";
    const next = `See the reason above. The next backup starts by itself at its time; ${newest}.`;
    await ctx.step(
      "tell of the failure",
      () => tell(settings, news("Backup Failed", database, name, sentence, from === null ? [to] : [from, to], next)),
      patiently,
    );
    return { outcome: "failed", snapshot: name, sentence };
  }
}

/** From the recovery region, by an execution of its own: no trouble with the vault is one of the backup. Starting it twice starts it once. */
async function sendToVault(ctx: DurableContext, settings: Settings, { database, slot }: BackupInput): Promise<void> {
  const { vault, backups } = settings.plan;
  if (!vault || !backups.some((backup) => backup.database === database && backup.vault)) return;
  const input: VaultInput = { database, slot };
  await ctx
    .step(
      "send it to the vault",
      async () => void (await startExecution(settings.region, settings.functions.vault, vaultName(database, slot), input)),
      patiently,
    )
    .catch(async (error) => {
      const about = { database, snapshot: snapshotName(database, slot), vault };
      const told = () => tell(settings, vaultFailed(about, reasonOf(error), null, Date.now()));
      await ctx.step("tell that it was not sent", told, patiently);
    });
}

interface Found {
  readonly source: string;
  readonly region: string;
}

async function findPrimary(settings: Settings, database: Protected): Promise<Found> {
  const { primary, regions } = (await readRecord(settings, database)).value;
  return { source: primary, region: regions[primary] ?? database.plan.primary.region };
}

async function findSnapshot(region: string, name: string): Promise<Found> {
  const { instanceId } = await mustBeThere(region, name, "Somebody deleted it.");
  return { source: instanceId, region };
}

/** Across regions an encrypted snapshot needs a key of where the copy is made (CopyDBSnapshot). */
const keyOfOldHome = ({ primaryKmsKeyId }: BackupPlan, { encrypted }: SnapshotFacts): string | undefined =>
  primaryKmsKeyId ?? (encrypted ? "alias/aws/rds" : undefined);

async function note(
  settings: Settings,
  database: Protected,
  source: string,
  name: string,
  from: string,
  to: string,
): Promise<SnapshotFacts> {
  const copy = await mustBeThere(to, name, "Somebody deleted it.");
  await putDocument(settings.state, `backups/${database.name}/${name}.json`, { ...copy, source, places: [from, to] });
  if (to === database.backup?.copyTo) await noteAsNewest(settings, database, copy);
  return copy;
}

async function noteHere(settings: Settings, database: Protected, name: string): Promise<void> {
  const region = database.backup?.copyTo ?? settings.region;
  await noteAsNewest(settings, database, await mustBeThere(region, name, "Somebody deleted it."));
}

async function noteAsNewest(settings: Settings, database: Protected, { id, region, takenAtMs }: SnapshotFacts): Promise<void> {
  if (takenAtMs !== null) await noteNewest(settings, database.name, { snapshot: id, region, takenAtMs });
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
