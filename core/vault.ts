/**
 * The vault, another account that keeps copies of its own: what people call it, what is wrong with its copies, and which snapshots are
 * still shared with it for nothing. What its owner deletes there by a rule of their own is no loss. Pure.
 */
import type { BackupFinding } from "./backup-findings.ts";
import type { Catalogue, Kept, Point } from "./catalogue.ts";
import type { BackupPlan, VaultPlan } from "./plan/schema.ts";
import { ageWords } from "./restore.ts";

const BETWEEN = " in the vault ";

/** Stands where a region stands: like "eu-west-1 in the vault 222233334444". */
export const vaultPlace = ({ region, account }: Pick<VaultPlan, "region" | "account">): string => `${region}${BETWEEN}${account}`;
export const isVaultPlace = (place: string): boolean => place.includes(BETWEEN);

/** As part of an identifier or of a document's name. */
export const slugOf = (place: string): string => place.replaceAll(" ", "-");

/** A plan that has changed its vault, or has none any more, knows nothing of what lies in the one before. */
export function withoutOtherVaults(catalogue: Catalogue, vault: string | null): Catalogue {
  const isKnown = ([place]: [string, Kept]) => !isVaultPlace(place) || place === vault;
  const points = catalogue.points.map((point) => ({ ...point, places: Object.fromEntries(Object.entries(point.places).filter(isKnown)) }));
  return { ...catalogue, points: points.filter(({ places }) => Object.keys(places).length > 0) };
}

/** While a newer one was good there, whoever owns the vault has deleted an old one. */
export function isVaultsOwnDeletion(gone: Point, place: string, points: readonly Point[]): boolean {
  const sinceMs = gone.places[place]?.sinceMs ?? 0;
  const isNewer = ({ atMs }: Point) => atMs !== null && gone.atMs !== null && atMs > gone.atMs;
  const stood = ({ places }: Point) => places[place]?.state === "good" && places[place].sinceMs <= sinceMs;
  return isVaultPlace(place) && points.some((point) => isNewer(point) && stood(point));
}

const HOUR_MS = 3_600_000;
/** A copy of a copy is a whole one, and may take as long as one across regions. */
const COPY_HOURS = 24;

/** `sinceMs`: since when the plan has had it. */
export function vaultBehind(
  { database, points }: Catalogue,
  { everyMinutes }: Pick<BackupPlan, "everyMinutes">,
  { place, sinceMs }: { readonly place: string; readonly sinceMs: number },
  nowMs: number,
): BackupFinding[] {
  const newest = points.find(({ atMs, places }) => atMs !== null && places[place]?.state === "good")?.atMs ?? null;
  if (nowMs - (newest ?? sinceMs) <= 2 * everyMinutes * 60_000 + COPY_HOURS * HOUR_MS) return [];
  const had = newest === null ? "no good copy is there" : `the newest good copy there is ${ageWords(nowMs - newest)} old`;
  return [
    {
      id: `${database}-vault-behind`,
      kind: "vault behind",
      sentence: `The copies of ${database} fall behind in ${place}: ${had}, and one of every backup is to be there within ${COPY_HOURS} hours. If this account were lost, so would be what came since.`,
      next: "See the mails of the copies for the reason. The backups in the plan's regions are not touched by it.",
    },
  ];
}

/** Kept before a snapshot is shared, until that is taken back: by snapshot, since when. */
export interface Shared {
  readonly shared: Readonly<Record<string, number>>;
}

/** A copy reads what is shared: it stays for so long, whatever retention says. */
export const heldWhileShared = ({ shared }: Shared) =>
  Object.fromEntries(Object.entries(shared).map(([id, atMs]) => [id, { by: "Understudy", reason: "it is copied into the vault", atMs }]));

export const sharedKey = (database: string): string => `vault/${database}.json`;

/** Between the sharing and the copy's start lie seconds, and between its end and the taking back a minute. */
const SHARED_HOURS = 1;
/** Where the vault says nothing, a copy may be under way for so long: a day, and a day late. */
const UNSEEN_HOURS = 49;

/** `copy`: how it stands in the vault; null: it is not there; undefined: the vault does not say. */
export function isSharedForNothing(sinceMs: number, copy: "under way" | "ended" | null | undefined, nowMs: number): boolean {
  if (copy === "under way") return false;
  return nowMs - sinceMs > (copy === undefined ? UNSEEN_HOURS : SHARED_HOURS) * HOUR_MS;
}

/** `silent`: the vault could not be looked at. */
export function leftShared(
  { database, points }: Catalogue,
  { shared }: Shared,
  vault: VaultPlan,
  { silent, nowMs }: { readonly silent: boolean; readonly nowMs: number },
): BackupFinding[] {
  const place = vaultPlace(vault);
  return Object.entries(shared).flatMap(([id, sharedAtMs]): BackupFinding[] => {
    const kept = points.find((point) => point.id === id)?.places[place];
    const copy = silent ? undefined : kept === undefined ? null : kept.state === "unfinished" ? "under way" : "ended";
    if (!isSharedForNothing(Math.max(sharedAtMs, copy === "ended" ? (kept?.sinceMs ?? 0) : 0), copy, nowMs)) return [];
    return [
      {
        id: `${id}-left-shared`,
        kind: "left shared",
        sentence: `The snapshot ${id} of ${database} in ${vault.region} is shared with the account ${vault.account} since ${new Date(sharedAtMs).toISOString().slice(0, 16)}Z, and no copy of it is under way there.`,
        next: "The next copy into the vault takes it back. To do it now:",
        commands: [
          `aws rds modify-db-snapshot-attribute --region ${vault.region} --db-snapshot-identifier ${id} --attribute-name restore --values-to-remove ${vault.account}`,
        ],
      },
    ];
  });
}
