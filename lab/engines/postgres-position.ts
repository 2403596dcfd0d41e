/** How far a PostgreSQL server has written, and whether a standby has come as far. Asks and changes nothing but a message in the log. */
import type { Cluster } from "./engine.ts";

/** The end of everything written so far, as PostgreSQL puts it. The message is there so that this is the end of a record. */
export async function writtenTo(primary: Cluster): Promise<string> {
  await primary.query("SELECT pg_logical_emit_message(true, 'understudy', '')");
  const [row] = await primary.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
  return row?.lsn ?? "0/0";
}

export async function hasApplied(standby: Cluster, lsn: string, timeoutMs = 1000): Promise<boolean> {
  const [row] = await standby.query<{ there: boolean | null }>(`SELECT pg_last_wal_replay_lsn() >= '${lsn}'::pg_lsn AS there`, {
    timeoutMs,
  });
  return row?.there === true;
}

/** Where a primary is now, without writing anything. */
export async function position(primary: Cluster, timeoutMs = 1000): Promise<string> {
  const [row] = await primary.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn", { timeoutMs });
  return row?.lsn ?? "0/0";
}
