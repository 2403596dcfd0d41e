/**
 * Which standby may take over, and why the others may not: each standby against every row of one table, then ranked. A row that says
 * "overridable" gives way to an order of a person that names its number; the others never do. Pure.
 */
import type { Diagnosis } from "./diagnosis.ts";
import type { Facts, Order, Standby } from "./facts.ts";
import { confirmationSeconds, type Policy, voteFreshSeconds } from "./policy.ts";
import { fill, rounded } from "./sentence.ts";

export interface EligibilityRule {
  readonly number: number;
  readonly overridable: boolean;
  /** For clusters of a global database alone; all other rows are for replicas alone. */
  readonly global?: true;
  /** In words, for the printed table. */
  readonly when: string;
  readonly matches: (standby: Standby, facts: Facts, diagnosis: Diagnosis, policy: Policy) => boolean;
  readonly sentence: string;
}

const majorVersion = (version: string) => version.split(".")[0];

export const ELIGIBILITY: readonly EligibilityRule[] = [
  {
    number: 301,
    overridable: false,
    when: "it cannot be asked",
    matches: ({ instance, answer }) => instance === null || answer === null,
    sentence: "the primary {primary} cannot be reached, and the standby {standby} cannot be asked. There is nothing safe to promote.",
  },
  {
    number: 302,
    overridable: false,
    when: "it is not a replica of the primary on record, or already takes writes",
    matches: ({ instance, answer }, { record }) => instance?.sourceId !== record.primary || answer?.inRecovery !== true,
    sentence: "the standby {standby} is not a replica of {primary} (it follows {sourceId}), so its data may not be ours.",
  },
  {
    number: 303,
    overridable: true,
    when: "its lag is above the plan's limit",
    matches: ({ id }, _, { prices }, policy) => (prices[id]?.lagSeconds ?? 0) > policy.maxLagSeconds,
    sentence: "the standby {standby} is {lagSeconds} s behind, the limit is {maxLagSeconds} s.",
  },
  {
    number: 304,
    overridable: true,
    when: "the probe's vote is missing or too old to count",
    matches: (_, __, d) => d.probe === "unknown",
    sentence: "the probe's vote is {voteAgeSeconds} s old, it counts for {voteFreshSeconds} s. One witness is not enough.",
  },
  {
    number: 305,
    overridable: true,
    when: "its lag is not known",
    matches: ({ id }, _, { prices }) => (prices[id]?.lagSeconds ?? null) === null,
    sentence: "the lag of the standby {standby} is not known, so neither is what a failover would lose.",
  },
  {
    number: 306,
    overridable: true,
    when: "replication to it had stopped before the primary was lost",
    matches: ({ id }, _, { prices }, policy) =>
      (prices[id]?.linkLostEarlierSeconds ?? 0) > confirmationSeconds(policy) + policy.probeEverySeconds,
    sentence:
      "replication to {standby} had stopped {linkLostEarlierSeconds} s before the primary {primary} was lost. Its silence proves nothing.",
  },
  {
    number: 307,
    overridable: false,
    when: "its status is not available",
    matches: ({ instance }) => instance?.status !== "available",
    sentence: 'the standby {standby} is "{standbyStatus}", expected "available".',
  },
  {
    number: 308,
    overridable: false,
    when: "its major version differs from the primary's",
    matches: ({ instance }, { primary }) =>
      primary !== null && majorVersion(primary.engineVersion) !== majorVersion(instance?.engineVersion ?? ""),
    sentence: "the standby {standby} runs version {standbyVersion}, the primary {primaryVersion}.",
  },
  {
    number: 309,
    overridable: false,
    when: "RDS answers and knows nothing of the primary, so it cannot be fenced",
    matches: (_, { primary, primaryRegion }) => primary === null && primaryRegion === "answers",
    sentence: "RDS does not describe the primary {primary}, so it cannot be fenced, and two primaries are worse than none.",
  },
  {
    number: 310,
    overridable: false,
    when: "it is in the primary's region, which is dark",
    matches: ({ region }, { record, primaryRegion }) => primaryRegion === "dark" && region === record.regions[record.primary],
    sentence: "RDS in {primaryRegion} does not answer: {standby} can neither be promoted nor {primary} be fenced there.",
  },
  {
    number: 313,
    overridable: false,
    global: true,
    when: "RDS in its region does not describe the cluster, or it is not of the plan's global database",
    matches: ({ instance }, _, __, policy) => instance?.native?.global !== policy.globalCluster,
    sentence: "the cluster {standby} cannot be seen in the global database {globalCluster}, so nothing can be moved to it.",
  },
  {
    number: 314,
    overridable: false,
    global: true,
    when: "the cluster is not available, or has no instance that could write",
    matches: ({ instance }) => instance?.status !== "available" || instance.native?.members === 0,
    sentence: 'the cluster {standby} is "{standbyStatus}" with {members} instances, expected "available" with at least one.',
  },
];

