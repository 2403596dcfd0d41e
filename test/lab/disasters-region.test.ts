/** The primary's whole region is gone and us-east-1 with it: what people agreed to is done from the recovery region alone. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { Door } from "../../cli/operator/door.ts";
import { packageProduct } from "../../cli/package.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { userKeyFor } from "../../lab/cloud/iam.ts";
import { endpoint, waitFor } from "../../lab/look.ts";
import { lookUp } from "../../lab/shop/lookup.ts";
import { Shop } from "./shop.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const CHANGES = "route53:ChangeResourceRecordSets";
const ALICE_AND_BOB = `
approvals:
  people: 2
  expireMinutes: 60
  from: [arn:aws:iam::111122223333:user/alice, arn:aws:iam::111122223333:user/bob]
`;

/** The tests' shop with a cold standby in the recovery region, a name that moves by its latch, and two people who must agree. */
let product: { plan: Plan; folder: string };
beforeAll(async () => {
  const text = readFileSync(inject("planFile"), "utf8")
    .replace("      - { instance: shop-b, region: eu-central-1 }", "$&\n      - { instance: shop-c, region: eu-west-1 }")
    .replace("ttlSeconds: 1", "ttlSeconds: 1\n    repoint: latch")
    .concat(ALICE_AND_BOB);
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const file = join(import.meta.dirname, "..", "..", "dist", "disasters-region-plan.yml");
  writeFileSync(file, text);
  product = { plan: parsed.plan, folder: await packageProduct(file, "dist/disasters-region") };
});

test("the primary's region and every us-east-1 endpoint are dark: two people agree, the cold standby takes over through the latch, and the old primary is fenced once its region is back (S29)", async () => {
  const shop = await Shop.open({ product, timings: { metricMinuteMs: 1000 } });
  const { lab } = shop;
  const answered = () => lookUp({ host: "127.0.0.1", port: lab.dns.port }, "db.shop.internal").then((it) => it?.address);
  const [first, last] = [(await endpoint(lab, HOME, "shop-a")).host, (await endpoint(lab, AWAY, "shop-c")).host];
  // From another region a PostgreSQL replica begins with that region's own group: whoever sets one up gives it the quick one afterwards.
  const away = (operation: string, input: object) =>
    lab.world.call("rds", operation, { DBInstanceIdentifier: "shop-c", ...input }, { region: AWAY });
  await away("ModifyDBInstance", { DBParameterGroupName: "shop-postgres" });
  await away("RebootDBInstance", {});
  const traffic = shop.traffic();
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  await waitFor("the name to lead through the latch", 10_000, async () => (await answered()) === first);
  await waitFor("both standbys to follow", 20_000, async () => {
    const { links = {} } = (await shop.json<{ links: Record<string, { seen: string }> }>("databases/shop/vote.json")) ?? {};
    return ["shop-b", "shop-c"].every((id) => links[id]?.seen === "streaming");
  });

  const dark = await lab.faults.inject({ fault: "regionDark", region: HOME });
  await lab.faults.inject({ fault: "regionDark", region: "us-east-1" });
  await lab.faults.inject({ fault: "controlPlaneDark" });
  const darkAtMs = Date.now();
  const asked = await waitFor("the mail that asks", 60_000, () =>
    lab.mail.mails.find(({ subject }) => subject.includes("needs your approval")),
  );
  const words = asked.text.replace(/\s+/g, " ");
  expect(words).toContain("Approval is needed to fail over to shop-c in eu-west-1");
  expect(words).toContain("(rule 330)");
  const [, request = ""] = /npm run understudy -- approve (\S+)/.exec(asked.text) ?? [];
  const door = (name: string) => new Door(shop.plan, { credentials: userKeyFor(lab.world, name), endpoint: lab.wire.url });
  expect(await door("alice").order({ verb: "approve", request })).toMatchObject({ accepted: true, execution: null });
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
  const arrived = await lab.rds.cluster(AWAY, "shop-c").query("select id from orders", { database: "shop" });
  expect(await door("bob").order({ verb: "approve", request })).toMatchObject({ accepted: true, execution: "move-shop-g1-a1" });

  expect(await shop.moved()).toMatchObject({
    primary: "shop-c",
    retired: [{ instance: "shop-a", fenced: false }],
    lastMove: { outcome: "succeeded", automatic: false },
  });
  const back = await waitFor("the client's first write after the dark", 20_000, () => traffic.firstAfter(darkAtMs));
  expect(back.address).toBe(last);
  // Nothing of it was asked of the two regions that are dark.
  const since = (operation: string) => shop.calls(operation).filter(({ at }) => at >= darkAtMs);
  expect(since(CHANGES)).toEqual([]);
  expect(since("rds:ModifyDBInstance").filter(({ region }) => region === HOME)).toEqual([]);

  // The region is back, and with it a primary that still takes writes: it is fenced before anybody looks for it, and nobody is led to it.
  const seen = new Set<string | undefined>();
  await dark.stop();
  await waitFor("the old primary to be fenced", 60_000, async () => {
    seen.add(await answered());
    await shop.invoke("watch", {});
    return (await shop.record())?.retired.some(({ instance, fenced }) => instance === "shop-a" && fenced);
  });
  expect(seen).toEqual(new Set([last]));
  await expect(shop.lost(traffic, "shop-a")).rejects.toThrow();
  await waitFor("people to be told", 10_000, () => shop.mailed("The former primary shop-a is fenced"));
  await traffic.stop();
  expect(new Set(traffic.acknowledged.filter(({ atMs }) => atMs > darkAtMs + 1000).map(({ address }) => address))).toEqual(new Set([last]));
  const received = new Set(arrived.map(({ id }) => Number(id)));
  const lost = await shop.lost(traffic, "shop-c", AWAY);
  expect(lost.filter((order) => received.has(order))).toEqual([]);
  console.log(`acknowledged in ${HOME} and never received in ${AWAY}: ${lost.length}`);
}, 240_000);
