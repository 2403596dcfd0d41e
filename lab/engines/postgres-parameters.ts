/** What parameters there are, and which are static: PostgreSQL itself says it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { postgresBinaries } from "./binaries.ts";
import type { Parameter } from "./engine.ts";
import { databaseUser } from "./folders.ts";

/** Set by the lab (or by RDS) alone. */
const FIXED =
  /^(port|listen_addresses|unix_socket|data_directory|hba_file|ident_file|config_file|external_pid_file|fsync|full_page_writes|primary_|restore_command|recovery_|archive_|ssl|logging_collector|log_destination|log_directory|wal_level|hot_standby$|allow_alter_system|bonjour|event_source|promote_trigger|cluster_name)/;

const TYPES: Record<string, Parameter["type"]> = { BOOLEAN: "boolean", INTEGER: "integer", REAL: "float" };

export async function readParameters(): Promise<Map<string, Parameter>> {
  const { postgres } = await postgresBinaries();
  const { stdout } = await promisify(execFile)(postgres, ["--describe-config"], {
    ...databaseUser(),
    cwd: "/",
    env: { LC_ALL: "C" },
    maxBuffer: 10e6,
  });
  const parameters = new Map<string, Parameter>();
  for (const line of stdout.split("\n")) {
    const [name, context, , type = "", , low = "", high = "", description = ""] = line.split("\t");
    if (!name) continue;
    const modifiable = context !== "internal" && !FIXED.test(name);
    parameters.set(name, { dynamic: context !== "postmaster", modifiable, type: TYPES[type] ?? "string", low, high, description });
  }
  return parameters;
}
