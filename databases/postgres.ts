/**
 * PostgreSQL as the probe and the runbooks need it: heartbeat, the standby's link and lag, the canary write.
 * Every question opens its own connection, is bounded in time and leaves nothing open. Nothing decides here.
 */
import pg from "pg";
import type { Condition, StandbyFacts } from "../core/facts.ts";
import type { Heartbeat, Target } from "./engines.ts";

/** The tables live in a schema of their own, made by whoever writes first. */
const TABLES = `
  create schema if not exists understudy;
  create table if not exists understudy.heartbeat (database text primary key, at_ms bigint not null, generation int not null);
  create table if not exists understudy.canary (token text primary key, at timestamptz not null default now());`;

const UNDEFINED_TABLE = ["42P01", "3F000"];

/** An SQLSTATE: the server is there and answered, whatever it said. Classes 57P (shutting down, starting up) are no service. */
export function conditionOf(error: unknown): Exclude<Condition, "writes" | "slow"> {
  const { code, opened } = (error ?? {}) as { code?: unknown; opened?: boolean };
  // A broken or refused connection has a code of the system's; patience that ran out has none.
  if (typeof code !== "string") return opened ? "hung" : "gone";
  if (!/^[0-9A-Z]{5}$/.test(code) || code.startsWith("57P")) return "gone";
  // read_only_sql_transaction; disk_full
  return code === "25006" ? "read-only" : code === "53100" ? "disk-full" : "refuses";
}

/** Clients whose server's port has opened. A socket that is closed no longer says so itself. */
const opened = new WeakSet<pg.Client>();

function watchPort(client: pg.Client): void {
  const { stream } = (client as unknown as { connection: { stream: { once(event: "connect", then: () => void): void } } }).connection;
  stream.once("connect", () => opened.add(client));
}

/** Notes on an error whether the port had opened: then what came after was silence. */
function noted(error: unknown, client: pg.Client): unknown {
  return error instanceof Error ? Object.assign(error, { opened: opened.has(client) }) : error;
}

/** RDS asks for TLS, the certificates come with the Lambda runtime; a server without TLS says so, and is met without. */
const plainHosts = new Set<string>();

async function connect(target: Target, timeoutMs: number): Promise<pg.Client> {
  const client = new pg.Client({
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.username,
    password: target.password,
    application_name: "understudy",
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    ssl: plainHosts.has(target.host) ? false : { rejectUnauthorized: true },
  });
  // A connection that breaks between two queries reports here; the query in flight gets the error itself.
  client.on("error", () => {});
  watchPort(client);
  try {
    await client.connect();
    return client;
  } catch (error) {
    noted(error, client);
    close(client);
    if (plainHosts.has(target.host) || !/does not support SSL/.test((error as Error).message)) throw error;
    plainHosts.add(target.host);
    return await connect(target, timeoutMs);
  }
}

/** A graceful end waits for the server; a hung one never answers. The socket is closed without asking. */
function close(client: pg.Client): void {
  void client.end().catch(() => {});
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

async function withSession<T>(target: Target, timeoutMs: number, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(target, timeoutMs);
  try {
    return await work(client);
  } catch (error) {
    throw noted(error, client);
  } finally {
    close(client);
  }
}

/** Writes; makes the tables when they are missing. */
async function write(client: pg.Client, sql: string, values: unknown[]): Promise<void> {
  try {
    await client.query(sql, values);
  } catch (error) {
    if (!UNDEFINED_TABLE.includes((error as { code?: string }).code ?? "")) throw error;
    await client.query(TABLES);
    await client.query(sql, values);
  }
}

/** Commits one heartbeat. Resolves only when the primary has acknowledged it. */
export async function beat(target: Target, heartbeat: Heartbeat, timeoutMs: number): Promise<void> {
  await withSession(target, timeoutMs, (client) =>
    write(
      client,
      `insert into understudy.heartbeat (database, at_ms, generation) values ($1, $2, $3)
       on conflict (database) do update set at_ms = excluded.at_ms, generation = excluded.generation`,
      [heartbeat.database, heartbeat.atMs, heartbeat.generation],
    ),
  );
}

/** Commits a row that nobody else writes and reads it back: the database takes writes. Writing the same token twice is one row. */
export async function writeCanary(target: Target, token: string, timeoutMs: number): Promise<void> {
  await withSession(target, timeoutMs, async (client) => {
    await write(client, "insert into understudy.canary (token) values ($1) on conflict (token) do update set at = now()", [token]);
    const { rowCount } = await client.query("select 1 from understudy.canary where token = $1", [token]);
    if (rowCount !== 1) throw new Error(`the canary row ${token} was written and is not there`);
  });
}

/**
 * Asks the standby about itself. The link counts as streaming only while a wal receiver says so; `wal_receiver_timeout` on the
 * standby bounds how long a silent primary keeps that word (PostgreSQL: pg_stat_wal_receiver, wal_receiver_timeout).
 */
export async function askStandby(target: Target, database: string, timeoutMs: number): Promise<StandbyFacts> {
  return await withSession(target, timeoutMs, async (client) => {
    const { rows } = await client.query(`
      select pg_is_in_recovery() as in_recovery,
             coalesce((select status = 'streaming' from pg_stat_wal_receiver), false) as streaming,
             coalesce(pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn(), true) as drained,
             to_regclass('understudy.heartbeat') is not null as has_heartbeat`);
    const row = rows[0];
    const heartbeat = row.has_heartbeat
      ? (await client.query("select at_ms from understudy.heartbeat where database = $1", [database])).rows[0]
      : undefined;
    return {
      inRecovery: row.in_recovery,
      link: row.streaming ? "streaming" : "lost",
      drained: row.drained,
      heartbeatAtMs: heartbeat ? Number(heartbeat.at_ms) : null,
    };
  });
}
