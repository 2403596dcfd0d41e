import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { describeProblem, parsePlan } from "../../core/plan/parse.ts";
import { planJsonSchema } from "../../core/plan/schema.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const EXAMPLE = readFileSync(join(ROOT, "recovery-plan.yml"), "utf8");

/** The lines a user sees after changing one thing in the example. */
function problems(from: string, to: string): string[] {
  const changed = EXAMPLE.replace(from, to);
  expect(changed, `"${from}" must stand in the example plan`).not.toBe(EXAMPLE);
  const parsed = parsePlan(changed);
  return parsed.ok ? [] : parsed.problems.map((problem) => describeProblem("recovery-plan.yml", problem));
}

const lineOf = (text: string) => EXAMPLE.split("\n").findIndex((line) => line.includes(text)) + 1;

test("the example plan is valid", () => {
  expect(parsePlan(EXAMPLE)).toMatchObject({ ok: true });
});

test("a probe interval of 0 names its line, its field and what was expected", () => {
  expect(problems("probeEverySeconds: 2", "probeEverySeconds: 0")).toEqual([
    `recovery-plan.yml:${lineOf("probeEverySeconds")}:7 databases.shop.failover.probeEverySeconds: expected a whole number of seconds from 1 to 20, got 0`,
  ]);
});

test("a backup interval of 0 is refused", () => {
  expect(problems("everyMinutes: 360", "everyMinutes: 0")[0]).toContain(
    "backups[0].everyMinutes: expected a whole number of minutes from 5 to 10080, got 0",
  );
});

test("a backup may begin after the next one is due: refused", () => {
  expect(problems("everyMinutes: 360", "everyMinutes: 360\n    startWindowMinutes: 400")[0]).toContain(
    "backups[0].startWindowMinutes: expected 360 (everyMinutes) or less: then the next one is due",
  );
});

test("a record of an unknown database names the known ones", () => {
  const [, second] = problems("    database: shop\n\nbackups", "    database: shp\n\nbackups");
  expect(second).toContain('records[0].database: unknown database "shp", expected one of: shop');
});

test("two records for one name are refused", () => {
  const record = EXAMPLE.slice(EXAMPLE.indexOf("  - name: db.shop.internal"), EXAMPLE.indexOf("\nbackups:"));
  expect(problems(record, record + record)[0]).toContain(
    'records[1].name: a second record for "db.shop.internal" (the first is records[0])',
  );
});

test("a standby in a region the plan does not know is refused", () => {
  const found = problems("instance: shop-b, region: eu-central-1", "instance: shop-b, region: us-east-1");
  expect(found[0]).toContain("databases.shop.standbys[0].region: expected one of the plan's regions, eu-central-1 or eu-west-1");
});

test("a standby in a region without a fence is refused: an old primary could not be shut off there", () => {
  const found = problems("fenceSecurityGroups: { eu-central-1: sg-0a1b2c3d4e5f6fe0c, ", "fenceSecurityGroups: { ");
  expect(found[0]).toContain("databases.shop.fenceSecurityGroups: expected a security group for eu-central-1, where shop-a runs");
});

test("a region to restore into without a group for its verification is refused, and so are drills", () => {
  const found = problems("sg-0a1b2c3d4e5f6d4a1, eu-west-1: sg-0a1b2c3d4e5f6d4a2", "sg-0a1b2c3d4e5f6d4a1");
  expect(found[0]).toContain("databases.shop.restore.eu-west-1: expected a drainSecurityGroups entry for eu-west-1 too");
});

test("a maintenance window that is none is refused, with an example", () => {
  const found = problems("cooldownMinutes: 60", "cooldownMinutes: 60\n      maintenance: [sunday 2 to 4]");
  expect(found[0]).toContain('databases.shop.failover.maintenance[0]: expected a weekly window in UTC, like "sun:02:00-04:00"');
});

test("a primary that is its own standby is refused", () => {
  expect(problems("instance: shop-b", "instance: shop-a")[0]).toContain('the instance "shop-a" is already the primary of shop');
});

test("a misspelt field is named, and so is the one it leaves missing", () => {
  const found = problems("port: 5432", "prt: 5432");
  expect(found.find((line) => line.includes("databases.shop.prt"))).toContain("unknown field");
  expect(found.find((line) => line.includes("databases.shop.port"))).toContain("missing; expected a whole number from 1024 to 65535");
});

test("a database nobody backs up is refused", () => {
  expect(problems(EXAMPLE.slice(EXAMPLE.indexOf("backups:"), EXAMPLE.indexOf("\nnotify:")), "backups: []\n")[0]).toContain(
    'no backup of the database "shop"',
  );
});

