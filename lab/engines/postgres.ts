/**
 * One PostgreSQL cluster: its folder, its processes, its backups, its place in a replication pair.
 * A real server, so that a killed, frozen or lagging one behaves as one. Knows nothing of AWS.
 *
 * It listens on a free port of 127.0.0.1 (a new one at each start) for clients, who need a password, and on a socket in a private
 * folder for the lab, which is superuser there. fsync is off: what is committed survives the death of every process, since the
 * kernel still holds it, but not the death of the machine.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { copyAsItLies, copyBackup, onlineBackup } from "./backup.ts";
import { postgresBinaries } from "./binaries.ts";
import type { Cluster, Master, QueryOptions, Replication, Row } from "./engine.ts";
import { copyTree, databaseUser, prepareDir, removeTree } from "./folders.ts";
import { freePort, sockets } from "./listening.ts";
import { Server } from "./server.ts";
import { copyTemplate, REPLICATION_USER, SUPERUSER, writeOwned } from "./template.ts";

const SECRET = "understudy-replication-secret";
/** Longer than the server takes to end its receiver. */
const LINK_ENDS_MS = 3_000;

export class PostgresCluster implements Cluster {
  readonly dir: string;
  readonly data: string;
  readonly log: string;
  private readonly server: Server;
  private settings: Record<string, string> = {};
  private upstreamPort: number | undefined;

  /** `dir` holds the cluster's `data` folder and its log. Nothing is made yet. */
  constructor(dir: string) {
    this.dir = dir;
    this.data = path.join(dir, "data");
    this.log = path.join(dir, "postgres.log");
    this.server = new Server({ title: "PostgreSQL", process: "postgres", data: this.data, log: this.log, stopSignal: "SIGINT" });
  }

  get port(): number | undefined {
    return this.server.port;
  }

  get hung(): boolean {
    return this.server.hung;
  }

  exists(): boolean {
    return existsSync(path.join(this.data, "PG_VERSION"));
  }

  /** Makes an empty cluster. */
  async init(): Promise<void> {
    prepareDir(this.dir);
    await copyTemplate(this.data);
  }

  /** Makes the cluster from a backup folder: its own copy, so that the backup can be used again. */
  async initFrom(backup: string): Promise<void> {
    prepareDir(this.dir);
    await copyBackup(backup, this.data);
  }

  /**
   * As `source` was at `atMs`: a backup of before, and the log `source` has written since, dead or alive. A log that ends earlier holds
   * nothing later, so all of it is taken. A time before the backup is whole is the backup's own.
   */
  async initAt(backup: string, source: Cluster, atMs: number): Promise<void> {
    const archive = path.join(this.dir, "archive");
    const target = new Date(atMs).toISOString().replace("Z", "+00");
    const settings: Record<string, string>[] = [{ recovery_target_time: target, recovery_target_action: "promote" }, {}];
    for (const each of settings) {
      await removeTree(this.dir);
      await this.initFrom(backup);
      await copyTree(path.join(source.data, "pg_wal"), archive, { owner: databaseUser() });
      await writeOwned(path.join(this.data, "recovery.signal"), "");
      await this.configure({ ...each, restore_command: `cp "${archive}/%f" "%p"` });
      // It takes readers before it has read all of its log, and may end after that.
      const trouble = await this.start()
        .then(() => this.promoted(60_000))
        .then(
          () => null,
          (error: Error) => `${error.message}\n${this.server.logTail(40)}`,
        );
      await this.stop();
      if (trouble === null) {
        await this.configure({});
        return await removeTree(archive);
      }
      if (/before consistent recovery point/.test(trouble)) {
        await removeTree(this.dir);
        return await this.initFrom(backup);
      }
      if (!/recovery ended before configured recovery target was reached/.test(trouble)) throw new Error(trouble);
    }
  }

  /** Makes this cluster a standby of `primary` from a fresh backup of it. It follows whatever listens on `port` of 127.0.0.1. */
  async initAsStandby(primary: Cluster, port: number): Promise<void> {
    prepareDir(this.dir);
    await primary.takeBackup(this.data);
    await this.setStandby(true);
    this.upstreamPort = port;
  }

