/** People and Understudy: a cold move that asks first, orders that are somebody's, and what nobody may order. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { Door } from "../../cli/operator/door.ts";
import { packageProduct } from "../../cli/package.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import type { MoveRequest } from "../../core/requests.ts";
import { userKeyFor } from "../../lab/cloud/iam.ts";
import { waitFor } from "../../lab/look.ts";
import type { OrderAnswer } from "../../runbooks/answers.ts";
import { Shop } from "./shop.ts";

const PRIMARY = "eu-central-1";
const ROOT = join(import.meta.dirname, "..", "..");
let plan: Plan;
let packaged: string;

/** The tests' shop with a cold standby in the recovery region, and two people who must agree. */
beforeAll(async () => {
  const text = readFileSync(inject("planFile"), "utf8")
    .replace("      - { instance: shop-b, region: eu-central-1 }", "$&\n      - { instance: shop-c, region: eu-west-1 }")
    .replace("eu-central-1: sg-0a1b2c3d4e5f6fe0c", "$&, eu-west-1: sg-0a1b2c3d4e5f6fe0d")
    .concat(
      "\napprovals:\n  people: 2\n  expireMinutes: 60\n  from: [arn:aws:iam::111122223333:user/alice, arn:aws:iam::111122223333:user/bob]\n",
    );
  const file = join(ROOT, "dist", "cold-plan.yml");
  writeFileSync(file, text);
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  plan = parsed.plan;
  packaged = await packageProduct(file, "dist/cold");
});

const open = () => Shop.open({ plan, packaged });
const door = (shop: Shop, name: string) =>
  new Door(shop.plan, { credentials: userKeyFor(shop.lab.world, name), endpoint: shop.lab.wire.url });
const mailWith = (shop: Shop, words: string) =>
  waitFor(`the mail "${words}"`, 60_000, () =>
    shop.lab.mail.mails.find((mail) => mail.text.includes(words) || mail.subject.includes(words)),
  );

test("primary and hot standby die together: Understudy asks, two people agree, the cold standby takes over in its region (S7)", async () => {
  const shop = await open();
  const traffic = shop.traffic();
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  await Promise.all([shop.lab.rds.faults.kill(PRIMARY, "shop-b"), shop.lab.rds.faults.kill(PRIMARY, "shop-a")]);

  const mail = await mailWith(shop, "needs your approval");
  const words = mail.text.replace(/\s+/g, " ");
  expect(words).toContain("Approval is needed to fail over to shop-c in eu-west-1");
  expect(words).toMatch(/Price [\d.]+ s of writes, (no row|at most about \d+ rows)/);
  expect(words).toContain("shop-a is fenced, shop-c in eu-west-1 becomes the primary");
  const [command = "", id = ""] = /npm run understudy -- approve (\S+)/.exec(mail.text) ?? [];
  expect(mail.text.split("\n")).toContain(`  ${command}`);
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);

  // One person is not enough, not even twice.
  const alice = door(shop, "alice");
  expect(await alice.order({ verb: "approve", request: id })).toMatchObject({ accepted: true, execution: null });
  expect(await alice.order({ verb: "approve", request: id })).toMatchObject({
    accepted: false,
    sentence: expect.stringContaining("(rule 505)"),
  });
  await expect(door(shop, "mallory").order({ verb: "approve", request: id })).resolves.toMatchObject({
    accepted: false,
    sentence: expect.stringContaining("user/mallory may not order"),
  });
  expect(await shop.record()).toMatchObject({ claim: null, attempts: 0 });

  const agreed = await door(shop, "bob").order({ verb: "approve", request: id });
  expect(agreed).toMatchObject({ accepted: true, execution: "move-shop-g1-a1", sentence: expect.stringContaining("(rule 402)") });
  const record = await shop.moved();
  expect(record).toMatchObject({ primary: "shop-c", lastMove: { outcome: "succeeded", automatic: false } });
  await mailWith(shop, "failover done");
  expect(await shop.json<MoveRequest>(`requests/shop/${id}.json`)).toMatchObject({
    askedBy: null,
    approvals: [{ by: expect.stringContaining("user/alice") }, { by: expect.stringContaining("user/bob") }],
    usedBy: "move-shop-g1-a1",
  });
  // What was used is used up.
  expect(await alice.order({ verb: "approve", request: id })).toMatchObject({
    accepted: false,
    sentence: expect.stringContaining("(rule 501)"),
  });
});

test("an approval is played back, altered, or made for another: nothing counts twice, and nothing counts for somebody else (S34)", async () => {
  const shop = await open();
  const alice = door(shop, "alice");
  const said = { verb: "pause", id: "a".repeat(16), database: "shop", minutes: 60, reason: "a load test" } as const;
  const signed = { ...said, proof: await alice.prove({ ...said, proof: null }) };
  const send = (payload: unknown) => shop.invoke<OrderAnswer>("order", payload);
  expect(await send({ ...signed, minutes: 600 })).toMatchObject({
    accepted: false,
    sentence: expect.stringContaining("does not match the signature"),
  });
  expect(await send(signed)).toMatchObject({ accepted: true, sentence: expect.stringMatching(/^alice paused/) });
  expect(await send(signed)).toMatchObject({ accepted: false, sentence: expect.stringContaining("was taken already") });

  // Without a proof: stopping is allowed, ending it is not, nor making it shorter.
  const resume = { verb: "resume", id: "b".repeat(16), database: "shop" };
  expect(await send(resume)).toMatchObject({ accepted: false, commands: ["npm run understudy -- resume shop"] });
  const shorter = { ...said, id: "c".repeat(16), minutes: 1 };
  expect(await send(shorter)).toMatchObject({ accepted: false, sentence: expect.stringContaining("which is longer") });
  expect((await shop.record())?.pause).toMatchObject({ by: "alice", reason: "a load test" });

  // bob signs with alice's key id and his own secret.
  const { accessKeyId } = userKeyFor(shop.lab.world, "alice");
  const { secretAccessKey } = userKeyFor(shop.lab.world, "bob");
  const forged = new Door(shop.plan, { credentials: { accessKeyId, secretAccessKey }, endpoint: shop.lab.wire.url });
  await expect(forged.order({ verb: "resume", database: "shop" })).rejects.toMatchObject({ name: "SignatureDoesNotMatch" });

  // An order for a generation that is not on record.
  const old = await alice.order({ verb: "failover", database: "shop", generation: 7, reason: "an old look" });
  expect(old).toMatchObject({ accepted: false, sentence: expect.stringContaining("(rule 206)") });
  expect(await door(shop, "bob").order({ verb: "resume", database: "shop" })).toMatchObject({ accepted: true });
  expect((await shop.record())?.pause).toBeNull();
  expect(await shop.record()).toMatchObject({ attempts: 0, claim: null });
  await mailWith(shop, "alice paused the automation of shop");
});
