/**
 * Turns facts into one diagnosis. Knows nothing of what will be done about it.
 *
 * Two witnesses judge the primary: the probe (its vote) and the standby's replication link. The watcher's own look can only
 * save a primary, never condemn one: it stands where the probe stands, so it is no third witness.
 */
import { confirmationSeconds, type Facts, type Limits, type Sight, voteFreshSeconds } from "./facts.ts";

export type DiagnosisName =
  /** Someone reaches the primary and the standby follows it. */
  | "PrimaryHealthy"
  /** Someone reaches the primary, but the standby has lost it: there is nothing to fail over to. */
  | "ReplicationStopped"
  /** One witness has lost the primary, another still has it: I cannot see it is not it is down. */
  | "PrimaryUnreachable"
  /** Both witnesses have lost it, but not yet for the confirmation window. */
  | "PrimarySuspect"
  /** Both witnesses have lost it for the whole window, and nobody sees it alive. */
  | "PrimaryDown"
  /** Too few witnesses can be asked to say anything. */
  | "Blind";

export interface Diagnosis {
  readonly name: DiagnosisName;
  readonly probe: Sight;
  readonly link: Sight;
  readonly ownLook: Sight;
  /** How long the younger of the two losses has lasted; null unless both witnesses have lost the primary. */
  readonly lostForSeconds: number | null;
  readonly voteAgeSeconds: number | null;
  /** The standby's newest heartbeat against the last one the primary acknowledged; null when it cannot be told. */
  readonly lagSeconds: number | null;
  /** How long before the primary was lost the standby's link had already been lost; 0 when they went together. */
  readonly linkLostEarlierSeconds: number;
}

export function diagnose(facts: Facts, limits: Limits): Diagnosis {
  const { vote, standbyAnswer, ownLook } = facts;
  const voteAgeSeconds = vote && vote.primary === facts.record.primary ? (facts.atMs - vote.atMs) / 1000 : null;
  const voteCounts = voteAgeSeconds !== null && voteAgeSeconds <= voteFreshSeconds(limits);
  const probe: Sight = !voteCounts || !vote ? "unknown" : vote.primarySeen;
  const link: Sight = standbyAnswer === null ? "unknown" : standbyAnswer.link === "streaming" ? "alive" : "lost";

  const window = confirmationSeconds(limits);
  const primaryLostSince = voteCounts && vote ? vote.primaryLostSinceMs : null;
  // The link's own loss is dated by the probe's laps; a loss only this look has seen begins now.
  const linkLostSince = link !== "lost" ? null : ((voteCounts ? vote?.linkLostSinceMs : null) ?? facts.atMs);
  const lostForSeconds =
    primaryLostSince !== null && linkLostSince !== null ? (facts.atMs - Math.max(primaryLostSince, linkLostSince)) / 1000 : null;
  const earlier = primaryLostSince !== null && linkLostSince !== null ? (primaryLostSince - linkLostSince) / 1000 : 0;

  const shared = {
    probe,
    link,
    ownLook,
    lostForSeconds,
    voteAgeSeconds,
    lagSeconds: lag(facts, voteCounts),
    linkLostEarlierSeconds: Math.max(0, earlier),
  };
  const named = (name: DiagnosisName): Diagnosis => ({ name, ...shared });

  const reached = probe === "alive" || ownLook === "alive";
  if (probe === "lost" || ownLook === "lost") {
    if (reached || link === "alive") return named("PrimaryUnreachable");
  }
  if (reached) return named(link === "lost" ? "ReplicationStopped" : "PrimaryHealthy");
  if (probe === "lost" && link === "lost")
    return named(lostForSeconds !== null && lostForSeconds >= window ? "PrimaryDown" : "PrimarySuspect");
  return named("Blind");
}

function lag(facts: Facts, voteCounts: boolean): number | null {
  const written = voteCounts ? facts.vote?.lastHeartbeatAtMs : null;
  const applied = facts.standbyAnswer?.heartbeatAtMs;
  if (written === null || written === undefined || applied === null || applied === undefined) return null;
  return Math.max(0, (written - applied) / 1000);
}
