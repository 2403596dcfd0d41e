/**
 * What one look at the world found, as plain values. Facts hold no opinion: a value that could not be read is null or "unknown",
 * never a guess. Times are milliseconds since 1970, durations are seconds.
 */

/** How a witness sees the primary. "unknown" means the witness itself could not be asked, or its word is too old. */
export type Sight = "alive" | "lost" | "unknown";

/** How a primary takes a write, as one witness found it. Only "gone" and "hung" are losses: slow or unwilling is not dead. */
export type Condition =
  /** The write was acknowledged. */
  | "writes"
  /** Acknowledged, but late. */
  | "slow"
  /** It answers and takes no writes: somebody made it read-only. */
  | "read-only"
  /** It answers and takes no writes: its disk is full. */
  | "disk-full"
  /** It answers with another error: a password, a permission, too many sessions. */
  | "refuses"
  /** The port opens and then nothing comes. */
  | "hung"
  /** Nothing answers at its address. */
  | "gone";

/** What a person may order to be moved. "reboot-failover": RDS moves the primary to its own standby in another zone. */
export type MoveVerb = "failover" | "switchover" | "failback" | "reboot-failover";

/** An order of a person, already identified; see runbooks/orders.ts. It counts once. */
export interface Order {
  readonly id: string;
  readonly verb: MoveVerb | "restore";
  /** The instance to move to; null leaves the choice to the ranking. */
  readonly target: string | null;
  /** Rules that may refuse and are to be passed over, this once. */
  readonly overrides: readonly number[];
  readonly reason: string;
  /** Who asked, as STS names them. */
  readonly by: string;
  readonly atMs: number;
  /** The generation the person was looking at: an order for another one is an old order. */
  readonly generation: number;
  /** Said in so many words: a failover of a global database gives up what the other region has not received. */
  readonly allowDataLoss?: boolean;
}

/** The claim a running move holds on a database (see runbooks/record.ts). */
export interface Claim {
  /** Name of the durable execution that holds it, like "move-shop-g7-a1". */
  readonly execution: string;
  readonly attempt: number;
  readonly kind: MoveVerb | "restore";
  /** The instance that is to become the primary. */
  readonly target: string;
  readonly takenAtMs: number;
  /** The rule that asked for the move, and its sentence. */
  readonly rule: number;
  readonly sentence: string;
  /** The order that asked for it; null: Understudy by itself. */
  readonly order: Order | null;
  /** How far it came, should its execution die: before the promotion it can be undone, after it only be finished. */
  readonly stage: "claimed" | "fencing" | "promoted" | "undoing";
  /** Groups the old primary had before the fence; null until they are noted, or where its region is dark. */
  readonly network: readonly string[] | null;
  /** Where RDS had the writer before it was asked to move it; see Facts.writer. */
  readonly writer?: string | null;
}

/** Where an instance stands in its own log: a primary, what it has written; a standby, what it has applied. Only its engine reads it. */
export interface Position {
  /** PostgreSQL: an LSN. MariaDB: the last GTID of each domain. */
  readonly log: string;
  /** PostgreSQL: the oldest transaction that may be unfinished, and the first that has not begun, like "741:745". MariaDB: null. */
  readonly transactions: string | null;
}

/** What a former primary holds that the history went on without. */
export interface Alone {
  readonly atMs: number;
  /** null: it could not be asked, or nobody knows where the history branched off. */
  readonly count: number | null;
  /** In the engine's words: transaction ids or GTIDs, the tables they touched, what cannot be seen. */
  readonly named: string;
  /** The snapshot that keeps them; null while there is none. */
  readonly rescue: string | null;
}

/** A former primary. It stays fenced until a person has dealt with it. */
export interface Retired {
  readonly instance: string;
  readonly generation: number;
  readonly atMs: number;
  /** False when its region was dark at the move: it is fenced as soon as it can be reached. */
  readonly fenced: boolean;
  /** Up to here its history is the new primary's too; null or absent when that was not seen. */
  readonly branchedAt?: Position | null;
  /** It was closed and equal to its successor before that was promoted: nothing can be on it alone. */
  readonly lossless?: boolean;
  /** Found by the last failback that asked it. */
  readonly alone?: Alone | null;
  /** The order that went back in spite of it: it is not asked again. */
  readonly acceptedBy?: string;
  /** The execution that moved away from it: its evidence goes by that name. */
  readonly move?: string;
  /** From then on its master user may have another password (runbooks/retired-password.ts). */
  readonly credentialsAtMs?: number;
  /** Stopped by the fence's last rung. AWS starts it again after seven days; then it is stopped again. */
  readonly stoppedAtMs?: number;
}

/** Automation stands still until then; it looks and tells all the same. */
export interface Pause {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly by: string;
  readonly reason: string;
}

