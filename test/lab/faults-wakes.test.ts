/** The watcher is woken more than one way: what happens when some of them fail. SEED=… has the same chance again. */
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

test("the watcher's first wake is taken and never runs: the minute wakes it again", async () => {
  const shop = await Shop.open({ seed: SEED });
  const lost = await shop.lab.faults.inject({ fault: "invokeLost", function: "*-watch", times: 1 });
  await shop.lab.faults.inject({ fault: "databaseKilled", region: REGION, instance: "shop-a" });
  const struck = () => shop.lab.world.story.filter(({ kind, detail }) => kind === "fault" && detail?.id === lost.id && detail.strike);
  await waitFor("the wake to be lost", 20_000, () => struck().length > 0);
  // The probe wakes the watcher when its votes are old enough for a move.
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null });
  await shop.minute("watch");
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b" });
  expect(struck()).toHaveLength(1);
  expect(await shop.moves()).toHaveLength(1);
});
