/**
 * The hourly look at the backups of every database, told top to bottom: see what is there and under which keys, note it, tell what is
 * wrong and what is right again, try once more what was never copied, delete what the plan keeps no longer. What is deleted is noted first:
 * a note without a deletion is corrected by the next look, a deletion without a note would be a loss nobody could explain.
 */
import type { OtherAccount } from "../aws/clients.ts";
import { keyPages, readDocument } from "../aws/documents.ts";
import { startExecution } from "../aws/functions.ts";
import { deleteSnapshot } from "../aws/rds-lists.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { type BackupFinding, backupFindings } from "../core/backup-findings.ts";
import { pruneLimitsOf, retentionOf } from "../core/backup-policy.ts";
import { type Catalogue, expiredIn, type Verified } from "../core/catalogue.ts";
import { pruneCommand } from "../core/commands.ts";
import { copiesAgain } from "../core/copy-again.ts";
import { type Manifest, manifestKey } from "../core/drill.ts";
import { type Change, changedIncidents, type Incident } from "../core/incidents.ts";
import { type OffsiteNote, offsiteNoteKey } from "../core/offsite-note.ts";
import type { BackupPlan } from "../core/plan/schema.ts";
import { type Prune, prunesOf } from "../core/prune.ts";
import { heldWhileShared, leftShared, type Shared, sharedKey } from "../core/vault.ts";
import type { BackupInput } from "./backup.ts";
import { tellChange } from "./backup-news.ts";
import { changeCatalogue, type KeptCatalogue, type Listing, listEverywhere, placesOf } from "./catalogue.ts";
import { KeyLook, stillOpen } from "./key-look.ts";
import { ALLOWED_HOURS, type Allowance, NOTHING_SAID, type RetentionWords, readWords, wordsKey } from "./retention-words.ts";
import { type Protected, protectedDatabases, type Settings } from "./settings.ts";
import { sideBySide } from "./side-by-side.ts";
import { everyInstance, tellUnclaimed } from "./unclaimed.ts";
import { vaultOf } from "./vault-account.ts";

export interface Retained {
  readonly database: string;
  readonly points: number;
  /** By region. */
  readonly deleted: Readonly<Record<string, readonly string[]>>;
  readonly findings: readonly string[];
}

export async function retain(settings: Settings): Promise<Retained[]> {
  const databases = protectedDatabases(settings.plan).filter(({ backup }) => backup !== undefined);
  const [listing, instances, written] = await Promise.all([
    listEverywhere(settings),
    everyInstance(settings),
    writtenFor(settings, databases),
  ]);
  const look: Look = { listing, written, keys: new KeyLook(instances, vaultFor(settings, listing)) };
  const bare = new Set(listing.others.map(({ id }) => id));
  const known = new Set<string>();
  const lookAt = async (database: Protected): Promise<Retained> => {
    const { catalogue, ...retained } = await retainOne(settings, database, look);
    for (const { id } of catalogue.points) if (bare.has(id)) known.add(id);
    return retained;
  };
  const done = await sideBySide(databases, "databases", lookAt);
  await tellUnclaimed(settings, listing, instances, known);
  return done;
}

/** Where nobody may look, nobody asks for its key. */
const vaultFor = (settings: Settings, { vault }: Listing): OtherAccount | null =>
  settings.plan.vault && vault?.trouble === null ? vaultOf(settings, settings.plan.vault) : null;

/** What was asked once for all databases. */
interface Look {
  readonly listing: Listing;
  /** Keys of the documents that there are of what people and other functions may write. */
  readonly written: ReadonlySet<string>;
  readonly keys: KeyLook;
}

/** A page of a thousand names costs one call, and a document that is not there one each. */
async function writtenFor(settings: Settings, databases: readonly Protected[]): Promise<Set<string>> {
  const wanted = new Set(databases.flatMap(({ name }) => [wordsKey(name), manifestKey(name), offsiteNoteKey(name), sharedKey(name)]));
  const some = (of: (backup: BackupPlan) => unknown, prefix: string) =>
    databases.some(({ backup }) => backup && of(backup)) ? [prefix] : [];
  const prefixes = ["databases/", "drills/", ...some(({ offsite }) => offsite, "offsite/"), ...some(({ vault }) => vault, "vault/")];
  const written = new Set<string>();
  for (const prefix of prefixes)
    for await (const page of keyPages(settings.state, prefix)) for (const key of page) if (wanted.has(key)) written.add(key);
  return written;
}