/** What Understudy holds to be true of a database, kept in the recovery region. */
export interface DatabaseRecord {
  readonly database: string;
  /** Rises by one with every completed move. */
  readonly generation: number;
  readonly primary: string;
  /** Instances that may take over, in the plan's order of preference; empty after a failover, until a new standby is built. */
  readonly standbys: readonly string[];
  readonly retired: readonly Retired[];
  /** Attempts made within this generation. */
  readonly attempts: number;
  readonly claim: Claim | null;
  readonly lastMove: {
    readonly execution: string;
    readonly outcome: "succeeded" | "failed" | "refused";
    readonly endedAtMs: number;
    /** Whether Understudy had started it by itself: only then does the cooldown count. */
    readonly automatic: boolean;
    /** A person has seen it, and automation may go on. */
    readonly acknowledgedBy: string | null;
  } | null;
  readonly pause: Pause | null;
  /** The security groups each instance had when it was last open to its clients. */
  readonly networks?: Readonly<Record<string, readonly string[]>>;
  /** The region of every instance this database has ever run on. */
  readonly regions: Readonly<Record<string, string>>;
}

/** One standby's replication, as the probe saw it. */
export interface Link {
  readonly seen: "streaming" | "lost" | "unknown";
  readonly lostSinceMs: number | null;
  /** Last heartbeat minus the newest one the standby has applied; null when either is missing. */
  readonly lagSeconds: number | null;
}

/** A probe's vote: what it saw on its last lap, and since when. */
export interface Vote {
  readonly database: string;
  /** The instance the vote is about. */
  readonly primary: string;
  readonly generation: number;
  readonly atMs: number;
  readonly primarySeen: "alive" | "lost";
  readonly condition: Condition;
  /** First lap of the present row of failed looks; null while alive. */
  readonly primaryLostSinceMs: number | null;
  /** Why the last look failed, in words; null while alive. */
  readonly primaryTrouble: string | null;
  /** Time of the last heartbeat the primary acknowledged, by the probe's clock. */
  readonly lastHeartbeatAtMs: number | null;
  /** The primary's count of rows changed that went with that heartbeat; null when it is not known. */
  readonly rowsChanged: number | null;
  /** By standby. */
  readonly links: Readonly<Record<string, Link>>;
  /** All links in one word: streaming while one streams, lost when all that could be asked are. */
  readonly linkSeen: "streaming" | "lost" | "unknown";
  readonly linkLostSinceMs: number | null;
  /** Of the standby that is least behind. */
  readonly lagSeconds: number | null;
  /** Where the instances were last found: they stay known when RDS in their region does not answer. */
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  /** The last outage that ended: from the first lap that missed the primary to the one that wrote again. */
  readonly lastOutage?: Outage | null;
}

export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
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
  /** How RDS itself keeps it alive; absent for an instance in one zone. */
  readonly native?: Native;
}

/** A standby of RDS's own, which RDS fails over to by itself, and which nobody can reach before. */
export interface Native {
  readonly kind: "multi-az" | "cluster";
  /** In RDS's words, which may be some minutes old: the zone it runs in, or the member of the cluster that writes. */
  readonly at: string | null;
  /** Members of the cluster; with one alone there is nobody to fail over to. */
  readonly members?: number;
  /** The global database the cluster belongs to. */
  readonly global?: string | null;
}

/** An event of RDS about an instance. Best effort, late and out of order: evidence, never a vote. */
export interface InstanceEvent {
  readonly instance: string;
  readonly eventId: string | null;
  readonly message: string | null;
  readonly atMs: number;
}

/** A standby, asked directly. */
export interface StandbyFacts {
  readonly inRecovery: boolean;
  readonly link: "streaming" | "lost";
  /** The newest heartbeat it has applied, by the probe's clock. */
  readonly heartbeatAtMs: number | null;
  /** The primary's count of rows changed that came with that heartbeat; null when it came without. */
  readonly rowsChanged: number | null;
  /** Everything received has been applied. */
  readonly drained: boolean;
}

export interface Standby {
  readonly id: string;
  readonly region: string;
  /** null when RDS does not know it, or does not answer. */
  readonly instance: InstanceFacts | null;
  /** null when the standby could not be asked. */
  readonly answer: StandbyFacts | null;
  /** How long its answer took, from the first packet on; none when there is no answer. */
  readonly answeredInMs?: number;
}

/** Automatic moves of the last while, over all databases of the plan. */
export interface Brake {
  readonly moves: readonly { readonly execution: string; readonly atMs: number }[];
  /** Moves before this no longer count: a person released the brake. */
  readonly releasedAtMs: number;
}

export interface Facts {
  readonly database: string;
  readonly atMs: number;
  readonly record: DatabaseRecord;
  /** Of the probe in the recovery region. */
  readonly vote: Vote | null;
  /** Of the probe in the primary's network; null too when the plan has none there. */
  readonly nearVote: Vote | null;
  /** The watcher's own try to reach the primary, now. */
  readonly ownLook: Sight;
  /** "dark": the primary region's RDS does not answer, so nothing is known of the primary and nothing can be done to it. */
  readonly primaryRegion: "answers" | "dark";
  readonly primary: InstanceFacts | null;
  /** Which host writes, where RDS moves the writer by itself: a Multi-AZ instance's address, a cluster's member. null where that was not seen. */
  readonly writer?: string | null;
  /** The newest that woke this watcher about the primary; it may have been another process that was woken. */
  readonly primaryEvent?: InstanceEvent | null;
  /** In the record's order. */
  readonly standbys: readonly Standby[];
  readonly brake: Brake;
  /** Why the clients' name could not be moved to the instance chosen; looked at only when a move is about to begin. */
  readonly nameTrouble?: string | null;
}
