// biome-ignore-all lint/suspicious/noExplicitAny: rows and parameters are the driver's
/**
 * What a function gets when it asks for `pg`: a client that speaks to simulated servers through the simulated network. Understands
 * the handful of statements Understudy makes and refuses every other by name, so that a new one is noticed.
 */
import type { VirtualClock } from "./clock.ts";
import type { Network } from "./network.ts";
import { CLIENTS } from "./rds.ts";
import { type Server, type Session, SqlError } from "./server.ts";

export interface Sea {
  readonly clock: VirtualClock;
  readonly network: Network;
  /** The server behind an address or an endpoint's name. */
  serverAt(host: string): Server | undefined;
  /** Told when a heartbeat's writer hears that it is committed. */
  beaten?(server: Server, by: string): void;
}

/** The way from a function in the recovery region to a database in the primary region and back. */
const ROUND_TRIP_MS = 24;

/** An open connection, or the error a driver would give. Resolves never while the network is silent; the caller has a timeout. */
export function open(sea: Sea, from: string, host: string, portOpens: () => void = () => {}): Promise<Session> {
  const { clock, network } = sea;
  return new Promise((resolve, reject) => {
    const server = sea.serverAt(host);
    if (!server) return reject(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" }));
    clock.after(ROUND_TRIP_MS * 2, () => {
      // Packets that are dropped are not answered.
      if (!network.reaches(from, server.id) || !server.admits(from)) return;
      if (!server.up) return reject(Object.assign(new Error(`connect ECONNREFUSED ${host}`), { code: "ECONNREFUSED" }));
      // A frozen server's port is opened by its kernel.
      portOpens();
      server.whenAwake(() => {
        const session: Session = { from, server, open: true };
        server.sessions.add(session);
        resolve(session);
      });
    });
  });
}

/** Runs one statement in a session; the answer comes when the server and the network let it. */
export function run<T>(sea: Sea, session: Session, statement: () => T): Promise<T> {
  const { clock, network } = sea;
  const { server, from } = session;
  return new Promise((resolve, reject) => {
    const broken = () => reject(new Error("Connection terminated unexpectedly"));
    if (!session.open) return broken();
    session.ended = broken;
    clock.after(ROUND_TRIP_MS / 2 + server.slowMs, () => {
      if (!network.reaches(from, server.id)) return;
      server.whenAwake(() => {
        let answer: T;
        try {
          answer = statement();
        } catch (error) {
          clock.after(ROUND_TRIP_MS / 2, () => network.reaches(from, server.id) && reject(error));
          return;
        }
        clock.after(ROUND_TRIP_MS / 2, () => {
          if (session.open && network.reaches(from, server.id)) resolve(answer);
        });
      });
    });
  });
}

/** Ends with the driver's own words after `ms`. */
export function within<T>(clock: VirtualClock, ms: number, words: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => reject(new Error(words)));
    work.then(
      (value) => {
        clock.cancel(timer);
        resolve(value);
      },
      (error) => {
        clock.cancel(timer);
        reject(error);
      },
    );
  });
}

/** The `pg` module as one function sees it. */
export function postgresModule(sea: Sea, from: string, alive: () => boolean): { Client: unknown } {
  class Client {
    private portOpened: () => void = () => {};
    readonly connection = {
      stream: {
        destroy: () => this.leave(),
        once: (_: "connect", then: () => void) => {
          this.portOpened = then;
        },
      },
    };
    private readonly config: { host: string; connectionTimeoutMillis: number; query_timeout: number };
    private session: Session | undefined;
    private left = false;

    constructor(config: any) {
      this.config = config;
    }

    on(): this {
      return this;
    }

    async connect(): Promise<void> {
      if (!alive()) return await new Promise(() => {});
      const opening = open(sea, from, this.config.host, () => this.portOpened()).then((session) => {
        this.session = session;
        if (this.left) this.leave();
      });
      await within(sea.clock, this.config.connectionTimeoutMillis, "timeout expired", opening);
    }

    async query(sql: string, values: any[] = []): Promise<{ rows: any[]; rowCount: number }> {
      const { session } = this;
      if (!alive()) return await new Promise(() => {});
      if (!session) throw new Error("Client was closed and is not queryable");
      const rows = await within(
        sea.clock,
        this.config.query_timeout,
        "Query read timeout",
        run(sea, session, () => statement(session, sql, values)),
      );
      if (sql.startsWith("insert into understudy.heartbeat")) sea.beaten?.(session.server, from);
      return { rows, rowCount: rows.length };
    }

    async end(): Promise<void> {
      this.leave();
    }

    private leave(): void {
      this.left = true;
      if (this.session) {
        this.session.ended = undefined;
        this.session.server.end(this.session);
      }
    }
  }
  return { Client };
}

const plain = new Map<string, string>();

/** Statements are few and asked often. */
function plainly(sql: string): string {
  const known = plain.get(sql);
  if (known !== undefined) return known;
  const text = sql.replace(/\s+/g, " ").trim().toLowerCase();
  plain.set(sql, text);
  return text;
}

function statement(session: Session, sql: string, values: any[]): any[] {
  const { server } = session;
  const text = plainly(sql);
  if (text.startsWith("insert into understudy.heartbeat")) {
    server.commit("heartbeat", String(values[0]), Number(values[1]));
    return [{ rows_changed: null }];
  }
  if (text.startsWith("insert into understudy.canary")) {
    server.commit("canary", String(values[0]), 1);
    return [{}];
  }
  if (text.startsWith("select 1 from understudy.canary")) return server.find("canary", String(values[0])) ? [{}] : [];
  if (text.startsWith("select pg_is_in_recovery()")) {
    return [
      {
        in_recovery: server.inRecovery,
        streaming: server.inRecovery && server.streaming(),
        drained: server.drained,
        has_heartbeat: true,
      },
    ];
  }
  if (text.startsWith("select coalesce((select status = 'streaming'")) {
    server.settle();
    return [{ busy: server.streaming() || server.replayPaused, log: `0/${server.applied.toString(16).toUpperCase()}` }];
  }
  if (text.startsWith("select case when pg_is_in_recovery()")) {
    server.settle();
    // A row is a transaction, and moves the log by one.
    return [{ log: `0/${server.applied.toString(16).toUpperCase()}`, transactions: `${server.applied}:${server.applied}` }];
  }
  if (text.startsWith("select usename as user"))
    return server.endOthers(session).map((from) => ({ user: "shopkeeper", application: from === CLIENTS ? from : "understudy" }));
  // A transaction's id is its row's place in the log: what a former primary alone holds lies behind the branch.
  if (text.startsWith("select id::text from generate_series")) {
    server.settle();
    const ids = Array.from({ length: Math.max(0, server.applied - Number(values[0])) }, (_, at) => ({
      id: String(Number(values[0]) + at),
    }));
    return ids;
  }
  if (text.startsWith("select format('%i.%i', nspname, relname)")) return [{ name: "public.orders" }];
  if (text.startsWith("select count(*)::int as n from public.orders")) {
    const ids = new Set((values[0] as string[]).map(Number));
    return [{ n: server.log.filter((row, at) => row.table === "orders" && ids.has(at)).length }];
  }
  if (text.startsWith("select * from understudy.heartbeat")) {
    const row = server.find("heartbeat", String(values[0]));
    return row ? [{ at_ms: String(row.value) }] : [];
  }
  throw new SqlError("42601", `The simulated PostgreSQL does not know this statement; teach it in lab/simulation/postgres.ts: ${sql}`);
}
