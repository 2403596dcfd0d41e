/** What RDS says is told to people and counts for nothing. */
import { expect, test } from "vitest";
import { diagnose } from "../../core/diagnosis.ts";
import { decisionNews } from "../../core/news.ts";
import { decide } from "../../core/rules.ts";
import { killed, NOW, POLICY, quiet, vote } from "./facts.ts";

const event = (eventId: string, message: string) => ({ instance: "shop-a", eventId, message, atMs: NOW - 12_000 });
const told = (facts: ReturnType<typeof killed>) => {
  const diagnosis = diagnose(facts, POLICY);
  const decision = decide(facts, diagnosis, POLICY);
  return { decision, details: Object.fromEntries(decisionNews(decision, facts, diagnosis).details), diagnosis };
};

test("RDS is failing over by itself when the probes lose the primary: the mail says so, and how long that takes", () => {
  const { details } = told(killed({ primaryEvent: event("RDS-EVENT-0013", "Multi-AZ instance failover started") }));
  expect(details["RDS says"]).toBe('"available"; "Multi-AZ instance failover started" (RDS-EVENT-0013), 12 s before this');
  expect(details["Waiting takes"]).toContain("60 to 120 s");
});

test("whatever RDS says of it, a primary that answers is not moved away from, and a dead one is", () => {
  for (const said of [null, event("RDS-EVENT-0004", "DB instance shutdown"), event("RDS-EVENT-0006", "DB instance restarted")]) {
    expect(told(quiet({ primaryEvent: said })).decision.rule).toBe(101);
    expect(told(killed({ primaryEvent: said })).decision.rule).toBe(401);
  }
});

test("the disk is full: the mail says what helps, and that time does not", () => {
  const base = quiet();
  const facts = quiet({ vote: vote({ condition: "disk-full" }), primary: base.primary && { ...base.primary, status: "storage-full" } });
  const { decision, details, diagnosis } = told(facts);
  expect(decision.rule).toBe(108);
  expect(details["Waiting takes"]).toContain("storage");
  expect(decisionNews(decision, facts, diagnosis).next).toBe("Give the primary more storage.");
});
