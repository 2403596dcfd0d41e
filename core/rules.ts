/**
 * The rules: facts and a diagnosis in, one decision out. A table, read from the top; the first row that matches decides.
 * Every decision carries its rule's number and sentence; they are what the operator reads in the mail, the log and the evidence.
 * All refusals stand before the one row that acts.
 */
import type { Diagnosis } from "./diagnosis.ts";
import { confirmationSeconds, type Facts, type Limits, voteFreshSeconds } from "./facts.ts";

export type DecisionKind =
  /** All is well, or it is too early: look again on the next lap. */
  | "hold"
  /** Something should be done and must not be: a person has to know why. */
  | "refuse"
  /** Move to the hot standby. */
  | "failover";

export interface Rule {
  readonly number: number;
  readonly kind: DecisionKind;
  /** Whether people are told. Refusals always are. */
  readonly tell: boolean;
  /** In words, for the printed table. */
  readonly when: string;
  readonly matches: (facts: Facts, diagnosis: Diagnosis, limits: Limits) => boolean;
  /** What the operator reads; words in {braces} are filled from the facts. */
  readonly sentence: string;
}

export interface Decision {
  readonly rule: number;
  readonly kind: DecisionKind;
  readonly tell: boolean;
  readonly diagnosis: Diagnosis["name"];
  readonly sentence: string;
}

const majorVersion = (version: string) => version.split(".")[0];

export const RULES: readonly Rule[] = [
  {
    number: 101,
    kind: "hold",
    tell: false,
    when: "the primary is reached and the standby follows it, or there is no standby to follow",
    matches: (facts, d) => d.name === "PrimaryHealthy" || (d.name === "ReplicationStopped" && facts.record.standby === null),
    sentence: "Nothing to do: the primary {primary} answers.",
  },
  {
    number: 102,
    kind: "hold",
    tell: true,
    when: "the primary is reached, but the standby has lost its replication link",
    matches: (_, d) => d.name === "ReplicationStopped",
    sentence:
      "Held: the primary {primary} answers, but the standby {standby} no longer follows it. A failover would lose data; repair the replication.",
  },
  {
    number: 103,
    kind: "hold",
    tell: false,
    when: "one witness has lost the primary, another still sees it",
    matches: (_, d) => d.name === "PrimaryUnreachable",
    sentence: "Held: {lostBy} cannot reach the primary {primary}, but {seenBy} can. Unreachable is not down.",
  },
  {
    number: 104,
    kind: "hold",
    tell: false,
    when: "both witnesses have lost the primary, but not yet for the confirmation window",
    matches: (_, d) => d.name === "PrimarySuspect",
    sentence: "Waiting: both witnesses have lost the primary {primary} for {lostForSeconds} s, {windowSeconds} s are needed.",
  },
  {
    number: 201,
    kind: "hold",
    tell: false,
    when: "a move already holds the database",
    matches: (facts) => facts.record.claim !== null,
    sentence: "Held: the move {execution} is already running.",
  },
  {
    number: 202,
    kind: "refuse",
    tell: true,
    when: "the last move succeeded or failed within the cooldown",
    matches: ({ record, atMs }, _, limits) =>
      record.lastMove !== null &&
      record.lastMove.outcome !== "refused" &&
      (atMs - record.lastMove.endedAtMs) / 60_000 < limits.cooldownMinutes,
    sentence:
      "Refused: the move {lastMove} ended {sinceLastMoveMinutes} min ago, the cooldown is {cooldownMinutes} min. A person must decide.",
  },
  {
    number: 301,
    kind: "refuse",
    tell: true,
    when: "there is no standby, or it cannot be asked",
    matches: (facts) => facts.record.standby === null || facts.standby === null || facts.standbyAnswer === null,
    sentence:
      "Refused: the primary {primary} cannot be reached, and the standby {standby} cannot be asked. There is nothing safe to promote.",
  },
  {
    number: 302,
    kind: "refuse",
    tell: true,
    when: "the standby is not a replica of the primary on record, or already takes writes",
    matches: (facts) => facts.standby?.sourceId !== facts.record.primary || facts.standbyAnswer?.inRecovery !== true,
    sentence: "Refused: the standby {standby} is not a replica of {primary} (it follows {sourceId}), so its data may not be ours.",
  },
  {
    number: 303,
    kind: "refuse",
    tell: true,
    when: "the standby's lag is above the plan's limit",
    matches: (_, d, limits) => d.lagSeconds !== null && d.lagSeconds > limits.maxLagSeconds,
    sentence: "Refused: the standby {standby} is {lagSeconds} s behind, the limit is {maxLagSeconds} s.",
  },
  {
    number: 304,
    kind: "refuse",
    tell: true,
    when: "the probe's vote is missing or too old to count",
    matches: (_, d) => d.probe === "unknown",
    sentence: "Refused: the probe's vote is {voteAgeSeconds} s old, it counts for {voteFreshSeconds} s. One witness is not enough.",
  },
  {
    number: 305,
    kind: "refuse",
    tell: true,
    when: "the standby's lag is not known",
    matches: (_, d) => d.lagSeconds === null,
    sentence: "Refused: the lag of the standby {standby} is not known, so neither is what a failover would lose.",
  },
  {
    number: 306,
    kind: "refuse",
    tell: true,
    when: "replication had stopped before the primary was lost",
    matches: (_, d, limits) => d.linkLostEarlierSeconds > confirmationSeconds(limits) + limits.probeEverySeconds,
    sentence:
      "Refused: replication to {standby} had stopped {linkLostEarlierSeconds} s before the primary {primary} was lost. Its silence proves nothing.",
  },
  {
    number: 307,
    kind: "refuse",
    tell: true,
    when: "the standby's status is not available",
    matches: (facts) => facts.standby?.status !== "available",
    sentence: 'Refused: the standby {standby} is "{standbyStatus}", expected "available".',
  },
  {
    number: 308,
    kind: "refuse",
    tell: true,
    when: "the standby's major version differs from the primary's",
    matches: (facts) =>
      facts.primary !== null && majorVersion(facts.primary.engineVersion) !== majorVersion(facts.standby?.engineVersion ?? ""),
    sentence: "Refused: the standby {standby} runs version {standbyVersion}, the primary {primaryVersion}.",
  },
  {
    number: 309,
    kind: "refuse",
    tell: true,
    when: "RDS knows nothing of the primary, so it cannot be fenced",
    matches: (facts) => facts.primary === null,
    sentence: "Refused: RDS does not describe the primary {primary}, so it cannot be fenced, and two primaries are worse than none.",
  },
  {
    number: 401,
    kind: "failover",
    tell: true,
    when: "both witnesses have lost the primary for the confirmation window, nobody sees it alive, the standby is fit",
    matches: (_, d) => d.name === "PrimaryDown",
    sentence:
      "Failover to {standby}: the probe and the standby's replication link have both lost {primary} for {lostForSeconds} s; the standby is {lagSeconds} s behind.",
  },
  {
    number: 499,
    kind: "refuse",
    tell: true,
    when: "anything else",
    matches: () => true,
    sentence:
      "Refused: too few witnesses can be asked about the primary {primary} (probe {probe}, standby's link {link}, own look {ownLook}).",
  },
];