export interface Candidate {
  readonly standby: Standby;
  /** In the primary's own region: it may take over by itself. */
  readonly hot: boolean;
  /** The first row that forbids it; null when it is fit. */
  readonly refusal: { readonly rule: number; readonly sentence: string; readonly overridable: boolean } | null;
}

/** All standbys, the best first: those that are fit, of these the hot ones, of these the least behind, of these the plan's order. */
export function rank(facts: Facts, diagnosis: Diagnosis, policy: Policy, order: Order | null): Candidate[] {
  // Back means: to where a former primary ran.
  const homes = facts.record.retired.map(({ instance }) => facts.record.regions[instance]);
  const asked = facts.standbys.filter(({ id, region }) =>
    order?.target ? id === order.target : order?.verb !== "failback" || homes.includes(region),
  );
  const candidates = asked.map((standby): Candidate => {
    const rule = ELIGIBILITY.find(
      (row) =>
        (row.global ?? false) === Boolean(policy.globalCluster) &&
        row.matches(standby, facts, diagnosis, policy) &&
        !(row.overridable && order?.overrides.includes(row.number)),
    );
    return {
      standby,
      hot: standby.region === facts.record.regions[facts.record.primary],
      refusal: rule
        ? {
            rule: rule.number,
            sentence: fill(rule.sentence, candidateWords(standby, facts, diagnosis, policy)),
            overridable: rule.overridable,
          }
        : null,
    };
  });
  const heartbeats = ({ standby }: Candidate) =>
    Math.floor((diagnosis.prices[standby.id]?.lagSeconds ?? Number.MAX_SAFE_INTEGER) / policy.probeEverySeconds);
  const byWorth = (a: Candidate, b: Candidate) =>
    Number(a.refusal !== null) - Number(b.refusal !== null) || Number(b.hot) - Number(a.hot) || heartbeats(a) - heartbeats(b);
  return candidates.sort(byWorth);
}

function candidateWords(standby: Standby, facts: Facts, d: Diagnosis, policy: Policy): Record<string, string> {
  return {
    primary: facts.record.primary,
    primaryRegion: facts.record.regions[facts.record.primary] ?? "its region",
    standby: standby.id,
    sourceId: standby.instance?.sourceId ?? "nobody",
    lagSeconds: rounded(d.prices[standby.id]?.lagSeconds ?? null),
    maxLagSeconds: String(policy.maxLagSeconds),
    voteAgeSeconds: rounded(d.voteAgeSeconds),
    voteFreshSeconds: String(voteFreshSeconds(policy)),
    linkLostEarlierSeconds: rounded(d.prices[standby.id]?.linkLostEarlierSeconds ?? 0),
    globalCluster: policy.globalCluster ?? "(none)",
    members: String(standby.instance?.native?.members ?? 0),
    standbyStatus: standby.instance?.status ?? "not described",
    standbyVersion: standby.instance?.engineVersion ?? "unknown",
    primaryVersion: facts.primary?.engineVersion ?? "unknown",
  };
}
