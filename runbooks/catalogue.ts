/** The catalogue of every database's backups: RDS is asked once a page, in both regions and the vault, and what it lists is held against what is known. */

import type { Where } from "../aws/clients.ts";
import { changeDocument, readDocument } from "../aws/documents.ts";
import { isNoAnswer } from "../aws/errors.ts";
import { snapshotPages } from "../aws/rds.ts";
import { type Catalogue, type Listed, reconciled, STRIPPED, type Verified } from "../core/catalogue.ts";
import type { Incident } from "../core/incidents.ts";
import type { VaultPlan } from "../core/plan/schema.ts";
import { SNAPSHOT_PREFIX } from "../core/slots.ts";
import { SnapshotShelf } from "../core/snapshot-shelf.ts";
import { isVaultPlace, vaultPlace, withoutOtherVaults } from "../core/vault.ts";
import type { Settings } from "./settings.ts";
import { vaultOf } from "./vault-account.ts";

/** As it is kept, with what is being told of it. */
export interface KeptCatalogue {
  /** Since when this database's backups are looked at. */
  readonly sinceMs: number;
  /** Since when its plan has had dumps at another provider; null: it has none. */
  readonly offsiteSinceMs?: number | null;
  /** Since when its plan has had copies in the vault; null: it has none. */
  readonly vaultSinceMs?: number | null;
  readonly catalogue: Catalogue;
  readonly incidents: readonly Incident[];
  /** The order of the last allowance that was used: it counts once. */
  readonly spent: string | null;
  /** By region: what came to be deleted at once, and waits for a person. */
  readonly heldBack?: Readonly<Record<string, readonly string[]>>;
}

export const catalogueKey = (database: string) => `catalogue/${database}.json`;

export interface Listing {
  /** The backups of the plan's databases. */
  readonly backups: SnapshotShelf;
  /** What bears this plan's tags and is of no database that has backups. */
  readonly unclaimed: readonly Listed[];
  /** What is called like a backup of Understudy's, and does not. */
  readonly others: readonly Listed[];
  /** Manual snapshots by region that answered: everybody's, and this plan's of them. */
  readonly counts: Readonly<Record<string, { readonly all: number; readonly ours: number }>>;
  /** Regions that said nothing. */
  readonly dark: readonly string[];
  /** The plan's other account; null: it has none. */
  readonly vault: ListedVault | null;
}

export interface ListedVault {
  readonly place: string;
  /** Why it could not be looked at, in AWS's words; null: it was. */
  readonly trouble: string | null;
  /** Nothing came back: it may be well. */
  readonly silent: boolean;
}

export const placesOf = ({ plan }: Settings): string[] => [plan.regions.primary, plan.regions.recovery];

/** Everything of this plan's, in every region that answers. Of one that falls silent half-way, what it has said is true all the same. */
export async function listEverywhere(settings: Settings): Promise<Listing> {
  const { plan } = settings;
  const databases = new Set(plan.backups.map(({ database }) => database));
  const [backups, unclaimed, others] = [new SnapshotShelf(), [] as Listed[], [] as Listed[]];
  const counts: Record<string, { all: number; ours: number }> = {};
  const dark: string[] = [];
  const take = (each: Listed): boolean => {
    const { "understudy:plan": of, "understudy:database": database = "", "understudy:slot": slot } = each.tags;
    const ours = of === plan.name;
    if (ours && slot !== undefined && databases.has(database)) backups.add(database, slot, each);
    // What a database that left the plan has in the vault is the vault's own business.
    else if (ours && !isVaultPlace(each.region)) unclaimed.push(each);
    else if (each.id.startsWith(SNAPSHOT_PREFIX)) others.push(each);
    return ours;
  };
  const list = async (place: string, where: Where = place): Promise<void> => {
    const count = { all: 0, ours: 0 };
    for await (const page of snapshotPages(where)) {
      count.all += page.length;
      count.ours += page.filter(take).length;
    }
    counts[place] = count;
  };
  const inVault = async (rules: VaultPlan): Promise<ListedVault> => {
    const place = vaultPlace(rules);
    try {
      await list(place, vaultOf(settings, rules));
      return { place, trouble: null, silent: false };
    } catch (error) {
      // Whatever is wrong with the vault, the regions are looked after.
      return { place, trouble: (error as Error).message, silent: isNoAnswer(error) };
    }
  };
  const [vault] = await Promise.all([
    plan.vault ? inVault(plan.vault) : null,
    ...placesOf(settings).map((region) =>
      list(region).catch((error: unknown) => {
        if (!isNoAnswer(error)) throw error;
        dark.push(region);
      }),
    ),
  ]);
  return { backups, unclaimed, others, counts, dark, vault };
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
  { backups, others, dark, vault }: Listing,
  verified: Verified | null,
  nowMs: number,
  change: (kept: KeptCatalogue) => KeptCatalogue,
): Promise<KeptCatalogue> {
  const changed = await changeDocument<KeptCatalogue>(settings.state, catalogueKey(database), (before) => {
    const ids = new Set(before?.catalogue.points.map(({ id }) => id));
    const bare = others.filter(({ id }) => ids.has(id)).map((each) => ({ ...each, status: STRIPPED }));
    const places = [...placesOf(settings), ...(vault ? [vault.place] : [])];
    const unseen = vault && vault.trouble !== null ? [...dark, vault.place] : dark;
    const known = before?.catalogue ? withoutOtherVaults(before.catalogue, vault?.place ?? null) : null;
    const listed = backups.of(database).sort((one, other) => places.indexOf(one.region) - places.indexOf(other.region));
    const all = [...listed, ...bare];
    return change({
      sinceMs: before?.sinceMs ?? nowMs,
      offsiteSinceMs: before?.offsiteSinceMs ?? null,
      vaultSinceMs: before?.vaultSinceMs ?? null,
      catalogue: reconciled(known, database, all, { nowMs, dark: unseen, verified }),
      incidents: before?.incidents ?? [],
      spent: before?.spent ?? null,
      heldBack: before?.heldBack ?? {},
    });
  });
  return changed as KeptCatalogue;
}