  /** Roles as on RDS: the master user owns its database and creates more, but is no superuser. Run once, on a started primary. */
  async provision(master: Master): Promise<void> {
    const secret = randomBytes(24).toString("hex");
    await writeOwned(path.join(this.data, SECRET), secret);
    const user = pg.escapeIdentifier(master.user);
    await this.withClient(async (client) => {
      await client.query(`
        CREATE ROLE ${REPLICATION_USER} LOGIN REPLICATION PASSWORD ${pg.escapeLiteral(secret)};
        CREATE ROLE rds_superuser NOLOGIN;
        GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;
        CREATE ROLE ${user} LOGIN CREATEDB CREATEROLE PASSWORD ${pg.escapeLiteral(master.password)};
        GRANT rds_superuser TO ${user};
        ALTER DATABASE postgres OWNER TO ${user};`);
      if (master.database && master.database !== "postgres")
        await client.query(`CREATE DATABASE ${pg.escapeIdentifier(master.database)} OWNER ${user}`);
    });
  }

  async setPassword(user: string, password: string): Promise<void> {
    await this.query(`ALTER ROLE ${pg.escapeIdentifier(user)} PASSWORD ${pg.escapeLiteral(password)}`);
  }

  /** Starts the server and resolves when it accepts connections. Clears away what an earlier lab may have left running here. */
  async start(): Promise<void> {
    if (this.server.running) throw new Error(`The cluster in ${this.dir} is running already.`);
    const { postgres } = await postgresBinaries();
    await this.server.clear();
    for (let attempt = 1; ; attempt++) {
      await rm(path.join(this.data, "postmaster.pid"), { force: true });
      await this.writeSettings();
      try {
        await this.launch(postgres, await freePort());
        return;
      } catch (error) {
        // Between finding a free port and listening on it, someone else may take it.
        if (attempt === 5 || !/Address already in use/.test((error as Error).message)) throw error;
      }
    }
  }

  private async launch(postgres: string, port: number): Promise<void> {
    const args = ["-D", this.data, "-p", String(port)];
    const fixed = {
      listen_addresses: "127.0.0.1",
      unix_socket_directories: sockets(),
      fsync: "off",
      log_destination: "stderr",
      logging_collector: "off",
    };
    for (const [name, value] of Object.entries(fixed)) args.push("-c", `${name}=${value}`);
    await this.server.launch(postgres, args, port, () => this.ready());
  }

  /** The eighth line of postmaster.pid says "ready" once connections (on a standby: reading ones) are accepted. */
  private async ready(): Promise<boolean> {
    return (await this.pidFile())[7]?.trim() === "ready";
  }

  private async pidFile(): Promise<string[]> {
    return (await readFile(path.join(this.data, "postmaster.pid"), "utf8").catch(() => "")).split("\n");
  }

  stop(limitMs = 3000): Promise<void> {
    return this.server.stop(limitMs);
  }

  /** Kills the server, and takes away the few bytes of System V memory it can no longer give back: a machine has 4096 such segments. */
  async kill(): Promise<void> {
    await this.server.kill();
    // A killed server leaves its file behind; read before, it would give the server time to answer a few more clients.
    const segment = /^ *\d+ +(\d+)$/.exec((await this.pidFile())[6] ?? "")?.[1];
    // Without util-linux, or without such a segment, there is nothing to be done about it.
    if (segment) await promisify(execFile)("ipcrm", ["--shmem-id", segment]).catch(() => {});
  }

  hang(): void {
    this.server.hang();
  }

  resume(): void {
    this.server.resume();
  }

  /** Whether processes run and are not frozen. */
  alive(): boolean {
    return this.port !== undefined && !this.hung;
  }

  /** Runs one statement as superuser. Rejects when the server does not answer within `timeoutMs`. */
  async query<R extends Row = Row>(sql: string, options: QueryOptions = {}): Promise<R[]> {
    return await this.withClient(async (client) => (await client.query<R>(sql)).rows, options);
  }

  private async withClient<T>(use: (client: pg.Client) => Promise<T>, options: QueryOptions = {}): Promise<T> {
    if (this.port === undefined) throw new Error(`The database in ${this.dir} is not running.`);
    const { database = "postgres", timeoutMs = 10_000 } = options;
    const client = new pg.Client({
      host: sockets(),
      port: this.port,
      user: SUPERUSER,
      database,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
    });
    // A server killed under an idle session reports here; the statement that was running rejects by itself.
    client.on("error", () => {});
    try {
      await client.connect();
      return await use(client);
    } finally {
      // A frozen server never says goodbye.
      void client.end().catch(() => {});
    }
  }

