/** The story of a planned move under write load and of the way back, for any engine. */
import { expect } from "vitest";
import type { DatabaseRecord, Order, Vote } from "../../core/facts.ts";
import { waitFor } from "../../lab/look.ts";
import { lookUp } from "../../lab/shop/lookup.ts";
import type { Traffic } from "../../lab/shop/traffic.ts";
import type { Shop } from "./shop.ts";

/** Claims the database for an order, as the function `order` does, and wakes the watcher, which starts what it finds claimed. */
async function ordered(shop: Shop, verb: Order["verb"], target: string): Promise<void> {
  const record = (await shop.record()) as DatabaseRecord;
  const { generation } = record;
  const order: Order = {
    id: `order-${generation}`,
    verb,
    target,
    overrides: [],
    reason: "for the test",
    by: "alice",
    atMs: Date.now(),
    generation,
  };
  const attempt = record.attempts + 1;
  const execution = `move-shop-g${generation}-a${attempt}`;
  const claim = {
    execution,
    attempt,
    kind: verb,
    target,
    takenAtMs: Date.now(),
    stage: "claimed",
    network: null,
    rule: 403,
    sentence: "for the test",
    order,
  };
  await shop.lab.world.call(
    "s3",
    "PutObject",
    { Bucket: shop.bucket, Key: "databases/shop/record.json", Body: Buffer.from(JSON.stringify({ ...record, attempts: attempt, claim })) },
    { region: shop.plan.regions.recovery },
  );
  await shop.invoke("watch", {});
}

const ended = (shop: Shop, generation: number): Promise<DatabaseRecord> =>
  waitFor(`generation ${generation}`, 90_000, async () => {
    const record = await shop.record();
    const bad = shop.lab.mail.mails.find(({ subject }) => /called off|FAILED/.test(subject));
    if (bad) throw new Error(bad.text);
    return record?.generation === generation && record;
  });

/** The longest time between two acknowledged orders since then: how long writes stood still. */
function pauseMs(traffic: Traffic, sinceMs: number): number {
  const times = traffic.acknowledged.filter(({ atMs }) => atMs >= sinceMs).map(({ atMs }) => atMs);
  return Math.max(...times.slice(1).map((at, index) => at - (times[index] as number)));
}

/** Ends with the old primary's region served by a rebuilt standby. */
export async function thereAndBack(shop: Shop, traffic: Traffic): Promise<void> {
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  const dns = { host: "127.0.0.1", port: shop.lab.dns.port };
  const before = await lookUp(dns, "db.shop.internal");
  const startedAtMs = Date.now();
  await ordered(shop, "switchover", "shop-b");
  expect(await ended(shop, 2)).toMatchObject({
    primary: "shop-b",
    retired: [{ instance: "shop-a", fenced: true, lossless: true }],
    lastMove: { outcome: "succeeded" },
  });
  const moved = await waitFor("writes on the new primary", 10_000, () =>
    traffic.acknowledged.find(({ address }) => address !== before?.address),
  );
  await waitFor("more writes", 10_000, () => traffic.firstAfter(moved.atMs + 500));
  console.log(`switchover: writes stood still for ${pauseMs(traffic, startedAtMs)} ms`);
  expect(await shop.lost(traffic, "shop-b")).toEqual([]);
  const seen = await shop.json<Record<string, { atMs: number }>>("evidence/shop/move-shop-g1-a1.json");
  const at = (name: string) => (seen?.[name]?.atMs ?? 0) - (seen?.ended?.atMs ?? 0);
  const split = ["equal", "asked", "promoted", "repointed", "fenced"].map((name) => `${name} ${at(name)}`).join(", ");
  console.log(`of which Understudy, in ms after the sessions were ended: ${split}`);

  await waitFor("the new standby", 60_000, async () => (await shop.record())?.standbys.includes("shop-a-g2"));
  await waitFor("its mail", 10_000, () => shop.mailed("standby rebuilt"));
  await waitFor("the probe's votes to be well again", 20_000, async () => {
    const vote = await shop.json<Vote>("databases/shop/vote.json");
    return vote?.generation === 2 && vote.links["shop-a-g2"] && vote.linkSeen === "streaming" && vote.lagSeconds !== null;
  });
  await ordered(shop, "failback", "shop-a-g2");
  const back = Date.now();
  expect(await ended(shop, 3)).toMatchObject({ primary: "shop-a-g2", lastMove: { outcome: "succeeded" } });
  await waitFor("writes after the way back", 10_000, () => traffic.firstAfter(Date.now() - 200));
  await traffic.stop();
  console.log(`failback: writes stood still for ${pauseMs(traffic, back)} ms`);
  expect(await shop.lost(traffic, "shop-a-g2")).toEqual([]);
  const mail = await waitFor("the mail of the way back", 10_000, () =>
    shop.lab.mail.mails.find(({ subject }) => subject.includes("failback done")),
  );
  expect(mail.text.replace(/\s+/g, " ")).toContain("delete-db-instance --region eu-central-1 --db-instance-identifier shop-a ");
}
