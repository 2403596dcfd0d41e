/**
 * PostgreSQL as the probe and the runbooks need it: heartbeat, the standby's link and lag, the canary write.
 * Every question opens its own connection, is bounded in time and leaves nothing open. Nothing decides here.
 */
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import type { Condition, Position, StandbyFacts } from "../core/facts.ts";
import type { Heartbeat, Others, Target } from "./engines.ts";
import { unlessUnheard } from "./silence.ts";

/** The tables live in a schema of their own, made by whoever writes first. */
const TABLES = `
  create schema if not exists understudy;
  create table if not exists understudy.heartbeat (database text primary key, at_ms bigint not null, generation int not null, rows_changed bigint);
  alter table understudy.heartbeat add column if not exists rows_changed bigint;
  create table if not exists understudy.canary (token text primary key, at timestamptz not null default now());`;

/** What our own sessions call themselves. */
const OWN = "understudy";

/** undefined_table, invalid_schema_name, undefined_column */
const NOT_THERE = ["42P01", "3F000", "42703"];

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
  streamOf(client).once("connect", () => opened.add(client));
}

interface Stream {
  readonly bytesRead?: number;
  once(event: "connect", then: () => void): void;
  destroy(): void;
}

const streamOf = (client: pg.Client): Stream => (client as unknown as { connection: { stream: Stream } }).connection.stream;

/** Notes on an error whether the port had opened: then what came after was silence. */
function noted(error: unknown, client: pg.Client): unknown {
  return error instanceof Error ? Object.assign(error, { opened: opened.has(client) }) : error;
}

/** RDS asks for TLS, the certificates come with the Lambda runtime; a server without TLS says so, and is met without. */
const plainHosts = new Set<string>();

async function connect(target: Target, timeoutMs: number, silenceMs?: number): Promise<pg.Client> {
  const client = new pg.Client({
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.username,
    password: target.password,
    application_name: OWN,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    ssl: plainHosts.has(target.host) ? false : { rejectUnauthorized: true },
  });
  // A connection that breaks between two queries reports here; the query in flight gets the error itself.
  client.on("error", () => {});
  watchPort(client);
  try {
    await unlessUnheard(client.connect(), streamOf(client), silenceMs);
    return client;
  } catch (error) {
    noted(error, client);
    close(client);
    if (plainHosts.has(target.host) || !/does not support SSL/.test((error as Error).message)) throw error;
    plainHosts.add(target.host);
    return await connect(target, timeoutMs, silenceMs);
  }
}

/** A graceful end waits for the server; a hung one never answers. The socket is closed without asking. */
function close(client: pg.Client): void {
  void client.end().catch(() => {});
  streamOf(client).destroy();
}

export async function withSession<T>(
  target: Target,
  timeoutMs: number,
  work: (client: pg.Client) => Promise<T>,
  silenceMs?: number,
): Promise<T> {
  const client = await connect(target, timeoutMs, silenceMs);
  try {
    return await work(client);
  } catch (error) {
    throw noted(error, client);
  } finally {
    close(client);
  }
}

/** Writes; makes the tables when they are missing. */
async function write(client: pg.Client, sql: string, values: unknown[]): Promise<pg.QueryResult> {
  try {
    return await client.query(sql, values);
  } catch (error) {
    if (!NOT_THERE.includes((error as { code?: string }).code ?? "")) throw error;
    await client.query(TABLES);
    return await client.query(sql, values);
  }
}

/** Commits one heartbeat and this database's count of rows changed (pg_stat_database). Resolves only when the primary has acknowledged it. */
export async function beat(target: Target, heartbeat: Heartbeat, timeoutMs: number): Promise<number | null> {
  return await withSession(target, timeoutMs, async (client) => {
    const { rows } = await write(
      client,
      `insert into understudy.heartbeat (database, at_ms, generation, rows_changed)
       select $1::text, $2::bigint, $3::int, max(tup_inserted + tup_updated + tup_deleted) from pg_stat_database where datname = current_database()
       on conflict (database) do update
       set at_ms = excluded.at_ms, generation = excluded.generation, rows_changed = excluded.rows_changed
       returning rows_changed`,
      [heartbeat.database, heartbeat.atMs, heartbeat.generation],
    );
    return countOf(rows[0]);
  });
}

const countOf = (row: { rows_changed?: unknown } | undefined): number | null =>
  row?.rows_changed == null ? null : Number(row.rows_changed);

/** Commits a row that nobody else writes and reads it back: the database takes writes. Writing the same token twice is one row. */
export async function writeCanary(target: Target, token: string, timeoutMs: number, silenceMs?: number): Promise<void> {
  const writeAndRead = async (client: pg.Client): Promise<void> => {
    await write(client, "insert into understudy.canary (token) values ($1) on conflict (token) do update set at = now()", [token]);
    const { rowCount } = await client.query("select 1 from understudy.canary where token = $1", [token]);
    if (rowCount !== 1) throw new Error(`the canary row ${token} was written and is not there`);
  };
  await withSession(target, timeoutMs, writeAndRead, silenceMs);
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
      ? (await client.query("select * from understudy.heartbeat where database = $1", [database])).rows[0]
      : undefined;
    return {
      inRecovery: row.in_recovery,
      link: row.streaming ? "streaming" : "lost",
      drained: row.drained,
      heartbeatAtMs: heartbeat ? Number(heartbeat.at_ms) : null,
      rowsChanged: countOf(heartbeat),
    };
  });
}

/** A standby that has more to apply does not stand still for so long. */
const STANDS_MS = 2_000;

