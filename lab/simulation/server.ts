/**
 * A simulated PostgreSQL server: a log of committed rows, the sessions that write to it, and streaming replication from another
 * server. Replication is worked out when somebody looks or something changes, so an idle pair costs nothing. Knows nothing of AWS.
 */
import type { VirtualClock } from "./clock.ts";
import type { Network } from "./network.ts";

export interface Row {
  readonly table: "heartbeat" | "canary" | "orders";
  readonly key: string;
  readonly value: number;
  readonly atMs: number;
}

/** How a statement ended for its client. A server that dies or is cut off says nothing at all. */
export class SqlError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Session {
  readonly from: string;
  readonly server: Server;
  open: boolean;
  /** Told when the server ends the session. */
  ended?: () => void;
}

/** wal_receiver_timeout of the parameter group the README asks for. */
const RECEIVER_TIMEOUT_MS = 3000;

export class Server {
  readonly id: string;
  up = true;
  hung = false;
  /** Added to every statement. */
  slowMs = 0;
  /** Somebody made it refuse writes (default_transaction_read_only). */
  readOnly = false;
  /** Why else it refuses writes: what RDS does to it. */
  readonly blockedBy = new Set<string>();
  diskFull = false;
  inRecovery = false;
  replayPaused = false;
  /** The standby's receiver is stopped. */
  receiverStopped = false;
  /** How long a committed row takes to reach the standby. */
  lagMs = 40;
  log: Row[] = [];
  /** Rows of the log that are applied: all of them on a primary. */
  applied = 0;
  upstream: Server | undefined;
  readonly sessions = new Set<Session>();
  /** Whether a new connection from there is let in; the instance's security groups say so. */
  admits: (from: string) => boolean = () => true;
  private linked = false;
  private heardAtMs = 0;
  private readonly newest = new Map<string, Row>();
  /** Statements a frozen server has received and not looked at. */
  private frozen: (() => void)[] = [];
  private readonly clock: VirtualClock;
  private readonly network: Network;

  constructor(id: string, clock: VirtualClock, network: Network) {
    this.id = id;
    this.clock = clock;
    this.network = network;
  }

  follow(upstream: Server): void {
    this.inRecovery = true;
    this.upstream = upstream;
    this.settle();
  }

  /** Brings the standby to where it is by now. Called before anything about the pair changes. */
  settle(): void {
    const { upstream } = this;
    if (upstream && this.carries(upstream)) {
      this.heardAtMs = this.clock.nowMs;
      for (let at = this.log.length; at < upstream.log.length; at++) {
        const row = upstream.log[at] as Row;
        if (row.atMs + this.lagMs > this.clock.nowMs) break;
        this.log.push(row);
      }
    }
    if (!this.replayPaused && this.up && !this.hung) this.apply();
  }

  private apply(): void {
    for (; this.applied < this.log.length; this.applied++) {
      const row = this.log[this.applied] as Row;
      this.newest.set(`${row.table}/${row.key}`, row);
    }
  }

  private carries(upstream: Server): boolean {
    const possible =
      this.up && !this.hung && !this.receiverStopped && upstream.up && !upstream.hung && this.network.reaches(this.id, upstream.id);
    if (!possible) {
      // A dead process resets its connections; silence is believed for a while.
      if (!upstream.up || !this.up || this.receiverStopped || this.clock.nowMs - this.heardAtMs > RECEIVER_TIMEOUT_MS) this.linked = false;
      return false;
    }
    if (!this.linked && !upstream.inRecovery) this.linked = true;
    return this.linked;
  }

  /** What pg_stat_wal_receiver would say. */
  streaming(): boolean {
    this.settle();
    return this.linked;
  }

  get drained(): boolean {
    this.settle();
    return this.applied >= this.log.length;
  }

  find(table: Row["table"], key: string): Row | undefined {
    this.settle();
    return this.newest.get(`${table}/${key}`);
  }

  /** Commits a row. The caller has a session. */
  commit(table: Row["table"], key: string, value: number): void {
    if (this.inRecovery) throw new SqlError("25006", "cannot execute INSERT in a read-only transaction");
    if (this.readOnly || this.blockedBy.size > 0) throw new SqlError("25006", "cannot execute INSERT in a read-only transaction");
    if (this.diskFull) throw new SqlError("53100", "could not extend file: No space left on device");
    this.log.push({ table, key, value, atMs: this.clock.nowMs });
    this.apply();
  }

  /** Runs a statement when the server gets to it: at once, or when it wakes. Never, when it dies first. */
  whenAwake(run: () => void): void {
    if (!this.up) return;
    if (this.hung) this.frozen.push(run);
    else run();
  }

  /** The process dies; what it committed stays on its disk. */
  stop(): void {
    this.changing();
    this.up = false;
    this.hung = false;
    this.frozen = [];
    for (const session of [...this.sessions]) this.end(session);
  }

  start(): void {
    this.changing();
    this.up = true;
    this.linked = false;
    this.changing();
  }

  hang(): void {
    this.changing();
    if (this.up) this.hung = true;
  }

  wake(): void {
    this.changing();
    this.hung = false;
    for (const run of this.frozen.splice(0)) run();
    this.changing();
  }

  /** Ends recovery. PostgreSQL applies what it has received first, paused or not. */
  promote(): void {
    this.changing();
    this.upstream = undefined;
    this.replayPaused = false;
    this.inRecovery = false;
    this.linked = false;
    this.apply();
  }

  /** Becomes a standby of another, with that one's data and none of its own. */
  remake(upstream: Server): void {
    this.changing();
    this.followers.length = 0;
    this.log = upstream.log.slice();
    this.applied = 0;
    this.newest.clear();
    this.apply();
    if (!upstream.followers.includes(this)) upstream.followers.push(this);
    this.follow(upstream);
  }

  /** Everybody's but one; who they were. */
  endOthers(own: Session): string[] {
    const others = [...this.sessions].filter((session) => session !== own);
    for (const session of others) this.end(session);
    return others.map(({ from }) => from);
  }

  end(session: Session): void {
    session.open = false;
    this.sessions.delete(session);
    session.ended?.();
  }

  /** Both ends of the link are settled before and after either changes. */
  private changing(): void {
    this.settle();
    for (const follower of this.followers) follower.settle();
  }

  /** Set by whoever makes pairs. */
  readonly followers: Server[] = [];
}
