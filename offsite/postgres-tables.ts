/** The tables of a PostgreSQL database that hold rows of their own: their columns, and the key each can be read by. */
import pg from "pg";
import type { Table } from "../core/offsite-dump.ts";
import { rowsOf } from "./postgres-session.ts";

/** What an extension has brought comes back with it. */
export const ours = (catalogue: string, oid: string): string =>
  `not exists (select from pg_depend e where e.classid = '${catalogue}'::regclass and e.objid = ${oid} and e.deptype = 'e')`;
export const OUR_SCHEMAS = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

interface TableRow {
  readonly oid: string;
  readonly name: string;
  readonly blocks: string;
  readonly columns: { num: number; name: string; type: string; collates: boolean }[];
  /** Column numbers of a unique index without expressions, conditions and NULLs. */
  readonly key: number[] | null;
}

const TABLES = `
  select c.oid::int8::text as oid, format('%I.%I', n.nspname, c.relname) as name, pg_relation_size(c.oid) / current_setting('block_size')::int8 as blocks,
    coalesce((select json_agg(json_build_object('num', a.attnum, 'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
        'collates', a.attcollation <> 0 and coalesce(case when l.collprovider = 'd' then d.datcollate else l.collcollate end, '') not in ('C', 'POSIX'))
        order by a.attnum)
      from pg_attribute a left join pg_collation l on l.oid = a.attcollation
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''), '[]') as columns,
    (select array_to_json(i.indkey::int2[]) from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
      where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null and m.amname = 'btree'
        and i.indnatts = i.indnkeyatts
        and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum = any (i.indkey) and (not a.attnotnull or a.attgenerated <> ''))
      order by i.indisprimary desc, i.indnatts, x.relname limit 1) as key
  from pg_class c join pg_namespace n on n.oid = c.relnamespace, pg_database d
  where d.datname = current_database() and c.relkind = 'r' and c.relpersistence <> 't' and ${OUR_SCHEMAS} and ${ours("pg_class", "c.oid")}
  order by 2`;

export interface PostgresTable extends Table {
  readonly oid: string;
  /** The key's order is a collation's, which may differ on another server. */
  readonly collates: boolean;
}

const quoted = pg.escapeIdentifier;

export async function listTables(client: pg.Client): Promise<PostgresTable[]> {
  const rows = await rowsOf<TableRow>(client, TABLES);
  return rows.map(({ oid, name, blocks, columns, key }) => {
    const places = (key ?? []).map((number) => columns.findIndex(({ num }) => num === number));
    const usable = places.length > 0 && !places.includes(-1);
    return {
      oid,
      name,
      columns: columns.map(({ name, type }) => ({ name, type })),
      key: usable ? places : [],
      way: usable ? "key" : "blocks",
      blocks: Number(blocks),
      load: `COPY ${name}${columns.length > 0 ? ` (${columns.map((column) => quoted(column.name)).join(", ")})` : ""} FROM STDIN`,
      collates: places.some((place) => columns[place]?.collates ?? false),
    };
  });
}

export const columnList = (table: Table): string => table.columns.map(({ name }) => quoted(name)).join(", ");
export const keyList = (table: Table): string => table.key.map((place) => quoted(table.columns[place]?.name ?? "")).join(", ");

/** A key of the text form as a row of the columns' types. Tabs and newlines are written, so that it fits one line. */
export function keyRow(table: Table, key: readonly string[]): string {
  const values = table.key.map((place, at) => `${literal(key[at] ?? "")}::${table.columns[place]?.type}`);
  return `(${values.join(", ")})`;
}

const literal = (value: string): string =>
  `E'${value.replaceAll("\\", "\\\\").replaceAll("'", "''").replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}'`;
