/** Turns one lap's look into the probe's vote, carrying "lost since" forward from the vote before. Pure. */
import { confirmationSeconds, type DatabaseRecord, type Limits, type StandbyFacts, type Vote } from "./facts.ts";

export interface LapLook {
  readonly record: DatabaseRecord;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly seen: { readonly sight: "alive" | "lost" | "unknown"; readonly wrote: boolean; readonly trouble: string | null };
  readonly standbyAnswer: StandbyFacts | null;
}

export function nextVote(before: Vote | null, lap: LapLook, limits: Limits): { vote: Vote; turned: boolean } {
  // A vote about another primary or generation says nothing about this one.
  const previous = before && before.primary === lap.record.primary && before.generation === lap.record.generation ? before : null;
  const lost = lap.seen.sight !== "alive";
  const primaryLostSinceMs = lost ? (previous?.primaryLostSinceMs ?? lap.startedAtMs) : null;
  const linkSeen = lap.standbyAnswer === null ? "unknown" : lap.standbyAnswer.link;
  // Not being able to ask is no news: the link's loss keeps its date until the standby says it streams again.
  const linkLostSinceMs = linkSeen === "streaming" ? null : (previous?.linkLostSinceMs ?? (linkSeen === "lost" ? lap.startedAtMs : null));
  const lastHeartbeatAtMs = lap.seen.wrote ? lap.startedAtMs : (previous?.lastHeartbeatAtMs ?? null);
  const applied = lap.standbyAnswer?.heartbeatAtMs ?? null;
  // Against the heartbeat before this lap's: this lap's own may still be on its way.
  const reference = previous?.lastHeartbeatAtMs ?? null;

  const vote: Vote = {
    database: lap.record.database,
    primary: lap.record.primary,
    generation: lap.record.generation,
    atMs: lap.endedAtMs,
    primarySeen: lost ? "lost" : "alive",
    primaryLostSinceMs,
    primaryTrouble: lap.seen.trouble,
    lastHeartbeatAtMs,
    linkSeen,
    linkLostSinceMs,
    lagSeconds: reference === null || applied === null ? null : Math.max(0, (reference - applied) / 1000),
  };
  return { vote, turned: isLostLongEnough(vote, limits) && !(previous && isLostLongEnough(previous, limits)) };
}

/** Both the probe and the standby's link have lost the primary for the confirmation window, by the probe's laps. */
export function isLostLongEnough(vote: Vote, limits: Limits): boolean {
  if (vote.primaryLostSinceMs === null || vote.linkLostSinceMs === null) return false;
  return (vote.atMs - Math.max(vote.primaryLostSinceMs, vote.linkLostSinceMs)) / 1000 >= confirmationSeconds(limits);
}
