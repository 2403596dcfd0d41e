/**
 * What retention means for one database's backups in each place: which snapshots may be deleted now, which wait and why, and when a person
 * is asked first. Decides by the catalogue alone, so what Understudy did not make and catalogue is never named here. Pure.
 */
import { type Catalogue, expiredIn, type PlaceState, type Point } from "./catalogue.ts";
import { type Backup, type BackupState, type PruneLimits, pruneBrake, type Retention, retained, type Verdict } from "./retention.ts";

export interface Prune {
  readonly region: string;
  /** A verdict for each backup that is there, the newest first. */
  readonly verdicts: readonly Verdict[];
  /** What may go now, the oldest first. */
  readonly remove: readonly string[];
  /** What came to go at once and waits until a person agrees, the oldest first. What comes to go after it, day by day, does not wait. */
  readonly heldBack: readonly string[];
  /** Why it waits; null: nothing does. */
  readonly brake: string | null;
  /** So many go because a person has agreed. */
  readonly agreed: number;
}

export interface Holds {
  /** By backup: why a person holds it. */
  readonly [id: string]: string;
}

export interface PruneFacts {
  readonly catalogue: Catalogue;
  readonly region: string;
  readonly retention: Retention;
  readonly holds: Holds;
  readonly limits: PruneLimits;
  /** So many a person has agreed to: the oldest of those that wait, whatever has come since. */
  readonly allowed: number;
  /** What earlier looks have held back here. */
  readonly heldBack: readonly string[];
}

export function pruneOf({ catalogue, region, retention, holds, limits, allowed, heldBack }: PruneFacts): Prune {
  const there = catalogue.points.filter(({ places }) => places[region] !== undefined && STATES[places[region].state] !== null);
  const points = new Map(there.map((point) => [point.id, point]));
  const verdicts = retained(
    there.map((point) => asBackup(point, region, holds)),
    retention,
  ).map((verdict) => (verdict.keep ? verdict : (waiting(verdict, points.get(verdict.backup.id) as Point, region) ?? verdict)));
  const gone = verdicts.flatMap(({ keep, backup }) => (keep ? [] : [backup.id])).toReversed();
  const fresh = gone.filter((id) => !heldBack.includes(id));
  // One is what a day brings.
  const tooMany = fresh.length > 1 ? pruneBrake(fresh.length, verdicts.length, limits) : null;
  const waits = tooMany === null ? gone.filter((id) => heldBack.includes(id)) : gone;
  const agreed = waits.slice(0, allowed);
  const left = waits.slice(allowed);
  return {
    region,
    verdicts,
    remove: gone.filter((id) => !left.includes(id)),
    heldBack: left,
    brake: left.length === 0 ? null : (tooMany ?? `${left.length} of ${verdicts.length} came to go at once, and still wait`),
    agreed: agreed.length,
  };
}

/** Place after place: what goes from one is gone when the next is decided about. */
export function prunesOf(
  regions: readonly string[],
  {
    catalogue,
    heldBack,
    ...facts
  }: Omit<PruneFacts, "region" | "heldBack"> & { readonly heldBack: Readonly<Record<string, readonly string[]>> },
): Prune[] {
  const prunes: Prune[] = [];
  let now = catalogue;
  for (const region of regions) {
    const prune = pruneOf({ ...facts, catalogue: now, region, heldBack: heldBack[region] ?? [] });
    prunes.push(prune);
    now = expiredIn(now, region, prune.remove, catalogue.atMs);
  }
  return prunes;
}

const STATES: Readonly<Record<PlaceState, BackupState | null>> = {
  good: "good",
  unfinished: "unfinished",
  failed: "failed",
  incomplete: "failed",
  missing: null,
  expired: null,
  stripped: null,
};

function asBackup(point: Point, region: string, holds: Holds): Backup {
  const kept = point.places[region] as Point["places"][string];
  const state = STATES[kept.state] as BackupState;
  return {
    id: point.id,
    // One that never came to have a time is as old as the first look at it.
    atMs: point.atMs ?? kept.sinceMs,
    state: state === "good" && point.verifiedAtMs !== null ? "verified" : state,
    ...(holds[point.id] === undefined ? {} : { hold: holds[point.id] as string }),
  };
}

const WAS_A_COPY: readonly PlaceState[] = ["good", "expired", "missing", "incomplete"];

/** The first place a backup is in stands in for its copy until that is there: what was never copied is in no other place to be found. */
function waiting(verdict: Verdict, { places }: Point, region: string): Verdict | null {
  if (verdict.backup.state === "failed") return null;
  const elsewhere = Object.entries(places).filter(([place]) => place !== region);
  // A copy that was there once, and has expired or was deleted by hand since, was a copy all the same.
  if (elsewhere.some(([, { state }]) => WAS_A_COPY.includes(state))) return null;
  return { ...verdict, keep: true, reasons: ["it has no good copy in another place"] };
}
