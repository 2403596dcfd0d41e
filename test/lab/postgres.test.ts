/** The engine by itself: what a killed, frozen or promoted PostgreSQL does to its clients, its data and this machine. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { prepareDir } from "../../lab/engines/binaries.ts";
import { PostgresCluster } from "../../lab/engines/postgres.ts";
import { runningIn, tree } from "../../lab/engines/processes.ts";
import { type Gate, openGate } from "../../lab/network/gate.ts";

const base = mkdtempSync(path.join(os.tmpdir(), "understudy-test-"));
const clusters: PostgresCluster[] = [];
const gates: Gate[] = [];
const cluster = (name: string): PostgresCluster => {
  const made = new PostgresCluster(path.join(base, name));
  clusters.push(made);
  return made;
};
const primary = cluster("primary");

function client(port: number, host = "127.0.0.1", timeoutMs = 2000): pg.Client {
  const made = new pg.Client({
    host,
    port,
    user: "shop",
    password: "s3cret pass'word",
    database: "shop",
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  made.on("error", () => {});
  return made;
}

async function gateTo(target: PostgresCluster, admits: () => boolean = () => true): Promise<Gate> {
  const gate = await openGate({ address: "127.0.0.1", port: 0, target: () => target.port, admits });
  gates.push(gate);
  return gate;
}

beforeAll(async () => {
  prepareDir(base);
  await primary.init();
  await primary.start();
  await primary.provision({ user: "shop", password: "s3cret pass'word", database: "shop" });
  const shop = client(primary.port as number);
  await shop.connect();
  await shop.query("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 100)");
  await shop.end();
});

afterAll(async () => {
  await Promise.all(gates.map((gate) => gate.close()));
  await Promise.all(clusters.map((each) => each.kill()));
  rmSync(base, { recursive: true, force: true });
});

const count = async (where: PostgresCluster): Promise<number> =>
  (await where.query<{ n: number }>("SELECT count(*)::int AS n FROM orders", { database: "shop" }))[0]?.n ?? 0;

test("the master user is no superuser, and nobody logs in as one over the network", async () => {
  const [role] = await primary.query("SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = 'shop'");
  expect(role).toEqual({ rolsuper: false, rolcreatedb: true, rolcreaterole: true, rolreplication: false });
  const shop = client(primary.port as number);
  await shop.connect();
  await expect(shop.query("ALTER SYSTEM SET fsync = off")).rejects.toThrow(/permission denied/);
  await expect(shop.query("COPY orders TO PROGRAM 'id'")).rejects.toThrow(/permission denied/);
  await shop.end();
  const admin = new pg.Client({ host: "127.0.0.1", port: primary.port, user: "rdsadmin", database: "postgres" });
  await expect(admin.connect()).rejects.toThrow(/pg_hba.conf rejects/);
  const wrong = new pg.Client({ host: "127.0.0.1", port: primary.port, user: "shop", password: "wrong", database: "shop" });
  await expect(wrong.connect()).rejects.toThrow(/password authentication failed/);
});

test("every process is killed, the port closes, and what was committed is there after a start", async () => {
  const shop = client(primary.port as number);
  await shop.connect();
  await shop.query("INSERT INTO orders VALUES (101)");
  const port = primary.port as number;
  const before = runningIn(primary.data, "postgres");
  expect(before.length).toBeGreaterThan(3);
  await primary.kill();
  await expect(shop.query("SELECT 1")).rejects.toThrow();
  expect(runningIn(primary.data, "postgres")).toEqual([]);
  await expect(client(port).connect()).rejects.toThrow(/ECONNREFUSED/);
  expect(primary.alive()).toBe(false);
  await primary.start();
  expect(await count(primary)).toBe(101);
});

test("the primary hangs: its port still answers, and it does not", async () => {
  primary.hang();
  expect(primary.alive()).toBe(false);
  const socket = net.connect({ host: "127.0.0.1", port: primary.port as number });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.destroy();
  await expect(client(primary.port as number, "127.0.0.1", 200).connect()).rejects.toThrow(/timeout/i);
  await expect(primary.query("SELECT 1", { timeoutMs: 200 })).rejects.toThrow(/timeout/i);
  primary.resume();
  expect(await count(primary)).toBe(101);
});

test("a standby follows, is promoted after the primary's death, and has every row", async () => {
  const standby = cluster("standby");
  const gate = await gateTo(primary);
  await standby.initAsStandby(primary, gate.port);
  await standby.start();
  await primary.query("INSERT INTO orders VALUES (102)", { database: "shop" });
  await vi.waitFor(async () => expect(await count(standby)).toBe(102), 10_000);
  expect(await standby.replication()).toMatchObject({ inRecovery: true, receiver: "streaming", replayPaused: false });
  await expect(standby.query("INSERT INTO orders VALUES (0)", { database: "shop" })).rejects.toThrow(/read-only transaction/);

  // A backup of the standby is a whole cluster of its own.
  const copy = cluster("copy-of-standby");
  await standby.takeBackup(path.join(base, "standby-backup"));
  await copy.initFrom(path.join(base, "standby-backup"));
  await copy.start();
  expect(await count(copy)).toBe(102);
  await copy.query("INSERT INTO orders VALUES (200)", { database: "shop" });

  await primary.kill();
  await standby.promote();
  await standby.query("INSERT INTO orders VALUES (103)", { database: "shop" });
  expect(await count(standby)).toBe(103);
  expect(standby.isStandby()).toBe(false);
  await primary.start();
});

test.each(["running", "frozen", "dead"])("a backup of a %s database starts by itself with all its rows", async (state) => {
  if (state === "frozen") primary.hang();
  if (state === "dead") await primary.kill();
  const backup = path.join(base, `backup-${state}`);
  await primary.takeBackup(backup);
  if (state === "frozen") primary.resume();
  if (state === "dead") await primary.start();
  const copy = cluster(`restored-${state}`);
  await copy.initFrom(backup);
  await copy.start();
  expect(await count(copy)).toBe(102);
  expect(existsSync(path.join(backup, "postmaster.pid"))).toBe(false);
  await copy.stop();
});

test("restored to a time its log does not reach: the server takes readers and ends, and all of the log is taken", async () => {
  const source = cluster("logged");
  await source.init();
  await source.start();
  const backup = path.join(base, "backup-logged");
  await source.takeBackup(backup);
  await source.query("CREATE TABLE lines AS SELECT repeat('x', 400) AS line FROM generate_series(1, 100000)");
  const copy = cluster("as-late-as-can-be");
  await copy.initAt(backup, source, Date.now() + 3_600_000);
  await copy.start();
  const [row] = await copy.query<{ lines: number }>("SELECT count(*)::int AS lines FROM lines");
  expect(row?.lines).toBe(100_000);
});

test("a setting that cannot be: the start says which, from the server's own log", async () => {
  const broken = cluster("broken");
  await broken.init();
  await broken.configure({ shared_buffers: "plenty" });
  await expect(broken.start()).rejects.toThrow(/did not start[\s\S]*shared_buffers/);
});

test("what a killed lab left running is cleared away by the next start", async () => {
  const left = cluster("left");
  await left.init();
  await left.start();
  const orphaned = runningIn(left.data, "postgres");
  const again = cluster("left");
  await again.start();
  expect(await again.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  const now = runningIn(left.data, "postgres");
  expect(now.filter((pid) => orphaned.includes(pid))).toEqual([]);
});

test("a lab that throws leaves no process behind", async () => {
  const dir = path.join(base, "thrown");
  const program = path.join(base, "throws.ts");
  const engine = new URL("../../lab/engines/", import.meta.url).pathname;
  writeFileSync(
    program,
    `import { PostgresCluster } from "${engine}postgres.ts";
     const cluster = new PostgresCluster(${JSON.stringify(dir)});
     await cluster.init(); await cluster.start(); cluster.hang();
     process.stdout.write("started\\n");
     setTimeout(() => { throw new Error("on purpose"); }, 0);`,
  );
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  const code = await new Promise((resolve) => child.once("exit", resolve));
  expect({ said, code }).toEqual({ said: "started\n", code: 1 });
  await vi.waitFor(() => expect(runningIn(path.join(dir, "data"), "postgres")).toEqual([]));
});

test("the network closes for newcomers and keeps those inside; a partition holds everything until it heals", async () => {
  let open = true;
  const gate = await gateTo(primary, () => open);
  const inside = client(gate.port);
  await inside.connect();
  open = false;
  await expect(client(gate.port, "127.0.0.1", 200).connect()).rejects.toThrow(/timeout/i);
  expect((await inside.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  open = true;

  gate.partition(true);
  let answered = false;
  const asked = inside.query("SELECT 2 AS two").then((result) => {
    answered = true;
    return result.rows;
  });
  await expect(client(gate.port, "127.0.0.1", 200).connect()).rejects.toThrow(/timeout/i);
  expect(answered).toBe(false);
  gate.partition(false);
  expect(await asked).toEqual([{ two: 2 }]);
  await inside.end();
});

test("nothing listens behind the gate: refused at once", async () => {
  const gate = await openGate({ address: "127.0.0.1", port: 0, target: () => undefined });
  gates.push(gate);
  await expect(client(gate.port).connect()).rejects.toThrow(/ECONNRESET/);
});

test("all stop, and no process of theirs is left", async () => {
  await Promise.all(clusters.map((each) => each.stop()));
  expect(
    tree(process.pid).filter((pid) => clusters.some((each) => existsSync(each.data) && runningIn(each.data, "postgres").includes(pid))),
  ).toEqual([]);
});
