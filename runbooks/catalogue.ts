/** The catalogue of every database's backups: RDS is asked once a page, in both regions, and what it lists is held against what is known. */
import { createDocument, readDocument, replaceDocument } from "../aws/documents.ts";
import { isNoAnswer } from "../aws/errors.ts";
import { listSnapshots } from "../aws/rds.ts";
import { type Catalogue, type Listed, reconciled, STRIPPED, type Verified } from "../core/catalogue.ts";
import type { Incident } from "../core/incidents.ts";
import { SNAPSHOT_PREFIX } from "../core/slots.ts";
import type { Settings } from "./settings.ts";

/** As it is kept, with what is being told of it. */
export interface KeptCatalogue {
  /** Since when this database's backups are looked at. */
  readonly sinceMs: number;
  readonly catalogue: Catalogue;
  readonly incidents: readonly Incident[];
  /** The order of the last allowance that was used: it counts once. */
  readonly spent: string | null;
}

export const catalogueKey = (database: string) => `catalogue/${database}.json`;

export interface Listing {
  /** What bears this plan's tags. */
  readonly listed: readonly Listed[];
  /** What is called like a backup of Understudy's, and does not. */
  readonly others: readonly Listed[];
  /** Regions that said nothing. */
  readonly dark: readonly string[];
}

export const placesOf = ({ plan }: Settings): string[] => [plan.regions.primary, plan.regions.recovery];

/** Everything of this plan's, in every region that answers. */
export async function listEverywhere(settings: Settings): Promise<Listing> {
  const found = await Promise.all(
    placesOf(settings).map(async (region) => {
      try {
        return { listed: await listSnapshots(region), dark: [] };
      } catch (error) {
        if (!isNoAnswer(error)) throw error;
        return { listed: [], dark: [region] };
      }
    }),
  );
  const ours = ({ tags }: Listed) => tags["understudy:plan"] === settings.plan.name;
  const all = found.flatMap(({ listed }) => listed);
  return {
    listed: all.filter(ours),
    others: all.filter((each) => !ours(each) && each.id.startsWith(SNAPSHOT_PREFIX)),
    dark: found.flatMap(({ dark }) => dark),
  };
}

/** A backup of this database that Understudy made: its rescue snapshots and drills have no slot. */
export const isBackupOf =
  (database: string) =>
  ({ tags }: Pick<Listed, "tags">): boolean =>
    tags["understudy:database"] === database && tags["understudy:slot"] !== undefined;

export async function readCatalogue(settings: Settings, database: string): Promise<KeptCatalogue | null> {
  return (await readDocument<KeptCatalogue>(settings.state, catalogueKey(database)))?.value ?? null;
}

/**
 * Reconciles and keeps. `change` says what follows from it, and may be called again when somebody else was faster; what it returns is
 * kept before anything is done about it.
 */
export async function changeCatalogue(
  settings: Settings,
  database: string,
  { listed, others, dark }: Listing,
  verified: Verified | null,
  nowMs: number,
  change: (kept: KeptCatalogue) => KeptCatalogue,
): Promise<KeptCatalogue> {
  const key = catalogueKey(database);
  for (;;) {
    const stored = await readDocument<KeptCatalogue>(settings.state, key);
    const before = stored?.value ?? null;
    const known = new Set(before?.catalogue.points.map(({ id }) => id));
    const bare = others.filter(({ id }) => known.has(id)).map((each) => ({ ...each, status: STRIPPED }));
    const all = [...listed.filter(isBackupOf(database)), ...bare];
    const catalogue = reconciled(before?.catalogue ?? null, database, all, { nowMs, dark, verified });
    const next = change({ sinceMs: before?.sinceMs ?? nowMs, catalogue, incidents: before?.incidents ?? [], spent: before?.spent ?? null });
    if (await (stored ? replaceDocument(settings.state, key, next, stored.etag) : createDocument(settings.state, key, next))) return next;
  }
}
