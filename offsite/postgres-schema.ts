/**
 * A PostgreSQL database's schema as SQL of the server's own making (pg_get_*def): what rows need before they are loaded, and what is
 * built afterwards. Owners and grants are the restored server's own. What it cannot tell is listed, never left out in silence.
 */
import type pg from "pg";
import { inOrder } from "../core/offsite-order.ts";
import { notCarried } from "./postgres-not-carried.ts";
import { EARLY, NEEDS } from "./postgres-schema-early.ts";
import { LATE } from "./postgres-schema-late.ts";
import { rowsOf } from "./postgres-session.ts";
import type { Snapshot } from "./source.ts";

interface Statement {
  readonly id: string;
  readonly statement: string;
}

/** Bodies of functions are believed: what they speak of may come later. */
const HEAD = `set client_encoding = 'UTF8';
set standard_conforming_strings = on;
set check_function_bodies = off;
set search_path = '';
set client_min_messages = warning;
`;

export async function postgresSchema(client: pg.Client): Promise<Pick<Snapshot, "schema" | "notCarried">> {
  const early: Statement[] = [];
  for (const sql of EARLY) early.push(...(await rowsOf<Statement>(client, sql)));
  const needs = await rowsOf<{ id: string; needed: string }>(client, NEEDS);
  const late: Statement[] = [];
  for (const sql of LATE) late.push(...(await rowsOf<Statement>(client, sql)));
  const pre = inOrder(
    early,
    needs.map(({ id, needed }) => [id, needed] as const),
  );
  return {
    schema: { pre: asScript(pre), post: asScript(late) },
    notCarried: await notCarried(client),
  };
}

const asScript = (statements: readonly Statement[]): string =>
  HEAD + statements.map(({ statement }) => `${statement.replace(/;?\s*$/, "")};\n`).join("");
