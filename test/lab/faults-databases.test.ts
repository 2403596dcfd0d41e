import net from "node:net";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { writes } from "../../lab/faults/full-disk.ts";
import { endpoint, waitFor } from "../../lab/look.ts";
import { functionAddress } from "../../lab/network/addresses.ts";
import { BrokenLab, PASSWORD, REGION } from "./faults-lab.ts";

async function withDatabase() {
  const broken = await BrokenLab.open();
  const address = await broken.database("shop-a");
  const session = async (at: pg.ClientConfig = address) => {
    const client = new pg.Client({
      ...at,
      user: "keeper",
      password: PASSWORD,
      database: "shop",
      connectionTimeoutMillis: 600,
      query_timeout: 600,
    });
    client.on("error", () => {});
    onTestFinished(() => void client.end().catch(() => {}));
    await client.connect();
    return client;
  };
  const client = await session();
  await client.query("create table orders (id int primary key)");
  await client.query("insert into orders values (1)");
  const replicate = async () => {
    await broken.call("rds", "CreateDBInstanceReadReplica", { DBInstanceIdentifier: "shop-b", SourceDBInstanceIdentifier: "shop-a" });
    await broken.available("shop-b");
    return await session(await endpoint(broken.lab, REGION, "shop-b"));
  };
  return { broken, address, session, client, replicate };
}

const count = async (client: pg.Client) => (await client.query("select count(*)::int as n from orders")).rows[0].n as number;

test("killed: nothing answers, the fault is over at once, a reboot brings the data back", async () => {
  const { broken, session } = await withDatabase();
  await broken.inject({ fault: "databaseKilled", region: REGION, instance: "shop-a" });
  await expect(session()).rejects.toThrow();
  expect(broken.lab.faults.list()).toEqual([]);
  await broken.call("rds", "RebootDBInstance", { DBInstanceIdentifier: "shop-a" });
  await broken.available("shop-a");
  expect(await count(await session())).toBe(1);
});

test("hung: the port is open, a query waits; it goes on when the fault ends", async () => {
  const { broken, client } = await withDatabase();
  const hung = await broken.inject({ fault: "databaseHung", region: REGION, instance: "shop-a" });
  await expect(count(client)).rejects.toThrow(/timeout/);
  await hung.stop();
  await waitFor("an answer", 10_000, async () => (await count(client).catch(() => 0)) === 1);
});

test("slow: answers come after the client's patience, on sessions old and new; then again in time, and no byte is lost", async () => {
  const { broken, client, session } = await withDatabase();
  const fresh = await session();
  const slow = await broken.inject({ fault: "databaseSlow", region: REGION, instance: "shop-a", ms: 900 });
  await expect(client.query("select 1")).rejects.toThrow(/timeout/);
  await expect(session()).rejects.toThrow(/timeout/);
  await slow.stop();
  await waitFor("an answer in time", 10_000, async () => (await count(client).catch(() => 0)) === 1);
  const again = await broken.inject({ fault: "databaseSlow", region: REGION, instance: "shop-a", ms: 5 });
  const { rows } = await fresh.query("select string_agg(n::text, ',') as all from generate_series(1, 20000) n");
  expect(rows[0].all.split(",")).toHaveLength(20_000);
  await again.stop();
});

test("the disk is full: reads work, writes fail with 53100 in every form, the API says storage-full, and it passes", async () => {
  const { broken, session, replicate } = await withDatabase();
  const standby = await replicate();
  const full = await broken.inject({ fault: "databaseDiskFull", region: REGION, instance: "shop-a" });
  const client = await session();
  expect(await count(client)).toBe(1);
  await expect(client.query("insert into orders values (2)")).rejects.toMatchObject({ code: "53100" });
  await expect(client.query("insert into orders values ($1)", [3])).rejects.toMatchObject({ code: "53100" });
  const named = { name: "add", text: "with one as (insert into orders values ($1) returning id) select * from one", values: [4] };
  await expect(client.query(named)).rejects.toMatchObject({ code: "53100" });
  await expect(client.query(named)).rejects.toMatchObject({ code: "53100" });
  await client.query("begin");
  await expect(client.query("update orders set id = 9 where id = $1", [1])).rejects.toMatchObject({ code: "53100" });
  // As after any error: the transaction is over.
  await expect(count(client)).rejects.toMatchObject({ code: "25P02" });
  await client.query("rollback");
  expect((await client.query("select id from orders where 'insert into orders' <> $1", ["x"])).rows).toEqual([{ id: 1 }]);
  const { DBInstances } = await broken.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: "shop-a" });
  expect(DBInstances[0].DBInstanceStatus).toBe("storage-full");
  const { Events } = await broken.call("rds", "DescribeEvents", { Duration: 60, EventCategories: ["low storage"] });
  expect(Events).toHaveLength(1);
  expect(await count(standby)).toBe(1);
  await full.stop();
  const after = await session();
  await after.query("insert into orders values ($1)", [5]);
  expect(await count(after)).toBe(2);
  await broken.available("shop-a");
});

