/** A planned move that waits for its hour. */
import { expect, test } from "vitest";
import { Door } from "../../cli/operator/door.ts";
import type { MoveRequest } from "../../core/requests.ts";
import { userKeyFor } from "../../lab/cloud/iam.ts";
import { waitFor } from "../../lab/look.ts";
import { Shop } from "./shop.ts";

test("a switchover is scheduled for tonight: nothing moves before, one is called off in time, the other begins by itself (S23)", async () => {
  const shop = await Shop.open();
  const traffic = shop.traffic();
  const door = new Door(shop.plan, { credentials: userKeyFor(shop.lab.world, "alice"), endpoint: shop.lab.wire.url });
  const planned = (verb: string, notBefore: string) =>
    door.order({ verb, database: "shop", generation: 1, reason: "a larger instance", notBefore });
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
  await waitFor("the probe's votes to be well", 30_000, async () => {
    const vote = await shop.json<{ linkSeen: string; lagSeconds: number | null }>("databases/shop/vote.json");
    return vote?.linkSeen === "streaming" && vote.lagSeconds !== null;
  });

  expect(await planned("switchover", inSeconds(-60))).toMatchObject({
    accepted: false,
    sentence: expect.stringMatching(/^Refused: a switchover at \S+ is in the past\.$/),
  });
  await expect(planned("failover", inSeconds(60))).rejects.toThrow("a failover cannot wait");

  const off = await planned("switchover", inSeconds(3600));
  expect(off).toMatchObject({ accepted: true, execution: null, sentence: expect.stringContaining("Scheduled: the switchover of shop") });
  expect(off.commands).toEqual([`npm run understudy -- withdraw ${off.request}`]);
  expect(await door.order({ verb: "withdraw", request: off.request })).toMatchObject({ accepted: true });

  const at = inSeconds(6);
  const scheduled = await planned("switchover", at);
  const mail = await waitFor("its mail", 10_000, () => shop.lab.mail.mails.find(({ text }) => text.includes(at)));
  expect(mail.text).toContain(`\n  npm run understudy -- withdraw ${scheduled.request}\n`);
  await shop.invoke("watch", {});
  const request = await shop.json<MoveRequest>(`requests/shop/${scheduled.request}.json`);
  if (Date.now() < Date.parse(at)) expect(request).toMatchObject({ due: true, usedBy: null });

  await waitFor("its time", 30_000, async () => {
    await shop.invoke("watch", {});
    return (await shop.record())?.generation === 2;
  });
  const done = await shop.json<MoveRequest>(`requests/shop/${scheduled.request}.json`);
  expect(done).toMatchObject({ usedBy: "move-shop-g1-a1" });
  const record = await shop.record();
  expect(record).toMatchObject({ primary: "shop-b", lastMove: { outcome: "succeeded", automatic: false } });
  await waitFor("writes on the new primary", 10_000, () => traffic.firstAfter(record?.lastMove?.endedAtMs ?? 0));
  await traffic.stop();
  expect(await shop.lost(traffic, "shop-b")).toEqual([]);
});
