import pg from "pg";
import { expect, test } from "vitest";
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

  for (const operation of ["rds:PromoteReadReplica", "rds:RebootDBInstance", "route53:ChangeResourceRecordSets", "rds:ModifyDBInstance"]) {
    expect(shop.calls(operation), operation).toHaveLength(1);
  }
  await waitFor("the mail", 10_000, () => shop.mailed("failover done"));
  expect(shop.mailed("(rule 401)")).toBe(true);
  const evidence = await shop.json<Record<string, { seen?: string }>>("evidence/shop/move-shop-g1-a1.json");
  expect(evidence?.fenced?.seen).toContain("a write to shop-a is refused");

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

test("the probe and the watcher cannot reach the primary, its clients and its standby can: nothing happens", async () => {
  const shop = await Shop.open();
  await shop.lab.rds.faults.partition(REGION, "shop-a", { from: "clients" });
  await waitFor("the probe to lose the primary", 20_000, async () => (await shop.vote())?.primarySeen === "lost");
  // Well past the confirmation window: by hand, at every lap, the answer stays the same.
  for (let lap = 0; lap < 3; lap++) {
    expect(await shop.invoke("watch", {})).toMatchObject([{ rule: 103, execution: null }]);
  }
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
});

test("the probe has the wrong password: the primary answered, so it is alive", async () => {
  const shop = await Shop.open();
  await shop.lab.world.call(
    "secretsmanager",
    "PutSecretValue",
    { SecretId: "understudy/shop", SecretString: '{"username":"shopkeeper","password":"wrong"}' },
    { region: "eu-west-1" },
  );
  // A fresh process reads the new secret; the watcher's own look is one.
  expect(await shop.invoke("watch", {})).toMatchObject([{ rule: 101 }]);
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
});

test("replication stopped long before the primary died: refused, with the reason in a mail, and nothing is touched", async () => {
  const shop = await Shop.open();
  await shop.lab.rds.faults.stopReplication(REGION, "shop-b");
  await waitFor("the mail that replication has stopped", 70_000, async () => {
    await shop.invoke("watch", {});
    return shop.mailed("(rule 102)");
  });
  await waitFor("the standby to fall behind", 20_000, async () => ((await shop.vote())?.lagSeconds ?? 0) > 4);
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  await waitFor("the refusal's mail", 30_000, () => shop.mailed("(rule 303)") || shop.mailed("(rule 306)"));
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
  for (const operation of ["rds:PromoteReadReplica", "rds:ModifyDBInstance", "rds:RebootDBInstance", "route53:ChangeResourceRecordSets"]) {
    expect(shop.calls(operation), operation).toEqual([]);
  }
});

test("the standby lags above the limit when the primary dies: refused, with both numbers", async () => {
  const shop = await Shop.open();
  await shop.lab.rds.faults.pauseReplay(REGION, "shop-b");
  await waitFor("the lag to pass the limit", 30_000, async () => ((await shop.vote())?.lagSeconds ?? 0) > 4);
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  const mail = await waitFor("the refusal's mail", 30_000, () => shop.lab.mail.mails.find((it) => it.text.includes("(rule 303)")));
  expect(mail.text.replace(/\s+/g, " ")).toMatch(/Refused: the standby shop-b is [\d.]+ s behind, the limit is 3 s\. \(rule 303\)/);
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
});
