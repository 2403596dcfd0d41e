/**
 * What retention means for one database's backups in each place: which snapshots may be deleted now, which wait and why, and when a person
 * is asked first. Decides by the catalogue alone, so what Understudy did not make and catalogue is never named here. Pure.
 */
import type { Catalogue, PlaceState, Point } from "./catalogue.ts";
import { type Backup, type BackupState, type PruneLimits, pruneBrake, type Retention, retained, type Verdict } from "./retention.ts";

export interface Prune {
  readonly region: string;
  /** A verdict for each backup that is there, the newest first. */
  readonly verdicts: readonly Verdict[];
  /** What may go now, the oldest first. */
  readonly remove: readonly string[];
  /** Why nothing goes before a person has agreed; null: it may. */
  readonly brake: string | null;
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
  /** So many a person has agreed to. */
  readonly allowed: number;
}

export function pruneOf({ catalogue, region, retention, holds, limits, allowed }: PruneFacts): Prune {
  const there = catalogue.points.filter(({ places }) => places[region] !== undefined && STATES[places[region].state] !== null);
  const points = new Map(there.map((point) => [point.id, point]));
  const verdicts = retained(
    there.map((point) => asBackup(point, region, holds)),
    retention,
  ).map((verdict) => (verdict.keep ? verdict : (waiting(verdict, points.get(verdict.backup.id) as Point, region) ?? verdict)));
  const gone = verdicts.filter(({ keep }) => !keep);
  const brake = gone.length <= Math.max(1, allowed) ? null : pruneBrake(verdicts, limits);
  return { region, verdicts, brake, remove: brake === null ? gone.map(({ backup }) => backup.id).toReversed() : [] };
}

const STATES: Readonly<Record<PlaceState, BackupState | null>> = {
  good: "good",
  unfinished: "unfinished",
  failed: "failed",
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

/** The first place a backup is in stands in for its copy until that is there: what was never copied is in no other place to be found. */
function waiting(verdict: Verdict, { places }: Point, region: string): Verdict | null {
  if (verdict.backup.state === "failed") return null;
  const elsewhere = Object.entries(places).filter(([place]) => place !== region);
  // A copy that was there once, and has expired or was deleted by hand since, was a copy all the same.
  if (elsewhere.some(([, { state }]) => state === "good" || state === "expired" || state === "missing")) return null;
  return { ...verdict, keep: true, reasons: ["it has no good copy in another place"] };
}
