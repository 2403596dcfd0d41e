/**
 * A MariaDB database as a dump reads it: one transaction WITH CONSISTENT SNAPSHOT, rows by SELECT in LOAD DATA's form. It stands where it
 * stood as long as its binary log does. Tables without a usable key are read in one go.
 */
import type { Place, Stand, Table } from "../core/offsite-dump.ts";
import { fieldsOf, unescaped } from "../core/offsite-rows.ts";
import type { Load } from "../core/offsite-throttle.ts";
import { Problem } from "../core/problem.ts";
import type { Target } from "../databases/engines.ts";
import { literal, quoted } from "./mariadb-columns.ts";
import { mariaDbSchema } from "./mariadb-schema.ts";
import { MariaDbSession, TIMED_OUT } from "./mariadb-session.ts";
import { listTables } from "./mariadb-tables.ts";
import { CutShort, cannotOpen, type Slice, type Snapshot, type Source } from "./source.ts";

const LOOKS = 20;
const SILENCE_MS = 30_000;

/**
 * Values in full, times in UTC, nobody kept waiting long for a lock; the session outlives uploads. What this server does not know of it
 * (older ones lack some) is no loss.
 */
const SETTINGS = [
  "set session time_zone = '+00:00'",
  "set session sql_mode = ''",
  "set session sql_quote_show_create = 1",
  "set session lock_wait_timeout = 5",
  "set session net_write_timeout = 600",
  "set session wait_timeout = 3600",
  "set session transaction isolation level repeatable read",
];

export async function openMariaDb(target: Target): Promise<Source> {
  const session = await MariaDbSession.open(target);
  const looker = await MariaDbSession.open(target).catch((error) => {
    session.close();
    throw error;
  });
  try {
    for (const setting of SETTINGS) await session.query(setting);
    const stand = await freeze(session, target);
    const [server] = await session.query("select version() as version, cast(unix_timestamp(now(3)) * 1000 as unsigned) as moment_ms");
    const { tables, rows, indexes, notCarried } = await listTables(session, target.database);
    const { schema, notTold } = await mariaDbSchema(session, target.database);
    return new MariaDbSource(session, looker, rows, indexes, {
      version: server?.version ?? "",
      momentMs: Number(server?.moment_ms),
      stand,
      tables,
      schema,
      notCarried: [...notCarried, ...notTold],
    });
  } catch (error) {
    session.close();
    looker.close();
    throw cannotOpen(target, error);
  }
}

/** The snapshot's place in the log is sure where the log stood at the same place before and after it was taken. */
async function freeze(session: MariaDbSession, target: Target): Promise<Stand> {
  let stand = await standOf(session, target);
  for (let look = 1; look <= LOOKS; look++) {
    await session.query("start transaction with consistent snapshot, read only");
    const after = await standOf(session, target);
    if (after.data === null || after.data === stand.data) return after;
    await session.query("rollback");
    stand = await standOf(session, target);
  }
  // A busy source is dumped as it is, in one go: its place is the snapshot's, and nobody goes on from there.
  await session.query("start transaction with consistent snapshot, read only");
  return { ...stand, log: `about ${stand.log}`, data: null };
}

async function standOf(session: MariaDbSession, target: Target): Promise<Stand> {
  const [server] = await session.query(`
    select @@global.server_id as id, @@global.gtid_current_pos as gtid, @@global.log_bin as log_bin, @@global.read_only as read_only,
      cast(unix_timestamp(now(3)) * 1000 as unsigned) as now_ms`);
  const [uptime] = await session.query("show global status like 'Uptime'");
  const [log] = await session.query("show master status");
  const place = log ? `${log.File}:${log.Position}` : "no binary log";
  // Without a log of its own, only what comes from the source is seen.
  const says = log !== undefined || (server?.read_only === "1" && server?.gtid !== "");
  return {
    server: `${target.host}:${target.port}/${target.database} (${server?.id})`,
    startedAtMs: Number(server?.now_ms) - Number(uptime?.Value) * 1000,
    log: server?.gtid ? `${server.gtid} (${place})` : place,
    data: says ? `${server?.gtid} ${place}` : null,
  };
}

