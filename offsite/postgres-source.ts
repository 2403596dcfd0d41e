/**
 * A PostgreSQL database as a dump reads it: one REPEATABLE READ transaction, rows by COPY in text form. It stands where it stood as long
 * as its snapshot reads the same: every transaction that writes takes an id, and ids do not come back.
 */
import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import type { Place, Table } from "../core/offsite-dump.ts";
import { fieldsOf, unescaped } from "../core/offsite-rows.ts";
import type { Load } from "../core/offsite-throttle.ts";
import { Problem } from "../core/problem.ts";
import type { Target } from "../databases/engines.ts";
import { postgresSchema } from "./postgres-schema.ts";
import { closeSession, openSession, rowsOf } from "./postgres-session.ts";
import { columnList, keyList, keyRow, listTables, type PostgresTable } from "./postgres-tables.ts";
import { unlessSilent } from "./silence.ts";
import { CutShort, cannotOpen, type Slice, type Snapshot, type Source } from "./source.ts";

/** query_canceled: statement_timeout is over. */
const CANCELLED = "57014";
const LOOKS = 5;
/** A server that has said nothing for so long after its own limit has gone or hangs. */
const SILENCE_MS = 30_000;

interface Where {
  readonly version: string;
  readonly moment_ms: string;
  readonly started_ms: string;
  readonly system: string;
  readonly standby: boolean;
  readonly log: string;
  readonly snapshot: string;
}

const WHERE = `
  select current_setting('server_version') as version, (extract(epoch from now()) * 1000)::int8 as moment_ms,
    (extract(epoch from pg_postmaster_start_time()) * 1000)::int8 as started_ms,
    (select system_identifier::text from pg_control_system()) as system, pg_is_in_recovery() as standby,
    (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as log,
    pg_current_snapshot()::text as snapshot`;

/** What the statistics said before is forgotten first: a transaction keeps it. */
const LOAD = `
  select case when pg_is_in_recovery() then case when pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()
      then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 else 0 end
    else (select extract(epoch from max(replay_lag))::float8 from pg_stat_replication) end as lag,
    (select count(*)::int from pg_stat_activity where state = 'active' and backend_type = 'client backend') as threads
  from (select pg_stat_clear_snapshot()) as fresh`;

export async function openPostgres(target: Target): Promise<Source> {
  const client = await openSession(target);
  try {
    const tables = await freeze(client);
    const [where] = await rowsOf<Where>(client, WHERE);
    return new PostgresSource(client, tables, {
      ...asSnapshot(target, where as Where),
      tables: tables.map(({ oid, collates, ...table }) => table),
      ...(await postgresSchema(client)),
    });
  } catch (error) {
    closeSession(client);
    throw cannotOpen(target, error);
  }
}

/** The transaction's moment is taken once every table is locked against changes of its form, and none has come meanwhile. */
async function freeze(client: pg.Client): Promise<PostgresTable[]> {
  for (let look = 1; look <= LOOKS; look++) {
    const before = await listTables(client);
    await client.query("begin transaction isolation level repeatable read, read only");
    for (const { name } of before) await client.query(`lock table ${name} in access share mode`);
    const tables = await listTables(client);
    if (JSON.stringify(tables.map(form)) === JSON.stringify(before.map(form))) return tables;
    await client.query("rollback");
  }
  throw new Problem("SchemaMoves", "tables are made or changed while the dump looks at them", {
    hint: "Run it again when the migration is over, or dump a standby.",
    retry: true,
  });
}

const form = ({ blocks, ...rest }: PostgresTable) => rest;

function asSnapshot(target: Target, where: Where): Pick<Snapshot, "version" | "momentMs" | "stand"> {
  const [xmin, xmax] = where.snapshot.split(":");
  // In recovery the snapshot does not list who is under way: only where nobody is, it says all.
  const says = !where.standby || xmin === xmax;
  return {
    version: where.version,
    momentMs: Number(where.moment_ms),
    stand: {
      server: `${target.host}:${target.port}/${target.database} (${where.system})`,
      startedAtMs: Number(where.started_ms),
      log: where.log,
      data: says ? where.snapshot : null,
    },
  };
}

class PostgresSource implements Source {
  readonly engine = "postgres";
  readonly snapshot: Snapshot;
  private readonly client: pg.Client;
  private readonly collating: ReadonlySet<string>;

  constructor(client: pg.Client, tables: readonly PostgresTable[], snapshot: Snapshot) {
    this.client = client;
    this.snapshot = snapshot;
    this.collating = new Set(tables.filter(({ collates }) => collates).map(({ name }) => name));
  }

  /** A query that is cut short takes its savepoint with it and leaves the transaction's moment alone. */
  async *rows(table: Table, slice: Slice, limitMs: number): AsyncGenerator<Buffer> {
    await this.client.query(`savepoint slice; set local statement_timeout = ${limitMs}`);
    const stream = this.client.query(copyTo(`COPY (${select(table, slice)}) TO STDOUT`, { highWaterMark: 1 << 20 }));
    const pieces = stream[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await unlessSilent(pieces.next(), SILENCE_MS + limitMs);
        if (done) break;
        yield value as Buffer;
      }
    } catch (cause) {
      if ((cause as { code?: string }).code === CANCELLED && /statement timeout/.test((cause as Error).message)) {
        await this.client.query("rollback to savepoint slice; release savepoint slice");
        throw new CutShort();
      }
      throw lost(table, cause);
    }
    await this.client.query("release savepoint slice; set local statement_timeout = '60s'");
  }

  keyOf(table: Table, row: string): string[] {
    const fields = fieldsOf(row);
    return table.key.map((place) => unescaped(fields[place] ?? ""));
  }

  check(table: Table, place: Place): string | null {
    if (place.by !== "key" || this.collating.has(table.name)) return null;
    const within = `(${keyList(table)}) >= ${keyRow(table, place.first)} and (${keyList(table)}) <= ${keyRow(table, place.last)}`;
    return `COPY (select ${columnList(table)} from only ${table.name} where ${within} order by ${keyList(table)}) TO STDOUT`;
  }

  async load(): Promise<Load> {
    const [load] = await rowsOf<{ lag: number | null; threads: number }>(this.client, LOAD);
    return { lagSeconds: load?.lag ?? null, runningThreads: load?.threads ?? 0 };
  }

  close(): void {
    closeSession(this.client);
  }
}

function select(table: Table, slice: Slice): string {
  const from = `select ${columnList(table)} from only ${table.name}`;
  if (slice.by === "whole") return from;
  // A block's last place is never above 65535.
  if (slice.by === "blocks") return `${from} where ctid >= '(${slice.from},0)' and ctid < '(${slice.to},0)'`;
  const behind = slice.after === null ? "" : ` where (${keyList(table)}) > ${keyRow(table, slice.after)}`;
  return `${from}${behind} order by ${keyList(table)} limit ${slice.rows}`;
}

function lost(table: Table, cause: unknown): Problem {
  return new Problem("SourceLost", `reading ${table.name}: ${(cause as Error).message}`, {
    hint: "What is finished is kept. Run it again; if a standby cancels it, dump a restored instance, or let it wait (max_standby_streaming_delay).",
    retry: true,
    cause,
  });
}
