/** The inventory of a PostgreSQL database: smallest tables first, while the time lasts. Reads only. */
import type { Target } from "./engines.ts";
import type { Inventory } from "./inventories.ts";
import { withSession } from "./postgres.ts";

export async function take(target: Target, timeoutMs: number): Promise<Inventory> {
  return await withSession(target, timeoutMs, async (client) => {
    const endsAtMs = Date.now() + timeoutMs;
    const { rows } = await client.query(`
      select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where relkind in ('r', 'p') and not relispartition and nspname not in ('pg_catalog', 'information_schema')
      order by pg_relation_size(pg_class.oid)`);
    const beats = rows.some(({ name }) => name === "understudy.heartbeat")
      ? (await client.query("select database as name, at_ms from understudy.heartbeat")).rows
      : [];
    const tables: Record<string, number | null> = {};
    for (const { name } of rows) {
      // The session's own patience ends a count that takes too long; it is busy with it then, and the rest stays uncounted.
      const late = Date.now() >= endsAtMs;
      const counted = late ? null : await client.query(`select count(*)::text as n from ${name}`).catch(() => null);
      tables[name] = counted ? Number(counted.rows[0].n) : null;
    }
    return { tables, heartbeats: beats.map(({ name, at_ms }) => ({ name, atMs: Number(at_ms) })) };
  });
}
