/** The watcher is woken more than one way: what happens when some of them fail. SEED=… has the same chance again. */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { waitFor } from "../../lab/look.ts";
import { SEED } from "./faults-lab.ts";
import { Shop } from "./shop.ts";

const REGION = "eu-central-1";

test("RDS says nothing and the probe's call of the watcher is lost: the alarm wakes it", async () => {
  const shop = await Shop.open({ seed: SEED });
  await shop.lab.faults.inject({ fault: "eventLost", source: "aws.rds" });
  await shop.lab.faults.inject({ fault: "eventLost", source: "aws.events" });
  await shop.lab.faults.inject({ fault: "error5xx", service: "lambda", operation: "Invoke", function: "*-probe" });
  await shop.lab.faults.inject({ fault: "databaseKilled", region: REGION, instance: "shop-a" });
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
  const struck = Object.fromEntries(shop.lab.faults.list().map(({ id, strikes }) => [id, strikes]));
  expect(struck.f3).toBeGreaterThan(0);
  expect(await shop.moves()).toHaveLength(1);
});

test("a wake of the watcher is taken and never runs: the probe's next lap wakes it again", async () => {
  const shop = await Shop.open({ seed: SEED });
  const lost = await shop.lab.faults.inject({ fault: "invokeLost", function: "*-watch" });
  await shop.lab.faults.inject({ fault: "databaseKilled", region: REGION, instance: "shop-a" });
  await waitFor("the votes to turn", 20_000, () => shop.said("votes turned").length > 0);
  await waitFor("the wake to be lost", 20_000, () => (shop.lab.faults.list().find(({ id }) => id === lost.id)?.strikes ?? 0) > 1);
  await shop.lab.faults.end(lost.id);
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b" });
  expect(await shop.moves()).toHaveLength(1);
});

test("none of the probe's wakes ever runs: the minute wakes the watcher", async () => {
  const shop = await Shop.open({ seed: SEED });
  const lost = await shop.lab.faults.inject({ fault: "invokeLost", function: "*-watch" });
  await shop.lab.faults.inject({ fault: "databaseKilled", region: REGION, instance: "shop-a" });
  await waitFor("the votes to turn", 20_000, () => shop.said("votes turned").length > 0);
  // It wakes the watcher on four laps, of a second each, and then leaves it to others.
  await pause(6_000);
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null });
  await shop.lab.faults.end(lost.id);
  await shop.minute("watch");
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b" });
  expect(await shop.moves()).toHaveLength(1);
});

test("the probe misses the primary once and has it again: the move's function is warm, and nothing was decided", async () => {
  const shop = await Shop.open({ seed: SEED });
  const cut = { fault: "databasePartitioned", region: REGION, instance: "shop-a", from: "probe", function: "*-probe" } as const;
  const missed = await shop.lab.faults.inject(cut);
  await waitFor("the first miss", 20_000, async () => (await shop.vote())?.primarySeen === "lost");
  await shop.lab.faults.end(missed.id);
  await waitFor("the move's function to be warm", 20_000, () =>
    shop.lab.world.story.some(({ kind, what }) => kind === "durable" && /^warm-shop-\d+: .*succeeded/.test(what)),
  );
  expect(await shop.moves()).toEqual([]);
  expect(shop.calls("rds:ModifyDBInstance")).toEqual([]);
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
});
