/** What the plan says of the backups of one database, in the form the rules use it. Pure. */
import type { BackupPlan, Plan } from "./plan/schema.ts";
import { type PruneLimits, type Retention, TIERS, type Tier } from "./retention.ts";

/** null: the plan lets nothing be deleted. */
export function retentionOf({ keep }: Pick<BackupPlan, "keep">): Retention | null {
  if (!keep) return null;
  const tiers: Partial<Record<Tier, number>> = {};
  for (const tier of TIERS) if (keep[tier] !== undefined) tiers[tier] = keep[tier];
  return { ...tiers, floor: keep.floor ?? FLOOR, timeZone: keep.timeZone ?? "UTC" };
}

export const pruneLimitsOf = ({ prune }: Pick<Plan, "prune">): PruneLimits => ({
  percent: prune?.percent ?? 20,
  most: prune?.most ?? 10,
});

/** AWS's own, per account and region; adjustable (aws-facts A2). */
export const snapshotQuotaOf = ({ quotas }: Pick<Plan, "quotas">): number => quotas?.manualSnapshots ?? 100;

const FLOOR = 3;

/** Beyond what stays: the one that is being made, and the one that waits for the next prune. */
export const IN_PASSING = 2;
