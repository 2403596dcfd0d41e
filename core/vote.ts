/** Turns one lap's look into the probe's vote, carrying "lost since" forward from the vote before. Pure. */
import type { Condition, DatabaseRecord, Endpoint, Link, Outage, StandbyFacts, Vote } from "./facts.ts";
import { confirmationSeconds, type Policy } from "./policy.ts";

export interface LapLook {
  readonly record: DatabaseRecord;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly seen: {
    readonly sight: "alive" | "lost" | "unknown";
    readonly condition: Condition;
    readonly wrote: boolean;
    /** The primary's count of rows changed, as it went with the heartbeat. */
    readonly rowsChanged: number | null;
    readonly trouble: string | null;
  };
  /** By standby; null when it could not be asked. */
  readonly answers: Readonly<Record<string, StandbyFacts | null>>;
  readonly endpoints: Readonly<Record<string, Endpoint>>;
}

/**
 * On the lap on which votes turn another witness may be one lap behind, and the watcher then waits: it is woken again on the next laps,
 * for as long as nobody has begun a move of this generation. After that its own minute is enough.
 */
const LAPS_TO_WAKE = 4;

export interface Cast {
  readonly vote: Vote;
  /** The primary is missed for the first time. */
  readonly firstMiss: boolean;
  /** The primary has been missed often enough to wake the watcher. */
  readonly wakes: boolean;
}

export function nextVote(before: Vote | null, lap: LapLook, policy: Policy): Cast {
  // A vote about another primary or generation says nothing about this one.
  const previous = before && before.primary === lap.record.primary && before.generation === lap.record.generation ? before : null;
  const lost = lap.seen.sight !== "alive";
  // Against the heartbeat before this lap's: this lap's own may still be on its way.
  const reference = previous?.lastHeartbeatAtMs ?? null;
  const links = Object.fromEntries(
    lap.record.standbys.map((id) => [id, nextLink(previous?.links[id], lap.answers[id] ?? null, reference, lap.startedAtMs)]),
  );
  const vote: Vote = {
    database: lap.record.database,
    primary: lap.record.primary,
    generation: lap.record.generation,
    atMs: lap.endedAtMs,
    primarySeen: lost ? "lost" : "alive",
    condition: lap.seen.condition,
    primaryLostSinceMs: lost ? (previous?.primaryLostSinceMs ?? lap.startedAtMs) : null,
    primaryTrouble: lap.seen.trouble,
    lastHeartbeatAtMs: lap.seen.wrote ? lap.startedAtMs : (previous?.lastHeartbeatAtMs ?? null),
    rowsChanged: lap.seen.wrote ? lap.seen.rowsChanged : (previous?.rowsChanged ?? null),
    links,
    ...together(Object.values(links)),
    endpoints: lap.endpoints,
    lastOutage: outageEnded(previous, lap) ?? previous?.lastOutage ?? null,
  };
  const lostEnough = isLostLongEnough(vote, policy);
  const turned = lostEnough && !(previous && isLostLongEnough(previous, policy));
  const untried = lap.record.claim === null && lap.record.attempts === 0;
  const soon = confirmationSeconds(policy) + LAPS_TO_WAKE * policy.probeEverySeconds;
  return {
    vote,
    firstMiss: lost && previous !== null && previous.primaryLostSinceMs === null,
    wakes: turned || (lostEnough && untried && (bothLostForSeconds(vote) ?? 0) < soon),
  };
}

function outageEnded(previous: Vote | null, { seen, endedAtMs }: LapLook): Outage | null {
  if (previous === null || previous.primaryLostSinceMs === null || seen.sight !== "alive") return null;
  return { fromMs: previous.primaryLostSinceMs, toMs: endedAtMs };
}

function nextLink(before: Link | undefined, answer: StandbyFacts | null, reference: number | null, startedAtMs: number): Link {
  const seen = answer === null ? "unknown" : answer.link;
  const applied = answer?.heartbeatAtMs ?? null;
  return {
    seen,
    // Not being able to ask is no news: the link's loss keeps its date until the standby says it streams again.
    lostSinceMs: seen === "streaming" ? null : (before?.lostSinceMs ?? (seen === "lost" ? startedAtMs : null)),
    lagSeconds: reference === null || applied === null ? null : Math.max(0, (reference - applied) / 1000),
  };
}

/** The links together have been lost since the last of them was. */
function together(links: readonly Link[]): Pick<Vote, "linkSeen" | "linkLostSinceMs" | "lagSeconds"> {
  const streaming = links.some((link) => link.seen === "streaming");
  const since = links.flatMap((link) => link.lostSinceMs ?? []);
  const lags = links.flatMap((link) => link.lagSeconds ?? []);
  return {
    linkSeen: streaming ? "streaming" : links.some((link) => link.seen === "lost") ? "lost" : "unknown",
    linkLostSinceMs: streaming || since.length === 0 ? null : Math.max(...since),
    lagSeconds: lags.length === 0 ? null : Math.min(...lags),
  };
}

/** Both the probe and the standbys' links have lost the primary for the confirmation window, by the probe's laps. */
export function isLostLongEnough(vote: Vote, policy: Policy): boolean {
  const lostForSeconds = bothLostForSeconds(vote);
  return lostForSeconds !== null && lostForSeconds >= confirmationSeconds(policy);
}

function bothLostForSeconds({ atMs, primaryLostSinceMs, linkLostSinceMs }: Vote): number | null {
  return primaryLostSinceMs === null || linkLostSinceMs === null ? null : (atMs - Math.max(primaryLostSinceMs, linkLostSinceMs)) / 1000;
}
