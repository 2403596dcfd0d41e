/**
 * What a dump asks of a database, whichever it is: one snapshot that stands still, its schema as SQL, and rows in bulk text form. The
 * engines' own ways are in postgres-source.ts and mariadb-source.ts.
 */

import type { EngineOfDump, Place, Stand, Table } from "../core/offsite-dump.ts";
import type { Load } from "../core/offsite-throttle.ts";
import { Problem } from "../core/problem.ts";
import type { Target } from "../databases/engines.ts";

export type Slice =
  /** So many rows behind the key `after`, or from the first. */
  | { readonly by: "key"; readonly after: readonly string[] | null; readonly rows: number }
  | { readonly by: "blocks"; readonly from: number; readonly to: number }
  | { readonly by: "whole" };

export interface Schema {
  /** Run before the rows are loaded. */
  readonly pre: string;
  /** Run after them: indexes, constraints, triggers. */
  readonly post: string;
}

export interface Snapshot {
  readonly version: string;
  readonly momentMs: number;
  readonly stand: Stand;
  readonly tables: readonly Table[];
  readonly schema: Schema;
  /** What of the database is not in `schema` and `tables`: one sentence a kind, with names. */
  readonly notCarried: readonly string[];
}

export interface Source {
  readonly engine: EngineOfDump;
  readonly snapshot: Snapshot;
  /**
   * Rows of the snapshot, cut anywhere. Ends with CutShort when the server has ended the query after `limitMs`: what came until then is
   * a beginning of the slice. Slices of "whole" are not limited.
   */
  rows(table: Table, slice: Slice, limitMs: number): AsyncIterable<Buffer>;
  /** The key in a row as `rows` gives it. */
  keyOf(table: Table, row: string): string[];
  /** A statement that gives a part's rows again; null where no order is sure. */
  check(table: Table, place: Place): string | null;
  /** Of the server, between two slices. */
  load(): Promise<Load>;
  close(): void;
}

export class CutShort extends Error {}

/** An error of the server's before the first row, as a person reads it. */
export function cannotOpen(target: Target, cause: unknown): Problem {
  if (cause instanceof Problem) return cause;
  return new Problem("SourceRefused", `${target.host}:${target.port} cannot be dumped: ${(cause as Error).message}`, {
    hint: "Give the dump's user the right to read every table and definition. If a table is being changed, run it again afterwards.",
    cause,
  });
}
