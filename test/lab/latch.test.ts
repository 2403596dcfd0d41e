/** Names that move without us-east-1: the deployed product with a latch in the plan, its metrics' minute shortened to a second. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { packageProduct } from "../../cli/package.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { endpoint, waitFor } from "../../lab/look.ts";
import { lookUp } from "../../lab/shop/lookup.ts";
import { Shop } from "./shop.ts";

const REGION = "eu-central-1";
const MINUTE_MS = 1_000;
const CHANGES = "route53:ChangeResourceRecordSets";

let product: { plan: Plan; folder: string };
beforeAll(async () => {
  const text = readFileSync(inject("planFile"), "utf8").replace("ttlSeconds: 1", "ttlSeconds: 1\n    repoint: latch");
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const folder = join(import.meta.dirname, "..", "..", "dist", "test-latch");
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}-plan.yml`, text);
  product = { plan: parsed.plan, folder: await packageProduct(`${folder}-plan.yml`, "dist/test-latch") };
});

const answered = (shop: Shop) => lookUp({ host: "127.0.0.1", port: shop.lab.dns.port }, "db.shop.internal").then((it) => it?.address);
const addressOf = async (shop: Shop, instance: string) => (await endpoint(shop.lab, REGION, instance)).host;
const callsSince = (shop: Shop, operation: string, sinceMs: number) => shop.calls(operation).filter(({ at }) => at >= sinceMs);

/** So many of the metrics' minutes, each of them watched: what the name answers while they pass. */
async function answersThrough(shop: Shop, minutes: number): Promise<Set<string | undefined>> {
  const seen = new Set<string | undefined>();
  const endsAtMs = Date.now() + minutes * MINUTE_MS;
  await waitFor("the minutes to pass", minutes * MINUTE_MS + 5000, async () => {
    seen.add(await answered(shop));
    return Date.now() > endsAtMs;
  });
  return seen;
}

test("every us-east-1 endpoint is dark when the primary dies: the name goes along by the latch, and nothing brings it back (S1, S20, S22, S29)", async () => {
  const shop = await Shop.open({ product, timings: { metricMinuteMs: MINUTE_MS } });
  const { lab } = shop;
  const traffic = shop.traffic();
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  await waitFor("the name to lead through the latch", 10_000, async () => (await answered(shop)) === (await addressOf(shop, "shop-a")));
  // The watcher has found nothing in the way by now: the name's CNAME is the latch.
  await lab.faults.inject({ fault: "regionDark", region: "us-east-1" });
  await lab.faults.inject({ fault: "controlPlaneDark" });
  const killedAtMs = Date.now();
  await lab.rds.faults.kill(REGION, "shop-a");

  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
  await waitFor("the client's first write after the kill", 10_000, () => traffic.firstAfter(killedAtMs + 1));
  console.log(`outage through the latch: ${(traffic.firstAfter(killedAtMs + 1)?.atMs ?? 0) - killedAtMs} ms`);
  expect(await answered(shop)).toBe(await addressOf(shop, "shop-b"));
  expect(callsSince(shop, CHANGES, killedAtMs)).toEqual([]);
  await traffic.stop();
  expect(await shop.lost(traffic, "shop-b")).toEqual([]);

  // The old primary is back, in its network and taking writes; Understudy says nothing any more; nobody has data.
  for (const name of ["probe", "watch"])
    await lab.world.call(
      "lambda",
      "PutFunctionConcurrency",
      { FunctionName: `understudy-corner-shop-${name}`, ReservedConcurrentExecutions: 0 },
      { region: "eu-west-1" },
    );
  await lab.world.call(
    "rds",
    "ModifyDBInstance",
    { DBInstanceIdentifier: "shop-a", VpcSecurityGroupIds: ["sg-0a1b2c3d4e5f6a990"], ApplyImmediately: true },
    { region: REGION },
  );
  expect(await answersThrough(shop, 5)).toEqual(new Set([await addressOf(shop, "shop-b")]));

  // A late word of the old minute changes nothing either: it is dated when it was read.
  await lab.world.call(
    "monitoring",
    "PutMetricData",
    {
      Namespace: "Understudy/Latch",
      MetricData: [
        {
          MetricName: "LeadOn",
          Value: 0,
          Timestamp: new Date(killedAtMs),
          Dimensions: [
            { Name: "Plan", Value: "corner-shop" },
            { Name: "Database", Value: "shop" },
            { Name: "Node", Value: "0" },
          ],
        },
      ],
    },
    { region: "eu-west-1" },
  );
  expect(await answersThrough(shop, 4)).toEqual(new Set([await addressOf(shop, "shop-b")]));
});

test("the name moves by its record and us-east-1 is dark: refused before anything is touched, and done when it is back (S16, S21, S29)", async () => {
  const shop = await Shop.open();
  const dark = await shop.lab.faults.inject({ fault: "controlPlaneDark" });
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  const mail = await waitFor("the refusal's mail", 40_000, () => shop.lab.mail.mails.find((it) => it.text.includes("(rule 312)")));
  expect(mail.text.replace(/\s+/g, " ")).toContain('"repoint: latch" in the plan moves it without');
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
  for (const operation of ["rds:PromoteReadReplica", "rds:ModifyDBInstance", "rds:RebootDBInstance", CHANGES])
    expect(shop.calls(operation), operation).toEqual([]);
  await dark.stop();
  await shop.invoke("watch", {});
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
});
