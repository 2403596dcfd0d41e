/** What an offsite dump is made of: where its source stood, its tables, its parts. Plain values, as they are kept and told. Pure. */

/** Version of the form everything offsite is written in (docs/offsite.md). */
export const FORM = 1;

export type EngineOfDump = "postgres" | "mariadb";

/** Where a server stands. */
export interface Stand {
  /** Which server and database: its address and what the server calls itself. */
  readonly server: string;
  readonly startedAtMs: number;
  /** For people: the place in the log. */
  readonly log: string;
  /** Equal at two looks means that not one transaction has become visible between them; null: the server cannot tell. */
  readonly data: string | null;
}

export interface Column {
  readonly name: string;
  readonly type: string;
}

/** How a table is read: by ranges of a unique key, by ranges of its file's blocks, or in one go. */
export type Way = "key" | "blocks" | "whole";

export interface Table {
  /** As SQL writes it, quoted. */
  readonly name: string;
  readonly columns: readonly Column[];
  /** Places in `columns` of the key it is read by; empty where `way` is another. */
  readonly key: readonly number[];
  readonly way: Way;
  /** Of the file, where it is read by blocks. */
  readonly blocks: number;
  /** The statement that takes a part's rows from standard input. */
  readonly load: string;
}

/** What a part holds of its table. Keys are in the engine's text form. */
export type Place =
  | { readonly by: "key"; readonly first: readonly string[]; readonly last: readonly string[] }
  | { readonly by: "blocks"; readonly from: number; readonly to: number }
  | { readonly by: "whole"; readonly ordinal: number };

export interface Part {
  /** Counts through the whole dump, from 1. */
  readonly number: number;
  /** Place in the dump's list of tables. */
  readonly table: number;
  readonly rows: number;
  readonly plainBytes: number;
  readonly plainSha256: string;
  readonly storedBytes: number;
  readonly storedSha256: string;
  /** The provider's own word for these bytes: another one later means that somebody has written over them. */
  readonly etag: string;
  readonly place: Place;
  /** No rows of the table follow. */
  readonly ends: boolean;
  /** Gives the same rows again after a restore; null where their order may differ on another server. */
  readonly check: string | null;
}

/** What is settled before the first row is read. */
export interface Start {
  readonly form: typeof FORM;
  readonly id: string;
  readonly engine: EngineOfDump;
  readonly version: string;
  readonly database: string;
  /** The server's clock when its snapshot was taken. */
  readonly momentMs: number;
  readonly stand: Stand;
  readonly tables: readonly Table[];
  /** What of the database the dump does not hold, accepted by whoever ordered it. */
  readonly notCarried: readonly string[];
}

/** One of the few other objects: the schema and the index. */
export interface Piece {
  readonly name: string;
  readonly storedBytes: number;
  readonly storedSha256: string;
}

/** Written last: a dump without one is no dump. */
export interface Manifest extends Start {
  readonly finishedAtMs: number;
  readonly pieces: readonly Piece[];
  readonly parts: readonly Part[];
  readonly totals: Totals;
}

export interface Totals {
  readonly tables: number;
  readonly parts: number;
  readonly rows: number;
  readonly plainBytes: number;
  readonly storedBytes: number;
}

export function totalsOf(tables: readonly Table[], parts: readonly Part[]): Totals {
  const sum = (of: (part: Part) => number) => parts.reduce((total, part) => total + of(part), 0);
  return {
    tables: tables.length,
    parts: parts.length,
    rows: sum(({ rows }) => rows),
    plainBytes: sum(({ plainBytes }) => plainBytes),
    storedBytes: sum(({ storedBytes }) => storedBytes),
  };
}

const six = (number: number): string => String(number).padStart(6, "0");

/** The names of a dump's objects inside its folder. What each holds is sealed under its name. */
export const NAMES = {
  start: "start",
  pre: "schema-pre",
  post: "schema-post",
  index: "index",
  manifest: "manifest",
  part: (number: number): string => `parts/${six(number)}`,
  receipt: (number: number): string => `receipts/${six(number)}`,
} as const;

/** A dump's folder begins with its moment, so that names sort by age. `token` keeps two of one second apart. */
export const dumpId = (atMs: number, token: string): string =>
  `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z-${token}`;
