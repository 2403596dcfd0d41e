/** The inventory of a MariaDB server: its own databases left out, while the time lasts. Reads only. */
import type { Target } from "./engines.ts";
import type { Inventory } from "./inventories.ts";
import { withSession } from "./mariadb.ts";

const quoted = (name: unknown): string => `\`${String(name).replaceAll("`", "``")}\``;

export async function take(target: Target, timeoutMs: number): Promise<Inventory> {
  return await withSession(target, timeoutMs, async (session) => {
    // A little time is left for the hearts: they say how old all of it is.
    const endsAtMs = Date.now() + timeoutMs * 0.8;
    const has = await session.query(
      "select table_schema as place, table_name as name from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('mysql', 'sys', 'information_schema', 'performance_schema') order by data_length",
    );
    const beats = has.some(({ place, name }) => place === "understudy" && name === "heartbeat")
      ? await session.query("select name, at_ms from understudy.heartbeat")
      : [];
    const tables: Record<string, number | null> = {};
    for (const { place, name } of has) {
      const counted =
        Date.now() >= endsAtMs ? null : await session.query(`select count(*) as n from ${quoted(place)}.${quoted(name)}`).catch(() => null);
      tables[`${place}.${name}`] = counted ? Number(counted[0]?.n) : null;
    }
    return { tables, heartbeats: beats.map(({ name, at_ms }) => ({ name: String(name), atMs: Number(at_ms) })) };
  });
}
