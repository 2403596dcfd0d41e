/**
 * The manifest as plain lines, for a shell that reads nothing but fields parted by tabs (offsite/restore.sh). An empty field would
 * vanish there: "-" stands for nothing. Pure.
 */
import { type Manifest, NAMES, type Part, type Piece, type Table } from "./offsite-dump.ts";

type Told = Omit<Manifest, "pieces"> & { readonly pieces: readonly Piece[] };

export function indexOf({ form, id, engine, version, database, momentMs, stand, tables, notCarried, pieces, parts, totals }: Told): string {
  const lines: (string | number)[][] = [
    ["form", form],
    ["dump", id],
    ["engine", engine],
    ["version", version],
    ["database", database],
    ["moment", new Date(momentMs).toISOString()],
    ["log", stand.log],
    ["total", totals.tables, totals.parts, totals.rows, totals.plainBytes, totals.storedBytes],
    ...notCarried.map((what) => ["missing", what]),
    ...pieces.map(({ name, storedBytes, storedSha256 }) => ["piece", name, storedBytes, storedSha256]),
    ...tables.map((table, place) => ["table", place, rowsOf(place, parts), table.name, table.load]),
    ...parts.map((part) => ["part", NAMES.part(part.number), part.table, part.rows, part.storedBytes, part.storedSha256, ...checkOf(part)]),
  ];
  return lines.map((fields) => `${fields.map(oneField).join("\t")}\n`).join("");
}

const rowsOf = (table: number, parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + (part.table === table ? part.rows : 0), 0);

const checkOf = ({ check, plainSha256 }: Part): [string, string] => [plainSha256, check ?? ""];

function oneField(value: string | number): string {
  const text = String(value);
  if (/[\t\n\r]/.test(text)) throw new Error(`a tab or a newline stands in "${text}", which has to be one field of the index`);
  return text === "" ? "-" : text;
}

/** Names the index cannot carry, so that they are found before the first row is read. */
export const unspeakable = (tables: readonly Pick<Table, "name" | "load">[]): string[] =>
  tables.filter(({ name, load }) => /[\t\n\r]/.test(name + load)).map(({ name }) => JSON.stringify(name));
