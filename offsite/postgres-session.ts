/**
 * One session of a dump on a PostgreSQL server: all in one transaction that sees one moment, and writes everything in the form that does
 * not depend on the server's own settings.
 */
import pg from "pg";
import { Problem } from "../core/problem.ts";
import type { Target } from "../databases/engines.ts";

const CONNECT_MS = 10_000;

/**
 * Names in full, values that survive a round trip, no rows silently left out by row security, nobody kept waiting long for a lock.
 * The server's patience with an idle session is switched off, as an upload may take a while. Slices follow an index: sorting would read
 * the whole table for each.
 */
const SETTINGS = `
  set client_encoding = 'UTF8'; set search_path = ''; set row_security = off; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
  set timezone = 'UTC'; set extra_float_digits = 1; set bytea_output = 'hex'; set xmlbinary = 'base64';
  set standard_conforming_strings = on; set lock_timeout = '5s'; set statement_timeout = '60s';
  set idle_in_transaction_session_timeout = 0; set synchronize_seqscans = off;
  set enable_sort = off; set enable_incremental_sort = off; set max_parallel_workers_per_gather = 0; set jit = off`;

export async function openSession(target: Target, tls = true): Promise<pg.Client> {
  const client = new pg.Client({
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.username,
    password: target.password,
    application_name: "understudy-offsite",
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    ssl: tls ? { rejectUnauthorized: true } : false,
  });
  // A connection that breaks between two queries reports here; the query in flight gets the error itself.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query(SETTINGS);
    return client;
  } catch (cause) {
    closeSession(client);
    if (tls && /does not support SSL/.test((cause as Error).message)) return await openSession(target, false);
    throw new Problem("SourceUnreachable", `${target.host}:${target.port} cannot be dumped: ${(cause as Error).message}`, {
      hint: "Look whether the source runs, lets this function in and knows the password. Nothing is lost: run it again.",
      retry: true,
      cause,
    });
  }
}

/** A graceful end waits for the server; a hung one never answers. */
export function closeSession(client: pg.Client): void {
  void client.end().catch(() => {});
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

export async function rowsOf<Row extends pg.QueryResultRow>(client: pg.Client, sql: string, values: unknown[] = []): Promise<Row[]> {
  return (await client.query<Row>(sql, values)).rows;
}
