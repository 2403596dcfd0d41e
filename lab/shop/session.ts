/**
 * What the shop asks of its database, in each engine's words: make its tables, keep an order, say which orders are there. One
 * connection each time, or one that is held; errors are the engine's own.
 */
import mysql from "mysql2/promise";
import pg from "pg";

export interface ShopAccess {
  /** Left out: PostgreSQL. */
  readonly engine?: "postgres" | "mariadb";
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly password: string;
}

export interface Order {
  readonly id: number;
  readonly item: string;
  readonly sentAtMs: number;
}

export interface ShopSession {
  /** Resolves when the database has acknowledged the order. */
  keep(order: Order): Promise<void>;
  /** The numbers of all orders that are there. */
  orders(): Promise<Set<number>>;
  run(statements: readonly string[]): Promise<void>;
  /** Closes without asking: a hung server never answers. */
  drop(): void;
}

/** `broken` hears of a connection that ends while nobody asks anything. */
export async function openSession(access: ShopAccess, timeoutMs: number, broken: () => void = () => {}): Promise<ShopSession> {
  return await (access.engine === "mariadb" ? openMariaDb : openPostgres)(access, timeoutMs, broken);
}

async function openPostgres(access: ShopAccess, timeoutMs: number, broken: () => void): Promise<ShopSession> {
  const { host, port, database, username, password } = access;
  const client = new pg.Client({
    host,
    port,
    database,
    user: username,
    password,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    application_name: "shop",
  });
  client.on("error", broken);
  const drop = (): void => {
    void client.end().catch(() => {});
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  };
  try {
    await client.connect();
  } catch (error) {
    drop();
    throw error;
  }
  return {
    async keep({ id, item, sentAtMs }) {
      await client.query("insert into orders (id, item, sent_at_ms) values ($1, $2, $3)", [id, item, sentAtMs]);
    },
    async orders() {
      return new Set((await client.query("select id from orders")).rows.map((row) => Number(row.id)));
    },
    async run(statements) {
      for (const statement of statements) await client.query(statement);
    },
    drop,
  };
}

async function openMariaDb(access: ShopAccess, timeoutMs: number, broken: () => void): Promise<ShopSession> {
  const { host, port, database, username, password } = access;
  const client = await mysql.createConnection({ host, port, database, user: username, password, connectTimeout: timeoutMs });
  client.on("error", broken);
  const ask = async (sql: string, values: unknown[] = []): Promise<unknown> => (await client.query({ sql, values, timeout: timeoutMs }))[0];
  return {
    async keep({ id, item, sentAtMs }) {
      await ask("insert into orders (id, item, sent_at_ms) values (?, ?, ?)", [id, item, sentAtMs]);
    },
    async orders() {
      return new Set(((await ask("select id from orders")) as { id: number }[]).map((row) => Number(row.id)));
    },
    async run(statements) {
      for (const statement of statements) await ask(statement);
    },
    drop: () => client.destroy(),
  };
}

const PRODUCTS = 1000;

const TABLES = {
  postgres: [
    "create table products (id int primary key, name text not null, price_cents int not null)",
    "create table orders (id bigint primary key, item text not null, sent_at_ms bigint not null, at timestamptz not null default now())",
    `insert into products select n, 'product ' || n, 100 + n % 900 from generate_series(1, ${PRODUCTS}) n`,
  ],
  mariadb: [
    "create table products (id int primary key, name varchar(100) not null, price_cents int not null)",
    "create table orders (id bigint primary key, item varchar(100) not null, sent_at_ms bigint not null, at timestamp(3) not null default current_timestamp(3))",
    `insert into products select seq, concat('product ', seq), 100 + seq % 900 from seq_1_to_${PRODUCTS}`,
  ],
};

/** The shop's tables and its first rows; how many. */
export async function makeTables(access: ShopAccess): Promise<number> {
  const session = await openSession(access, 10_000);
  try {
    await session.run(TABLES[access.engine ?? "postgres"]);
    return PRODUCTS;
  } finally {
    session.drop();
  }
}
