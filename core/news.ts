/**
 * What Understudy tells: one shape for everything that goes on the bus and into a mail. Pure.
 * `id` names the occurrence: the same thing told twice has the same id, and people read it once.
 */

import { waysPast } from "./commands.ts";
import { DEAD, type Diagnosis, type DiagnosisName } from "./diagnosis.ts";
import type { Facts, Vote } from "./facts.ts";
import { priceWords } from "./price.ts";
import { rdsSays, waitingTakes } from "./rds-word.ts";
import type { Decision } from "./rules.ts";

export const NEWS_SOURCE = "understudy";

export const NEWS_KINDS = [
  "Decision Taken",
  "Approval Needed",
  "Order Taken",
  "Order Refused",
  "Pause Reminder",
  "Move Started",
  "Move Succeeded",
  "Move Refused",
  "Move Failed",
  "Native Failover Seen",
  "Native Failover Unproven",
  "Standby Rebuilt",
  "Standby Missing",
  "Move Stuck",
  "Fence Open",
  "Fence Closed",
  "Two Writers",
  "Protections Restored",
  "Protections Missing",
  "Backup Completed",
  "Backup Failed",
  "Backup Trouble",
  "Backup Trouble Over",
  "Copy Delayed",
  "Restore Started",
  "Restore Completed",
  "Restore Failed",
  "Drill Passed",
  "Drill Failed",
  "Offsite Dump Finished",
  "Offsite Dump Failed",
  "Bucket Carried",
  "Bucket Not Carried",
  "Vault Copy Completed",
  "Vault Copy Failed",
] as const;

export type NewsKind = (typeof NEWS_KINDS)[number];

export interface News {
  readonly kind: NewsKind;
  /** What people call the move it is about: failover, switchover, failback. */
  readonly move?: string;
  readonly id: string;
  readonly database: string;
  readonly atMs: number;
  /** The one sentence a person reads first. */
  readonly sentence: string;
  /** What was seen and done: label and value, in reading order. */
  readonly details: readonly (readonly [label: string, value: string])[];
  /** What the reader should do now; "Nothing." is an answer. */
  readonly next: string;
  /** To be typed as they stand; none when there is nothing to type. */
  readonly commands?: readonly string[];
}

/** A refusal, or a hold that people should know of. Told once an occurrence: until the primary is seen again or another rule decides. */
export function decisionNews(decision: Decision, facts: Facts, diagnosis: Diagnosis): News {
  const { record, vote, atMs } = facts;
  const since = vote?.primaryLostSinceMs ?? vote?.linkLostSinceMs ?? Math.floor(atMs / 86_400_000) * 86_400_000;
  const commands = waysPast(decision, record.database, null);
  return {
    kind: "Decision Taken",
    id: `${record.database}-g${record.generation}-r${decision.rule}-${new Date(since).toISOString()}`,
    database: record.database,
    atMs,
    sentence: decision.sentence,
    details: seen(facts, diagnosis),
    next: nextOf(decision, commands.length),
    commands,
  };
}

/** What a hold that people hear of asks of them. */
const HELD: Partial<Record<DiagnosisName, string>> = {
  PrimaryUnreachable: "Look at the routes between the regions and at the probe: one of the witnesses is blind.",
  PrimaryReadOnly: "Find out who made the primary read-only, and why; its parameter group is the first place to look.",
  PrimaryDiskFull: "Give the primary more storage.",
};

function nextOf(decision: Decision, commands: number): string {
  if (decision.rule === 110) return "Nothing yet: another mail tells when RDS has done it, or what comes next when it has not.";
  if (decision.kind !== "refuse") return HELD[decision.diagnosis] ?? "Repair the standby's replication before it is needed.";
  const untouched = "Look at the primary and the standby now: nothing was changed, and nothing will be until the reason above is gone";
  if (commands === 0) return `${untouched}.`;
  return decision.overridable.length > 0
    ? `${untouched}, or until a person passes over rule ${decision.overridable.join()} this once:`
    : `${untouched}, or until a person says otherwise:`;
}

/** What was seen, with its age: the rows that every mail about a decision carries. */
export function seen(facts: Facts, diagnosis: Diagnosis): [label: string, value: string][] {
  const { record, vote, nearVote, atMs } = facts;
  const said = (by: Vote) =>
    `${by.primarySeen}${by.primaryTrouble ? `: ${by.primaryTrouble}` : ""}, ${Math.round((atMs - by.atMs) / 100) / 10} s before this`;
  const waits = DEAD.includes(diagnosis.name) || diagnosis.name === "PrimarySuspect" || diagnosis.name === "PrimaryDiskFull";
  return [
    ["Diagnosis", diagnosis.name],
    ["Primary on record", `${record.primary} (generation ${record.generation})`],
    ["Standbys", record.standbys.join(", ") || "none"],
    ["Probe's vote", vote ? said(vote) : "none"],
    ...(nearVote ? [["Near probe's vote", said(nearVote)] as [string, string]] : []),
    ["RDS says", rdsSays(facts)],
    ...(waits ? [["Waiting takes", waitingTakes(facts)] as [string, string]] : []),
    ...record.standbys.map((id): [string, string] => [
      `Behind: ${id}`,
      priceWords(diagnosis.prices[id] ?? { lagSeconds: null, rowsAtRisk: null }),
    ]),
  ];
}
