/**
 * What nobody looks after: instances that the plan neither protects nor excuses, and backups of Understudy's that no policy claims any
 * more, because a database left the plan or somebody took their tags away. Pure.
 */
import type { Listed } from "./catalogue.ts";
import type { Plan, VaultPlan } from "./plan/schema.ts";
import { slugOf, vaultPlace } from "./vault.ts";

/** An instance, as its region lists it. */
export interface ListedInstance {
  readonly id: string;
  readonly region: string;
  /** The instance it replicates; null: none. */
  readonly sourceId: string | null;
  /** The cluster it is a member of; null: none. */
  readonly clusterId: string | null;
  /** null: it is not encrypted. */
  readonly kmsKeyId: string | null;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Unclaimed {
  /** The same for as long as it lasts. */
  readonly id: string;
  readonly kind: "unprotected" | "orphan" | "nearly full" | "vault";
  readonly sentence: string;
  readonly next: string;
}

const NAMED = 5;

/** A replica is covered where its primary is, and a member where its cluster is: of those, only the primary or the cluster is told. */
export function unprotected(instances: readonly ListedInstance[], plan: Plan): Unclaimed[] {
  const members = Object.values(plan.databases).flatMap(({ primary, standbys }) => [primary, ...standbys]);
  const covered = new Set([...members.map(({ instance, region }) => `${region}/${instance}`)]);
  const excused = new Set((plan.unprotected ?? []).flatMap(({ instance }) => instance ?? []));
  const found = new Map<string, Unclaimed>();
  for (const { id, region, sourceId, clusterId, tags } of instances) {
    const name = clusterId ?? id;
    const ours = tags["understudy:plan"] === plan.name;
    if (ours || sourceId !== null || covered.has(`${region}/${name}`) || excused.has(name)) continue;
    const what = clusterId === null ? "DB instance" : "DB cluster";
    found.set(`${region}/${name}`, {
      id: `unprotected-${region}-${name}`,
      kind: "unprotected",
      sentence: `The ${what} ${name} in ${region} is in no plan: nothing backs it up here, and nothing moves it.`,
      next: `Add it under databases, or say under unprotected why it needs nothing:\n  - { instance: ${name}, because: "…" }`,
    });
  }
  return [...found.values()];
}

/** By database, and those without their tags together. */
export function orphans(listed: readonly Listed[], plan: Plan): Unclaimed[] {
  const claimed = plan.backups.map(({ database }) => database);
  const left = listed.filter(({ tags }) => tags["understudy:plan"] === plan.name && tags["understudy:slot"] !== undefined);
  const byDatabase = Map.groupBy(left, ({ tags }) => tags["understudy:database"] ?? "");
  return [...byDatabase]
    .filter(([database]) => !claimed.includes(database))
    .map(([database, snapshots]) => ({
      id: `orphan-${database}`,
      kind: "orphan" as const,
      sentence: `${counted(snapshots)} of ${database || "no database"} belong to no backup of the plan: nothing deletes them, and they count against the quota.`,
      next: "Give the database its backup again, or delete them by hand.",
    }));
}

/** Backups of the catalogue whose tags somebody took away: they are there, and Understudy neither counts nor deletes them. */
export function stripped(listed: readonly Listed[], known: ReadonlySet<string>, plan: Plan): Unclaimed[] {
  const bare = listed.filter(({ id, tags }) => known.has(id) && tags["understudy:plan"] !== plan.name);
  if (bare.length === 0) return [];
  return [
    {
      id: `stripped-${bare.map(({ id }) => id).sort()[0]}`,
      kind: "orphan",
      sentence: `${counted(bare)} bear Understudy's tags no longer: they are neither counted as backups nor deleted.`,
      next: "Find out who took the tags away, and give them back, or delete them by hand.",
    },
  ];
}

/** Of a hundred. */
const NEARLY_FULL = 90;

/** Before a region takes no more, people hear of it. `counts`: manual snapshots by region, everybody's; `ours`: Understudy's of them. */
export function nearlyFull(counts: Readonly<Record<string, { readonly all: number; readonly ours: number }>>, quota: number): Unclaimed[] {
  return Object.entries(counts).flatMap(([region, { all, ours }]) =>
    all * 100 < quota * NEARLY_FULL
      ? []
      : [
          {
            id: `nearly-full-${slugOf(region)}`,
            kind: "nearly full" as const,
            sentence: `${region} holds ${all} of the ${quota} manual snapshots the account may have there, ${ours} of them Understudy's: once it is full, no backup is made or copied there.`,
            next: "Delete what nobody needs, agree to what retention asks for (npm run understudy -- backups), or ask AWS for more and say so under quotas.manualSnapshots.",
          },
        ],
  );
}

/** Of one vault there is one trouble, whichever databases have copies there. */
export const vaultTroubleId = ({ account }: Pick<VaultPlan, "account">): string => `vault-${account}`;

/** `trouble`: AWS's words; null: it could be looked at. */
export function vaultClosed(vault: VaultPlan | undefined, trouble: string | null): Unclaimed[] {
  if (!vault || trouble === null) return [];
  return [
    {
      id: vaultTroubleId(vault),
      kind: "vault",
      sentence: `The copies in ${vaultPlace(vault)} cannot be looked at, and none can be made: ${trouble}`,
      next: `See that the role ${vault.role} is there, trusts Understudy's roles with the plan's external id and may do what vault.json grants: deploy that template in ${vault.account} again. The backups in the plan's regions are not touched by it.`,
    },
  ];
}

function counted(snapshots: readonly Listed[]): string {
  const names = snapshots.map(({ id, region }) => `${id} (${region})`);
  const more = names.length > NAMED ? `, and ${names.length - NAMED} more` : "";
  return `${names.length} snapshot${names.length === 1 ? "" : "s"} (${names.slice(0, NAMED).join(", ")}${more})`;
}
