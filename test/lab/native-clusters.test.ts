/** A cluster as the database, with real servers: RDS moves its writer, Understudy proves it, tells, and orders it when told to. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { Door } from "../../cli/operator/door.ts";
import { packageProduct } from "../../cli/package.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { userKeyFor } from "../../lab/cloud/iam.ts";
import { waitFor } from "../../lab/look.ts";
import { clusterPlan } from "./cluster-plan.ts";
import { Shop } from "./shop.ts";

const PRIMARY = "eu-central-1";
const ROOT = join(import.meta.dirname, "..", "..");
let plan: Plan;
let packaged: string;

beforeAll(async () => {
  const file = join(ROOT, "dist", "cluster-plan.yml");
  writeFileSync(file, clusterPlan(readFileSync(inject("planFile"), "utf8"), "{ cluster: shop-a, region: eu-central-1 }", "[]"));
  const parsed = parsePlan(readFileSync(file, "utf8"));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  plan = parsed.plan;
  packaged = await packageProduct(file, "dist/cluster");
});

const mail = (shop: Shop, words: string) =>
  waitFor(`the mail "${words}"`, 60_000, () => shop.lab.mail.mails.find(({ subject }) => subject.includes(words)));

test("the writer of a cluster dies: its reader takes over, Understudy proves it through the name and tells; then one is ordered", async () => {
  const shop = await Shop.open({ product: { plan, folder: packaged }, timings: { clusterFailoverMs: 3_000 } });
  const note = () => shop.json<{ writer: string }>("databases/shop/native.json");
  await waitFor("the watcher to know who writes", 20_000, async () => {
    await shop.invoke("watch", {});
    return (await note())?.writer === "shop-a-1";
  });
  const traffic = shop.traffic();
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  await shop.lab.rds.faults.kill(PRIMARY, "shop-a-1");
  await waitFor("the watcher to see it", 40_000, async () => {
    await shop.invoke("watch", {});
    return (await note())?.writer === "shop-a-2";
  });
  const words = (await mail(shop, "RDS failed it over")).text.replace(/\s+/g, " ");
  expect(words).toContain("RDS failed shop-a over by itself, from shop-a-1 to shop-a-2: db.shop.internal leads to it and took a write.");
  expect(words).toMatch(/Outage [\d.]+ s, as the probe measured it/);
  console.log(/Outage: [^.]+\.\d s/.exec(words)?.[0]);
  expect(await shop.record()).toMatchObject({ generation: 1, primary: "shop-a", standbys: [], claim: null, attempts: 0 });

  await waitFor("the old writer to be a reader", 30_000, async () => {
    const { DBClusters } = await shop.lab.world.call("rds", "DescribeDBClusters", { DBClusterIdentifier: "shop-a" }, { region: PRIMARY });
    const { DBInstances } = await shop.lab.world.call(
      "rds",
      "DescribeDBInstances",
      { DBInstanceIdentifier: "shop-a-1" },
      { region: PRIMARY },
    );
    return DBClusters[0].Status === "available" && DBInstances[0].DBInstanceStatus === "available";
  });
  const door = new Door(shop.plan, { credentials: userKeyFor(shop.lab.world, "alice"), endpoint: shop.lab.wire.url });
  const answer = await door.order({ verb: "reboot-failover", database: "shop", generation: 1, overrides: [], reason: "back to the first" });
  expect(answer, answer.sentence).toMatchObject({ accepted: true, execution: "move-shop-g1-a1" });
  const done = await mail(shop, "reboot with failover done");
  expect(done.text.replace(/\s+/g, " ")).toContain("shop-a-2 before, shop-a-1 now");
  expect(shop.calls("rds:FailoverDBCluster")).toHaveLength(1);
  expect(await shop.record()).toMatchObject({ generation: 1, primary: "shop-a", claim: null, lastMove: { outcome: "succeeded" } });
  await waitFor("writes at the end", 10_000, () => traffic.firstAfter(Date.now() - 200));
  await traffic.stop();
  expect(await shop.lost(traffic, "shop-a")).toEqual([]);
});
