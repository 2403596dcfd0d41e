/** Whether what the plan keeps fits into what AWS gives: told with the sum, before anything is deployed. Pure. */
import { IN_PASSING, retentionOf, snapshotQuotaOf } from "../backup-policy.ts";
import { steadyState, TIERS } from "../retention.ts";
import type { Finding } from "./check.ts";
import type { Plan } from "./schema.ts";

export function keepFindings(plan: Plan): Finding[] {
  const findings = plan.backups.flatMap((backup, index) => tierFindings(backup, index, "backups"));
  // Every snapshot is in both regions, so the sum is each region's.
  const kept = plan.backups.flatMap((backup) => {
    const retention = retentionOf(backup);
    return retention ? [{ database: backup.database, retention, count: steadyState(retention) + IN_PASSING }] : [];
  });
  const sum = kept.reduce((all, { count }) => all + count, 0);
  const quota = snapshotQuotaOf(plan);
  if (sum > quota) {
    const terms = kept.map(({ database, retention, count }) => {
      const tiers = TIERS.flatMap((tier) => (retention[tier] === undefined ? [] : [`${retention[tier]} ${tier}`]));
      return `${database} ${count} (${tiers.join(" + ")}, ${IN_PASSING} in passing)`;
    });
    findings.push({
      path: ["backups"],
      problem: `expected to keep at most ${quota} snapshots in each region, and these come to ${sum}: ${terms.join("; ")}. Keep fewer, or ask AWS for more and say so under quotas.manualSnapshots`,
    });
  }
  return findings;
}

export const tierFindings = ({ keep }: Pick<Plan["backups"][number], "keep">, index: number, list: "backups" | "machines"): Finding[] =>
  !keep || TIERS.some((tier) => keep[tier] !== undefined)
    ? []
    : [
        {
          path: [list, index, "keep"],
          problem: `expected at least one of ${TIERS.join(", ")}: a floor alone would delete all but the newest`,
        },
      ];
