/**
 * What the plan's backups cost a month, before anything is switched on: the retention itself is played through, day by day, so that what
 * is counted is what will be there. Snapshots are incremental: of each there is what has changed since the one before that stays.
 * Prices are list prices of us-east-1 (aws-facts J); what AWS gives free with a running database is taken off. Pure.
 */
import { retentionOf } from "./backup-policy.ts";
import type { BackupPlan, Plan } from "./plan/schema.ts";
import { type Backup, retained } from "./retention.ts";
import { momentsOf } from "./schedule.ts";

export interface Prices {
  /** Per GB and month, beyond the free allowance. */
  readonly snapshotStorage: number;
  /** Per GB out of the primary region into another. */
  readonly transfer: number;
  /** Per customer's key and month. */
  readonly key: number;
  /** Per GB out of AWS. */
  readonly egress: number;
}

export const LIST_PRICES: Prices = { snapshotStorage: 0.095, transfer: 0.02, key: 1, egress: 0.09 };

export interface Size {
  /** Data in the database. */
  readonly gb: number;
  /** Storage its instances have; the free allowance is as much. */
  readonly provisionedGb: number;
  /** So much of it is written anew each day, 0 to 1. */
  readonly change: number;
}

export interface PolicyCost {
  readonly database: string;
  /** In each of its two regions, on average. */
  readonly snapshots: number;
  readonly storedGb: number;
  /** Into the other region, in the month. */
  readonly copiedGb: number;
  /** To another provider, in the month: each dump is a whole one. */
  readonly sentGb: number;
}

export interface RegionCost {
  readonly region: string;
  readonly storedGb: number;
  readonly freeGb: number;
  readonly usd: number;
}

export interface Cost {
  readonly policies: readonly PolicyCost[];
  readonly regions: readonly RegionCost[];
  readonly transferUsd: number;
  readonly egressUsd: number;
  readonly keysUsd: number;
  readonly usd: number;
}

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30;
/** A calendar month and a half more than a year: yearly backups have come to be as many as they will. */
const SETTLED_DAYS = 420;

/** `from`: "first" is the month that begins with none; "settled" is one in the long run. */
export function costOf(plan: Plan, sizes: Readonly<Record<string, Size>>, month: "first" | "settled", prices = LIST_PRICES): Cost {
  const policies = plan.backups.map((backup) => policyCost(backup, sizes[backup.database] as Size, month));
  const places = [plan.regions.primary, plan.regions.recovery];
  const stored = policies.reduce((sum, { storedGb }) => sum + storedGb, 0);
  const regions = places.map((region) => {
    const freeGb = Object.entries(plan.databases).reduce((sum, [name, { primary, standbys }]) => {
      const there = [primary, ...standbys].filter((each) => each.region === region).length;
      return sum + there * (sizes[name]?.provisionedGb ?? 0);
    }, 0);
    return { region, storedGb: stored, freeGb, usd: Math.max(0, stored - freeGb) * prices.snapshotStorage };
  });
  const sum = (of: (policy: PolicyCost) => number) => policies.reduce((total, each) => total + of(each), 0);
  const keys = new Set(
    plan.backups.flatMap(({ kmsKeyId, primaryKmsKeyId }) =>
      [kmsKeyId, primaryKmsKeyId].filter((key) => key && !key.includes("alias/aws/")),
    ),
  );
  const transferUsd = sum(({ copiedGb }) => copiedGb) * prices.transfer;
  const egressUsd = sum(({ sentGb }) => sentGb) * prices.egress;
  const keysUsd = keys.size * prices.key;
  const usd = regions.reduce((total, each) => total + each.usd, 0) + transferUsd + egressUsd + keysUsd;
  return { policies, regions, transferUsd, egressUsd, keysUsd, usd };
}

function policyCost(backup: BackupPlan, size: Size, month: "first" | "settled"): PolicyCost {
  const retention = retentionOf(backup);
  const days = month === "first" ? MONTH_DAYS : retention ? SETTLED_DAYS : MONTH_DAYS;
  let kept: Backup[] = [];
  let [snapshots, storedGb, copiedGb] = [0, 0, 0];
  let newestMs: number | null = null;
  for (let day = 0; day < days; day++) {
    const counts = day >= days - MONTH_DAYS;
    for (const atMs of takenOn(day, backup)) {
      const sent = newestMs === null ? size.gb : changedGb(size, atMs - newestMs);
      if (counts) copiedGb += sent;
      newestMs = atMs;
      kept.push({ id: String(atMs), atMs, state: "good" });
    }
    if (retention) kept = retained(kept, retention).flatMap((verdict) => (verdict.keep ? [verdict.backup] : []));
    if (!counts) continue;
    snapshots += kept.length / MONTH_DAYS;
    storedGb += storedBy(kept, size) / MONTH_DAYS;
  }
  const dumps = backup.offsite ? MONTH_DAYS / backup.offsite.everyDays : 0;
  return { database: backup.database, snapshots, storedGb, copiedGb, sentGb: dumps * size.gb };
}

/** The moments of one day, counted from 1970; with a calendar of its own, by its clock. */
function takenOn(day: number, { everyMinutes, at, timeZone = "UTC" }: BackupPlan): number[] {
  if (at) return momentsOf(day, { at, timeZone });
  const everyMs = everyMinutes * 60_000;
  const moments: number[] = [];
  for (let atMs = Math.ceil((day * DAY_MS) / everyMs) * everyMs; atMs < (day + 1) * DAY_MS; atMs += everyMs) moments.push(atMs);
  return moments;
}

/** Writes fall anywhere: of what is written twice the last alone counts. */
const changedGb = ({ gb, change }: Size, ms: number): number => gb * (1 - (1 - change) ** (ms / DAY_MS));

function storedBy(kept: readonly Backup[], size: Size): number {
  const times = kept.map(({ atMs }) => atMs).sort((one, other) => one - other);
  if (times.length === 0) return 0;
  return times.slice(1).reduce((sum, atMs, index) => sum + changedGb(size, atMs - (times[index] as number)), size.gb);
}
