import fc from "fast-check";
import { expect, test } from "vitest";
import { audienceOf, signedText } from "../../core/order.ts";
import { reminderDue } from "../../core/pause.ts";
import { calledAs, mayOrder, personOf } from "../../core/people.ts";
import {
  agreed,
  approve,
  databaseOfRequest,
  isDue,
  isEnough,
  isOpen,
  type MoveRequest,
  orderOf,
  ownRequestId,
  peopleNeeded,
  requestId,
  roundEndsMs,
} from "../../core/requests.ts";
import { NOW } from "./facts.ts";

const user = (name: string) => `arn:aws:iam::111122223333:user/${name}`;
const session = (role: string, name: string) => `arn:aws:sts::111122223333:assumed-role/${role}/${name}`;
const HOUR_MS = 3_600_000;

const request = (change: Partial<MoveRequest> = {}): MoveRequest => ({
  id: "shop-g1-u1r0",
  database: "shop",
  generation: 1,
  verb: "failover",
  target: "shop-c",
  targetRegion: "eu-west-1",
  overrides: [],
  reason: "the region is gone",
  askedBy: null,
  askedAtMs: NOW,
  expiresAtMs: NOW + HOUR_MS,
  decision: { rule: 330, sentence: "Approval is needed. (rule 330)", diagnosis: "PrimaryDown" },
  price: { lagSeconds: 2, rowsAtRisk: 12 },
  people: 2,
  approvals: [],
  withdrawnBy: null,
  usedBy: null,
  mark: null,
  due: false,
  ...change,
});

const by = (name: string, atMs = NOW + 60_000) => ({ by: user(name), atMs });
const ruleOf = (judged: ReturnType<typeof approve>) => (judged.counts ? `${judged.missing} missing` : judged.rule);

test("two people agree: enough; one of them twice is one (S34)", () => {
  const first = approve(request(), by("alice"), 1);
  expect(ruleOf(first)).toBe("1 missing");
  const once = first.counts ? first.request : request();
  expect(approve(once, by("alice"), 1)).toMatchObject({
    rule: 505,
    sentence: "Refused: alice has approved the request shop-g1-u1r0 already; 1 of 2 have, the next must be another person. (rule 505)",
  });
  expect(ruleOf(approve(once, by("bob"), 1))).toBe("0 missing");
});

test("due is what enough people have agreed to and the watcher has not answered, whatever else its document says (S34)", () => {
  const both = request({ approvals: [by("alice"), by("bob")], due: true });
  expect(isDue(both, 1, NOW + 1)).toBe(true);
  expect(isDue({ ...both, approvals: [by("alice"), by("alice")] }, 1, NOW + 1)).toBe(false);
  for (const change of [{ due: false }, { usedBy: "move-shop-g1-a1" }, { withdrawnBy: user("alice") }, { generation: 2 }])
    expect(isDue({ ...both, ...change }, 1, NOW + 1), JSON.stringify(change)).toBe(false);
  expect(isDue(both, 1, NOW + HOUR_MS)).toBe(false);
  const again = approve({ ...both, due: false }, by("alice"), 1);
  expect(again).toMatchObject({ counts: true, request: { due: true, approvals: both.approvals } });
  expect(approve(request(), by("alice"), 1)).toMatchObject({ request: { due: false } });
});

test("a request that is used, withdrawn, of another generation or expired takes no approval, with its reason (S19)", () => {
  expect(ruleOf(approve(request({ usedBy: "move-shop-g1-a1" }), by("alice"), 1))).toBe(501);
  expect(ruleOf(approve(request({ withdrawnBy: user("bob") }), by("alice"), 1))).toBe(502);
  expect(ruleOf(approve(request(), by("alice"), 2))).toBe(503);
  const late = approve(request(), by("alice", NOW + 65 * 60_000), 1);
  expect(late).toMatchObject({ rule: 504, sentence: expect.stringContaining("expired at 2026-11-21T10:00:00.000Z, 5 min ago") });
});

const names = fc.array(fc.constantFrom("alice", "bob", "carol", "dave"), { maxLength: 8 });
test("whoever approves how often: enough are so many different people, never fewer (S34)", () => {
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 4 }), (people, needed) => {
      let now = request({ people: needed });
      for (const name of people) {
        const judged = approve(now, by(name), 1);
        if (judged.counts) now = judged.request;
      }
      expect(isEnough(now)).toBe(new Set(people).size >= needed);
      expect(agreed(now)).toBe(Math.min(needed, new Set(people).size));
    }),
  );
});

test("sessions of one role are one person, whatever they call themselves; Identity Center's are people; names are told in short (S34)", () => {
  expect(personOf(session("operators", "alice"))).toBe(personOf(session("operators", "bob")));
  const sso = "AWSReservedSSO_Admin_0123456789abcdef";
  expect(personOf(session(sso, "alice@shop"))).not.toBe(personOf(session(sso, "bob@shop")));
  expect(personOf("arn:aws:sts::111122223333:federated-user/a")).toBe(personOf("arn:aws:sts::111122223333:federated-user/b"));
  expect([user("alice"), session("operators", "bob"), "arn:aws:iam::111122223333:root"].map(calledAs)).toEqual([
    "alice",
    "operators/bob",
    "root",
  ]);
  expect(calledAs("arn:aws:iam::111122223333:user/staff/night/alice")).toBe("alice");
});

