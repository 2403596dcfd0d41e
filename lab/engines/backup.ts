/**
 * Backups of a cluster's folder, and clusters out of them. A backup is a data folder that starts by itself.
 * Copies files; which cluster, and when, is decided elsewhere.
 */
import path from "node:path";
import type pg from "pg";
import { copyOne, copyTree, databaseUser, removeTree } from "./folders.ts";
import { writeOwned } from "./template.ts";

/** What a backup leaves out, or makes anew: process ids, other clusters' slots, settings of the cluster it comes from. */
const NOT_IN_A_BACKUP =
  /^(postmaster\.(pid|opts)|standby\.signal|recovery\.signal|postgresql\.auto\.conf|backup_label(\.old)?|tablespace_map(\.old)?)$/;
/** Folders whose content a running server rebuilds (or that the backup copies at its end). */
const EMPTY_IN_A_BACKUP = /^(pg_wal|pg_replslot|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)\/|(^|\/)pgsql_tmp/;

const CONTROL = "global/pg_control";

/** Backs up a running server through `client`, with the WAL of the backup's own duration. Works on a standby too. */
export async function onlineBackup(client: pg.Client, data: string, to: string): Promise<void> {
  const owner = databaseUser();
  await client.query("SELECT pg_backup_start('understudy', fast => true)");
  const skip = (file: string): boolean => NOT_IN_A_BACKUP.test(file) || EMPTY_IN_A_BACKUP.test(file) || file === CONTROL;
  await copyTree(data, to, { owner, skip });
  // Last, as a standby's backup asks: it says how far the WAL must be replayed.
  await copyOne(path.join(data, CONTROL), path.join(to, CONTROL), owner);
  const stopped = await client.query<{ labelfile: string }>("SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)");
  await removeTree(path.join(to, "pg_wal"));
  await copyTree(path.join(data, "pg_wal"), path.join(to, "pg_wal"), { owner });
  await writeOwned(path.join(to, "backup_label"), stopped.rows[0]?.labelfile ?? "");
}

/** The files of a server that does not run, or is frozen: what a snapshot of its disk would hold. */
export async function copyAsItLies(data: string, to: string): Promise<void> {
  await copyTree(data, to, { owner: databaseUser(), skip: notOfThisCluster });
}

/** A data folder of its own out of a backup, so that the backup can be used again. */
export async function copyBackup(backup: string, data: string): Promise<void> {
  await copyTree(backup, data, { owner: databaseUser(), skip: notOfThisCluster });
}

/** The label is what recovery begins from: it stays with the files it belongs to. */
function notOfThisCluster(file: string): boolean {
  return NOT_IN_A_BACKUP.test(file) && file !== "backup_label";
}