export function decide(facts: Facts, diagnosis: Diagnosis, limits: Limits): Decision {
  const rule = RULES.find((row) => row.matches(facts, diagnosis, limits)) as Rule;
  return {
    rule: rule.number,
    kind: rule.kind,
    tell: rule.tell,
    diagnosis: diagnosis.name,
    sentence: `${fill(rule.sentence, words(facts, diagnosis, limits))} (rule ${rule.number})`,
  };
}

const rounded = (value: number | null): string => (value === null ? "an unknown number of" : String(Math.round(value * 10) / 10));

function words(facts: Facts, d: Diagnosis, limits: Limits): Record<string, string> {
  const witnesses = [
    { name: "the probe", sight: d.probe },
    { name: "the standby's replication link", sight: d.link },
    { name: "the watcher", sight: d.ownLook },
  ];
  const seeing = (sight: string) =>
    witnesses
      .filter((w) => w.sight === sight)
      .map((w) => w.name)
      .join(" and ") || "nobody";
  return {
    primary: facts.record.primary,
    standby: facts.record.standby ?? "(none)",
    execution: facts.record.claim?.execution ?? "(none)",
    lostBy: seeing("lost"),
    seenBy: seeing("alive"),
    lostForSeconds: rounded(d.lostForSeconds),
    windowSeconds: rounded(confirmationSeconds(limits)),
    lastMove: facts.record.lastMove?.execution ?? "(none)",
    sinceLastMoveMinutes: facts.record.lastMove ? rounded((facts.atMs - facts.record.lastMove.endedAtMs) / 60_000) : "0",
    cooldownMinutes: String(limits.cooldownMinutes),
    sourceId: facts.standby?.sourceId ?? "nobody",
    lagSeconds: rounded(d.lagSeconds),
    maxLagSeconds: String(limits.maxLagSeconds),
    voteAgeSeconds: rounded(d.voteAgeSeconds),
    voteFreshSeconds: String(voteFreshSeconds(limits)),
    linkLostEarlierSeconds: rounded(d.linkLostEarlierSeconds),
    standbyStatus: facts.standby?.status ?? "not described",
    standbyVersion: facts.standby?.engineVersion ?? "unknown",
    primaryVersion: facts.primary?.engineVersion ?? "unknown",
    probe: d.probe,
    link: d.link,
    ownLook: d.ownLook,
  };
}

function fill(sentence: string, from: Record<string, string>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, word: string) => from[word] ?? whole);
}