test("who may order: named users, any session of a named role, nobody of another account or of a role that is only alike (S34)", () => {
  const from = [user("alice"), "arn:aws:iam::111122223333:role/staff/operators"];
  const may = (arn: string, list: string[] | undefined = from) => mayOrder(arn, "111122223333", list);
  expect(may(user("alice"))).toBe(true);
  expect(may(session("operators", "anybody"))).toBe(true);
  expect(may(user("bob"))).toBe(false);
  expect(may(user("operators"))).toBe(false);
  expect(may(session("alice", "operators"))).toBe(false);
  expect(may("arn:aws:sts::999988887777:assumed-role/operators/x")).toBe(false);
  expect(may("arn:aws:iam::999988887777:user/alice")).toBe(false);
  expect(mayOrder(user("bob"), "111122223333", undefined)).toBe(true);
  expect(mayOrder("arn:aws:iam::999988887777:user/bob", "111122223333", undefined)).toBe(false);
});

test("another region or a rule passed over needs the plan's people, everything else one", () => {
  const plan = { people: 3 };
  expect(peopleNeeded(plan, { otherRegion: true, overrides: [] })).toBe(3);
  expect(peopleNeeded(plan, { otherRegion: false, overrides: [303] })).toBe(3);
  expect(peopleNeeded(plan, { otherRegion: false, overrides: [] })).toBe(1);
  expect(peopleNeeded(undefined, { otherRegion: true, overrides: [] })).toBe(1);
});

test("an order carries its approvers, its generation and its overrides, and nothing that lasts (S19)", () => {
  const approvals = [by("alice"), by("bob")];
  expect(orderOf(request({ approvals, overrides: [303] }), NOW)).toEqual({
    id: "shop-g1-u1r0",
    verb: "failover",
    target: "shop-c",
    overrides: [303],
    reason: "the region is gone",
    by: "alice and bob",
    atMs: NOW,
    generation: 1,
  });
});

test("one outage asks once a round, however often it is looked at; a round's request ends where the next begins", () => {
  fc.assert(
    fc.property(fc.nat({ max: 86_400_000 }), fc.integer({ min: 5, max: 1440 }), (afterMs, minutes) => {
      const id = ownRequestId("shop", 1, NOW, NOW + afterMs, minutes);
      const endsMs = roundEndsMs(NOW, NOW + afterMs, minutes);
      expect(endsMs).toBeGreaterThan(NOW + afterMs);
      expect(ownRequestId("shop", 1, NOW, endsMs - 1, minutes)).toBe(id);
      expect(ownRequestId("shop", 1, NOW, endsMs, minutes)).not.toBe(id);
      expect(databaseOfRequest(id)).toBe("shop");
    }),
  );
  expect(databaseOfRequest(requestId("shop-g2-x", 14, "k3v9x2m4p7q1"))).toBe("shop-g2-x");
  expect(databaseOfRequest("../record-g1-a")).toBeNull();
  expect(isOpen(request(), 1, NOW + HOUR_MS)).toBe(false);
});

test("the signed text changes with every field and with the audience, not with their order or the proof (S34)", () => {
  const said = { verb: "failover", id: "a".repeat(16), database: "shop", generation: 1, overrides: [303], reason: "x y z" };
  const audience = audienceOf("111122223333", "eu-west-1", "corner-shop");
  const text = signedText(audience, said);
  expect(signedText(audience, Object.fromEntries(Object.entries(said).reverse()))).toBe(text);
  expect(signedText(audience, { ...said, target: null, proof: { any: "thing" } })).toBe(text);
  for (const change of [
    { verb: "switchover" },
    { generation: 2 },
    { overrides: [304] },
    { overrides: [303, 207] },
    { target: "shop-c" },
    { id: "b" },
  ])
    expect(signedText(audience, { ...said, ...change })).not.toBe(text);
  expect(signedText(audienceOf("111122223333", "eu-west-1", "another-shop"), said)).not.toBe(text);
});

test("a pause reminds at half time, an hour before its end, and when it is over, and then never again (S27)", () => {
  const pause = { sinceMs: NOW, untilMs: NOW + 8 * HOUR_MS, by: "alice", reason: "a load test" };
  const due = (hours: number) => reminderDue(pause, NOW + hours * HOUR_MS);
  expect([0, 3.99, 4, 6.9, 7, 7.99, 8, 8.2, 8.3].map(due)).toEqual([null, null, "half", "half", "hour", "hour", "ended", "ended", null]);
  const short = { ...pause, untilMs: NOW + HOUR_MS };
  expect([0.4, 0.5, 0.9, 1].map((hours) => reminderDue(short, NOW + hours * HOUR_MS))).toEqual([null, "half", "half", "ended"]);
});

test("what is scheduled is due when its time has come, not before, and for as long as any other (S23)", () => {
  const scheduled = request({ people: 1, approvals: [by("alice")], due: true, notBeforeMs: NOW + HOUR_MS, expiresAtMs: NOW + 2 * HOUR_MS });
  expect(
    [NOW, NOW + HOUR_MS - 1, NOW + HOUR_MS, NOW + 2 * HOUR_MS - 1, NOW + 2 * HOUR_MS].map((atMs) => isDue(scheduled, 1, atMs)),
  ).toEqual([false, false, true, true, false]);
});
