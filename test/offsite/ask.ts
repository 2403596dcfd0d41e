/** Asks a PostgreSQL of a test, one statement after the other; the rows of the last. */
import pg from "pg";
import type { Target } from "../../databases/engines.ts";

export async function ask(where: Target, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const { host, port, database, username: user, password } = where;
  const client = new pg.Client({ host, port, database, user, password });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const sql of statements) rows = (await client.query(sql)).rows;
    return rows;
  } finally {
    await client.end();
  }
}
