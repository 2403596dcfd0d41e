/**
 * One MariaDB server: its folder, its processes, its backups, its place in a replication pair by GTID. A real server, so that a
 * killed, frozen or lagging one behaves as one. Knows nothing of AWS.
 *
 * It listens on a free port of 127.0.0.1 (a new one at each start) for clients, who need a password, and on a socket in a private
 * folder for the lab, which is superuser there. Nothing waits for the disk: what is committed survives the death of every process,
 * since the kernel still holds it, but not the death of the machine.
 *
 * Two ways of MariaDB's that cost rows, kept as they are: STOP SLAVE followed by RESET SLAVE ALL throws away what was received and
 * not applied, and so does starting a replica whose two threads were both stopped (with GTIDs it fetches again from its source).
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import type { Cluster, Master, QueryOptions, Replication, Row } from "./engine.ts";
import { prepareDir, removeTree } from "./folders.ts";
import { freePort, sockets } from "./listening.ts";
import { copyAsItLies, copyBackup, GTID_FILE, onlineBackup, SECRET_FILE } from "./mariadb-backup.ts";
import { mariaDbBinaries } from "./mariadb-binaries.ts";
import { literal, quoted, REPLICATION_USER, runSql, SUPERUSER } from "./mariadb-session.ts";
import { optionFile, resolveSettings } from "./mariadb-settings.ts";
import { copyTemplate, type WithServer } from "./mariadb-template.ts";
import { Server } from "./server.ts";
import { writeOwned } from "./template.ts";

/** The master user of RDS for MariaDB: no SUPER, no READ_ONLY ADMIN, CONNECTION ADMIN or BINLOG ADMIN, no FILE, no SHUTDOWN. */
const MASTER_PRIVILEGES = `SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES,
  CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, BINLOG MONITOR, SLAVE MONITOR, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE,
  CREATE USER, EVENT, TRIGGER, REPLICATION SLAVE`;

export class MariaDbCluster implements Cluster {
  readonly dir: string;
  readonly data: string;
  readonly log: string;
  private readonly server: Server;
  private settings: Record<string, string> = {};
  private upstreamPort: number | undefined;

  /** `dir` holds the server's `data` folder and its log. Nothing is made yet. */
  constructor(dir: string) {
    this.dir = dir;
    this.data = path.join(dir, "data");
    this.log = path.join(dir, "mariadb.log");
    this.server = new Server({ title: "MariaDB", process: "mariadbd", data: this.data, log: this.log, stopSignal: "SIGTERM" });
  }

  get port(): number | undefined {
    return this.server.port;
  }

  get hung(): boolean {
    return this.server.hung;
  }

  exists(): boolean {
    return existsSync(path.join(this.data, "ibdata1"));
  }

  async init(): Promise<void> {
    prepareDir(this.dir);
    await copyTemplate(this.data, withServer);
  }

  async initFrom(backup: string): Promise<void> {
    prepareDir(this.dir);
    await copyBackup(backup, this.data);
  }

  async initAsStandby(primary: Cluster, port: number): Promise<void> {
    prepareDir(this.dir);
    await primary.takeBackup(this.data);
    await writeOwned(this.standbyFile, "new");
    this.upstreamPort = port;
  }

  async provision(master: Master): Promise<void> {
    const secret = randomBytes(24).toString("hex");
    await writeOwned(path.join(this.data, SECRET_FILE), secret);
    const user = `${literal(master.user)}@'%'`;
    await this.query(`
      CREATE USER ${REPLICATION_USER}@'%' IDENTIFIED BY '${secret}';
      GRANT REPLICATION SLAVE ON *.* TO ${REPLICATION_USER}@'%';
      CREATE USER ${user} IDENTIFIED BY ${literal(master.password)};
      GRANT ${MASTER_PRIVILEGES} ON *.* TO ${user} WITH GRANT OPTION;
      ${master.database ? `CREATE DATABASE ${quoted(master.database)}` : "DO 0"}`);
  }

  async setPassword(user: string, password: string): Promise<void> {
    await this.query(`ALTER USER ${literal(user)}@'%' IDENTIFIED BY ${literal(password)}`);
  }

  async start(): Promise<void> {
    await this.launch();
    if (this.isStandby()) await this.link();
  }