class MariaDbSource implements Source {
  readonly engine = "mariadb";
  readonly snapshot: Snapshot;
  private readonly session: MariaDbSession;
  /** Looks at the server while a long answer is under way. */
  private readonly looker: MariaDbSession;
  /** The expression that makes a row, by table. */
  private readonly expressions: ReadonlyMap<string, string>;
  private readonly indexes: ReadonlyMap<string, string>;

  constructor(
    session: MariaDbSession,
    looker: MariaDbSession,
    expressions: ReadonlyMap<string, string>,
    indexes: ReadonlyMap<string, string>,
    snapshot: Snapshot,
  ) {
    this.session = session;
    this.looker = looker;
    this.expressions = expressions;
    this.indexes = indexes;
    this.snapshot = snapshot;
  }

  /** A statement that ran out of its time leaves the transaction alone. */
  async *rows(table: Table, slice: Slice, limitMs: number): AsyncGenerator<Buffer> {
    const limit = slice.by === "key" ? `set statement max_statement_time = ${limitMs / 1000} for ` : "";
    try {
      yield* this.session.lines(limit + this.select(table, slice), SILENCE_MS + limitMs);
    } catch (cause) {
      if ((cause as { errno?: number }).errno === TIMED_OUT && slice.by === "key") throw new CutShort();
      throw new Problem("SourceLost", `reading ${table.name}: ${(cause as Error).message}`, {
        hint: "What is finished is kept: run it again. After a change of the table's form, the dump begins anew by itself.",
        retry: true,
        cause,
      });
    }
  }

  keyOf(table: Table, row: string): string[] {
    const fields = fieldsOf(row);
    return table.key.map((place) => unescaped(fields[place] ?? ""));
  }

  check(table: Table, place: Place): string | null {
    if (place.by !== "key") return null;
    return `${this.from(table)} where (${beyond(table, place.first, ">=")}) and (${beyond(table, place.last, "<=")}) order by ${keyList(table)}`;
  }

  async load(): Promise<Load> {
    const [threads] = await this.looker.query("show global status like 'Threads_running'");
    const [replica] = await this.looker.query("show replica status");
    const lag = replica?.Seconds_Behind_Master ?? null;
    return { lagSeconds: lag === null ? null : Number(lag), runningThreads: Number(threads?.Value) };
  }

  close(): void {
    this.session.close();
    this.looker.close();
  }

  private select(table: Table, slice: Slice): string {
    if (slice.by !== "key") return this.from(table);
    const behind = slice.after === null ? "" : ` where ${beyond(table, slice.after, ">")}`;
    return `${this.from(table)} force index (${this.indexes.get(table.name)})${behind} order by ${keyList(table)} limit ${slice.rows}`;
  }

  private from(table: Table): string {
    return `select ${this.expressions.get(table.name)} from ${table.name}`;
  }
}

const keyColumns = (table: Table) => table.key.map((place) => table.columns[place] as Table["columns"][number]);
const keyList = (table: Table): string =>
  keyColumns(table)
    .map(({ name }) => quoted(name))
    .join(", ");

/** (a, b) > (x, y) written out: the server finds its way through an index only so. */
function beyond(table: Table, key: readonly string[], sign: ">" | ">=" | "<="): string {
  const columns = keyColumns(table);
  const strict = sign === "<=" ? "<" : ">";
  const ways = columns.map((column, at) => {
    const same = columns.slice(0, at).map((earlier, place) => `${quoted(earlier.name)} = ${literal(earlier, key[place] ?? "")}`);
    const last = `${quoted(column.name)} ${at === columns.length - 1 ? sign : strict} ${literal(column, key[at] ?? "")}`;
    return `(${[...same, last].join(" and ")})`;
  });
  const [first] = columns as [Table["columns"][number]];
  return `${quoted(first.name)} ${strict}= ${literal(first, key[0] ?? "")} and (${ways.join(" or ")})`;
}
