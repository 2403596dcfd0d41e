import { expect, test } from "vitest";
import { diagnose } from "../../core/diagnosis.ts";
import type { Facts } from "../../core/facts.ts";
import { decisionKey, explain, recordDecision, replay } from "../../core/recorded.ts";
import { decide } from "../../core/rules.ts";
import { killed, NOW, orphan, POLICY, quiet, standby } from "./facts.ts";

const recorded = (facts: Facts) => recordDecision(facts, POLICY, null, decide(facts, diagnose(facts, POLICY), POLICY));
/** As it comes back from S3. */
const kept = (facts: Facts) => JSON.parse(JSON.stringify(recorded(facts)));
const late = killed({ standbys: [standby({ answer: orphan({ heartbeatAtMs: NOW - 101_000 }) })] });

test("a recorded decision is explained: the same again, every row down to the one that decided (S33)", () => {
  const told = explain(kept(late));
  expect(told.same).toBe(true);
  expect(told.rows.at(-1)).toMatchObject({ number: 311, matched: true });
  expect(told.rows.slice(0, -1).every((row) => !row.matched)).toBe(true);
  expect(told.standbys).toEqual([{ id: "shop-b", hot: true, unfit: expect.stringContaining("94 s behind, the limit is 30 s") }]);
});

test("a record that was changed afterwards is found out (S33)", () => {
  const forged = kept(late);
  forged.decision = { ...forged.decision, kind: "failover", rule: 401 };
  expect(explain(forged).same).toBe(false);
});

test("a sentence that was changed afterwards is found out (S33)", () => {
  const forged = kept(late);
  forged.decision = { ...forged.decision, sentence: forged.decision.sentence.replace("94 s", "4 s") };
  expect(explain(forged).same).toBe(false);
});

test("another policy is tried on what happened: only what it would have changed is shown", () => {
  const history = [quiet(), late, killed()].map(kept);
  expect(replay(history, POLICY)).toEqual([]);
  const patient = replay(history, { ...POLICY, maxLagSeconds: 120 });
  expect(patient.map(({ was, would }) => [was.rule, would.rule])).toEqual([[303, 401]]);
});

test("decisions are kept by day, in the order of time", () => {
  expect(decisionKey("shop", NOW, 401)).toBe("decisions/shop/2026-11-21/09-00-00-000Z-r401.json");
});
