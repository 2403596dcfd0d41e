/** The figures of `npm run bench:failover`: how an outage is cut, and that its tightest setting is the schema's. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { comparison, groupLines } from "../../cli/bench-failover-page.ts";
import { actedMs, awsMs, type Run, spread, stagesBetween } from "../../cli/bench-failover-stages.ts";
import { tightPlan } from "../../cli/tight-plan.ts";
import { parsePlan } from "../../core/plan/parse.ts";

const run = (outageMs: number): Run => ({
  seed: 1,
  outageMs,
  stages: { detect: 4000, decide: 100, fence: 500, TTL: 1000, "first write": outageMs - 5600 },
  awsMs: { fence: 150 },
  lost: 0,
  drawn: "killed at noon",
});

test("a stage that ended before the one above it took no time, and the stages add up to the outage", () => {
  const stages = stagesBetween(1000, [
    ["detect", 3000],
    ["repoint", 2500],
    ["first write", 3600],
  ]);
  expect(stages).toEqual({ detect: 2000, repoint: 0, "first write": 600 });
});

test("medians of even and odd numbers of runs", () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
  expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, least: 1, most: 4 });
});

test("what is waited for by plan is not counted as ours, nor is what AWS takes", () => {
  expect(actedMs(run(6000))).toBe(1000);
  expect(awsMs(run(6000))).toBe(150);
});

test("the page says median, range, split and whether the bar is met; the job server stands beside it", () => {
  const ours = { engine: "MariaDB", setting: "default", mover: "Understudy", runs: [6000, 6200, 12_000].map(run), barSeconds: 10 } as const;
  const naive = { engine: "MariaDB", setting: "ping every 60 s", mover: "job server", runs: [run(31_000)], barSeconds: null } as const;
  const page = groupLines(ours).join("\n");
  expect(page).toContain("outage          6.20 s   6.00 to 12.00");
  expect(page).toContain("of it AWS's own 0.15");
  expect(page).toContain("✔ the outage's median is under 10 s");
  expect(comparison([ours, naive]).join("\n")).toContain("31.0 s, 5.0 times");
});

test("the tightest setting is the tightest the schema takes: one less of anything is a mistake in the plan", () => {
  const tight = tightPlan(readFileSync(join(import.meta.dirname, "..", "..", "recovery-plan.yml"), "utf8"));
  expect(parsePlan(tight).ok).toBe(true);
  for (const [there, less] of [
    ["probeEverySeconds: 1", "probeEverySeconds: 0"],
    ["missedProbes: 2", "missedProbes: 1"],
    ["ttlSeconds: 1", "ttlSeconds: 0"],
  ] as const) {
    expect(tight).toContain(there);
    expect(parsePlan(tight.replace(there, less)).ok).toBe(false);
  }
});