  /** The server alone, without replication. */
  private async launch(): Promise<void> {
    if (this.server.running) throw new Error(`The cluster in ${this.dir} is running already.`);
    const { server } = await mariaDbBinaries();
    await this.server.clear();
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      await rm(this.socket, { force: true });
      const options = { datadir: this.data, port: String(port), socket: this.socket, server_id: String(this.serverId) };
      const settings = resolveSettings(this.settings, this.isStandby());
      await writeOwned(path.join(this.dir, "mariadb.cnf"), optionFile(options, settings));
      try {
        await this.server.launch(server, [`--defaults-file=${path.join(this.dir, "mariadb.cnf")}`], port, () => this.ready());
        return;
      } catch (error) {
        // Between finding a free port and listening on it, someone else may take it.
        if (attempt === 5 || !/Address already in use/.test((error as Error).message)) throw error;
      }
    }
  }

  /** Only an answer counts: the socket is there before the server is. A refused login is one. */
  private async ready(): Promise<boolean> {
    if (!existsSync(this.socket)) return false;
    return await runSql("DO 0", { socketPath: this.socket, timeoutMs: 2000 }).then(
      () => true,
      (error: { sqlState?: string }) => error.sqlState === "28000",
    );
  }

  private get socket(): string {
    return path.join(sockets(), `m${this.serverId}`);
  }

  /** The same at every start, and no other cluster's. */
  private get serverId(): number {
    return (createHash("sha256").update(path.resolve(this.dir)).digest().readUInt32BE() >>> 1) + 1;
  }

  stop(limitMs = 3000): Promise<void> {
    return this.server.stop(limitMs);
  }

  kill(): Promise<void> {
    return this.server.kill();
  }

  hang(): void {
    this.server.hang();
  }

  resume(): void {
    this.server.resume();
  }

  alive(): boolean {
    return this.port !== undefined && !this.hung;
  }

  async query<R extends Row = Row>(sql: string, options: QueryOptions = {}): Promise<R[]> {
    if (this.port === undefined) throw new Error(`The database in ${this.dir} is not running.`);
    return await runSql<R>(sql, { socketPath: this.socket, ...options });
  }

  async takeBackup(to: string): Promise<void> {
    if (this.alive()) await onlineBackup(this.data, this.socket, SUPERUSER, to);
    else await copyAsItLies(this.data, to);
  }

  private get standbyFile(): string {
    return path.join(this.dir, "standby");
  }

  isStandby(): boolean {
    return existsSync(this.standbyFile);
  }

  async follow(port: number | undefined): Promise<void> {
    this.upstreamPort = port;
    if (!this.alive() || !this.isStandby()) return;
    // The thread that applies goes on: what has been received is not lost.
    if (port === undefined) await this.query("STOP SLAVE IO_THREAD");
    else await this.link();
  }

  /** Tells a running standby whom to follow, and to do so. */
  private async link(): Promise<void> {
    if ((await readFile(this.standbyFile, "utf8")) === "new") {
      await this.query(`SET GLOBAL gtid_slave_pos = ${literal(await this.position())}`);
      await writeOwned(this.standbyFile, "following");
    }
    if (this.upstreamPort === undefined) return;
    const [status] = await this.query<{ Master_Port: number }>("SHOW SLAVE STATUS");
    if (status?.Master_Port !== this.upstreamPort) {
      const secret = await readFile(path.join(this.data, SECRET_FILE), "utf8");
      await this.query(`STOP SLAVE; CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${this.upstreamPort},
        MASTER_USER = '${REPLICATION_USER}', MASTER_PASSWORD = ${literal(secret)}, MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1`);
    }
    await this.query("START SLAVE");
  }

  /** Where a new standby's data ends in its source's history: the backup says so, or the server's own log does. */
  private async position(): Promise<string> {
    const file = path.join(this.data, GTID_FILE);
    if (existsSync(file)) return await readFile(file, "utf8");
    const [row] = await this.query<{ position: string }>("SELECT @@gtid_current_pos AS position");
    return row?.position ?? "";
  }

  async promote(limitMs = 60_000): Promise<void> {
    await this.query("STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = 0", { timeoutMs: limitMs });
    await rm(this.standbyFile, { force: true });
    this.upstreamPort = undefined;
  }

  async replication(timeoutMs = 500): Promise<Replication> {
    const [row] = await this.query<SlaveStatus>("SHOW SLAVE STATUS", { timeoutMs });
    if (!row) return { inRecovery: false, receiver: null, replayPaused: false, stopped: false, trouble: null, replayLagSeconds: null };
    const { Slave_IO_Running: io, Slave_SQL_Running: sql } = row;
    const trouble = row.Last_SQL_Error || (io === "Yes" ? "" : row.Last_IO_Error) || null;
    return {
      inRecovery: true,
      receiver: io === "Yes" ? "streaming" : io === "No" ? null : io.toLowerCase(),
      replayPaused: sql === "No",
      stopped: trouble === null && (io === "No" || sql === "No"),
      trouble,
      replayLagSeconds: row.Seconds_Behind_Master === null ? -1 : Number(row.Seconds_Behind_Master),
    };
  }

  pauseReplay(): Promise<unknown> {
    return this.query("STOP SLAVE SQL_THREAD");
  }

  resumeReplay(): Promise<unknown> {
    return this.query("START SLAVE SQL_THREAD");
  }

  async configure(settings: Record<string, string>): Promise<void> {
    const before = resolveSettings(this.settings, this.isStandby());
    this.settings = { ...settings };
    if (!this.alive()) return;
    const after = resolveSettings(this.settings, this.isStandby());
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const value = after[name];
      if (value === before[name]) continue;
      const written = value === undefined ? "DEFAULT" : /^-?[0-9.]+$/.test(value) ? value : literal(value);
      await this.query(`SET GLOBAL ${quoted(name)} = ${written}`).catch((error: { errno?: number }) => {
        if (error.errno !== NOT_DYNAMIC) throw error;
      });
    }
  }

  async destroy(): Promise<void> {
    await this.kill();
    await removeTree(this.dir);
  }
}

/** ER_INCORRECT_GLOBAL_LOCAL_VAR: a variable that waits for the next start. */
const NOT_DYNAMIC = 1238;

interface SlaveStatus extends Row {
  Slave_IO_Running: "Yes" | "No" | "Connecting" | "Preparing";
  Slave_SQL_Running: "Yes" | "No";
  Last_IO_Error: string;
  Last_SQL_Error: string;
  Seconds_Behind_Master: number | null;
}

/** For what is made once a machine: a server on a draft, ended in good order. */
export const withServer: WithServer = async (dir, use) => {
  const cluster = new MariaDbCluster(dir);
  try {
    await cluster.start();
    await use(path.join(sockets(), `m${(cluster as unknown as { serverId: number }).serverId}`));
    await cluster.stop(10_000);
  } finally {
    await cluster.kill();
  }
};
