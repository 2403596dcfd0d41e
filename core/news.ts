/**
 * What Understudy tells: one shape for everything that goes on the bus and into a mail. Pure.
 * `id` names the occurrence: the same thing told twice has the same id, and people read it once.
 */

import { waysPast } from "./commands.ts";
import type { Diagnosis } from "./diagnosis.ts";
import type { Facts } from "./facts.ts";
import { priceWords } from "./price.ts";
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

function nextOf(decision: Decision, commands: number): string {
  if (decision.kind !== "refuse") return "Repair the standby's replication before it is needed.";
  const untouched = "Look at the primary and the standby now: nothing was changed, and nothing will be until the reason above is gone";
  if (commands === 0) return `${untouched}.`;
  return decision.overridable.length > 0
    ? `${untouched}, or until a person passes over rule ${decision.overridable.join()} this once:`
    : `${untouched}, or until a person says otherwise:`;
}

/** What was seen, with its age: the rows that every mail about a decision carries. */
export function seen({ record, vote, atMs }: Facts, diagnosis: Diagnosis): [label: string, value: string][] {
  const age = vote ? `${Math.round((atMs - vote.atMs) / 100) / 10} s before this` : "";
  return [
    ["Diagnosis", diagnosis.name],
    ["Primary on record", `${record.primary} (generation ${record.generation})`],
    ["Standbys", record.standbys.join(", ") || "none"],
    ["Probe's vote", vote ? `${vote.primarySeen}${vote.primaryTrouble ? `: ${vote.primaryTrouble}` : ""}, ${age}` : "none"],
    ...record.standbys.map((id): [string, string] => [
      `Behind: ${id}`,
      priceWords(diagnosis.prices[id] ?? { lagSeconds: null, rowsAtRisk: null }),
    ]),
  ];
}
