/**
 * What is known of one database's backups: the truth is what RDS lists, held against what it listed an hour ago. A backup that was there
 * and that nobody of Understudy's has deleted is missing, and stays in the catalogue as that. Pure; ages come from the service's own times.
 */

/** A snapshot, as its region lists it. */
export interface Listed {
  readonly id: string;
  readonly region: string;
  readonly status: string;
  /** When the data was taken (OriginalSnapshotCreateTime); null while it is being made. */
  readonly takenAtMs: number | null;
  readonly encrypted: boolean;
  /** The ARN of its key; null when it has none. */
  readonly kmsKeyId: string | null;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * "expired": Understudy deleted it by the plan's retention. "missing": it is gone, and not by Understudy. "stripped": it is there, and
 * somebody took its tags away, so that Understudy may not delete it. "incomplete": it was whole there, and a part of it is gone.
 */
export type PlaceState = "good" | "unfinished" | "failed" | "missing" | "expired" | "stripped" | "incomplete";

/** The status of a snapshot whose tags are gone, wherever it is listed beside those that have theirs. */
export const STRIPPED = "stripped";

export interface Kept {
  readonly state: PlaceState;
  /** Since when it is so. */
  readonly sinceMs: number;
  readonly encrypted: boolean;
  readonly kmsKeyId: string | null;
}

/** One backup in all places: the snapshot and its copy have one name. */
export interface Point {
  readonly id: string;
  /** null until a region has said when it was taken. */
  readonly atMs: number | null;
  /** When it was last restored and looked through; null: never. */
  readonly verifiedAtMs: number | null;
  /** How long it took then until it answered; null: not measured. */
  readonly answeredInMs?: number | null;
  readonly places: Readonly<Record<string, Kept>>;
}

export interface Catalogue {
  readonly database: string;
  /** When RDS was last asked. */
  readonly atMs: number;
  /** The newest first. */
  readonly points: readonly Point[];
}

/** What the last good drill restored. */
export interface Verified {
  readonly id: string;
  readonly atMs: number;
  readonly answeredInMs?: number | null;
}

/** The status of a set that lost a part of it. */
export const INCOMPLETE = "incomplete";

/** What is missing is remembered for so long, and what has expired until the next look. */
const MISSING_DAYS = 30;
const DAY_MS = 86_400_000;

const STATES: Readonly<Record<string, PlaceState>> = {
  available: "good",
  failed: "failed",
  [STRIPPED]: "stripped",
  [INCOMPLETE]: "incomplete",
};
const stateOf = (status: string): PlaceState => STATES[status] ?? "unfinished";

/**
 * The catalogue of now. `listed`: every backup of this database in the regions that answered; `dark`: those that did not, where
 * everything stays as it was.
 */
export function reconciled(
  before: Catalogue | null,
  database: string,
  listed: readonly Omit<Listed, "tags">[],
  { nowMs, dark = [], verified = null }: { readonly nowMs: number; readonly dark?: readonly string[]; readonly verified?: Verified | null },
): Catalogue {
  const known = new Map((before?.points ?? []).map((point) => [point.id, point]));
  const seen = Map.groupBy(listed, ({ id }) => id);
  const points: Point[] = [];
  for (const id of new Set([...known.keys(), ...seen.keys()])) {
    const old = known.get(id);
    const there = seen.get(id) ?? [];
    const places: Record<string, Kept> = {};
    for (const [region, kept] of Object.entries(old?.places ?? {})) {
      if (dark.includes(region) || kept.state === "expired" || kept.state === "missing") places[region] = kept;
      else if (!there.some((each) => each.region === region)) places[region] = { ...kept, state: "missing", sinceMs: nowMs };
    }
    for (const { region, status, encrypted, kmsKeyId } of there) {
      const state = stateOf(status);
      const sinceMs = old?.places[region]?.state === state ? old.places[region].sinceMs : nowMs;
      places[region] = { state, sinceMs, encrypted, kmsKeyId };
    }
    if (Object.values(places).every((kept) => isOver(kept, nowMs))) continue;
    const atMs = there.find(({ takenAtMs }) => takenAtMs !== null)?.takenAtMs ?? old?.atMs ?? null;
    const verifiedAtMs = verified?.id === id ? Math.max(verified.atMs, old?.verifiedAtMs ?? 0) : (old?.verifiedAtMs ?? null);
    const answeredInMs = (verified?.id === id ? verified.answeredInMs : null) ?? old?.answeredInMs ?? null;
    points.push({ id, atMs, verifiedAtMs, answeredInMs, places });
  }
  return { database, atMs: nowMs, points: points.sort(newestPointFirst) };
}

const isOver = ({ state, sinceMs }: Kept, nowMs: number): boolean =>
  state === "expired" || (state === "missing" && nowMs - sinceMs > MISSING_DAYS * DAY_MS);

/** What has no time yet is the newest. */
const newestPointFirst = (one: Point, other: Point): number =>
  (other.atMs ?? Number.MAX_SAFE_INTEGER) - (one.atMs ?? Number.MAX_SAFE_INTEGER) || (one.id < other.id ? -1 : 1);

/** Notes what was deleted by the plan's retention, so that the next look does not miss it. */
export const expiredIn = (catalogue: Catalogue, region: string, ids: readonly string[], nowMs: number): Catalogue => ({
  ...catalogue,
  points: catalogue.points.map((point) => {
    const { [region]: kept, ...elsewhere } = point.places;
    if (!kept || !ids.includes(point.id)) return point;
    // One that failed was never a copy, so none has expired.
    if (kept.state === "failed") return { ...point, places: elsewhere };
    return { ...point, places: { ...elsewhere, [region]: { ...kept, state: "expired", sinceMs: nowMs } } };
  }),
});

const isGoodIn = ({ places }: Point, region: string): boolean => places[region]?.state === "good";
const isGood = ({ places }: Point): boolean => Object.values(places).some(({ state }) => state === "good");

/** The one answer to "how are the backups of this database?" */
export interface Standing {
  readonly newestGood: { readonly id: string; readonly atMs: number } | null;
  readonly newestVerified: { readonly id: string; readonly atMs: number; readonly verifiedAtMs: number } | null;
  /** What a restore took when one was last tried: the achieved recovery time; null: no drill has measured it. */
  readonly restoreSeconds: number | null;
  /** By region: how many good ones, and how old the newest is. */
  readonly places: Readonly<Record<string, { readonly good: number; readonly newestAtMs: number | null }>>;
  /** What would be lost if the database were lost now and the newest good backup restored; null: all of it. */
  readonly lossSeconds: number | null;
  readonly objectiveSeconds: number;
}

export function standing({ points }: Catalogue, regions: readonly string[], objectiveSeconds: number, nowMs: number): Standing {
  const dated = points.flatMap((point) => (point.atMs === null ? [] : [{ ...point, atMs: point.atMs }]));
  const newest = dated.find(isGood);
  const verified = dated.find((point) => isGood(point) && point.verifiedAtMs !== null);
  return {
    newestGood: newest ? { id: newest.id, atMs: newest.atMs } : null,
    restoreSeconds: verified?.answeredInMs == null ? null : Math.ceil(verified.answeredInMs / 1000),
    newestVerified: verified ? { id: verified.id, atMs: verified.atMs, verifiedAtMs: verified.verifiedAtMs as number } : null,
    places: Object.fromEntries(
      regions.map((region) => {
        const good = dated.filter((point) => isGoodIn(point, region));
        return [region, { good: good.length, newestAtMs: good[0]?.atMs ?? null }];
      }),
    ),
    lossSeconds: newest ? Math.max(0, Math.round((nowMs - newest.atMs) / 1000)) : null,
    objectiveSeconds,
  };
}
