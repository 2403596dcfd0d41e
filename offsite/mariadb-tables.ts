/** The tables of a MariaDB database: their columns as they travel, and the key each can be read by. Names what this form cannot hold. */
import type { Table } from "../core/offsite-dump.ts";
import { canBeKey, kindOf, loadStatement, type MariaDbColumn, quoted, rowExpression } from "./mariadb-columns.ts";
import type { MariaDbSession } from "./mariadb-session.ts";

const text = (value: string): string => `_utf8mb4 x'${Buffer.from(value).toString("hex")}'`;

export interface Tables {
  readonly tables: readonly Table[];
  /** The expression that makes a row, by table. */
  readonly rows: ReadonlyMap<string, string>;
  /** The index of the key a table is read by, by table. */
  readonly indexes: ReadonlyMap<string, string>;
  readonly notCarried: readonly string[];
}

export async function listTables(session: MariaDbSession, database: string): Promise<Tables> {
  const here = `table_schema = ${text(database)}`;
  const found = await session.query(
    `select table_name as name, engine, table_type as kind from information_schema.tables where ${here} and table_type in ('BASE TABLE', 'SYSTEM VERSIONED') order by table_name`,
  );
  const columns = await session.query(`
    select table_name as place, column_name as name, data_type as type, character_set_name as charset, column_type as full,
      is_nullable as nullable
    from information_schema.columns where ${here} and is_generated = 'NEVER' order by table_name, ordinal_position`);
  const keys = await session.query(`
    select s.table_name as place, s.index_name as name, group_concat(s.column_name order by s.seq_in_index separator '\\n') as columns
    from information_schema.statistics s where s.${here} and s.non_unique = 0 and s.index_type = 'BTREE'
    group by s.table_name, s.index_name having sum(s.nullable = 'YES') = 0 and sum(s.sub_part is not null) = 0 and sum(s.column_name is null) = 0
    order by s.table_name, s.index_name = 'PRIMARY' desc, count(*), s.index_name`);

  const tables: Table[] = [];
  const rows = new Map<string, string>();
  const indexes = new Map<string, string>();
  const strange: string[] = [];
  for (const { name, engine, kind } of found as { name: string; engine: string | null; kind: string }[]) {
    const own = columns.filter(({ place }) => place === name) as unknown as MariaDbColumn[];
    const table = quoted(name);
    if (kind === "SYSTEM VERSIONED") strange.push(`the history of the system-versioned table ${table}`);
    if (engine !== "InnoDB") strange.push(`one moment of ${table}: its engine ${engine} knows no transactions`);
    const unknown = own.filter((column) => kindOf(column) === null);
    for (const column of unknown) strange.push(`the column ${table}.${quoted(column.name)} of the type ${column.type}`);
    const carried = own.filter((column) => kindOf(column) !== null);
    const usable = keys
      .filter(({ place }) => place === name)
      .map((key) => ({ index: key.name ?? "", places: placesOf(key.columns ?? "", carried) }))
      .find(({ places }) => places.every((place) => place >= 0 && canBeKey(carried[place] as MariaDbColumn)));
    if (usable) indexes.set(table, quoted(usable.index));
    rows.set(table, rowExpression(carried));
    tables.push({
      name: table,
      columns: carried.map((column) => ({ name: column.name, type: column.type })),
      key: usable?.places ?? [],
      way: usable ? "key" : "whole",
      blocks: 0,
      load: loadStatement(table, carried),
    });
  }
  return { tables, rows, indexes, notCarried: strange };
}

const placesOf = (names: string, columns: readonly MariaDbColumn[]): number[] =>
  names.split("\n").map((each) => columns.findIndex(({ name }) => name === each));
