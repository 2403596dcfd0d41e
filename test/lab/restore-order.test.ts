/** Nothing is left but a backup: people order it to take the primary's place. And a drill, through the deployed functions. */
import { expect, test } from "vitest";
import { Door } from "../../cli/operator/door.ts";
import type { Vote } from "../../core/facts.ts";
import { userKeyFor } from "../../lab/cloud/iam.ts";
import { waitFor } from "../../lab/look.ts";
import { Shop } from "./shop.ts";

const PRIMARY = "eu-central-1";
const doorOf = (shop: Shop) => new Door(shop.plan, { credentials: userKeyFor(shop.lab.world, "alice"), endpoint: shop.lab.wire.url });

test("primary and standby die together: the newest backup takes their place by order, and clients write again (S14, S29)", async () => {
  const shop = await Shop.open();
  const drilled = await doorOf(shop).order({ verb: "drill", database: "shop" });
  expect(drilled).toMatchObject({ accepted: true });
  const traffic = shop.traffic();
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  await waitFor("the drill's mail", 60_000, () => shop.mailed("drill passed"));
  await Promise.all([shop.lab.rds.faults.kill(PRIMARY, "shop-b"), shop.lab.rds.faults.kill(PRIMARY, "shop-a")]);
  await waitFor("the probe to have lost the primary for the whole window", 20_000, async () => {
    const vote = await shop.json<Vote>("databases/shop/vote.json");
    return vote?.primaryLostSinceMs != null && vote.atMs - vote.primaryLostSinceMs > 2_000;
  });

  const order = { verb: "restore", database: "shop", generation: 1, promote: true, reason: "nothing else is left" };
  expect(await doorOf(shop).order(order)).toMatchObject({ accepted: true });
  const record = await shop.moved();
  expect(record.primary).toMatch(/^shop-restored-\d{8}t\d{6}$/);
  expect(record.retired).toMatchObject([{ instance: "shop-a" }]);
  const before = traffic.acknowledged.length;
  await waitFor("clients to write again", 20_000, () => traffic.acknowledged.length > before + 5);
  await waitFor("the mail", 20_000, () => shop.mailed("restore done"));
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
  // The drill deleted what it had made, and nothing else was deleted.
  expect(
    shop
      .calls("rds:DeleteDBInstance")
      .map(({ detail }) => (detail?.input as { DBInstanceIdentifier?: string } | undefined)?.DBInstanceIdentifier),
  ).toEqual([drilled.execution]);
});
