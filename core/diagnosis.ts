/**
 * Turns facts into one diagnosis. Knows nothing of what will be done about it.
 *
 * Witnesses fail independently: a probe in the recovery region, a probe in the primary's network, the standbys' replication links.
 * A probe and a link must both have lost the primary before it counts as down. The watcher's own look can only save a primary, never
 * condemn one: it stands where a probe stands, so it is no further witness. RDS's status saves nobody and condemns nobody.
 */
import type { Condition, Facts, Sight, Vote } from "./facts.ts";
import { confirmationSeconds, type Policy, voteFreshSeconds } from "./policy.ts";

export type DiagnosisName =
  /** Someone reaches the primary and a standby follows it. */
  | "PrimaryHealthy"
  /** Someone reaches the primary, but no standby follows it: there is nothing to fail over to. */
  | "ReplicationStopped"
  /** It acknowledges, late. Slow is not dead. */
  | "PrimarySlow"
  /** It answers and takes no writes: it was made read-only. */
  | "PrimaryReadOnly"
  /** It answers and takes no writes: its disk is full. */
  | "PrimaryDiskFull"
  /** One witness has lost the primary, another still has it: I cannot see it is not it is down. */
  | "PrimaryUnreachable"
  /** A probe and the links have lost it, but not yet for the confirmation window. */
  | "PrimarySuspect"
  /** A probe and the links have lost it for the whole window, and nobody sees it alive; its port still opens. */
  | "PrimaryHung"
  /** A probe and the links have lost it for the whole window, and nobody sees it alive. */
  | "PrimaryDown"
  /** The same, and RDS in its region does not answer either. */
  | "PrimaryRegionDark"
  /** Too few witnesses can be asked to say anything. */
  | "Blind";

/** What a promotion of one standby would cost. */
export interface Price {
  /** The last acknowledged heartbeat against the newest one this standby has applied; null when it cannot be told. */
  readonly lagSeconds: number | null;
  /** Rows changed on the primary between these two heartbeats, as far as it counted them by then; null when it cannot be told. */
  readonly rowsAtRisk: number | null;
  /** How long before the primary was lost this standby's link had already been lost; 0 when they went together. */
  readonly linkLostEarlierSeconds: number;
}

export interface Diagnosis {
  readonly name: DiagnosisName;
  readonly probe: Sight;
  readonly nearProbe: Sight;
  readonly link: Sight;
  readonly ownLook: Sight;
  /** How the probe that saw most found the primary; null when no probe's word counts. */
  readonly condition: Condition | null;
  /** How long the youngest of the losses has lasted; null unless a probe and the links have lost the primary. */
  readonly lostForSeconds: number | null;
  /** How long the probe that lost it first has not reached it; null while none has lost it. */
  readonly unreachableForSeconds: number | null;
  readonly voteAgeSeconds: number | null;
  /** By standby. */
  readonly prices: Readonly<Record<string, Price>>;
}

/** These are the diagnoses a failover may follow. */
export const DEAD: readonly DiagnosisName[] = ["PrimaryDown", "PrimaryHung", "PrimaryRegionDark"];