/**
 * A record is applied when it is whole. Nothing tells a torn one from one not yet applied but that replay, not paused and without a
 * source, stands still. Where it did not stand still for want of a whole record, nothing is lost either: a promotion applies all whole
 * records first, paused or not (PostgreSQL: pg_promote, recovery_target_action).
 */
export async function endsTorn(target: Target, timeoutMs: number): Promise<boolean> {
  return await withSession(target, timeoutMs, async (client) => {
    const look = async () => {
      const { rows } = await client.query(`
        select coalesce((select status = 'streaming' from pg_stat_wal_receiver), false) or pg_is_wal_replay_paused() as busy,
               pg_last_wal_replay_lsn()::text as log`);
      return rows[0] as { busy: boolean; log: string };
    };
    const before = await look();
    if (before.busy) return false;
    await pause(STANDS_MS);
    const after = await look();
    return !after.busy && after.log === before.log;
  });
}

/**
 * A primary: all that is flushed, and so all that was acknowledged (after a commit of our own, asynchronous commits too). A standby:
 * what it has replayed. Transactions as pg_current_snapshot counts them: below the first number all are finished, from the second on
 * none has begun.
 */
export async function position(target: Target, timeoutMs: number): Promise<Position> {
  return await withSession(target, timeoutMs, async (client) => {
    const { rows } = await client.query(`
      select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end::text as log,
             pg_snapshot_xmin(snapshot)::text || ':' || pg_snapshot_xmax(snapshot)::text as transactions
      from pg_current_snapshot() as snapshot`);
    return { log: rows[0].log, transactions: rows[0].transactions };
  });
}

const lsn = (text: string): bigint => {
  const [high = "0", low = "0"] = text.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
};

export const hasReached = (at: Position, wanted: Position): boolean => lsn(at.log) >= lsn(wanted.log);

/** Everybody's but the server's own and RDS's, whose user is a superuser: the master user may end all others (rds_superuser). */
export async function cutSessions(target: Target, timeoutMs: number): Promise<Others> {
  return await withSession(target, timeoutMs, async (client) => {
    const { rows } = await client.query(`
      select usename as user, application_name as application, pg_terminate_backend(pid)
      from pg_stat_activity
      where pid <> pg_backend_pid() and backend_type in ('client backend', 'pg_cron')
        and usename not in (select rolname from pg_roles where rolsuper)`);
    const named = ({ user, application }: Record<string, string>) => (application ? `${user} (${application})` : (user as string));
    return { all: rows.map(named), strangers: rows.filter(({ application }) => application !== OWN).map(named) };
  });
}

/** More than this are not counted one by one. */
const COUNTED = 1_000_000;
const NAMED = 20;

/**
 * Transactions that are committed on the former primary and not in the successor's history. Those that had not begun at the branch
 * are; of those that may have been under way then, the successor says itself how they ended for it. Then the tables that hold rows of
 * theirs, smallest first, while the time lasts. A row that was deleted cannot be seen any more, only the transaction that did it.
 */
export async function alone(
  former: Target,
  successor: Target,
  branch: Position,
  timeoutMs: number,
): Promise<{ count: number; named: string }> {
  const [oldest = "0", next = "0"] = (branch.transactions ?? "").split(":");
  return await withSession(former, timeoutMs, async (client) => {
    const endsAtMs = Date.now() + timeoutMs;
    const { rows: found } = await client.query(
      `select id::text from generate_series($1::bigint, least($1::bigint + ${COUNTED}, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)) as id
       where pg_xact_status(id::text::xid8) = 'committed'`,
      [oldest],
    );
    const committed = found.map(({ id }) => id as string);
    const known = await finished(
      successor,
      committed.filter((id) => BigInt(id) < BigInt(next)),
      timeoutMs,
    );
    const ids = committed.filter((id) => !known.has(id));
    if (ids.length === 0) return { count: 0, named: "no transaction" };
    const shown = `${ids.slice(0, NAMED).join(", ")}${ids.length > NAMED ? `, and ${ids.length - NAMED} more` : ""}`;
    return { count: ids.length, named: `transactions ${shown}; ${await touched(client, ids, endsAtMs)}` };
  });
}

/** Which of these the successor has as committed too. */
async function finished(successor: Target, ids: string[], timeoutMs: number): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  return await withSession(successor, timeoutMs, async (client) => {
    const { rows } = await client.query("select id from unnest($1::text[]) as id where pg_xact_status(id::xid8) = 'committed'", [ids]);
    return new Set(rows.map(({ id }) => id as string));
  });
}

async function touched(client: pg.Client, ids: string[], endsAtMs: number): Promise<string> {
  const { rows: tables } = await client.query(`
    select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema') order by pg_relation_size(pg_class.oid)`);
  const found: string[] = [];
  const unread: string[] = [];
  for (const { name } of tables) {
    if (Date.now() >= endsAtMs) {
      unread.push(name);
      continue;
    }
    // A row keeps the low 32 bits of its transaction.
    const { rows } = await client
      .query(`select count(*)::int as n from ${name} where xmin::text = any ($1)`, [ids.map((id) => String(BigInt(id) % 2n ** 32n))])
      .catch(() => ({ rows: [{ n: -1 }] }));
    if (rows[0].n > 0) found.push(`${rows[0].n} rows in ${name}`);
    if (rows[0].n < 0) unread.push(name);
  }
  const seen = found.length > 0 ? `they hold ${found.join(", ")}` : "no row shows them: they deleted, or are RDS's own";
  return unread.length > 0 ? `${seen} (not read: ${unread.join(", ")})` : seen;
}
