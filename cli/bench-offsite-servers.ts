/**
 * The servers a measurement of offsite dumps runs against: one with many rows and an empty one beside it, of the same programs as the
 * dump tool it is compared with. pg_dump refuses servers newer than itself, so PostgreSQL is the one it came with.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import mysql from "mysql2/promise";
import pg from "pg";
import type { Target } from "../databases/engines.ts";
import { prepareDir } from "../lab/engines/folders.ts";
import { freePort } from "../lab/engines/listening.ts";
import { MariaDbCluster } from "../lab/engines/mariadb.ts";
import { run } from "../lab/engines/run.ts";
import { Server } from "../lab/engines/server.ts";

export interface BenchServer {
  readonly engine: "postgres" | "mariadb";
  readonly version: string;
  readonly full: Target;
  readonly empty: Target;
  /** Makes the rows; resolves with their plain size as the server tells it. */
  fill(rows: number): Promise<number>;
  /** The tool everybody uses, writing to `file`. */
  peer(file: string): Promise<void>;
  readonly peerName: string;
  /** The same for the same rows, whatever order they lie in. */
  checksum(of: Target): Promise<string>;
  stop(): Promise<void>;
}

const BATCH = 250_000;
const PASSWORD = "bench";

export async function postgresServer(folder: string): Promise<BenchServer> {
  const version = /(\d+)\.(\d+)/.exec(execFileSync("pg_dump", ["--version"], { encoding: "utf8" }));
  const bin = `/usr/lib/postgresql/${version?.[1]}/bin`;
  if (!existsSync(join(bin, "postgres")))
    throw new Error(`There is no PostgreSQL server beside pg_dump ${version?.[0]}: install postgresql.`);
  const data = prepareDir(join(prepareDir(folder), "postgres"), "cluster");
  await run(join(bin, "initdb"), ["-D", data, "-U", "shop", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]);
  const server = new Server({ title: "PostgreSQL", process: "postgres", data, log: join(folder, "postgres.log"), stopSignal: "SIGINT" });
  const port = await freePort();
  const target = (database: string): Target => ({ host: "127.0.0.1", port, database, username: "shop", password: PASSWORD });
  const ask = async (at: Target, sql: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ host: at.host, port: at.port, database: at.database, user: at.username, password: at.password });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const settings = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "shared_buffers=256MB",
    "max_wal_size=4GB",
    "autovacuum=off",
  ];
  const args = ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])];
  await server.launch(join(bin, "postgres"), args, port, () =>
    ask(target("postgres"), "select 1").then(
      () => true,
      () => false,
    ),
  );
  for (const name of ["shop", "restored"]) await ask(target("postgres"), `create database ${name}`);
  const full = target("shop");
  return {
    engine: "postgres",
    version: version?.[0] ?? "",
    full,
    empty: target("restored"),
    peerName: "pg_dump -Fc",
    async fill(rows) {
      await ask(
        full,
        "create table orders (id bigint primary key, customer int, placed timestamptz, total numeric(12, 2), state text, note text)",
      );
      for (let from = 1; from <= rows; from += BATCH)
        await ask(
          full,
          `insert into orders select n, n % 99991, '2020-01-01'::timestamptz + n * interval '37 s', (n::bigint * 7919 % 1000000) / 100.0, (array['open', 'paid', 'sent'])[1 + n % 3],
             md5(n::text) || ' to be left at the door of number ' || n % 250 || E'\\tif nobody is in ' || md5((n * 3)::text) || repeat(' thank you', (n % 12)::int)
           from generate_series(${from}, ${Math.min(rows, from + BATCH - 1)}) n`,
        );
      await ask(full, "create index orders_customer on orders (customer)");
      await ask(full, "vacuum analyze orders");
      return Number((await ask(full, "select pg_table_size('orders') as bytes"))[0]?.bytes);
    },
    peer: (file) => program("pg_dump", ["-Fc", "-h", full.host, "-p", String(port), "-U", full.username, "-f", file, full.database]),
    checksum: async (of) =>
      JSON.stringify(await ask(of, "select count(*)::text as n, sum(hashtextextended(orders::text, 0))::text as sum from orders")),
    stop: () => server.stop(10_000),
  };
}

export async function mariaDbServer(folder: string): Promise<BenchServer> {
  const cluster = new MariaDbCluster(join(folder, "mariadb"));
  mkdirSync(folder, { recursive: true });
  await cluster.init();
  await cluster.configure({ innodb_buffer_pool_size: "256M", innodb_log_file_size: "256M" });
  await cluster.start();
  await cluster.provision({ user: "shop", password: PASSWORD, database: "shop" });
  const port = cluster.port as number;
  const target = (database: string): Target => ({ host: "127.0.0.1", port, database, username: "shop", password: PASSWORD });
  const ask = async (at: Target, sql: string): Promise<Record<string, unknown>[]> => {
    const client = await mysql.createConnection({ host: at.host, port, database: at.database, user: at.username, password: at.password });
    try {
      return (await client.query(sql))[0] as Record<string, unknown>[];
    } finally {
      client.destroy();
    }
  };
  const full = target("shop");
  await ask(full, "create database restored");
  const version = String((await ask(full, "select version() as version"))[0]?.version);
  return {
    engine: "mariadb",
    version,
    full,
    empty: target("restored"),
    peerName: "mariadb-dump | gzip -1",
    async fill(rows) {
      await ask(
        full,
        "create table orders (id bigint primary key, customer int, placed datetime, total decimal(12, 2), state varchar(10), note text, key orders_customer (customer)) default charset = utf8mb4",
      );
      for (let from = 1; from <= rows; from += BATCH)
        await ask(
          full,
          `insert into orders select seq, seq % 99991, timestampadd(second, seq * 37, '2020-01-01'), (seq * 7919 % 1000000) / 100, elt(1 + seq % 3, 'open', 'paid', 'sent'),
             concat(md5(seq), ' to be left at the door of number ', seq % 250, '\\tif nobody is in ', md5(seq * 3), repeat(' thank you', seq % 12))
           from seq_${from}_to_${Math.min(rows, from + BATCH - 1)}`,
        );
      await ask(full, "analyze table orders");
      const [size] = await ask(
        full,
        "select data_length as bytes from information_schema.tables where table_schema = 'shop' and table_name = 'orders'",
      );
      return Number(size?.bytes);
    },
    peer: (file) =>
      program("sh", [
        "-c",
        `mariadb-dump --single-transaction --quick -h ${full.host} -P ${port} -u ${full.username} -p${PASSWORD} ${full.database} | gzip -1 >"$0"`,
        file,
      ]),
    checksum: async (of) => String((await ask(of, "checksum table orders extended"))[0]?.Checksum),
    async stop() {
      await cluster.stop(10_000);
    },
  };
}

function program(name: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { stdio: ["ignore", openSync("/dev/null", "w"), "inherit"] });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${name} ended with ${code}`))));
  });
}