export function diagnose(facts: Facts, policy: Policy): Diagnosis {
  const { record, ownLook } = facts;
  const counts = (vote: Vote | null): Vote | null => {
    const age = ageOf(vote, facts);
    // One from the future is as good as none: whoever wrote it has another clock.
    return vote && age !== null && Math.abs(age) <= voteFreshSeconds(policy) ? vote : null;
  };
  const far = counts(facts.vote);
  const near = counts(facts.nearVote);
  const votes = [far, near].filter((vote) => vote !== null);
  const lostBy = votes.filter((vote) => vote.primarySeen === "lost" && vote.primaryLostSinceMs !== null);
  const answers = facts.standbys.flatMap(({ answer }) => answer ?? []);
  const link: Sight = answers.some((answer) => answer.link === "streaming") ? "alive" : answers.length > 0 ? "lost" : "unknown";

  // A loss lasts as long as the vote itself has seen it last: two dates of one clock, whoever reads them whenever.
  const losses = lostBy.map((vote) => (vote.atMs - (vote.primaryLostSinceMs as number)) / 1000);
  // A link's loss is seen by the probe's laps; one that only this look has seen begins now.
  const linkVote = [far, near].find((vote) => vote !== null && vote.linkLostSinceMs !== null);
  const linkLostForSeconds = linkVote ? (linkVote.atMs - (linkVote.linkLostSinceMs as number)) / 1000 : 0;
  const lostForSeconds = losses.length > 0 && link === "lost" ? Math.min(...losses, linkLostForSeconds) : null;

  const alive = votes.find((vote) => vote.primarySeen === "alive");
  const condition = (alive ?? lostBy.find((vote) => vote.condition === "hung") ?? lostBy[0])?.condition ?? null;
  const shared = {
    probe: far?.primarySeen ?? "unknown",
    nearProbe: near?.primarySeen ?? "unknown",
    link,
    ownLook,
    condition,
    lostForSeconds,
    unreachableForSeconds: losses.length > 0 ? Math.max(...losses) : null,
    voteAgeSeconds: ageOf(facts.vote, facts),
    prices: Object.fromEntries(record.standbys.map((id) => [id, price(facts, far, id)])),
  } as const;
  const named = (name: DiagnosisName): Diagnosis => ({ name, ...shared });

  const reached = alive !== undefined || ownLook === "alive";
  if ((lostBy.length > 0 || ownLook === "lost") && (reached || link === "alive")) return named("PrimaryUnreachable");
  if (reached) {
    if (condition === "read-only") return named("PrimaryReadOnly");
    if (condition === "disk-full") return named("PrimaryDiskFull");
    if (link === "lost") return named("ReplicationStopped");
    return named(condition === "slow" ? "PrimarySlow" : "PrimaryHealthy");
  }
  if (lostBy.length === 0) return named("Blind");
  const window = confirmationSeconds(policy);
  if (facts.primaryRegion === "dark" && link === "unknown" && (shared.unreachableForSeconds ?? 0) >= window)
    return named("PrimaryRegionDark");
  if (link !== "lost") return named("Blind");
  if (lostForSeconds === null || lostForSeconds < window) return named("PrimarySuspect");
  if (facts.primaryRegion === "dark") return named("PrimaryRegionDark");
  return named(condition === "hung" ? "PrimaryHung" : "PrimaryDown");
}

/** Only a vote about the primary on record has an age. */
function ageOf(vote: Vote | null, { record, atMs }: Facts): number | null {
  return vote && vote.primary === record.primary && vote.generation === record.generation ? (atMs - vote.atMs) / 1000 : null;
}

/**
 * The far probe's word, and whatever the near one last knew, however old: a heartbeat that was acknowledged stays so. While the route
 * between the regions is broken, clients go on writing, and only the near probe hears of it.
 */
function price(facts: Facts, far: Vote | null, id: string): Price {
  const near = ageOf(facts.nearVote, facts) === null ? null : facts.nearVote;
  const farWritten = far?.lastHeartbeatAtMs ?? null;
  const written = farWritten === null ? null : Math.max(farWritten, near?.lastHeartbeatAtMs ?? farWritten);
  const answer = facts.standbys.find((standby) => standby.id === id)?.answer ?? null;
  const applied = answer?.heartbeatAtMs ?? null;
  const counts = [far?.rowsChanged, near?.rowsChanged].flatMap((count) => count ?? []);
  const [counted, arrived] = [counts.length > 0 ? Math.max(...counts) : null, answer?.rowsChanged ?? null];
  const lostSince = answer?.link === "lost" ? (far?.links[id]?.lostSinceMs ?? facts.atMs) : null;
  const farLostSince = far?.primaryLostSinceMs ?? null;
  const primaryLostSince = farLostSince === null ? null : Math.max(farLostSince, near ? (near.primaryLostSinceMs ?? near.atMs) : 0);
  return {
    lagSeconds: written === null || applied === null ? null : Math.max(0, (written - applied) / 1000),
    // A count that is smaller than an earlier one has begun anew.
    rowsAtRisk: counted === null || arrived === null || counted < arrived ? null : counted - arrived,
    linkLostEarlierSeconds:
      primaryLostSince === null || lostSince === null ? 0 : Math.max(0, Math.round(primaryLostSince - lostSince) / 1000),
  };
}
