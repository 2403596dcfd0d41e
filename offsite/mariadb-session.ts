/** One session of a dump on a MariaDB server. Answers are taken as bytes, as the server sends them. */
import mysql from "mysql2";
import { Problem } from "../core/problem.ts";
import type { Target } from "../databases/engines.ts";
import { unlessSilent } from "./silence.ts";

const CONNECT_MS = 10_000;
/** Rows wait here while they are compressed: more than this, and the server has to wait too. */
const WAITING_BYTES = 4 * 1024 * 1024;
const PIECE_BYTES = 256 * 1024;
const NEWLINE = 10;

/** ER_STATEMENT_TIMEOUT */
export const TIMED_OUT = 1969;

export class MariaDbSession {
  private readonly connection: mysql.Connection;

  private constructor(connection: mysql.Connection) {
    this.connection = connection;
    // A connection that breaks between two queries reports here; the query in flight gets the error itself.
    connection.on("error", () => {});
  }

  static async open(target: Target, tls = true): Promise<MariaDbSession> {
    const connection = mysql.createConnection({
      host: target.host,
      port: target.port,
      database: target.database,
      user: target.username,
      password: target.password,
      connectTimeout: CONNECT_MS,
      charset: "UTF8MB4_BIN",
      disableEval: true,
      enableKeepAlive: true,
      ssl: tls ? { rejectUnauthorized: true } : undefined,
    });
    const session = new MariaDbSession(connection);
    try {
      await new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())));
      return session;
    } catch (cause) {
      session.close();
      if (tls && (cause as { code?: string }).code === "HANDSHAKE_NO_SSL_SUPPORT") return await MariaDbSession.open(target, false);
      throw new Problem("SourceUnreachable", `${target.host}:${target.port} cannot be dumped: ${(cause as Error).message}`, {
        hint: "Look whether the source runs, lets this function in and knows the password. Nothing is lost: run it again.",
        retry: true,
        cause,
      });
    }
  }

  /** Rows as texts. */
  query(sql: string): Promise<Record<string, string | null>[]> {
    return new Promise((resolve, reject) => {
      const asText = (field: { string(): string | null }) => field.string();
      this.connection.query({ sql, typeCast: asText as never }, (error, rows) =>
        error ? reject(error) : resolve(Array.isArray(rows) ? (rows as Record<string, string | null>[]) : []),
      );
    });
  }

  /** The rows of a query with one column, each ended by a newline. The iterator throws where a row is NULL. */
  async *lines(sql: string, silenceMs: number): AsyncGenerator<Buffer> {
    const ready: Buffer[] = [];
    let piece = Buffer.allocUnsafe(PIECE_BYTES);
    let used = 0;
    let waiting = 0;
    let ended = false;
    let failed: Error | undefined;
    let wake = (): void => {};
    const handOver = (): void => {
      if (used === 0) return;
      ready.push(piece.subarray(0, used));
      piece = Buffer.allocUnsafe(PIECE_BYTES);
      used = 0;
      wake();
    };
    const take = (row: Buffer): void => {
      waiting += row.length + 1;
      if (used + row.length + 1 > PIECE_BYTES) handOver();
      if (row.length + 1 > PIECE_BYTES) {
        ready.push(Buffer.concat([row, Buffer.of(NEWLINE)]));
        wake();
      } else {
        row.copy(piece, used);
        used += row.length;
        piece[used++] = NEWLINE;
      }
      if (waiting > WAITING_BYTES) this.connection.pause();
    };
    const end = (error?: Error): void => {
      failed ??= error;
      ended = true;
      handOver();
      wake();
    };
    const query = this.connection.query({ sql, rowsAsArray: true, typeCast: false });
    query.on("result", (row: unknown) => {
      const [line] = Array.isArray(row) ? (row as (Buffer | null)[]) : [];
      if (line === null || line === undefined) failed ??= new Error("a row is longer than the server's max_allowed_packet");
      else take(line);
    });
    query.on("error", end);
    query.on("end", () => end());
    for (;;) {
      const next = ready.shift();
      if (next !== undefined) {
        waiting -= next.length;
        yield next;
        if (waiting <= WAITING_BYTES / 2) this.connection.resume();
      } else if (ended) break;
      else {
        // What was held back is handed over within this very call.
        this.connection.resume();
        if (ready.length > 0 || ended) continue;
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await unlessSilent(woken, silenceMs);
      }
    }
    if (failed) throw failed;
  }

  /** A graceful end waits for the server; a hung one never answers. */
  close(): void {
    this.connection.destroy();
  }
}
