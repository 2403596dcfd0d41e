/**
 * MariaDB as the probe and the runbooks need it: heartbeat, the standby's link and lag, the canary write. Replication is by GTID, as
 * RDS sets it up. Every question opens its own connection, is bounded in time and leaves nothing open. Nothing decides here.
 */
import mysql from "mysql2";
import type { Condition, Position, StandbyFacts } from "../core/facts.ts";
import type { Heartbeat, Others, Target } from "./engines.ts";
import { unlessUnheard } from "./silence.ts";

/** The tables live in a database of their own, made by whoever writes first. */
const TABLES = [
  "create database if not exists understudy",
  "create table if not exists understudy.heartbeat (name varchar(64) primary key, at_ms bigint not null, generation int not null, rows_changed bigint) engine = InnoDB",
  "alter table understudy.heartbeat add column if not exists rows_changed bigint",
  "create table if not exists understudy.canary (token varchar(255) primary key, at timestamp(3) not null default current_timestamp(3)) engine = InnoDB",
];

/** ER_BAD_DB_ERROR, ER_NO_SUCH_TABLE, ER_BAD_FIELD_ERROR */
const NOT_THERE = [1049, 1146, 1054];
/** ER_SERVER_SHUTDOWN, ER_NORMAL_SHUTDOWN, ER_CONNECTION_KILLED: a server that goes down is no service. */
const GOING_DOWN = [1053, 1077, 1927];

/** ER_OPTION_PREVENTS_STATEMENT (--read-only), ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ER_READ_ONLY_MODE */
const READ_ONLY = [1290, 1792, 1836];
/** ER_DISK_FULL, ER_RECORD_FILE_FULL */
const DISK_FULL = [1021, 1114];

/** Only a server gives an SQLSTATE; errors of the network and of the client's own patience have none. */
export function conditionOf(error: unknown): Exclude<Condition, "writes" | "slow"> {
  const { sqlState, errno, code, opened } = (error ?? {}) as { sqlState?: unknown; errno?: number; code?: string; opened?: boolean };
  if (typeof sqlState === "string" && sqlState !== "" && errno !== undefined && !GOING_DOWN.includes(errno))
    return READ_ONLY.includes(errno) ? "read-only" : DISK_FULL.includes(errno) ? "disk-full" : "refuses";
  return opened && code === undefined ? "hung" : "gone";
}

/** RDS offers TLS, the certificates come with the Lambda runtime; a server without TLS says so, and is met without. */
const plainHosts = new Set<string>();

/** Puts the values in the marks' places. A text goes as its bytes in hexadecimal: whatever stands in it, it cannot end its literal. */
export function filled(sql: string, values: readonly unknown[] = []): string {
  const rest = [...values];
  return sql.replaceAll("?", () => {
    const value = rest.shift();
    if (Number.isSafeInteger(value)) return String(value);
    if (typeof value === "string") return `_utf8mb4 x'${Buffer.from(value).toString("hex")}'`;
    throw new Error(`a value of a statement is ${String(value)}, expected a text or a whole number`);
  });
}

type Rows = Record<string, unknown>[];

class Session {
  private readonly connection: mysql.Connection;
  private readonly endsAtMs: number;

  private constructor(connection: mysql.Connection, endsAtMs: number) {
    this.connection = connection;
    this.endsAtMs = endsAtMs;
  }

  static async open(target: Target, timeoutMs: number, silenceMs?: number): Promise<Session> {
    const connection = mysql.createConnection({
      host: target.host,
      port: target.port,
      user: target.username,
      password: target.password,
      // The bound below ends first: it alone says whether the port had opened.
      connectTimeout: timeoutMs + 1000,
      charset: "UTF8MB4_UNICODE_CI",
      queryFormat: (sql, values) => filled(sql, values as unknown[]),
      // The parser that needs no code made at run time: the other is not bundled.
      disableEval: true,
      ssl: plainHosts.has(target.host) ? undefined : { rejectUnauthorized: true },
    });
    const session = new Session(connection, Date.now() + timeoutMs);
    try {
      const opening = session.bounded((done) => connection.connect((error) => done(error, [])));
      await unlessUnheard(opening, session.stream, silenceMs);
      return session;
    } catch (error) {
      session.close();
      if (plainHosts.has(target.host) || (error as { code?: string }).code !== "HANDSHAKE_NO_SSL_SUPPORT") throw error;
      plainHosts.add(target.host);
      return await Session.open(target, timeoutMs, silenceMs);
    }
  }

