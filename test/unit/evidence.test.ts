import { expect, test } from "vitest";
import { type Evidence, evidenceOf, newestMove, type Story, splitOf } from "../../core/evidence.ts";
import { evidencePage } from "../../core/evidence-page.ts";
import { merged } from "../../runbooks/evidence.ts";
import { NOW, POLICY, quiet, record, standby, standbyAnswer, vote } from "./facts.ts";

const call = (answer: string, tookMs: number) => ({
  service: "RDS",
  operation: "RebootDBInstance",
  region: "eu-central-1",
  target: "shop-a",
  atMs: NOW,
  tookMs,
  times: 1,
  tries: 1,
  answer,
});

function packOf(change: Partial<Story> = {}): Evidence {
  const facts = quiet({
    record: record({
      claim: {
        execution: "move-shop-g1-a1",
        attempt: 1,
        kind: "failover",
        target: "shop-b",
        takenAtMs: NOW - 500,
        rule: 401,
        sentence: "because",
        order: null,
        stage: "claimed",
        network: null,
      },
    }),
    vote: vote({
      primarySeen: "lost",
      primaryLostSinceMs: NOW - 6_000,
      lastHeartbeatAtMs: NOW - 8_000,
      rowsChanged: 1_200,
      linkSeen: "lost",
      linkLostSinceMs: NOW - 6_000,
    }),
    standbys: [standby({ answer: standbyAnswer({ link: "lost", heartbeatAtMs: NOW - 12_000, rowsChanged: 1_100 }) })],
  });
  return evidenceOf({
    execution: "move-shop-g1-a1",
    kind: "failover",
    outcome: "succeeded",
    sentence: "shop now runs on shop-b.",
    name: "db.shop.internal",
    policy: POLICY,
    confirmed: { atMs: NOW, rule: 401, sentence: "Failover to shop-b. (rule 401)", primary: "shop-a", standby: "shop-b", facts },
    moments: [
      ["fence", NOW + 1_000, "a refused write"],
      ["drain", null, "nobody looked"],
      ["promote", NOW + 4_000, "a write"],
    ],
    proofs: { fence: { holds: true, seen: "a write is refused", atMs: NOW + 1_000 }, drain: null },
    drained: { heartbeatAtMs: NOW - 9_000, rowsChanged: 1_190 },
    steps: [
      { name: "fence it", atMs: NOW, endedAtMs: NOW + 1_000, looks: 2, seen: null, holds: null, failed: false, calls: [call("ok", 20)] },
    ],
    ...change,
  });
}

test("a move's time is split without a gap: what nobody saw goes to the next part", () => {
  const { split } = packOf();
  expect(split.map(({ part, ms }) => [part, ms])).toEqual([
    ["detect", 5_500],
    ["decide", 500],
    ["fence", 1_000],
    ["promote", 3_000],
  ]);
  expect(
    splitOf([
      ["", 100, ""],
      ["late", 50, ""],
      ["next", 130, ""],
    ]).map(({ ms }) => ms),
  ).toEqual([0, 30]);
});

test("the price is told twice: before the act, and once the standby had applied all it had received", () => {
  const { price } = packOf();
  expect(price.before).toMatchObject({ seconds: 4, rows: 100 });
  expect(price.drained).toMatchObject({ seconds: 1, rows: 10, words: "1 s of writes, at most about 10 rows" });
});

test("every guard stands with its value and its limit", () => {
  expect(packOf().guards).toContainEqual({ what: "lag of shop-b", value: "4 s", limit: "at most 30 s" });
  expect(packOf().guards).toContainEqual({ what: "lost for", value: "5.5 s", limit: "at least 4 s" });
});

test("a reason with markup in it is text on the page", () => {
  const page = evidencePage(packOf({ sentence: `<script>alert("x")</script> & 'y'`, name: '"><img src=x onerror=1>' }));
  expect(page).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;");
  expect(page).not.toMatch(/<script|<img/);
  expect(page).not.toMatch(/<[^>]*\s(src|href)=/);
});

test("calls that are alike are counted, and one that was refused stands beside them", () => {
  expect(merged([call("ok", 20), call("InvalidDBInstanceState", 5), call("ok", 30)])).toMatchObject([
    { answer: "ok", times: 2, tookMs: 50 },
    { answer: "InvalidDBInstanceState", times: 1 },
  ]);
});

test("moves stand in the order in which they were made", () => {
  expect(["move-shop-g10-a1", "move-shop-g2-a2", "move-shop-g2-a1"].sort(newestMove)).toEqual([
    "move-shop-g2-a1",
    "move-shop-g2-a2",
    "move-shop-g10-a1",
  ]);
});