test.each([
  ["insert into orders values (1)", true],
  ["  -- a note\n update orders set id = 2", true],
  ["begin; delete from orders", true],
  ["with x as (select 1) insert into orders select * from x", true],
  ["create schema if not exists understudy", true],
  ["copy orders from stdin", true],
  ["select * into other from orders", true],
  ["select 'insert into orders', \"update\" from orders -- delete", false],
  ["copy orders to stdout", false],
  ["select pg_is_in_recovery() as in_recovery", false],
  ["show transaction_read_only", false],
  ["commit", false],
])("a full disk takes %j for a writing statement: %s", (sql, answer) => {
  expect(writes(sql)).toBe(answer);
});

/** A session that leaves from a function's address, as its process would hold it. */
function fromFunction(name: string): () => net.Socket {
  return () => {
    const socket = new net.Socket();
    const connect = socket.connect.bind(socket);
    socket.connect = ((port: number, host: string) => connect({ port, host, localAddress: functionAddress(REGION, name) })) as never;
    return socket;
  };
}

test("partitioned from one function alone: it meets silence, on standing connections too; others and the clients go on", async () => {
  const { broken, address, client, session } = await withDatabase();
  await broken.deployCaller("shop-probe");
  await broken.deployCaller("shop-watch");
  const reach = async (name: string) => (await broken.invoke(name, { reach: address })).body.reached;
  expect(await reach("shop-probe")).toBe("answered");
  const standing = await session({ ...address, stream: fromFunction("shop-probe") });
  const cut = await broken.inject({ fault: "databasePartitioned", region: REGION, instance: "shop-a", from: "probe" });
  expect(await reach("shop-probe")).toBe("silence");
  expect(await reach("shop-watch")).toBe("answered");
  await expect(count(standing)).rejects.toThrow(/timeout/);
  expect(await count(client)).toBe(1);
  await cut.stop();
  expect(await reach("shop-probe")).toBe("answered");
  await expect(
    broken.inject({ fault: "databasePartitioned", region: REGION, instance: "shop-a", from: "probe", function: "nobody" }),
  ).rejects.toThrow(/^function: no deployed function fits "nobody"$/);
});

test("partitioned from its clients, then from its replica: each alone, each mended by its own end", async () => {
  const { broken, client, replicate } = await withDatabase();
  const standby = await replicate();
  const clients = await broken.inject({ fault: "databasePartitioned", region: REGION, instance: "shop-a", from: "clients" });
  const replica = await broken.inject({ fault: "databasePartitioned", region: REGION, instance: "shop-a", from: "replica" });
  await expect(count(client)).rejects.toThrow(/timeout/);
  await clients.stop();
  await waitFor("the client", 10_000, () => count(client).catch(() => 0));
  await client.query("insert into orders values (2)");
  expect(await count(standby)).toBe(1);
  await replica.stop();
  await waitFor("the standby to catch up", 20_000, async () => (await count(standby)) === 2);
});

test("replay is paused, then replication stopped: the standby stays behind and catches up", async () => {
  const { broken, client, replicate } = await withDatabase();
  const standby = await replicate();
  for (const [n, fault] of [
    [2, "replayPaused"],
    [3, "replicationStopped"],
  ] as const) {
    const behind = await broken.inject({ fault, region: REGION, instance: "shop-b" });
    await client.query("insert into orders values ($1)", [n]);
    expect(await count(standby), fault).toBe(n - 1);
    await behind.stop();
    await waitFor("the standby to catch up", 20_000, async () => (await count(standby)) === n);
  }
  await expect(broken.inject({ fault: "replayPaused", region: REGION, instance: "shop-a" })).rejects.toThrow(/not a read replica/);
});

test("what is not there cannot be broken", async () => {
  const { broken } = await withDatabase();
  await expect(broken.inject({ fault: "databaseHung", region: REGION, instance: "shop-z" })).rejects.toThrow(
    /^instance: there is no instance "shop-z" in eu-central-1$/,
  );
  expect(broken.lab.faults.list()).toEqual([]);
});

test("a dark region takes its databases with it, and gives them back", async () => {
  const { broken, client } = await withDatabase();
  const dark = await broken.inject({ fault: "regionDark", region: REGION });
  await expect(count(client)).rejects.toThrow(/timeout/);
  await dark.stop();
  await waitFor("the client", 10_000, () => count(client).catch(() => 0));
});
