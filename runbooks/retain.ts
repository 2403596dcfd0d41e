/**
 * The hourly look at the backups of every database, told top to bottom: see what is there, note it, tell what is wrong and what is right
 * again, delete what the plan keeps no longer. What is deleted is noted first: a note without a deletion is corrected by the next look,
 * a deletion without a note would be a loss nobody could explain.
 */
import { readDocument } from "../aws/documents.ts";
import { deleteSnapshot } from "../aws/rds-lists.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { type BackupFinding, backupFindings } from "../core/backup-findings.ts";
import { pruneLimitsOf, retentionOf } from "../core/backup-policy.ts";
import { type Catalogue, expiredIn, type Verified } from "../core/catalogue.ts";
import { pruneCommand } from "../core/commands.ts";
import { type Change, changedIncidents, type Incident } from "../core/incidents.ts";
import { type Prune, pruneOf } from "../core/prune.ts";
import { tellChange } from "./backup-news.ts";
import { changeCatalogue, type Listing, listEverywhere, placesOf } from "./catalogue.ts";
import { ALLOWED_HOURS, type Allowance, type RetentionWords, readWords } from "./retention-words.ts";
import { type Protected, protectedDatabases, type Settings } from "./settings.ts";
import { tellUnclaimed } from "./unclaimed.ts";

export interface Retained {
  readonly database: string;
  readonly points: number;
  /** By region. */
  readonly deleted: Readonly<Record<string, readonly string[]>>;
  readonly findings: readonly string[];
}

export async function retain(settings: Settings): Promise<Retained[]> {
  const listing = await listEverywhere(settings);
  const done: Retained[] = [];
  const known = new Set<string>();
  for (const database of protectedDatabases(settings.plan)) {
    if (!database.backup) continue;
    const { catalogue, ...retained } = await retainOne(settings, database, listing);
    for (const { id } of catalogue.points) known.add(id);
    done.push(retained);
  }
  await tellUnclaimed(settings, listing, known);
  return done;
}

async function retainOne(settings: Settings, database: Protected, listing: Listing): Promise<Retained & { readonly catalogue: Catalogue }> {
  const nowMs = storeNowMs();
  const [words, verified] = await Promise.all([readWords(settings, database.name), verifiedBy(settings, database.name)]);
  let prunes: Prune[] = [];
  let findings: BackupFinding[] = [];
  let begun: Change<BackupFinding>["begun"] = [];
  let over: readonly Incident[] = [];
  const kept = await changeCatalogue(settings, database.name, listing, verified, nowMs, ({ sinceMs, catalogue, incidents, spent }) => {
    const allowed = allowedBy(words, spent, nowMs);
    prunes = prunesOf(settings, database, catalogue, words, allowed?.most ?? 0, listing);
    findings = [
      ...backupFindings({ catalogue, backup: database.backup as NonNullable<Protected["backup"]>, sinceMs, nowMs, keys: keysOf(database) }),
      ...prunes.flatMap((prune) => heldBack(database.name, prune)),
    ];
    const change = changedIncidents(incidents, findings, nowMs);
    ({ begun, over } = change);
    const after = prunes.reduce((all, { region, remove }) => expiredIn(all, region, remove, nowMs), catalogue);
    const used = allowed !== null && prunes.some(({ remove }) => remove.length > 1);
    return { sinceMs, catalogue: after, incidents: change.open, spent: used ? allowed.order : spent };
  });
  await tellChange(settings, database.name, { begun, over }, nowMs);
  const deleted = await deleteAll(prunes);
  const { catalogue } = kept;
  return {
    database: database.name,
    points: catalogue.points.length,
    deleted,
    findings: findings.map(({ sentence }) => sentence),
    catalogue,
  };
}

/** A person's word for a large prune, while it is good. */
const allowedBy = ({ allowed }: RetentionWords, spent: string | null, nowMs: number): Allowance | null =>
  allowed && allowed.order !== spent && nowMs - allowed.atMs < ALLOWED_HOURS * 3_600_000 ? allowed : null;

function prunesOf(
  settings: Settings,
  { backup }: Protected,
  catalogue: Catalogue,
  { holds }: RetentionWords,
  allowed: number,
  { dark }: Listing,
): Prune[] {
  const retention = backup ? retentionOf(backup) : null;
  // Where a region is dark, what lies there is not known: nothing that may be its only other copy is deleted.
  if (!retention || dark.length > 0) return [];
  const limits = pruneLimitsOf(settings.plan);
  const reasons = Object.fromEntries(Object.entries(holds).map(([id, { by, reason }]) => [id, `${reason} (${by})`]));
  const prunes: Prune[] = [];
  let now = catalogue;
  for (const region of placesOf(settings)) {
    const prune = pruneOf({ catalogue: now, region, retention, holds: reasons, limits, allowed });
    prunes.push(prune);
    now = expiredIn(now, region, prune.remove, catalogue.atMs);
  }
  return prunes;
}

async function deleteAll(prunes: readonly Prune[]): Promise<Record<string, string[]>> {
  const deleted: Record<string, string[]> = {};
  for (const { region, remove } of prunes) {
    deleted[region] = [];
    for (const id of remove) {
      // One that RDS does not take now is found again by the next look.
      if (await deleteSnapshot(region, id)) deleted[region].push(id);
    }
  }
  return deleted;
}

/** The last good drill's, by the note it keeps for the next. */
async function verifiedBy(settings: Settings, database: string): Promise<Verified | null> {
  const found = await readDocument<{ readonly atMs: number; readonly snapshot?: string }>(
    settings.state,
    `drills/${database}/manifest.json`,
  );
  return found?.value.snapshot ? { id: found.value.snapshot, atMs: found.value.atMs } : null;
}

/** Where the plan names a key by its ARN; an alias may lead anywhere. */
const keysOf = ({ backup, plan }: Protected): Record<string, string> => {
  const named: [string, string | undefined][] = [
    [backup?.copyTo ?? "", backup?.kmsKeyId],
    [plan.primary.region, backup?.primaryKmsKeyId],
  ];
  return Object.fromEntries(named.filter((each): each is [string, string] => /^arn:[^:]+:kms:[^:]+:\d+:key\//.test(each[1] ?? "")));
};

const heldBack = (database: string, { region, brake, verdicts }: Prune): BackupFinding[] =>
  brake === null
    ? []
    : [
        {
          id: `${database}-held-back-${region}`,
          kind: "held back",
          sentence: `No backup of ${database} is deleted in ${region} before a person agrees: ${brake}.`,
          next: "See which ones and why (npm run understudy -- backups), then agree, or correct the plan:",
          commands: [pruneCommand(database, verdicts.filter(({ keep }) => !keep).length)],
        },
      ];