async function retainOne(
  settings: Settings,
  database: Protected,
  { listing, written, keys: keyLook }: Look,
): Promise<Retained & { readonly catalogue: Catalogue }> {
  const nowMs = storeNowMs();
  const [keys, said, verified, dumped, shared] = await Promise.all([
    keyLook.of(settings, database),
    written.has(wordsKey(database.name)) ? readWords(settings, database.name) : NOTHING_SAID,
    written.has(manifestKey(database.name)) ? verifiedBy(settings, database.name) : null,
    written.has(offsiteNoteKey(database.name)) ? readDocument<OffsiteNote>(settings.state, offsiteNoteKey(database.name)) : null,
    written.has(sharedKey(database.name)) ? readDocument<Shared>(settings.state, sharedKey(database.name)) : null,
  ]);
  const words = shared ? { ...said, holds: { ...heldWhileShared(shared.value), ...said.holds } } : said;
  const rules = database.backup?.vault ? settings.plan.vault : undefined;
  let prunes: Prune[] = [];
  let findings: BackupFinding[] = [];
  let begun: Change<BackupFinding>["begun"] = [];
  let over: readonly Incident[] = [];
  const kept = await changeCatalogue(settings, database.name, listing, verified, nowMs, (before) => {
    const { sinceMs, catalogue, incidents, spent, heldBack = {} } = before;
    const offsiteSinceMs = database.backup?.offsite ? (before.offsiteSinceMs ?? nowMs) : null;
    const offsite = offsiteSinceMs === null ? null : { sinceMs: offsiteSinceMs, newestMs: dumped?.value.finishedAtMs ?? null };
    const vaultSinceMs = rules ? (before.vaultSinceMs ?? nowMs) : null;
    const vault = listing.vault && vaultSinceMs !== null ? { place: listing.vault.place, sinceMs: vaultSinceMs } : null;
    const allowed = allowedBy(words, spent, nowMs);
    prunes = prunesNow(settings, database, catalogue, words, allowed?.most ?? 0, heldBack, listing);
    findings = [
      ...backupFindings({
        catalogue,
        backup: database.backup as NonNullable<Protected["backup"]>,
        sinceMs,
        nowMs,
        offsite,
        vault,
        keys: keys.arns,
      }),
      ...(rules && shared ? leftShared(catalogue, shared.value, rules, { silent: listing.vault?.trouble !== null, nowMs }) : []),
      ...(keys.findings ?? stillOpen(incidents, database.name)),
      ...prunes.flatMap((prune) => waits(database.name, prune)),
    ];
    const change = changedIncidents(incidents, findings, nowMs);
    ({ begun, over } = change);
    const after = prunes.reduce((all, { region, remove }) => expiredIn(all, region, remove, nowMs), catalogue);
    const used = allowed !== null && prunes.some(({ agreed }) => agreed > 0);
    return {
      sinceMs,
      offsiteSinceMs,
      vaultSinceMs,
      catalogue: after,
      incidents: change.open,
      spent: used ? allowed.order : spent,
      // Where a region is dark nothing was decided, and what waits there goes on waiting.
      heldBack: prunes.length === 0 ? heldBack : Object.fromEntries(prunes.map((prune) => [prune.region, prune.heldBack])),
    };
  });
  await tellChange(settings, database.name, { begun, over }, nowMs);
  if (listing.dark.length === 0) await copyAgain(settings, kept.catalogue, nowMs);
  const deleted = await deleteAll(settings, database.name, prunes);
  const { catalogue } = kept;
  return {
    database: database.name,
    points: catalogue.points.length,
    deleted,
    findings: findings.map(({ sentence }) => sentence),
    catalogue,
  };
}

/** What cannot be started now is so in an hour. */
async function copyAgain(settings: Settings, catalogue: Catalogue, nowMs: number): Promise<void> {
  for (const { slot, from, execution } of copiesAgain(catalogue, nowMs)) {
    const input: BackupInput = { database: catalogue.database, slot, from };
    await startExecution(settings.region, settings.functions.backup, execution, input).catch((error: unknown) =>
      console.error(JSON.stringify({ what: "copy not tried again", execution, error: String(error) })),
    );
  }
}

/** A person's word for a large prune, while it is good. */
const allowedBy = ({ allowed }: RetentionWords, spent: string | null, nowMs: number): Allowance | null =>
  allowed && allowed.order !== spent && nowMs - allowed.atMs < ALLOWED_HOURS * 3_600_000 ? allowed : null;

function prunesNow(
  settings: Settings,
  { backup }: Protected,
  catalogue: Catalogue,
  { holds }: RetentionWords,
  allowed: number,
  heldBack: NonNullable<KeptCatalogue["heldBack"]>,
  { dark }: Listing,
): Prune[] {
  const retention = backup ? retentionOf(backup) : null;
  // Where a region is dark, what lies there is not known: nothing that may be its only other copy is deleted.
  if (!retention || dark.length > 0) return [];
  const limits = pruneLimitsOf(settings.plan);
  const reasons = Object.fromEntries(Object.entries(holds).map(([id, { by, reason }]) => [id, `${reason} (${by})`]));
  return prunesOf(placesOf(settings), { catalogue, retention, holds: reasons, limits, allowed, heldBack });
}

async function deleteAll(settings: Settings, database: string, prunes: readonly Prune[]): Promise<Record<string, string[]>> {
  const deleted: Record<string, string[]> = {};
  // A large fleet is looked at for minutes, and somebody may have asked for one to be held meanwhile.
  const { holds } = prunes.some(({ remove }) => remove.length > 0) ? await readWords(settings, database) : NOTHING_SAID;
  for (const { region, remove } of prunes) {
    deleted[region] = [];
    for (const id of remove) {
      if (holds[id]) continue;
      // One that RDS does not take now is found again by the next look.
      if (await deleteSnapshot(region, id)) deleted[region].push(id);
    }
  }
  return deleted;
}

/** The last good drill's, by the note it keeps for the next. */
async function verifiedBy(settings: Settings, database: string): Promise<Verified | null> {
  const found = await readDocument<Manifest>(settings.state, manifestKey(database));
  if (!found?.value.snapshot) return null;
  const { snapshot, atMs, answeredInMs = null } = found.value;
  return { id: snapshot, atMs, answeredInMs };
}

const waits = (database: string, { region, brake, heldBack }: Prune): BackupFinding[] =>
  brake === null
    ? []
    : [
        {
          id: `${database}-held-back-${region}`,
          kind: "held back",
          sentence: `${heldBack.length} backups of ${database} are not deleted in ${region} before a person agrees: ${brake}.`,
          next: "See which ones and why (npm run understudy -- backups), then agree, or correct the plan:",
          commands: [pruneCommand(database, heldBack.length)],
        },
      ];
