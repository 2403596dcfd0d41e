/** Two probes that fail independently: one in the recovery region, one in the primary's own network, deployed as a user deploys them. */
import { beforeAll, expect, test } from "vitest";
import type { Plan } from "../../core/plan/schema.ts";
import { waitFor } from "../../lab/look.ts";
import { packageNear } from "./near.ts";
import { Shop } from "./shop.ts";

const REGION = "eu-central-1";

let product: { plan: Plan; folder: string };
beforeAll(async () => {
  product = await packageNear();
});

const votes = async (shop: Shop) => ({
  far: await shop.vote(),
  near: await shop.json<{ primarySeen: string; linkSeen: string; lagSeconds: number | null }>("databases/shop/vote-near.json"),
});

test("the route between the regions is cut: the far probe and the watcher lose the primary, the near probe has it, nothing is moved (S9)", async () => {
  const shop = await Shop.open({ product });
  await waitFor("the near probe's votes to be well", 20_000, async () => {
    const { near } = await votes(shop);
    return near?.primarySeen === "alive" && near.linkSeen === "streaming" && near.lagSeconds !== null;
  });
  // Both kinds of witness in the recovery region are blind, and the standby has lost its link as well: only the near probe knows better.
  await shop.lab.rds.faults.partition(REGION, "shop-a", { from: "replica" });
  for (const name of ["probe", "watch"])
    await shop.lab.faults.inject({
      fault: "databasePartitioned",
      region: REGION,
      instance: "shop-a",
      from: "probe",
      function: `understudy-corner-shop-${name}`,
    });
  await waitFor("the far probe to lose the primary and the link", 20_000, async () => {
    const { far } = await votes(shop);
    return far?.primarySeen === "lost" && far.linkSeen === "lost";
  });
  for (let lap = 0; lap < 3; lap++) {
    expect(await shop.invoke("watch", {})).toMatchObject([
      { rule: 103, execution: null, sentence: expect.stringContaining("the primary network's probe can") },
    ]);
  }
  expect((await votes(shop)).near).toMatchObject({ primarySeen: "alive" });
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
});

test("with both probes the primary dies: one move, as without the second", async () => {
  const shop = await Shop.open({ product });
  // Of a pair that nobody has seen well yet, nobody knows what a promotion would lose.
  await waitFor("both probes' votes to be well", 30_000, async () => {
    const { near, far } = await votes(shop);
    return [near, far].every((vote) => vote?.primarySeen === "alive" && vote.linkSeen === "streaming" && vote.lagSeconds !== null);
  });
  await shop.lab.faults.inject({ fault: "databaseKilled", region: REGION, instance: "shop-a" });
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded", automatic: true } });
  // A vote that was cast just before the death may call the first move off; what counts is that one is promoted, once.
  expect(shop.calls("rds:PromoteReadReplica")).toHaveLength(1);
  // The near probe follows the record: it votes about the new primary.
  await waitFor("the near probe to see the new primary", 20_000, async () => {
    const near = await shop.json<{ primary: string; primarySeen: string }>("databases/shop/vote-near.json");
    return near?.primary === "shop-b" && near.primarySeen === "alive";
  });
  expect(shop.lab.permissions.notes.all.filter(({ allowed }) => !allowed)).toEqual([]);
});
