/**
 * What one look at the world found, as plain values. Facts hold no opinion: a value that could not be read is null or "unknown",
 * never a guess. Times are milliseconds since 1970, durations are seconds.
 */

/** How a witness sees the primary. "unknown" means the witness itself could not be asked, or its word is too old. */
export type Sight = "alive" | "lost" | "unknown";

/** The claim a running move holds on a database (see runbooks/claim.ts). */
export interface Claim {
  /** Name of the durable execution that holds it, like "move-shop-g7-a1". */
  readonly execution: string;
  readonly attempt: number;
  /** The instance that is to become the primary. */
  readonly target: string;
  readonly takenAtMs: number;
  /** The rule that asked for the move, and its sentence. */
  readonly rule: number;
  readonly sentence: string;
}

/** What Understudy holds to be true of a database, kept in the recovery region. */
export interface DatabaseRecord {
  readonly database: string;
  /** Rises by one with every completed move. */
  readonly generation: number;
  readonly primary: string;
  /** The instance that may take over; null after a failover, until a new standby is built. */
  readonly standby: string | null;
  /** Attempts made within this generation. */
  readonly attempts: number;
  readonly claim: Claim | null;
  readonly lastMove: {
    readonly execution: string;
    readonly outcome: "succeeded" | "failed" | "refused";
    readonly endedAtMs: number;
  } | null;
}

/** The probe's vote: what it saw on its last lap, and since when. */
export interface Vote {
  readonly database: string;
  /** The instance the vote is about. */
  readonly primary: string;
  readonly generation: number;
  readonly atMs: number;
  readonly primarySeen: "alive" | "lost";
  /** First lap of the present row of failed looks; null while alive. */
  readonly primaryLostSinceMs: number | null;
  /** Why the last look failed, in words; null while alive. */
  readonly primaryTrouble: string | null;
  /** Time of the last heartbeat the primary acknowledged, by the probe's clock. */
  readonly lastHeartbeatAtMs: number | null;
  readonly linkSeen: "streaming" | "lost" | "unknown";
  readonly linkLostSinceMs: number | null;
  /** Last heartbeat minus the newest one the standby has applied; null when either is missing. */
  readonly lagSeconds: number | null;
}

/** An instance as RDS describes it. */
export interface InstanceFacts {
  readonly id: string;
  readonly status: string;
  readonly engineVersion: string;
  /** Bare id of the instance it replicates from; null when it is no replica. */
  readonly sourceId: string | null;
  /** Each as "id:state", like "sg-0fe:active"; RDS names a group that is being added or removed too. */
  readonly securityGroups: readonly string[];
  readonly address: string | null;
  readonly port: number | null;
}

/** The standby, asked directly. */
export interface StandbyFacts {
  readonly inRecovery: boolean;
  readonly link: "streaming" | "lost";
  /** The newest heartbeat it has applied, by the probe's clock. */
  readonly heartbeatAtMs: number | null;
  /** Everything received has been applied. */
  readonly drained: boolean;
}

export interface Facts {
  readonly database: string;
  readonly atMs: number;
  readonly record: DatabaseRecord;
  readonly vote: Vote | null;
  /** The watcher's own try to reach the primary, now. */
  readonly ownLook: Sight;
  readonly primary: InstanceFacts | null;
  readonly standby: InstanceFacts | null;
  /** null when the standby could not be asked. */
  readonly standbyAnswer: StandbyFacts | null;
}

/** The plan's limits, in the form the rules use them. */
export interface Limits {
  readonly probeEverySeconds: number;
  readonly missedProbes: number;
  readonly maxLagSeconds: number;
  readonly cooldownMinutes: number;
}

/** From the first missed probe to the one that makes the count full. */
export const confirmationSeconds = (limits: Limits): number => (limits.missedProbes - 1) * limits.probeEverySeconds;

/** A vote older than this does not count: the probe has missed three laps of its own, or ten seconds. */
export const voteFreshSeconds = (limits: Limits): number => Math.max(10, 3 * limits.probeEverySeconds + 2);
