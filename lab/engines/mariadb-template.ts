/**
 * An empty MariaDB, initialised once a machine and copied for every instance, with what RDS adds to it: its own superuser and the
 * procedures in `mysql` that stand for what the master user may not do himself.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { makeOnce } from "./binaries.ts";
import type { Parameter } from "./engine.ts";
import { copyTree, databaseUser, prepareDir } from "./folders.ts";
import { mariaDbBinaries } from "./mariadb-binaries.ts";
import { runSql, SUPERUSER } from "./mariadb-session.ts";
import { run } from "./run.ts";

/** Raise when anything below changes: old templates are then left alone. */
const EDITION = 1;

/** Starts a server on `dir` and hands out the path of its socket; ends it afterwards. */
export type WithServer = (dir: string, use: (socketPath: string) => Promise<void>) => Promise<void>;

/** Copies an empty server's data to `data`, which must not exist. */
export async function copyTemplate(data: string, withServer: WithServer): Promise<void> {
  const dir = await template(withServer);
  await copyTree(path.join(dir, "data"), data, { owner: databaseUser(), skip: ofThisServer });
}

/** Every parameter of this MariaDB, by name. */
export async function readParameters(withServer: WithServer): Promise<Map<string, Parameter>> {
  const dir = await template(withServer);
  return new Map(JSON.parse(await readFile(path.join(dir, "parameters.json"), "utf8")) as [string, Parameter][]);
}

/** Logs, positions and locks of the server the files come from. */
const ofThisServer = (file: string): boolean =>
  /^(binlog\.|relay-bin|(master|relay-log|multi-master)\b.*\.info$|.*\.(pid|sock|err)$|aria_log_control\.lock)/.test(file);

async function template(withServer: WithServer): Promise<string> {
  const { cache, install } = await mariaDbBinaries();
  const target = path.join(cache, `template-${EDITION}`);
  await makeOnce(target, async (dir) => {
    prepareDir(dir);
    const data = prepareDir(path.join(dir, "data"), "cluster");
    await run(install, [
      "--no-defaults",
      `--datadir=${data}`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
      "--skip-name-resolve",
      "--innodb-log-file-size=8M",
      "--innodb-flush-log-at-trx-commit=0",
    ]);
    await withServer(dir, async (socketPath) => {
      await runSql(OWN_USERS, { socketPath, user: "root" });
      for (const procedure of PROCEDURES) await runSql(procedure, { socketPath });
      const parameters = await runSql<Variable>(VARIABLES, { socketPath });
      await writeFile(path.join(dir, "parameters.json"), JSON.stringify(parameters.map(parameter)));
    });
  });
  return target;
}

const OWN_USERS = `
  SET sql_log_bin = 0;
  CREATE USER ${SUPERUSER}@localhost;
  GRANT ALL ON *.* TO ${SUPERUSER}@localhost WITH GRANT OPTION;
  DROP USER IF EXISTS root@localhost, root@'127.0.0.1', root@'::1', ''@localhost;
  DELETE FROM mysql.global_priv WHERE User IN ('root', '');
  FLUSH PRIVILEGES;`;

/** What RDS lets the master user do about replication and sessions. They run as the superuser that made them. */
const PROCEDURES = [
  `CREATE PROCEDURE mysql.rds_stop_replication() SQL SECURITY DEFINER
   BEGIN STOP SLAVE; SELECT 'Slave is down or disabled' AS Message; END`,
  `CREATE PROCEDURE mysql.rds_start_replication() SQL SECURITY DEFINER
   BEGIN START SLAVE; SELECT 'Slave running normally.' AS Message; END`,
  `CREATE PROCEDURE mysql.rds_skip_repl_error() SQL SECURITY DEFINER
   BEGIN
     IF (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'SLAVE_RUNNING') = 'ON' THEN
       SELECT 'Slave is running normally. No errors detected to skip.' AS Message;
     ELSE
       STOP SLAVE;
       SET GLOBAL sql_slave_skip_counter = 1;
       START SLAVE;
       SELECT 'Statement in error has been skipped' AS Message;
     END IF;
   END`,
  `CREATE PROCEDURE mysql.rds_kill(IN thread BIGINT) SQL SECURITY DEFINER
   BEGIN
     IF EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = thread AND USER IN ('${SUPERUSER}', 'system user', 'event_scheduler')) THEN
       SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'This thread belongs to Amazon RDS and cannot be killed';
     END IF;
     KILL CONNECTION thread;
   END`,
  `CREATE PROCEDURE mysql.rds_kill_query(IN thread BIGINT) SQL SECURITY DEFINER
   BEGIN
     IF EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = thread AND USER IN ('${SUPERUSER}', 'system user', 'event_scheduler')) THEN
       SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'This thread belongs to Amazon RDS and cannot be killed';
     END IF;
     KILL QUERY thread;
   END`,
].map((procedure) => `SET sql_log_bin = 0; ${procedure}`);

interface Variable extends Record<string, unknown> {
  name: string;
  scope: string;
  type: string;
  low: string | null;
  high: string | null;
  fixed: string;
  option: string | null;
  description: string | null;
}

const VARIABLES = `
  SELECT LOWER(VARIABLE_NAME) AS name, VARIABLE_SCOPE AS scope, VARIABLE_TYPE AS type, NUMERIC_MIN_VALUE AS low, NUMERIC_MAX_VALUE AS high,
         READ_ONLY AS fixed, COMMAND_LINE_ARGUMENT AS \`option\`, VARIABLE_COMMENT AS description
  FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_SCOPE <> 'SESSION ONLY' ORDER BY 1`;

/** Set by the lab (or by RDS) alone. */
const OF_THE_LAB =
  /^(port|bind_address|socket|pid_file|datadir|basedir|tmpdir|plugin_dir|server_id|log_bin|log_slave_updates|gtid_|relay_log|skip_|ssl_|have_|version|secure_|init_file|report_|character_sets_dir|lc_messages_dir|log_error|hostname|license|wsrep_)/;

function parameter(row: Variable): [string, Parameter] {
  const type = /INT/.test(row.type) ? "integer" : row.type === "DOUBLE" ? "float" : row.type === "BOOLEAN" ? "boolean" : "string";
  const number = type === "integer" || type === "float";
  return [
    row.name,
    {
      dynamic: row.fixed !== "YES",
      modifiable: row.option !== null && !OF_THE_LAB.test(row.name),
      // "{TrueIfReplica}" is a value too.
      type: row.name === "read_only" ? "string" : type,
      low: number ? (row.low ?? "") : "",
      high: number ? (row.high ?? "") : "",
      description: row.description ?? "",
    },
  ];
}
