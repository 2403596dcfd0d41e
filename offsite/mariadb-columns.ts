/**
 * How MariaDB's columns travel as text: what a column's field is made of when it is read, and what is done with it when it is loaded.
 * Bytes go as hexadecimal, since LOAD DATA would read them as characters. Floats go as doubles, which are written in full.
 */

export interface MariaDbColumn {
  readonly name: string;
  /** As information_schema names it, without length. */
  readonly type: string;
  /** Null for what is no text. */
  readonly charset: string | null;
  /** "YES" or "NO". */
  readonly nullable: string;
}

type Kind = "plain" | "text" | "bytes" | "float" | "bits";

const PLAIN = /^(tinyint|smallint|mediumint|int|bigint|decimal|double|date|datetime|timestamp|time|year|uuid|inet4|inet6)$/;
const TEXT = /^(char|varchar|tinytext|text|mediumtext|longtext|enum|set|json)$/;
const BYTES =
  /^(binary|varbinary|tinyblob|blob|mediumblob|longblob|geometry|point|linestring|polygon|multipoint|multilinestring|multipolygon|geometrycollection)$/;

/** null: a type this form does not know. */
export function kindOf({ type }: MariaDbColumn): Kind | null {
  if (PLAIN.test(type)) return "plain";
  if (TEXT.test(type)) return "text";
  if (BYTES.test(type)) return "bytes";
  if (type === "float") return "float";
  return type === "bit" ? "bits" : null;
}

export const quoted = (name: string): string => `\`${name.replaceAll("`", "``")}\``;
const hex = (text: string): string => Buffer.from(text).toString("hex");

/**
 * The marks LOAD DATA reads by: a backslash, a tab, a newline; and a zero byte, which clients stop at. As bytes, so that no collation has
 * a say.
 */
const ESCAPES = [
  ["x'5c'", "x'5c5c'"],
  ["x'09'", "x'5c74'"],
  ["x'0a'", "x'5c6e'"],
  ["x'00'", "x'5c30'"],
] as const;

/** Character sets whose bytes are those of utf8mb4. */
const IS_UTF8 = /^(utf8mb4|utf8mb3|utf8|ascii)$/;

function field(column: MariaDbColumn): string {
  const name = quoted(column.name);
  switch (kindOf(column)) {
    case "text": {
      const bytes = `cast(${IS_UTF8.test(column.charset ?? "") ? name : `convert(${name} using utf8mb4)`} as binary)`;
      return ESCAPES.reduce((text, [mark, escaped]) => `replace(${text}, ${mark}, ${escaped})`, bytes);
    }
    case "bytes":
      return `hex(${name})`;
    case "float":
      return `cast(${name} as double)`;
    case "bits":
      return `cast(${name} as unsigned)`;
    default:
      return name;
  }
}

/**
 * One expression for a whole row, of bytes, as the tab between two fields is. It is NULL when the server could not make it, never shorter
 * than the row. The server spends most of its time on it, so it does nothing that need not be.
 */
export function rowExpression(columns: readonly MariaDbColumn[]): string {
  const fields = columns.map((column) => (column.nullable === "NO" ? field(column) : `ifnull(${field(column)}, x'5c4e')`));
  return columns.length === 1 ? `cast(${fields[0]} as binary)` : `concat(${fields.join(", x'09', ")})`;
}

/** The statement that reads such rows from standard input. */
export function loadStatement(table: string, columns: readonly MariaDbColumn[]): string {
  const names: string[] = [];
  const sets: string[] = [];
  for (const [place, column] of columns.entries()) {
    const kind = kindOf(column);
    if (kind !== "bytes" && kind !== "bits") names.push(quoted(column.name));
    else {
      names.push(`@c${place}`);
      sets.push(`${quoted(column.name)} = ${kind === "bytes" ? `unhex(@c${place})` : `cast(@c${place} as unsigned)`}`);
    }
  }
  const set = sets.length > 0 ? ` SET ${sets.join(", ")}` : "";
  return `LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE ${table} CHARACTER SET utf8mb4 (${names.join(", ")})${set}`;
}

/** Types whose order in an index is the order of their literals. */
const KEYS = /^(tinyint|smallint|mediumint|int|bigint|decimal|char|varchar|binary|varbinary|date|datetime|timestamp|uuid)$/;
export const canBeKey = ({ type }: MariaDbColumn): boolean => KEYS.test(type);

/** A key's value, out of a row's field, as SQL. */
export function literal(column: Pick<MariaDbColumn, "type">, value: string): string {
  if (/^(tinyint|smallint|mediumint|int|bigint|decimal)$/.test(column.type)) return value;
  if (/binary$/.test(column.type)) return `x'${value}'`;
  if (/^(date|datetime|timestamp|uuid)$/.test(column.type)) return `'${value}'`;
  return `_utf8mb4 x'${hex(value)}'`;
}
