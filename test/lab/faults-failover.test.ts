/** The deployed product under a hostile AWS. The seed is printed; SEED=… has the same chance again. */
import { expect, test } from "vitest";
import { waitFor } from "../../lab/look.ts";
import { SEED } from "./faults-lab.ts";
import { Shop } from "./shop.ts";

const REGION = "eu-central-1";
const ONCE = ["rds:ModifyDBInstance", "rds:RebootDBInstance", "rds:PromoteReadReplica", "route53:ChangeResourceRecordSets"];

test("three of ten AWS calls are throttled while the primary dies: one move, no acknowledged row is lost", async () => {
  const shop = await Shop.open({ seed: SEED });
  const traffic = shop.traffic();
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  const throttle = await shop.lab.faults.inject({ fault: "throttle", rate: 0.3 });
  await shop.lab.faults.inject({ fault: "databaseKilled", region: REGION, instance: "shop-a" });
  const killedAtMs = Date.now();
  // Each throttled call is tried again, and a function that gave up after a minute.
  expect(await shop.moved(180_000), `seed ${SEED}`).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
  await waitFor("the client's first write after the kill", 20_000, () => traffic.firstAfter(killedAtMs + 1));
  expect(shop.lab.faults.list()[0]?.strikes, `seed ${SEED}`).toBeGreaterThan(5);
  await throttle.stop();
  await traffic.stop();
  expect(await shop.lost(traffic, "shop-b"), `seed ${SEED}`).toEqual([]);
  expect(await shop.moves(), `seed ${SEED}`).toHaveLength(1);
  // A reboot that was not seen, because the looks after it were throttled, is asked for again: of a fenced instance it takes nothing.
  for (const operation of ["rds:PromoteReadReplica", "route53:ChangeResourceRecordSets"])
    expect(shop.calls(operation), `${operation}, seed ${SEED}`).toHaveLength(1);
  expect(shop.callsOn("shop-a", "rds:ModifyDBInstance"), `seed ${SEED}`).toHaveLength(1);
}, 240_000);

test("the reply to PromoteReadReplica is lost: the standby is promoted once", async () => {
  const shop = await Shop.open({ seed: SEED });
  await shop.lab.faults.inject({ fault: "loseReply", service: "rds", operation: "PromoteReadReplica", times: 1 });
  await shop.lab.faults.inject({ fault: "databaseKilled", region: REGION, instance: "shop-a" });
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
  expect(shop.lab.world.story.filter(({ what }) => /loseReply on rds:PromoteReadReplica/.test(what))).toHaveLength(1);
  expect(shop.calls("rds:PromoteReadReplica")).toHaveLength(1);
  expect(await shop.moves()).toHaveLength(1);
});

test("the probe alone is cut off from the primary: nothing happens", async () => {
  const shop = await Shop.open({ seed: SEED });
  const cut = await shop.lab.faults.inject({ fault: "databasePartitioned", region: REGION, instance: "shop-a", from: "probe" });
  await waitFor("the probe to lose the primary", 20_000, async () => (await shop.vote())?.primarySeen === "lost");
  for (let lap = 0; lap < 3; lap++)
    expect(await shop.invoke("watch", {})).toMatchObject([{ rule: expect.toBeOneOf([101, 103]), execution: null }]);
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
  for (const operation of ONCE.filter((each) => each !== "rds:ModifyDBInstance")) expect(shop.calls(operation), operation).toEqual([]);
  await cut.stop();
  await waitFor("the probe to see it again", 20_000, async () => (await shop.vote())?.primarySeen === "alive");
});

test("the primary's disk is full: it answers, so it is alive, it is told of, and nothing is promoted", async () => {
  const shop = await Shop.open({ seed: SEED });
  await shop.lab.faults.inject({ fault: "databaseDiskFull", region: REGION, instance: "shop-a" });
  const since = Date.now();
  await waitFor(
    "two more votes",
    20_000,
    async () => ((await shop.json<{ atMs: number }>("databases/shop/vote.json"))?.atMs ?? 0) > since + 2000,
  );
  expect(await shop.vote()).toMatchObject({ primarySeen: "alive" });
  expect(await shop.invoke("watch", {})).toMatchObject([{ rule: 108, execution: null }]);
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
});
