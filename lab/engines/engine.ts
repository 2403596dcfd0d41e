/**
 * What RDS needs of a database engine, whichever it is. An engine makes clusters; a cluster is one server with its data, its backups
 * and its place in a replication pair. Knows nothing of AWS.
 */
import type { Gate, GateOptions } from "../network/gate.ts";

export type EngineName = "postgres" | "mariadb" | "simulated";

export interface Engine {
  readonly name: EngineName;
  /** As the engine says it, like "18.4". Rejects with one sentence when its programs are not on this machine. */
  version(): Promise<string>;
  /** The cluster whose files are, or will be, in `dir`. Nothing is made yet. */
  cluster(dir: string): Cluster;
  /** Whether `folder` holds a whole backup. */
  isBackup(folder: string): boolean;
  /** Every parameter the engine knows, by name. */
  parameters(): Promise<Map<string, Parameter>>;
  /** A door of its own in front of a cluster; without it, a TCP proxy. */
  readonly openGate?: (options: GateOptions) => Promise<Gate>;
}

export interface Parameter {
  /** Takes effect without a restart. */
  readonly dynamic: boolean;
  readonly modifiable: boolean;
  readonly type: "boolean" | "integer" | "float" | "string";
  /** Bounds of a number, as text; empty when there are none. */
  readonly low: string;
  readonly high: string;
  readonly description: string;
}

export interface Master {
  user: string;
  password: string;
  /** Made at once. Without it there is only what the engine brings. */
  database?: string;
}

export interface Replication {
  inRecovery: boolean;
  /** "streaming" while changes arrive, other words of the engine, or null when nothing is being received. */
  receiver: string | null;
  /** Receives and does not apply. */
  replayPaused: boolean;
  /** Switched off on purpose, from inside the database. */
  stopped: boolean;
  /** What the engine says is wrong; null when it says nothing. */
  trouble: string | null;
  /** As RDS reports it: null when nothing can be said, -1 where the engine says that replication is not active. */
  replayLagSeconds: number | null;
}

export type Row = Record<string, unknown>;

export interface QueryOptions {
  database?: string;
  timeoutMs?: number;
}

export interface Cluster {
  readonly dir: string;
  readonly data: string;
  readonly log: string;
  /** Where clients reach it on 127.0.0.1, a new one at each start; undefined while it does not run. */
  readonly port: number | undefined;
  /** Frozen by `hang`. */
  readonly hung: boolean;
  exists(): boolean;
  /** Makes an empty cluster. */
  init(): Promise<void>;
  /** Makes the cluster from a backup folder: its own copy, so that the backup can be used again. */
  initFrom(backup: string): Promise<void>;
  /** Makes the cluster as `source` was at `atMs`: from a backup of before, and the log `source` has written since. Absent: the engine's logs are not replayed here. */
  initAt?(backup: string, source: Cluster, atMs: number): Promise<void>;
  /** Makes this cluster a standby of `primary` from a fresh backup of it. It follows whatever listens on `port` of 127.0.0.1. */
  initAsStandby(primary: Cluster, port: number): Promise<void>;
  /** Users as on RDS: the master user is no superuser. Run once, on a started primary. */
  provision(master: Master): Promise<void>;
  setPassword(user: string, password: string): Promise<void>;
  /** Starts the server and resolves when it accepts connections. Clears away what an earlier lab may have left running here. */
  start(): Promise<void>;
  stop(limitMs?: number): Promise<void>;
  /** Every process dies at once, as when the host does. */
  kill(): Promise<void>;
  /** Connections are still taken, and nothing answers. */
  hang(): void;
  resume(): void;
  /** Whether it runs and is not frozen. */
  alive(): boolean;
  /** Runs statements as the engine's own superuser; rows of the last one. Rejects when the server does not answer within `timeoutMs`. */
  query<R extends Row = Row>(sql: string, options?: QueryOptions): Promise<R[]>;
  /** Copies the cluster to `to` (must not exist) so that the copy starts by itself, whatever state the server is in. */
  takeBackup(to: string): Promise<void>;
  isStandby(): boolean;
  /** Where a standby receives from (a port of 127.0.0.1); undefined takes its link away. Takes effect at once on a running server. */
  follow(port: number | undefined): Promise<void>;
  /** Ends replication and resolves when the cluster accepts writes. What becomes of changes received and not applied is the engine's way. */
  promote(limitMs?: number): Promise<void>;
  replication(timeoutMs?: number): Promise<Replication>;
  pauseReplay(): Promise<unknown>;
  resumeReplay(): Promise<unknown>;
  /** Settings over the defaults. A running server takes up those it can at once, the others at its next start. */
  configure(settings: Record<string, string>): Promise<void>;
  /** Stops the server and removes the folder. */
  destroy(): Promise<void>;
}
