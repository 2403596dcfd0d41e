/** What a drill makes of what it found in a restored copy, held against what the last good drill found. Pure. */
import { ageWords } from "./restore.ts";

/** Tables with their rows; null: not counted in time. */
export type Tables = Readonly<Record<string, number | null>>;

/** Kept by each drill that passed, for the next. */
export interface Manifest {
  readonly drill: string;
  /** What it restored. */
  readonly snapshot?: string;
  readonly atMs: number;
  /** From its begin until the restored database answered; null: not measured. */
  readonly answeredInMs?: number | null;
  readonly tables: Tables;
}

export const manifestKey = (database: string): string => `drills/${database}/manifest.json`;

export interface DrillFound {
  readonly tables: Tables;
  /** Of the newest heart in the copy. */
  readonly newestMs: number | null;
}

/** The probe beats every few seconds: a heart that had stopped so long before the snapshot says that the copy is older than its name. */
const HEART_LATE_MS = 300_000;
const NAMED = 10;

/** What is wrong with the copy, each a sentence; none: it passed. */
export function drillTrouble(found: DrillFound, takenAtMs: number, before: Manifest | null): string[] {
  const trouble: string[] = [];
  const names = Object.keys(found.tables);
  if (names.length === 0) trouble.push("It holds no table at all.");
  const missing = Object.keys(before?.tables ?? {}).filter((name) => !names.includes(name));
  if (missing.length > 0) trouble.push(`Tables that were there at ${before?.drill} are missing: ${few(missing)}.`);
  const emptied = names.filter((name) => found.tables[name] === 0 && (before?.tables[name] ?? 0) > 0);
  if (emptied.length > 0) trouble.push(`Tables that held rows at ${before?.drill} are empty: ${few(emptied)}.`);
  if (found.newestMs === null) trouble.push("No heart of the probe beats in it: how old its data is cannot be told.");
  else if (takenAtMs - found.newestMs > HEART_LATE_MS)
    trouble.push(
      `Its newest heartbeat is ${ageWords(takenAtMs - found.newestMs)} older than the snapshot: the copy is older than it says.`,
    );
  return trouble;
}

const few = (names: readonly string[]): string =>
  `${names.slice(0, NAMED).join(", ")}${names.length > NAMED ? `, and ${names.length - NAMED} more` : ""}`;
