/**
 * Backups of a MariaDB server's folder, and folders out of them. A backup is a data folder that starts by itself.
 * Copies files; which server, and when, is decided elsewhere.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { copyOne, copyTree, databaseUser, prepareDir } from "./folders.ts";
import { mariaDbBinaries } from "./mariadb-binaries.ts";
import { run } from "./run.ts";
import { writeOwned } from "./template.ts";

/** The replication user's password, kept beside the data it belongs to. */
export const SECRET_FILE = "understudy-replication-secret";
/** The GTID position an online backup holds. */
export const GTID_FILE = "understudy-gtid";

/** Names of the file with the position: two, by version. */
const POSITION_FILES = ["mariadb_backup_binlog_info", "xtrabackup_binlog_info"];

/** Backs up a running server without stopping its writers, with mariadb-backup, and makes the copy ready to start. */
export async function onlineBackup(data: string, socket: string, user: string, to: string): Promise<void> {
  const { backup } = await mariaDbBinaries();
  prepareDir(to, "cluster");
  // It looks for new log entries at this pace, and waits for one whole turn at its end.
  const pace = "--log-copy-interval=20";
  await run(backup, ["--no-defaults", "--backup", `--target-dir=${to}`, `--datadir=${data}`, `--socket=${socket}`, `--user=${user}`, pace]);
  await run(backup, ["--no-defaults", "--prepare", `--target-dir=${to}`, "--use-memory=16M"]);
  const file = POSITION_FILES.map((name) => path.join(to, name)).find((name) => existsSync(name));
  const position = file ? ((await readFile(file, "utf8")).trim().split("\t")[2] ?? "") : "";
  await writeOwned(path.join(to, GTID_FILE), position);
  await copyOne(path.join(data, SECRET_FILE), path.join(to, SECRET_FILE), databaseUser());
}

/** The files of a server that does not run, or is frozen: what a snapshot of its disk would hold. */
export async function copyAsItLies(data: string, to: string): Promise<void> {
  await copyTree(data, to, { owner: databaseUser(), skip: (file) => ofAReplica.test(file) || file === GTID_FILE });
}

/** A data folder of its own out of a backup, so that the backup can be used again. */
export async function copyBackup(backup: string, data: string): Promise<void> {
  await copyTree(backup, data, { owner: databaseUser(), skip: (file) => ofAReplica.test(file) });
}

/** Locks of the server that ran, and what makes a server somebody's replica: a copy is nobody's. */
const ofAReplica = /^(relay-bin|(master|relay-log|multi-master).*\.info$|.*\.pid$)/;
