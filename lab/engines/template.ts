/**
 * An empty PostgreSQL cluster, initialised once a machine and copied for every instance: initdb takes half a second, a copy a tenth.
 * Every cluster made from it has the same system identifier; PostgreSQL would not notice a standby fed by a stranger.
 */
import { chown, writeFile } from "node:fs/promises";
import path from "node:path";
import { makeOnce, postgresBinaries } from "./binaries.ts";
import { copyTree, databaseUser, prepareDir } from "./folders.ts";
import { run } from "./run.ts";

/** The engine's own superuser, as on RDS. Nobody can log in as it over the network. */
export const SUPERUSER = "rdsadmin";
/** The role standbys stream as. */
export const REPLICATION_USER = "rdsrepladmin";

/** Raise when anything below changes: old templates are then left alone. */
const EDITION = 2;

/** Who may connect, and how: the lab by the socket in its own folder, everybody else by password over TCP. */
const HBA = `
local all          ${SUPERUSER}                     trust
local all          all                              reject
host  all          ${SUPERUSER}        0.0.0.0/0    reject
host  replication  ${REPLICATION_USER} 127.0.0.1/32 scram-sha-256
host  replication  all                 0.0.0.0/0    reject
host  all          all                 127.0.0.1/32 scram-sha-256
`;

/**
 * Defaults that a parameter group may change. Small, because a lab runs several clusters on a laptop. Memory that processes share is a
 * file of the cluster's own folder: what a killed server has in /dev/shm stays there until the machine is started again.
 */
const DEFAULTS = `
shared_buffers = 16MB
max_connections = 50
io_method = sync
dynamic_shared_memory_type = mmap
max_wal_size = 1GB
min_wal_size = 16MB
wal_level = replica
wal_keep_size = 256MB
max_wal_senders = 10
max_replication_slots = 10
wal_sender_timeout = 30s
wal_receiver_timeout = 30s
wal_retrieve_retry_interval = 1s
hot_standby = on
hot_standby_feedback = on
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = UTC
timezone = UTC
datestyle = 'iso, mdy'
default_text_search_config = 'pg_catalog.english'
`;

/** Copies an empty cluster to `data`, which must not exist. */
export async function copyTemplate(data: string): Promise<void> {
  const { cache } = await postgresBinaries();
  const template = path.join(cache, `template-${EDITION}`);
  await makeOnce(template, initialise);
  await copyTree(template, data, { owner: databaseUser() });
}

async function initialise(dir: string): Promise<void> {
  const { initdb } = await postgresBinaries();
  prepareDir(dir, "cluster");
  // WAL segments of 1 MB keep backups small: every backup ends one.
  const args = ["-D", dir, "-U", SUPERUSER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C", "--no-instructions", "--wal-segsize=1"];
  await run(initdb, args);
  for (const [name, text] of [
    ["pg_hba.conf", HBA],
    ["postgresql.conf", DEFAULTS],
  ] as const)
    await writeOwned(path.join(dir, name), text);
}

/** Writes a file the databases' user owns. */
export async function writeOwned(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
  const user = databaseUser();
  if (user) await chown(file, user.uid, user.gid);
}
