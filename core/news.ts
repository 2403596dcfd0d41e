/**
 * What Understudy tells: one shape for everything that goes on the bus and into a mail. Pure.
 * `id` names the occurrence: the same thing told twice has the same id, and people read it once.
 */

import type { DatabaseRecord, Vote } from "./facts.ts";
import type { Decision } from "./rules.ts";

export const NEWS_SOURCE = "understudy";

export const NEWS_KINDS = [
  "Decision Taken",
  "Move Started",
  "Move Succeeded",
  "Move Refused",
  "Move Failed",
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
  readonly id: string;
  readonly database: string;
  readonly atMs: number;
  /** The one sentence a person reads first. */
  readonly sentence: string;
  /** What was seen and done: label and value, in reading order. */
  readonly details: readonly (readonly [label: string, value: string])[];
  /** What the reader should do now; "Nothing." is an answer. */
  readonly next: string;
}

/** A refusal, or a hold that people should know of. Told once an occurrence: until the primary is seen again or another rule decides. */
export function decisionNews(decision: Decision, record: DatabaseRecord, vote: Vote | null, atMs: number): News {
  const since = vote?.primaryLostSinceMs ?? vote?.linkLostSinceMs ?? Math.floor(atMs / 86_400_000) * 86_400_000;
  return {
    kind: "Decision Taken",
    id: `${record.database}-g${record.generation}-r${decision.rule}-${new Date(since).toISOString()}`,
    database: record.database,
    atMs,
    sentence: decision.sentence,
    details: [
      ["Diagnosis", decision.diagnosis],
      ["Primary on record", `${record.primary} (generation ${record.generation})`],
      ["Standbys", record.standbys.join(", ") || "none"],
      [
        "Probe's vote",
        vote
          ? `${vote.primarySeen}${vote.primaryTrouble ? `: ${vote.primaryTrouble}` : ""}, at ${new Date(vote.atMs).toISOString()}`
          : "none",
      ],
    ],
    next:
      decision.kind === "refuse"
        ? "Look at the primary and the standby now: nothing was changed, and nothing will be until the reason above is gone."
        : "Repair the standby's replication before it is needed.",
  };
}
