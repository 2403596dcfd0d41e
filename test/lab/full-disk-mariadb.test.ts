/** A full disk as MariaDB's clients meet it. */
import mysql from "mysql2/promise";
import { expect, onTestFinished, test } from "vitest";
import { engineNamed } from "../../lab/engines/engines.ts";
import { writesMariaDb } from "../../lab/faults/full-disk-mariadb.ts";
import { BrokenLab, PASSWORD, REGION } from "./faults-lab.ts";

const missing = await engineNamed("mariadb")
  .version()
  .then(
    () => null,
    (error: Error) => error.message,
  );
if (missing) console.warn(`The test of MariaDB's full disk is skipped. ${missing}`);

test.skipIf(missing)(
  "the disk is full: reads work, writes fail with 1114 in every form, the API says storage-full, and it passes",
  async () => {
    const broken = await BrokenLab.open();
    const address = await broken.database("shop-a", { Engine: "mariadb", Port: 5432 });
    const session = async () => {
      const client = await mysql.createConnection({ ...address, user: "keeper", password: PASSWORD, database: "shop" });
      client.on("error", () => {});
      onTestFinished(() => client.destroy());
      return client;
    };
    const before = await session();
    await before.query("create table orders (id int primary key, note varchar(40)) engine = InnoDB");
    await before.query("insert into orders values (1, 'insert into orders')");

    const full = await broken.inject({ fault: "databaseDiskFull", region: REGION, instance: "shop-a" });
    const client = await session();
    const ids = async (of = client) => ((await of.query("select id from orders order by id"))[0] as { id: number }[]).map(({ id }) => id);
    expect(await ids()).toEqual([1]);
    expect((await client.execute("select id from orders where note = ?", ["insert into orders"]))[0]).toEqual([{ id: 1 }]);
    const refused = { errno: 1114, sqlState: "HY000" };
    await expect(client.query("insert into orders values (2, 'a')")).rejects.toMatchObject(refused);
    await expect(client.execute("replace into orders values (?, ?)", [3, "b"])).rejects.toMatchObject(refused);
    // Only the statement fails, the transaction goes on.
    await client.query("begin");
    await expect(client.query("update orders set note = 'c' where id = 1")).rejects.toMatchObject(refused);
    expect(await ids()).toEqual([1]);
    await client.query("commit");
    const { DBInstances } = await broken.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: "shop-a" });
    expect(DBInstances[0].DBInstanceStatus).toBe("storage-full");

    await full.stop();
    const after = await session();
    await after.query("insert into orders values (4, 'd')");
    expect(await ids(after)).toEqual([1, 4]);
    await broken.available("shop-a");
  },
);

test.each([
  ["insert into orders values (1)", true],
  ["  # a note\n update orders set id = 2", true],
  ["begin; delete from orders", true],
  ["replace into orders values (1)", true],
  ["create database if not exists understudy", true],
  ["load data local infile 'x' into table orders", true],
  ["select 'it''s \\' insert', \"update\", `delete` from orders -- delete", false],
  ["select * from orders where id in (select 1) for update", false],
  ["select gtid_current_pos as position", false],
])("%s: writes is %s", (sql, expected) => {
  expect(writesMariaDb(sql)).toBe(expected);
});