test("the recovery region must not be the primary region", () => {
  expect(problems("recovery: eu-west-1", "recovery: eu-central-1")[0]).toContain("a lost region would take its own rescue along");
});

test("broken YAML names its line", () => {
  expect(problems("name: corner-shop", "name: [corner-shop")[0]).toMatch(/^recovery-plan\.yml:\d+:\d+ not valid YAML: /);
});

test("an alias without its anchor is a problem, not a crash (found by chance: `: *-`)", () => {
  expect(problems("name: corner-shop", "name: *-")[0]).toContain("not valid YAML: Unresolved alias");
});

test("an empty file says what a plan holds", () => {
  expect(parsePlan("")).toMatchObject({
    ok: false,
    problems: [{ line: 1, problem: expect.stringContaining("expected a section with version, name, regions") }],
  });
});

test("whatever is put in place of one value, the answer is a plan or problems with lines, never a crash", () => {
  const values = [...EXAMPLE.matchAll(/: ([^\s{[][^\n]*)$/gm)].map((match) => match[1] as string);
  fc.assert(
    fc.property(
      fc.constantFrom(...values),
      fc.oneof(fc.integer(), fc.string(), fc.constant("null"), fc.constant("[]"), fc.constant("{a: 1}")),
      (from, to) => {
        const parsed = parsePlan(EXAMPLE.replace(`: ${from}`, () => `: ${to}`));
        if (!parsed.ok) for (const problem of parsed.problems) expect(problem.line).toBeGreaterThan(0);
      },
    ),
    { numRuns: 300 },
  );
});

test("the JSON Schema beside the plan is the one the code gives", () => {
  expect(JSON.parse(readFileSync(join(ROOT, "recovery-plan.schema.json"), "utf8"))).toEqual(planJsonSchema());
});

const fenced = (rungs: string) => problems("cooldownMinutes: 60", `cooldownMinutes: 60\n      fence: ${rungs}`);

test("a fence without what proves it is refused, with the reason (S2, S3)", () => {
  expect(fenced("[network, stop]")[0]).toContain(
    'databases.shop.failover.fence: expected "sessions" among them: without it nothing proves that a primary that is silent takes no writes',
  );
  expect(fenced("[sessions, stop]")[0]).toContain('expected "network" among them');
  expect(fenced("[sessions, network]")[0]).toContain("expected the order network, sessions");
  expect(fenced("[network, network, sessions]")[0]).toContain('"network" stands here twice');
  expect(fenced("[network, sessions, glue]")[0]).toContain('expected one of "read-only", "network", "sessions", "credentials", "stop"');
  expect(fenced("[network, sessions, stop]")).toEqual([]);
});

test("the read-only rung needs a parameter group that the primary alone has", () => {
  const all = "[read-only, network, sessions]";
  const own = (groups: string) =>
    problems("cooldownMinutes: 60", `cooldownMinutes: 60\n      fence: ${all}\n    fenceParameterGroups: ${groups}`);
  expect(fenced(all)[0]).toContain('"read-only" needs fenceParameterGroups to name the group that shop-a alone uses');
  expect(own("{ shop-a: shop-own, shop-b: shop-own }")[0]).toContain(
    "databases.shop.fenceParameterGroups.shop-b: expected another group than shop-a's",
  );
  expect(own("{ shop-a: shop-own, nobody: other }")[0]).toContain("expected one of this database's instances: shop-a, shop-b");
  expect(own("{ shop-a: default.postgres18 }")[0]).toContain("expected the name of a DB parameter group of your own");
  expect(own("{ shop-a: shop-a-own }")).toEqual([]);
});

test("more snapshots are kept than AWS gives: refused with the sum, and a higher quota is taken at its word (R30)", () => {
  const keep = "keep: { last: 4, daily: 7, weekly: 4, monthly: 12 }";
  const found = problems(keep, "keep: { hourly: 48, daily: 31, monthly: 24 }");
  expect(found[0]).toContain(
    "backups: expected to keep at most 100 snapshots in each region, and these come to 105: shop 105 (48 hourly + 31 daily + 24 monthly, 2 in passing). Keep fewer",
  );
  expect(problems(keep, "keep: { hourly: 48, daily: 31, monthly: 24 }\nquotas: { manualSnapshots: 200 }")).toEqual([]);
});

test("a retention without a tier, and a calendar nobody has, are refused", () => {
  const keep = "keep: { last: 4, daily: 7, weekly: 4, monthly: 12 }";
  expect(problems(keep, "keep: { floor: 5 }")[0]).toContain("backups[0].keep: expected at least one of last, hourly, daily");
  expect(problems(keep, "keep: { daily: 7, timeZone: Europe/Atlantis }")[0]).toContain(
    'backups[0].keep.timeZone: expected the IANA name of a time zone, like "Europe/Berlin"',
  );
});