  query(sql: string, values: unknown[] = []): Promise<Rows> {
    return this.bounded((done) => this.connection.query(sql, values, (error, rows) => done(error, rows as Rows)));
  }

  /** The client's own timeout starts again with every packet of a slow server; this one does not. */
  private bounded(ask: (done: (error: Error | null, rows: Rows) => void) => void): Promise<Rows> {
    return new Promise((resolve, reject) => {
      const late = () => reject(Object.assign(new Error("the database did not answer in time"), { opened: this.opened }));
      const timer = setTimeout(late, Math.max(1, this.endsAtMs - Date.now()));
      const done = (error: Error | null, rows: Rows): void => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(rows);
      };
      // A connection that breaks between two questions reports here; the question in flight gets the error itself.
      this.connection.on("error", (error: Error) => done(error, []));
      ask(done);
    });
  }

  /** The server's port has opened. */
  private get opened(): boolean {
    return this.stream?.remoteAddress !== undefined;
  }

  private get stream(): { readonly remoteAddress?: string; readonly bytesRead?: number } | undefined {
    return (this.connection as unknown as { stream?: Session["stream"] }).stream;
  }

  /** A graceful end waits for the server; a hung one never answers. The socket is closed without asking. */
  close(): void {
    this.connection.destroy();
  }
}

export async function withSession<T>(
  target: Target,
  timeoutMs: number,
  work: (session: Session) => Promise<T>,
  silenceMs?: number,
): Promise<T> {
  const session = await Session.open(target, timeoutMs, silenceMs);
  try {
    return await work(session);
  } finally {
    session.close();
  }
}

/** Writes; makes the tables when they are missing. */
async function write(session: Session, sql: string, values: unknown[]): Promise<void> {
  try {
    await session.query(sql, values);
  } catch (error) {
    if (!NOT_THERE.includes((error as { errno?: number }).errno ?? 0)) throw error;
    for (const statement of TABLES) await session.query(statement);
    await session.query(sql, values);
  }
}

/** The server's count is read first and written as a number: what a status says on a replica is the replica's own. */
export async function beat(target: Target, heartbeat: Heartbeat, timeoutMs: number): Promise<number | null> {
  return await withSession(target, timeoutMs, async (session) => {
    const counts = await session.query("show global status where variable_name in ('Handler_write', 'Handler_update', 'Handler_delete')");
    const rowsChanged = counts.length === 0 ? null : counts.reduce((sum, row) => sum + Number(row.Value), 0);
    await write(
      session,
      `insert into understudy.heartbeat (name, at_ms, generation, rows_changed) values (?, ?, ?, ?)
       on duplicate key update at_ms = values(at_ms), generation = values(generation), rows_changed = values(rows_changed)`,
      [heartbeat.database, heartbeat.atMs, heartbeat.generation, rowsChanged],
    );
    return rowsChanged;
  });
}

export async function writeCanary(target: Target, token: string, timeoutMs: number, silenceMs?: number): Promise<void> {
  const writeAndRead = async (session: Session): Promise<void> => {
    await write(session, "insert into understudy.canary (token) values (?) on duplicate key update at = current_timestamp(3)", [token]);
    const rows = await session.query("select 1 from understudy.canary where token = ?", [token]);
    if (rows.length !== 1) throw new Error(`the canary row ${token} was written and is not there`);
  };
  await withSession(target, timeoutMs, writeAndRead, silenceMs);
}

/**
 * Asks the standby about itself. The link counts as streaming only while the thread that receives says so; `slave_net_timeout` on the
 * standby bounds how long a silent primary keeps that word (MariaDB: it asks its source for a sign of life at half that time).
 * Drained: what was received is applied, and the thread that applies still works. Both stopped at once would be no proof: starting
 * them again throws away what was received (MariaDB with GTIDs fetches it again from a source that may be gone).
 */
