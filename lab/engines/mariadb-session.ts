/** One connection of the lab itself to a MariaDB server, through the socket only the lab can enter. */
import { createRequire } from "node:module";
import type mysql from "mysql2/promise";
import type { Row } from "./engine.ts";

/** Loaded by the first MariaDB of a lab. */
const client = (): typeof mysql => createRequire(import.meta.url)("mysql2/promise");

/** The engine's own superuser, as on RDS. Nobody can log in as it over the network. */
export const SUPERUSER = "rdsadmin";
/** The user replicas receive as. */
export const REPLICATION_USER = "rdsrepladmin";

export interface SessionOptions {
  socketPath: string;
  user?: string;
  database?: string;
  timeoutMs?: number;
}

/** Runs statements one after another; rows of the last one. Rejects when the server does not answer within `timeoutMs`. */
export async function runSql<R extends Row = Row>(sql: string, options: SessionOptions): Promise<R[]> {
  const { socketPath, user = SUPERUSER, database = "mysql", timeoutMs = 10_000 } = options;
  const connection = await connect({ socketPath, user, database, connectTimeout: timeoutMs, multipleStatements: true });
  try {
    const [result] = await connection.query({ sql, timeout: timeoutMs });
    if (!Array.isArray(result)) return [];
    const several = result.some((each) => Array.isArray(each) || each?.constructor?.name === "ResultSetHeader");
    const last = several ? result.at(-1) : result;
    return Array.isArray(last) ? (last as R[]) : [];
  } finally {
    // A frozen server never says goodbye.
    connection.destroy();
  }
}

async function connect(options: mysql.ConnectionOptions): Promise<mysql.Connection> {
  const connection = await client().createConnection(options);
  // A server killed under an idle session reports here; the statement that was running rejects by itself.
  connection.on("error", () => {});
  return connection;
}

/** A value as a string literal of SQL. */
export const literal = (value: string): string => client().escape(value);
/** A name as an identifier of SQL. */
export const quoted = (name: string): string => client().escapeId(name, true);
