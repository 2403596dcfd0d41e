/**
 * What is wrong with the backups of one database, each thing with a name of its own, so that it is told once when it begins and once when
 * it is over. Pure.
 */
import type { Catalogue, Kept, Point } from "./catalogue.ts";
import type { BackupPlan } from "./plan/schema.ts";
import { ageWords } from "./restore.ts";
import { isVaultPlace, isVaultsOwnDeletion, slugOf, vaultBehind } from "./vault.ts";

export const FINDING_KINDS = [
  "missed",
  "too old",
  "missing",
  "not copied",
  "not encrypted",
  "wrong key",
  "key",
  "held back",
  "offsite too old",
  "incomplete",
  "vault behind",
  "left shared",
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export interface BackupFinding {
  /** The same for as long as it lasts. */
  readonly id: string;
  readonly kind: FindingKind;
  readonly sentence: string;
  readonly next: string;
  readonly commands?: readonly string[];
}

/** What people are told to look at, which depends on what is backed up. */
export interface BackupWords {
  /** Where none has begun. */
  readonly look: string;
  /** How CloudTrail calls a backup's deletion. */
  readonly deletion: string;
}

const DATABASE_WORDS: BackupWords = {
  look: "Look at the logs of the functions snapshot and backup, and at the status of the database's instance.",
  deletion: "DeleteDBSnapshot",
};

export interface FindingFacts {
  readonly catalogue: Catalogue;
  readonly backup: Pick<BackupPlan, "everyMinutes" | "offsite">;
  /** Since when this database is looked at: before that, nothing can be missed. */
  readonly sinceMs: number;
  readonly nowMs: number;
  /** Dumps at another provider; null: the plan has none. */
  readonly offsite: { readonly sinceMs: number; readonly newestMs: number | null } | null;
  /** Copies in another account; null: the plan has none for this database. */
  readonly vault?: { readonly place: string; readonly sinceMs: number } | null;
  /** ARNs of the keys that copies must have, by place, where the plan names one. */
  readonly keys: Readonly<Record<string, string>>;
  readonly words?: BackupWords;
}

/** After its time, for so long, a backup may still begin. */
export const GRACE_MINUTES = 10;
/** A copy across regions may take hours, and may wait in a queue (aws-facts A2). */
const COPY_HOURS = 24;
const MINUTE_MS = 60_000;

export function backupFindings(facts: FindingFacts): BackupFinding[] {
  const { catalogue, keys, backup, vault, nowMs, words = DATABASE_WORDS } = facts;
  return [
    ...missed(facts),
    ...tooLongHere(facts),
    ...(vault ? vaultBehind(catalogue, backup, vault, nowMs) : []),
    ...catalogue.points.flatMap((point) => [...gone(point, catalogue, words), ...notCopied(point, facts), ...underKey(point, keys)]),
  ];
}

/** When the newest backup that has not failed began. */
export function newestBegun({ points }: Catalogue): number | null {
  const begun = points.flatMap(({ atMs, places }) => {
    const alive = Object.values(places).filter(({ state }) => state !== "failed");
    return alive.length === 0 ? [] : [atMs ?? Math.min(...alive.map(({ sinceMs }) => sinceMs))];
  });
  return begun.length === 0 ? null : Math.max(...begun);
}

function missed({ catalogue, backup, sinceMs, nowMs, words = DATABASE_WORDS }: FindingFacts): BackupFinding[] {
  const newest = newestBegun(catalogue);
  const dueMs = Math.max(newest ?? sinceMs, 0) + backup.everyMinutes * MINUTE_MS;
  if (nowMs <= dueMs + GRACE_MINUTES * MINUTE_MS) return tooOld(catalogue, backup, sinceMs, nowMs);
  const { database } = catalogue;
  const had = newest === null ? "none is there" : `the newest is ${ageWords(nowMs - newest)} old`;
  return [
    {
      id: `${database}-missed-${new Date(dueMs).toISOString().slice(0, 16)}`,
      kind: "missed",
      sentence: `The backup of ${database} that was due at ${new Date(dueMs).toISOString().slice(0, 16)}Z has not begun: ${had}, and one is to be made every ${ageWords(backup.everyMinutes * MINUTE_MS)}.`,
      next: words.look,
    },
  ];
}

/** They begin, and none comes to be good. */
function tooOld(
  { database, points }: Catalogue,
  { everyMinutes }: FindingFacts["backup"],
  sinceMs: number,
  nowMs: number,
): BackupFinding[] {
  const good = points.flatMap(({ atMs, places }) =>
    atMs !== null && Object.values(places).some(({ state }) => state === "good") ? [atMs] : [],
  );
  const newest = good.length === 0 ? null : Math.max(...good);
  if (nowMs - (newest ?? sinceMs) <= (2 * everyMinutes + GRACE_MINUTES) * MINUTE_MS) return [];
  return [
    {
      id: `${database}-too-old`,
      kind: "too old",
      sentence: `The newest good backup of ${database} ${newest === null ? "is not there" : `is ${ageWords(nowMs - newest)} old`}, though newer ones have begun: a restore would lose ${newest === null ? "everything" : "that much"}.`,
      next: "See the mails of the newer ones for the reason.",
    },
  ];
}

/** A restore and a dump of what is large may take a day each. */
const OFFSITE_GRACE_HOURS = 48;

const tooLongHere = ({ catalogue: { database }, backup, offsite, nowMs }: FindingFacts): BackupFinding[] =>
  offsite && backup.offsite ? offsiteBehind(database, "dumps", backup.offsite, offsite, nowMs) : [];

/** `what` is carried away: dumps, lists of a bucket's objects. */
export function offsiteBehind(
  name: string,
  what: string,
  { everyDays, bucket }: { readonly everyDays: number; readonly bucket: string },
  { sinceMs, newestMs }: { readonly sinceMs: number; readonly newestMs: number | null },
  nowMs: number,
): BackupFinding[] {
  if (nowMs - (newestMs ?? sinceMs) <= (everyDays * 24 + OFFSITE_GRACE_HOURS) * 60 * MINUTE_MS) return [];
  const had = newestMs === null ? "none has ever been finished" : `the newest was finished ${ageWords(nowMs - newestMs)} ago`;
  return [
    {
      id: `${name}-offsite-too-old`,
      kind: "offsite too old",
      sentence: `The ${what} of ${name} in ${bucket} fall behind: ${had}, and one is to be made every ${everyDays === 1 ? "day" : `${everyDays} days`}. If AWS were lost, so would be what came since.`,
      next: `See the mails of the ${what} for the reason. What is in AWS is not touched by it.`,
    },
  ];
}

const placesOf = ({ places }: Point): [string, Kept][] => Object.entries(places);
const dated = ({ atMs }: Point): string => (atMs === null ? "" : ` of ${new Date(atMs).toISOString().slice(0, 16)}Z`);

const gone = (point: Point, { points }: Catalogue, { deletion }: BackupWords): BackupFinding[] =>
  placesOf(point)
    .filter(([place, { state }]) => state === "missing" && !isVaultsOwnDeletion(point, place, points))
    .map(([region]) => {
      const left = placesOf(point).flatMap(([place, { state }]) => (state === "good" ? [place] : []));
      return {
        id: `${point.id}-missing-${slugOf(region)}`,
        kind: "missing",
        sentence: `The backup ${point.id}${dated(point)} is gone from ${region}, and Understudy has not deleted it: ${left.length > 0 ? `it is still in ${left.join(", ")}` : "it is nowhere else"}.`,
        next: `Find out who deleted it (CloudTrail: ${deletion}).`,
      };
    });

/** The one region it is good in, when its copy should long be there; null: it has one, or may yet have. */
export function uncopiedIn(point: Point, nowMs: number): string | null {
  const places = placesOf(point).filter(([place]) => !isVaultPlace(place));
  const [only] = places;
  if (places.length !== 1 || !only || only[1].state !== "good" || nowMs - only[1].sinceMs < COPY_HOURS * 60 * MINUTE_MS) return null;
  return only[0];
}

function notCopied(point: Point, { nowMs }: FindingFacts): BackupFinding[] {
  const only = uncopiedIn(point, nowMs);
  if (only === null) return [];
  return [
    {
      id: `${point.id}-not-copied`,
      kind: "not copied",
      sentence: `The backup ${point.id}${dated(point)} is in ${only} alone: its copy is not there after ${COPY_HOURS} hours.`,
      next: "See the mail of that backup for the reason. Its copy is tried again each day, and it is not deleted before it has one.",
    },
  ];
}

const underKey = (point: Point, keys: FindingFacts["keys"]): BackupFinding[] =>
  placesOf(point).flatMap(([region, { state, encrypted, kmsKeyId }]): BackupFinding[] => {
    const wanted = keys[region];
    if (wanted === undefined || state !== "good" || kmsKeyId === wanted) return [];
    const kind = encrypted ? "wrong key" : "not encrypted";
    return [
      {
        id: `${point.id}-${kind.replace(" ", "-")}-${slugOf(region)}`,
        kind,
        sentence: encrypted
          ? `The backup ${point.id} in ${region} is encrypted with ${kmsKeyId}, and the plan names ${wanted}.`
          : `The backup ${point.id} in ${region} is not encrypted, and the plan names the key ${wanted}.`,
        next: "Copy it again under the right key, or correct the plan.",
      },
    ];
  });
