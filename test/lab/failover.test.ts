/** Failovers that happen: a killed primary, a hung one. Those that must not are in refusals.test.ts. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import pg from "pg";
import { expect, test } from "vitest";
import { userKeyFor } from "../../lab/cloud/iam.ts";
import { endpoint, waitFor } from "../../lab/look.ts";
import { lookUp } from "../../lab/shop/lookup.ts";
import { Shop } from "./shop.ts";

const REGION = "eu-central-1";

test("the primary is killed: the standby takes over by itself, no acknowledged row is lost, everybody is told", async () => {
  const shop = await Shop.open();
  const traffic = shop.traffic();
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  const dns = { host: "127.0.0.1", port: shop.lab.dns.port };
  const before = await lookUp(dns, "db.shop.internal");
  const killedAtMs = Date.now();
  await shop.lab.rds.faults.kill(REGION, "shop-a");

  const record = await shop.moved();
  expect(record).toMatchObject({
    generation: 2,
    primary: "shop-b",
    standbys: [],
    claim: null,
    lastMove: { outcome: "succeeded", execution: "move-shop-g1-a1" },
  });
  await waitFor("the client's first write after the kill", 10_000, () => traffic.firstAfter(killedAtMs + 1));
  expect((await lookUp(dns, "db.shop.internal"))?.address).not.toBe(before?.address);
  await traffic.stop();
  expect(await shop.lost(traffic, "shop-b")).toEqual([]);

  for (const operation of ["rds:PromoteReadReplica", "rds:RebootDBInstance", "route53:ChangeResourceRecordSets"]) {
    expect(shop.calls(operation), operation).toHaveLength(1);
  }
  expect(shop.callsOn("shop-a", "rds:ModifyDBInstance")).toHaveLength(1);
  await waitFor("the mail", 10_000, () => shop.mailed("failover done"));
  expect(shop.mailed("(rule 401)")).toBe(true);
  expect(shop.mailed("Your infrastructure code")).toBe(true);
  // What the promotion lost is back.
  await waitFor("the second mail", 20_000, () => shop.mailed("protections restored"));
  const { DBInstances } = await shop.lab.world.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: "shop-b" }, { region: REGION });
  expect(DBInstances[0]).toMatchObject({ DeletionProtection: true, BackupRetentionPeriod: 7 });
  expect(shop.callsOn("shop-b", "rds:ModifyDBInstance")).toHaveLength(1);
  const evidence = await shop.json<Record<string, { seen?: string }>>("evidence/shop/move-shop-g1-a1.json");
  expect(evidence?.fenced?.seen).toContain("a write to shop-a is refused");
  // The bundled functions name their calls too, and a person reads all of it in a terminal.
  const key = userKeyFor(shop.lab.world, "alice");
  const { stdout } = await promisify(execFile)(process.execPath, ["cli/run.mjs", "cli/understudy.ts", "evidence", "shop"], {
    env: {
      ...process.env,
      AWS_ENDPOINT_URL: shop.lab.wire.url,
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    },
  });
  expect(stdout).toMatch(/RDS PromoteReadReplica shop-b +ok/);
  expect(stdout).toMatch(/Route53 ChangeResourceRecordSets \w+ +ok/);
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);

  // The old primary is up again behind its fence, and stays there.
  const old = new pg.Client({
    ...(await endpoint(shop.lab, REGION, "shop-a")),
    user: "shopkeeper",
    password: shop.access.password,
    database: "shop",
    connectionTimeoutMillis: 700,
  });
  old.on("error", () => {});
  await expect(old.connect()).rejects.toThrow();
});

test("the primary hangs with its port open, and wakes up after the failover: nobody gets an acknowledgement from it any more", async () => {
  const shop = await Shop.open();
  const held = new pg.Client({
    ...(await endpoint(shop.lab, REGION, "shop-a")),
    user: "shopkeeper",
    password: shop.access.password,
    database: "shop",
  });
  held.on("error", () => {});
  await held.connect();
  await shop.lab.rds.faults.hang(REGION, "shop-a");
  const write = held.query("insert into orders (id, item, sent_at_ms) values (-1, 'held by a hung primary', 0)").then(
    () => "acknowledged",
    () => "broken",
  );
  expect(await shop.moved()).toMatchObject({ primary: "shop-b" });
  await shop.lab.rds.faults.resume(REGION, "shop-a");
  expect(await write).toBe("broken");
});
