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
import { commandOf } from "./command.ts";
import { Shop } from "./shop.ts";

const PRIMARY = "eu-central-1";
const ROOT = join(import.meta.dirname, "..", "..");
let plan: Plan;
let packaged: string;

/** The tests' shop with a cold standby in the recovery region, and two people who must agree. */
beforeAll(async () => {
  const text = readFileSync(inject("planFile"), "utf8")
    .replace("      - { instance: shop-b, region: eu-central-1 }", "$&\n      - { instance: shop-c, region: eu-west-1 }")
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

const open = () => Shop.open({ product: { plan, folder: packaged } });
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
  // The watcher's own lap may have seen the approval first.
  const sentence = expect.stringMatching(/\(rule 402\)$|^The request \S+ became move-shop-g1-a1\.$/);
  expect(agreed).toMatchObject({ accepted: true, execution: "move-shop-g1-a1", sentence });
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

const command = commandOf("dist/cold-plan.yml");

test("paused: the primary dies and nothing moves by itself; the mail says how to end it, and a person's order goes through (S27)", async () => {
  const shop = await open();
  const paused = await command(shop, "alice", "pause", "shop", "--for", "2h", "--reason", "a load test");
  expect(paused, paused.said).toMatchObject({ code: 0 });
  await shop.lab.rds.faults.kill(PRIMARY, "shop-a");
  const mail = await mailWith(shop, "(rule 203)");
  expect(mail.text).toContain('\n  npm run understudy -- resume shop\n\n  npm run understudy -- failover shop --reason "WHY"\n');
  expect(await shop.invoke("watch", {})).toMatchObject([{ rule: 203, execution: null }]);
  expect(await shop.record()).toMatchObject({ attempts: 0, claim: null });

  const ordered = await command(shop, "alice", "failover", "shop", "--reason", "the load test killed it");
  expect(ordered, ordered.said).toMatchObject({ code: 0 });
  expect(ordered.said).toMatch(/^Failover to shop-b, ordered by alice \("the load test killed it"\)/);
  expect(ordered.said).toContain("Move: move-shop-g1-a1");
  expect(await shop.moved()).toMatchObject({ primary: "shop-b", lastMove: { automatic: false }, pause: { by: "alice" } });
  for (const line of [...paused.said.split("\n"), ...ordered.said.split("\n")])
    if (!line.startsWith("  npm run")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("an override needs two people, counts once, and leaves the policy as it was (S19)", async () => {
  const shop = await open();
  // The primary is well: rule 207 refuses a failover, and says which command passes over it.
  const refused = await command(shop, "alice", "failover", "shop", "--reason", "I want to see it");
  expect(refused).toMatchObject({ code: 1, said: expect.stringContaining("(rule 207)") });
  expect(refused.said).toContain('  npm run understudy -- failover shop --override 207 --reason "WHY"');

  const asked = await door(shop, "alice").order({
    verb: "failover",
    database: "shop",
    generation: 1,
    overrides: [207],
    reason: "I insist",
  });
  expect(asked).toMatchObject({ accepted: true, execution: null, commands: [expect.stringContaining("approve shop-g1-")] });
  expect(await shop.record()).toMatchObject({ attempts: 0, claim: null });
  const listed = await command(shop, "bob", "requests", "shop");
  expect(listed.said).toContain(`${asked.request}: failover to shop-b, open until`);
  const agreed = await command(shop, "bob", "approve", String(asked.request));
  expect(agreed.said.replace(/\s+/g, " ")).toContain('ordered by alice and bob ("I insist"), overriding rule 207');
  await shop.moved();
  const again = await command(shop, "bob", "approve", String(asked.request));
  expect(again).toMatchObject({ code: 1, said: expect.stringContaining("(rule 501)") });
  expect(await door(shop, "alice").order({ verb: "failover", database: "shop", generation: 1, reason: "once more" })).toMatchObject({
    accepted: false,
    sentence: expect.stringContaining("(rule 206)"),
  });
});

test("the watcher cannot be reached as the second person agrees: the request stays, and its next minute carries it out (S7)", async () => {
  const shop = await open();
  const insist = { verb: "failover", database: "shop", generation: 1, overrides: [207], reason: "I insist" } as const;
  const asked = await door(shop, "alice").order(insist);
  const id = String(asked.request);

  // Whoever may invoke the watcher has it look, and moves nothing: what was not agreed to is not carried out for being named.
  const { database: _, ...said } = insist;
  const order = { ...said, id: "k3v9x2m4p7q1", target: null, by: "alice and bob", atMs: Date.now() };
  expect(await shop.invoke("watch", { database: "shop", order })).toMatchObject({ decision: { kind: "failover", rule: 402 } });
  expect(await shop.invoke("watch", { database: "shop", request: id })).toMatchObject({ accepted: false, execution: null });
  expect(await shop.invoke("watch", { database: "shop", request: "shop-g1-nobody" })).toMatchObject({ accepted: false, request: null });
  expect(await shop.record()).toMatchObject({ attempts: 0, claim: null });

  const throttle = await shop.lab.faults.inject({ fault: "throttle", service: "lambda", function: "understudy-corner-shop-order" });
  expect(await door(shop, "bob").order({ verb: "approve", request: id })).toMatchObject({
    accepted: true,
    execution: null,
    sentence: expect.stringContaining("the watcher did not answer"),
  });
  expect(await door(shop, "alice").order({ ...insist, reason: "another" })).toMatchObject({
    accepted: false,
    sentence: expect.stringContaining("Nothing was changed: the watcher did not look"),
  });
  await throttle.stop();
  await shop.minute("watch");
  expect(await shop.moved()).toMatchObject({ primary: "shop-b", lastMove: { automatic: false } });
  expect(await shop.json<MoveRequest>(`requests/shop/${id}.json`)).toMatchObject({ usedBy: "move-shop-g1-a1", due: false });
});

test("what two people agreed to is refused as the standby has died: it is not tried again by itself (S19)", async () => {
  const shop = await open();
  const asked = await door(shop, "alice").order({
    verb: "failover",
    database: "shop",
    generation: 1,
    overrides: [207],
    reason: "I insist",
  });
  const id = String(asked.request);
  await shop.lab.rds.faults.kill(PRIMARY, "shop-b");
  const refused = { accepted: false, execution: null, request: id };
  expect(await door(shop, "bob").order({ verb: "approve", request: id })).toMatchObject(refused);
  expect(await shop.json<MoveRequest>(`requests/shop/${id}.json`)).toMatchObject({ usedBy: null, due: false });
  await shop.lab.world.call("rds", "RebootDBInstance", { DBInstanceIdentifier: "shop-b" }, { region: PRIMARY });
  await waitFor("the standby to be fit again", 30_000, async () => {
    const order = { id: "k3v9x2m4p7q1", verb: "failover", target: "shop-b", overrides: [207], reason: "a look", by: "a test" };
    const look = { database: "shop", order: { ...order, atMs: Date.now(), generation: 1 } };
    return (await shop.invoke<{ decision: { kind: string } }>("watch", look)).decision.kind === "failover";
  });
  expect(await shop.invoke("watch", { database: "shop", request: id })).toMatchObject({
    ...refused,
    sentence: expect.stringContaining("was answered before"),
  });
  await shop.invoke("watch", {});
  expect(await shop.record()).toMatchObject({ attempts: 0, claim: null });
  // Another yes tries it once more.
  expect(await door(shop, "bob").order({ verb: "approve", request: id })).toMatchObject({ accepted: true, execution: "move-shop-g1-a1" });
  await shop.moved();
});

test("a person ends the cooldown of a move and releases the fleet's brake, and both are on record (S17, S18)", async () => {
  const shop = await open();
  const put = (Key: string, value: unknown) =>
    shop.lab.world.call(
      "s3",
      "PutObject",
      { Bucket: shop.bucket, Key, Body: Buffer.from(JSON.stringify(value)) },
      { region: shop.plan.regions.recovery },
    );
  const execution = "move-shop-g1-a1";
  const lastMove = { execution, outcome: "failed", endedAtMs: Date.now(), automatic: true, acknowledgedBy: null };
  await put("databases/shop/record.json", { ...(await shop.record()), attempts: 1, lastMove });
  await put("databases/brake.json", { moves: [1, 2, 3].map((n) => ({ execution: `move-${n}`, atMs: Date.now() })), releasedAtMs: 0 });
  await shop.lab.rds.faults.kill(PRIMARY, "shop-a");
  await mailWith(shop, "(rule 202)");

  expect(await command(shop, "alice", "acknowledge", "shop")).toMatchObject({ code: 0 });
  expect((await shop.record())?.lastMove).toMatchObject({ execution, acknowledgedBy: "alice" });
  await shop.invoke("watch", {});
  const mail = await mailWith(shop, "(rule 205)");
  expect(mail.text).toContain("\n  npm run understudy -- release-brake\n");
  expect(await shop.record()).toMatchObject({ attempts: 1, claim: null });
  expect(await command(shop, "bob", "release-brake")).toMatchObject({ code: 0 });
  await shop.invoke("watch", {});
  expect(await shop.moved()).toMatchObject({ primary: "shop-b" });
});

test("a court asks for a backup: an owner sees them all in 80 columns, holds one by its name and lets it go again (R27, R48)", async () => {
  const shop = await open();
  await waitFor("the first backup in both regions", 20_000, async () => {
    await shop.invoke("retain", {});
    return (await command(shop, "alice", "backups", "shop")).said.includes("Newest good:     understudy-shop-");
  });
  const page = await command(shop, "alice", "backups", "shop");
  const [, backup = ""] = /Newest good: +(\S+)/.exec(page.said) ?? [];
  expect(page.said).toContain(`keep ${backup}: eu-central-1, eu-west-1\n     last 1,`);
  expect(page.said).toMatch(/A restore now would lose \d+ s; planned: one every 6 h\./);
  expect(Math.max(...page.said.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);

  expect(await command(shop, "alice", "hold", "shop", "--backup", "understudy-shop-20200101t0000", "--reason", "a court")).toMatchObject({
    code: 1,
    said: expect.stringContaining("knows no backup"),
  });
  expect(await command(shop, "alice", "hold", "shop", "--backup", backup, "--reason", "a court asks for it")).toMatchObject({ code: 0 });
  expect((await command(shop, "bob", "backups", "shop")).said.replace(/\s+/g, " ")).toContain("held: a court asks for it (alice)");
  await mailWith(shop, `npm run understudy -- release shop --backup ${backup}`);
  expect(await command(shop, "bob", "release", "shop", "--backup", backup)).toMatchObject({ code: 0 });
  expect((await command(shop, "bob", "backups", "shop")).said).not.toContain("held");
});
