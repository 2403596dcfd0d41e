import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { simulationCode } from "../../cli/simulation-code.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { readPlanFile } from "../../infra/plan-file.ts";
import { Code } from "../../lab/simulation/environments.ts";
import { FUNCTIONS, SNAPSHOT_RULE } from "../../lab/simulation/month/deployment.ts";
import { simulateMonth } from "../../lab/simulation/month/run.ts";
import { monthPlan } from "../../lab/simulation/month/scene.ts";
import type { Month } from "../../lab/simulation/month/troubles.ts";

const DAY_MS = 86_400_000;
let plan: Plan;
let code: Map<string, Code>;

beforeAll(async () => {
  plan = monthPlan(readPlanFile(join(import.meta.dirname, "../../recovery-plan.yml")));
  code = new Map(Object.entries(await simulationCode(FUNCTIONS)).map(([name, source]) => [name, new Code(name, source)]));
});

const fair = (days: number, calmDays: number, script: (month: Month) => void = () => {}) =>
  simulateMonth({ seed: 5, plan, code, days, calmDays, script });

test("fair days: every backup in its time, nobody is called in vain, and RDS is asked a few times a backup (R33, R44)", async () => {
  const { violations, counted, callsBy } = await fair(2, 0);
  expect(violations).toEqual([]);
  expect(counted.falseAlarms).toBe(0);
  expect(counted.backups).toBeGreaterThan(50);
  expect((callsBy.backup ?? 0) / counted.backups).toBeLessThan(300);
});

test("a key is disabled for a day: told, and what was not copied is copied once the key is back (R13, R19)", async () => {
  const { violations, events, counted } = await fair(3, 1, ({ world, clock, plan: { regions } }) => {
    const key = (operation: string) => () =>
      void world.call("kms", operation, { KeyId: "00000000-0000-4000-8000-00000000c091" }, { region: regions.recovery });
    clock.after(DAY_MS, key("DisableKey"));
    clock.after(2 * DAY_MS, key("EnableKey"));
  });
  expect(violations).toEqual([]);
  const mails = events.filter(({ kind }) => kind === "mail").map(({ words }) => words);
  expect(mails).toContainEqual(expect.stringMatching(/^Copies to eu-west-1 are made under the key .* which is disabled/));
  expect(mails).toContainEqual(expect.stringMatching(/^No longer so: Copies to eu-west-1/));
  expect(counted.uncopied).toBe(0);
});

test("the dead man's check and the backups both end: the alarm in the other region rings (R45)", async () => {
  const { violations } = await fair(1, 1, ({ world, clock, plan: { regions } }) => {
    const rules = [
      [regions.recovery, SNAPSHOT_RULE],
      [regions.primary, "overdue-each-two-minutes"],
    ] as const;
    const all = (operation: string) => () => {
      for (const [region, Name] of rules) void world.call("events", operation, { Name }, { region });
    };
    clock.after(DAY_MS / 4, all("DisableRule"));
    clock.after(DAY_MS, all("EnableRule"));
  });
  expect(violations).toEqual([]);
});

test("whoever looks and whoever tells are gone: the judge sees that nobody was told", async () => {
  const { violations } = await fair(1, 0, ({ world, clock, plan: { regions } }) => {
    clock.after(DAY_MS / 2, () => {
      for (const rule of [SNAPSHOT_RULE, "retain-each-hour", "notify-on-news"])
        void world.call("events", "DisableRule", { Name: rule }, { region: regions.recovery });
      // The check goes on, and says what it said before.
      const rds = world.services.get("rds");
      const list = rds?.operations.DescribeDBSnapshots;
      if (!rds || !list) throw new Error("there is no RDS");
      const now = () => ({ SnapshotCreateTime: new Date(clock.nowMs), OriginalSnapshotCreateTime: new Date(clock.nowMs) });
      rds.operations.DescribeDBSnapshots = async (input, caller) => {
        const page = (await list(input, caller)) as { DBSnapshots: object[] };
        return { ...page, DBSnapshots: page.DBSnapshots.map((each) => ({ ...each, ...now() })) };
      };
    });
  });
  expect(violations.map(({ rule }) => rule)).toContain("R44");
});

test("three bad days from a seed: whatever goes wrong, no gap is untold, no orphan is left, no newest good backup goes", async () => {
  const options = { seed: 3, plan, code, days: 3 };
  const { violations, troubles, hash, counted } = await simulateMonth(options);
  expect(violations).toEqual([]);
  expect(troubles.length).toBeGreaterThan(0);
  expect(counted.deleted).toBeGreaterThan(0);
  expect(hash).toMatch(/^[0-9a-f]{16}$/);
}, 300_000);