export async function askStandby(target: Target, database: string, timeoutMs: number): Promise<StandbyFacts> {
  return await withSession(target, timeoutMs, async (session) => {
    // What is applied is read first: what arrives between the two questions counts as not applied.
    const [server] = await session.query("select @@global.gtid_slave_pos as applied");
    const [replica] = await session.query("show replica status");
    const [heartbeat] = await session
      .query("select * from understudy.heartbeat where name = ?", [database])
      .catch((error: { errno?: number }) => {
        if (NOT_THERE.includes(error.errno ?? 0)) return [];
        throw error;
      });
    return {
      inRecovery: replica !== undefined,
      link: replica?.Slave_IO_Running === "Yes" ? "streaming" : "lost",
      drained:
        replica === undefined ||
        (replica.Slave_SQL_Running === "Yes" && reached(String(server?.applied ?? ""), String(replica.Gtid_IO_Pos ?? ""))),
      heartbeatAtMs: heartbeat ? Number(heartbeat.at_ms) : null,
      rowsChanged: heartbeat?.rows_changed == null ? null : Number(heartbeat.rows_changed),
    };
  });
}

/** Its relay log counts whole transactions alone (Gtid_IO_Pos). */
export const endsTorn = async (): Promise<boolean> => false;

/** Whether `applied` has come as far as `received` in every domain. A GTID is domain-server-sequence; a position lists one a domain. */
export function reached(applied: string, received: string): boolean {
  const done = positions(applied);
  return [...positions(received)].every(([domain, sequence]) => (done.get(domain) ?? -1n) >= sequence);
}

function positions(list: string): Map<string, bigint> {
  const parts = list.split(",").map((gtid) => gtid.trim().split("-"));
  return new Map(parts.flatMap(([domain, , sequence]) => (domain && sequence ? [[domain, BigInt(sequence)]] : [])));
}

/** The last transaction of each domain, whether the server made it or applied it. */
export async function position(target: Target, timeoutMs: number): Promise<Position> {
  return await withSession(target, timeoutMs, async (session) => {
    const [row] = await session.query("select @@global.gtid_current_pos as log");
    return { log: String(row?.log ?? ""), transactions: null };
  });
}

export const hasReached = (at: Position, wanted: Position): boolean => reached(at.log, wanted.log);

/** ER_NO_SUCH_THREAD: it has gone by itself. */
const NO_SUCH_THREAD = 1094;

/** The master user may not end others' sessions; RDS's procedure does it for him (mysql.rds_kill). RDS's own and replication stay. */
export async function cutSessions(target: Target, timeoutMs: number): Promise<Others> {
  return await withSession(target, timeoutMs, async (session) => {
    const others = await session.query(
      `select id, user from information_schema.processlist where id <> connection_id()
         and command not in ('Binlog Dump', 'Slave_IO', 'Slave_SQL', 'Slave_worker', 'Daemon')
         and user not in ('rdsadmin', 'rdsrepladmin', 'system user', 'event_scheduler')`,
    );
    for (const { id } of others)
      await session.query("call mysql.rds_kill(?)", [id]).catch((error: { errno?: number }) => {
        if (error.errno !== NO_SUCH_THREAD) throw error;
      });
    // A session does not say whose it is, and the master user is the shop's too.
    return { all: others.map(({ user }) => String(user)), strangers: [] };
  });
}

/** By GTID: in each domain, what the former primary numbered beyond the branch. */
export async function alone(
  former: Target,
  _successor: Target,
  branch: Position,
  timeoutMs: number,
): Promise<{ count: number; named: string }> {
  const now = positions((await position(former, timeoutMs)).log);
  const then = positions(branch.log);
  const ranges = [...now].flatMap(([domain, sequence]) => {
    const from = (then.get(domain) ?? 0n) + 1n;
    return sequence < from ? [] : [{ count: Number(sequence - from + 1n), text: `${domain}-*-${from} to ${domain}-*-${sequence}` }];
  });
  if (ranges.length === 0) return { count: 0, named: "no transaction" };
  return { count: ranges.reduce((sum, { count }) => sum + count, 0), named: `GTIDs ${ranges.map(({ text }) => text).join(", ")}` };
}
