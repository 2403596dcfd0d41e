/** The plan's policy for one database, in the form the rules use it, and the durations that follow from it. Pure. */
import type { DatabasePlan, Plan } from "./plan/schema.ts";
import { readWindow, type Window } from "./plan/window.ts";

export interface Policy {
  /** What automation may do when it finds the primary down: move, ask a person first, or only say what it would do. */
  readonly mode: "automatic" | "approval" | "shadow";
  readonly probeEverySeconds: number;
  readonly missedProbes: number;
  readonly maxLagSeconds: number;
  readonly cooldownMinutes: number;
  /** How long RDS may work on a primary (reboot, modify, upgrade) before its silence counts. */
  readonly restartGraceSeconds: number;
  /** How long RDS may take to fail a primary over to its own standby before the primary's silence counts. */
  readonly nativeGraceSeconds: number;
  /** Hours in which people work on the database and automation stands still; UTC. */
  readonly maintenance: readonly Window[];
  /** Regions in which an instance can be closed to everybody but Understudy, as a planned move needs. */
  readonly drainRegions: readonly string[];
  /** The global database whose clusters these are; null: the standbys are replicas. */
  readonly globalCluster?: string | null;
  /** The fleet's: more automatic moves than this within the time stop automation. */
  readonly brake: { readonly moves: number; readonly withinMinutes: number };
}

export function policyOf(plan: Plan, database: DatabasePlan): Policy {
  const { failover } = database;
  return {
    mode: failover.mode ?? "automatic",
    probeEverySeconds: failover.probeEverySeconds,
    missedProbes: failover.missedProbes,
    maxLagSeconds: failover.maxLagSeconds,
    cooldownMinutes: failover.cooldownMinutes,
    restartGraceSeconds: failover.restartGraceSeconds ?? 60,
    nativeGraceSeconds: failover.nativeGraceSeconds ?? 180,
    maintenance: (failover.maintenance ?? []).map(readWindow),
    drainRegions: Object.keys(database.drainSecurityGroups ?? {}),
    globalCluster: database.primary.globalCluster ?? null,
    brake: plan.brake ?? { moves: 3, withinMinutes: 60 },
  };
}

/** From the first missed probe to the one that makes the count full. */
export const confirmationSeconds = (policy: Policy): number => (policy.missedProbes - 1) * policy.probeEverySeconds;

/** A vote older than this does not count: the probe has missed three laps of its own, or ten seconds. */
export const voteFreshSeconds = (policy: Policy): number => Math.max(10, 3 * policy.probeEverySeconds + 2);