  /**
   * Copies the cluster to `to` (must not exist) so that the copy starts by itself. A running server is backed up online; of a dead or
   * frozen one, the files are taken as they lie, and the copy starts by crash recovery.
   */
  async takeBackup(to: string): Promise<void> {
    if (!this.alive()) return await copyAsItLies(this.data, to);
    await this.withClient((client) => onlineBackup(client, this.data, to), { timeoutMs: 60_000 });
  }

  isStandby(): boolean {
    return existsSync(path.join(this.data, "standby.signal"));
  }

  private async setStandby(standby: boolean): Promise<void> {
    const signal = path.join(this.data, "standby.signal");
    if (standby) await writeOwned(signal, "");
    else await rm(signal, { force: true });
  }

  /** Where a standby streams from (a port of 127.0.0.1); undefined takes its link away. Takes effect at once on a running server. */
  async follow(port: number | undefined): Promise<void> {
    this.upstreamPort = port;
    await this.writeSettings();
    this.server.signal("SIGHUP");
    if (port === undefined) await this.linkEnded();
  }

  /** Resolves when nothing is received any more. A server that says nothing is left alone. */
  private async linkEnded(): Promise<void> {
    for (const start = Date.now(); Date.now() - start < LINK_ENDS_MS; await sleep(5)) {
      const [row] = await this.query<{ linked: boolean }>("SELECT EXISTS (SELECT FROM pg_stat_wal_receiver) AS linked", {
        timeoutMs: 500,
      }).catch(() => [{ linked: false }]);
      if (!row?.linked) return;
    }
  }

  /** Ends recovery on a new timeline and resolves when the cluster accepts writes. */
  async promote(limitMs = 60_000): Promise<void> {
    await this.query("SELECT pg_promote(wait => false)");
    await this.promoted(limitMs);
    this.upstreamPort = undefined;
  }

  /** Resolves when recovery has ended. */
  private async promoted(limitMs: number): Promise<void> {
    for (const start = Date.now(); ; ) {
      const [row] = await this.query<{ standby: boolean }>("SELECT pg_is_in_recovery() AS standby");
      if (row?.standby === false) break;
      if (Date.now() - start > limitMs)
        throw new Error(`The standby in ${this.dir} was not promoted within ${limitMs / 1000} s. Its log ends:\n${this.server.logTail()}`);
      await sleep(5);
    }
  }

  async replication(timeoutMs = 500): Promise<Replication> {
    const [row] = await this.query<Omit<Replication, "stopped" | "trouble">>(
      `SELECT pg_is_in_recovery() AS "inRecovery", (SELECT status FROM pg_stat_wal_receiver) AS receiver,
         CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END AS "replayPaused",
         EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp())::float8 AS "replayLagSeconds"`,
      { timeoutMs },
    );
    return { ...(row as Omit<Replication, "stopped" | "trouble">), stopped: false, trouble: null };
  }

  pauseReplay(): Promise<unknown> {
    return this.query("SELECT pg_wal_replay_pause()");
  }

  resumeReplay(): Promise<unknown> {
    return this.query("SELECT pg_wal_replay_resume()");
  }

  /** Server settings over the defaults. A running server takes up those it can at once, the others at its next start. */
  async configure(settings: Record<string, string>): Promise<void> {
    this.settings = { ...settings };
    await this.writeSettings();
    this.server.signal("SIGHUP");
  }

  /** What ALTER SYSTEM would write, without needing a server that answers. */
  private async writeSettings(): Promise<void> {
    if (!this.exists()) return;
    const settings: Record<string, string> = { ...this.settings };
    if (this.upstreamPort !== undefined && this.isStandby()) {
      const secret = await readFile(path.join(this.data, SECRET), "utf8");
      settings.primary_conninfo = `host=127.0.0.1 port=${this.upstreamPort} user=${REPLICATION_USER} password=${secret} connect_timeout=5 application_name=${path.basename(this.dir)}`;
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'\n`);
    await writeOwned(path.join(this.data, "postgresql.auto.conf"), lines.join(""));
  }

  /** Stops the server and removes the folder. */
  async destroy(): Promise<void> {
    await this.kill();
    await removeTree(this.dir);
  }
}
