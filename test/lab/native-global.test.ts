/** An Aurora Global Database, with real servers: moved by order, with the name, without loss or with the word for it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { Door } from "../../cli/operator/door.ts";
import { packageProduct } from "../../cli/package.ts";
import type { Vote } from "../../core/facts.ts";
import type { MoveAsked } from "../../core/order.ts";
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
  const file = join(ROOT, "dist", "global-plan.yml");
  const primary = "{ globalCluster: shop-world, cluster: shop-near, region: eu-central-1 }";
  writeFileSync(file, clusterPlan(readFileSync(inject("planFile"), "utf8"), primary, "[{ cluster: shop-far, region: eu-west-1 }]"));
  const parsed = parsePlan(readFileSync(file, "utf8"));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  plan = parsed.plan;
  packaged = await packageProduct(file, "dist/global");
});

const open = () => Shop.open({ product: { plan, folder: packaged }, timings: { clusterFailoverMs: 300 } });
const order = (shop: Shop, verb: MoveAsked["verb"], more: object = {}) =>
  new Door(shop.plan, { credentials: userKeyFor(shop.lab.world, "alice"), endpoint: shop.lab.wire.url }).order({
    ...{ verb, database: "shop", generation: 1, overrides: [], reason: "for the test" },
    ...more,
  });
const mail = (shop: Shop, words: string) =>
  waitFor(`the mail "${words}"`, 60_000, () => shop.lab.mail.mails.find(({ subject }) => subject.includes(words)));

test("a global database is switched over: the name leads to the other region, nothing is lost, both sides change places", async () => {
  const shop = await open();
  const traffic = shop.traffic();
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  const answer = await order(shop, "switchover");
  expect(answer, answer.sentence).toMatchObject({ accepted: true, execution: "move-shop-g1-a1" });
  const done = (await mail(shop, "global switchover done")).text.replace(/\s+/g, " ");
  expect(done).toContain("shop now writes in shop-far: db.shop.internal points to it and took a write. Nothing was lost.");
  expect(await shop.moved()).toMatchObject({ primary: "shop-far", standbys: ["shop-near"], retired: [], claim: null });
  expect(shop.calls("rds:SwitchoverGlobalCluster").map(({ region }) => region)).toEqual(["eu-west-1"]);
  const movedAtMs = Date.now();
  await waitFor("writes in the other region", 20_000, () => traffic.firstAfter(movedAtMs));
  await waitFor("the probe to vote for the new primary", 20_000, async () => {
    const vote = await shop.json<{ primary: string; primarySeen: string }>("databases/shop/vote.json");
    return vote?.primary === "shop-far" && vote.primarySeen === "alive";
  });
  await traffic.stop();
  expect(await shop.lost(traffic, "shop-far")).toEqual([]);
});

test("its primary region goes dark: people are told, nothing moves by itself, and only an order that says so gives up what is missing", async () => {
  const shop = await open();
  const lost = () =>
    waitFor("the probe to have lost it for a while", 40_000, async () => {
      const vote = await shop.json<Vote>("databases/shop/vote.json");
      return vote?.primaryLostSinceMs && vote.atMs - vote.primaryLostSinceMs > 2_000;
    });
  // Silent for longer than a vote counts: it is seen as dark all the same.
  const silent = await shop.lab.faults.inject({ fault: "regionDark", region: PRIMARY });
  await lost();
  const told = await waitFor("the mail with the command", 60_000, async () => {
    await shop.invoke("watch", {});
    return shop.lab.mail.mails.find(({ text }) => text.includes("--allow-data-loss"));
  });
  expect(told.text.split("\n")).toContain('  npm run understudy -- failover shop --allow-data-loss --reason "WHY"');
  await silent.stop();
  await shop.lab.faults.inject({ fault: "regionDark", region: PRIMARY, how: "cut" });
  await lost();
  const refused = await order(shop, "failover");
  expect(refused).toMatchObject({ accepted: false, sentence: expect.stringContaining("(rule 212)") });
  expect(shop.calls("rds:FailoverGlobalCluster")).toEqual([]);
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });

  const answer = await order(shop, "failover", { allowDataLoss: true });
  expect(answer, answer.sentence).toMatchObject({ accepted: true, execution: "move-shop-g1-a1" });
  const done = (await mail(shop, "global failover done")).text.replace(/\s+/g, " ");
  expect(done).toContain("What shop-far had not received is given up.");
  expect(await shop.moved()).toMatchObject({ primary: "shop-far", standbys: ["shop-near"], claim: null });
  const [call] = shop.calls("rds:FailoverGlobalCluster");
  expect(call).toMatchObject({ region: "eu-west-1", detail: { input: { AllowDataLoss: true, GlobalClusterIdentifier: "shop-world" } } });
});
