/** A primary that RDS fails over by itself, with real servers: Understudy leaves it alone, proves it and tells; and asks for it when told to. */
import { expect, test } from "vitest";
import { Door } from "../../cli/operator/door.ts";
import { userKeyFor } from "../../lab/cloud/iam.ts";
import { waitFor } from "../../lab/look.ts";
import type { OrderAnswer } from "../../runbooks/answers.ts";
import { Shop } from "./shop.ts";

const PRIMARY = "eu-central-1";
/** Long beside the tests' confirmation window of a second. */
const FAILOVER_MS = 4_000;

interface Note {
  readonly writer: string;
  readonly count: number;
  readonly before: string | null;
  readonly by: string | null;
}

async function inTwoZones(shop: Shop): Promise<Note> {
  const { lab } = shop;
  await lab.world.call(
    "rds",
    "ModifyDBInstance",
    { DBInstanceIdentifier: "shop-a", MultiAZ: true, ApplyImmediately: true },
    { region: PRIMARY },
  );
  await waitFor("the second zone", 20_000, async () => {
    const { DBInstances } = await lab.world.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: "shop-a" }, { region: PRIMARY });
    return DBInstances[0].MultiAZ && DBInstances[0].DBInstanceStatus === "available";
  });
  return await waitFor("the watcher to know where it writes", 20_000, async () => {
    await shop.invoke("watch", {});
    return await shop.json<Note>("databases/shop/native.json");
  });
}

const mail = (shop: Shop, words: string) =>
  waitFor(`the mail "${words}"`, 60_000, () => shop.lab.mail.mails.find(({ subject }) => subject.includes(words)));

test("a Multi-AZ primary dies: RDS fails it over, no replica is promoted, the outage is told and proven through the name; then one is ordered", async () => {
  const shop = await Shop.open({ timings: { failoverMs: FAILOVER_MS, standbyMs: 0 } });
  const first = await inTwoZones(shop);
  const traffic = shop.traffic();
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  const diedAtMs = Date.now();
  await shop.lab.rds.faults.kill(PRIMARY, "shop-a");

  await mail(shop, "needs you");
  expect(shop.mailed("RDS fails the primary shop-a over to its own standby by itself")).toBe(true);
  await waitFor("writes again", 30_000, () => traffic.firstAfter(diedAtMs + FAILOVER_MS / 2));
  await shop.invoke("watch", {});
  const seen = await mail(shop, "RDS failed it over");
  const words = seen.text.replace(/\s+/g, " ");
  expect(words).toMatch(/db\.shop\.internal leads to it and took a write\. Outage: [\d.]+ s, as the probe measured it\./);
  const note = (await shop.json<Note>("databases/shop/native.json")) as Note;
  expect(note).toMatchObject({ before: first.writer, count: 1, by: null });
  expect(note.writer).not.toBe(first.writer);
  const evidence = await shop.json<{ outage: { fromMs: number; toMs: number }; proof: { holds: boolean } }>(
    "evidence/shop/native-shop-g1-n1.json",
  );
  expect(evidence).toMatchObject({ execution: "native-shop-g1-n1", before: first.writer, writer: note.writer, proof: { holds: true } });
  console.log(`the probe measured ${(evidence?.outage.toMs ?? 0) - (evidence?.outage.fromMs ?? 0)} ms`);
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
  expect(await shop.moves()).toEqual([]);
  expect(await shop.record()).toMatchObject({ generation: 1, primary: "shop-a", standbys: ["shop-b"], claim: null });

  // Seen once, told once.
  await shop.invoke("watch", {});
  const door = new Door(shop.plan, { credentials: userKeyFor(shop.lab.world, "alice"), endpoint: shop.lab.wire.url });
  const answer = (await door.order({
    verb: "reboot-failover",
    database: "shop",
    generation: 1,
    overrides: [],
    reason: "back to its zone",
  })) as OrderAnswer;
  expect(answer).toMatchObject({ accepted: true, execution: "move-shop-g1-a1" });
  const done = await mail(shop, "reboot with failover done");
  expect(done.text.replace(/\s+/g, " ")).toContain("RDS moved shop-a to its own standby");
  expect(await shop.record()).toMatchObject({
    generation: 1,
    primary: "shop-a",
    claim: null,
    lastMove: { outcome: "succeeded", automatic: false },
  });
  expect(await shop.json("databases/shop/native.json")).toMatchObject({ before: note.writer, count: 2, by: "move-shop-g1-a1" });
  expect(
    shop
      .callsOn("shop-a", "rds:RebootDBInstance")
      .map(({ detail }) => (detail?.input as { ForceFailover?: boolean } | undefined)?.ForceFailover),
  ).toEqual([true]);
  await shop.invoke("watch", {});
  expect(shop.lab.mail.mails.filter(({ subject }) => subject.includes("RDS failed it over"))).toHaveLength(shop.plan.notify.email.length);
  await waitFor("writes at the end", 10_000, () => traffic.firstAfter(Date.now() - 200));
  await traffic.stop();
  expect(await shop.lost(traffic, "shop-a")).toEqual([]);
});
