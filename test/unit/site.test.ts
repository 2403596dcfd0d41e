import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parsePlan } from "../../core/plan/parse.ts";
import type { SitePlan } from "../../core/plan/schema.ts";
import { agrees, healthOf, lowered, type NamedSet, raised, readDial, SIDES, sameSets, stepsFrom, wantedSets } from "../../core/site.ts";

const EXAMPLE = readFileSync(join(import.meta.dirname, "..", "..", "recovery-plan.yml"), "utf8").replace(
  "      - { instance: shop-b, region: eu-central-1 }",
  "$&\n      - { instance: shop-c, region: eu-west-1 }",
);
const SITE = `
sites:
  - name: web
    databases: [shop]
    recovery: { group: web, region: eu-west-1, capacity: 4 }
    records:
      - { name: www.shop.internal, zone: Z08CORNERSHOP0001, ttlSeconds: 30, primary: one.example.com, recovery: two.example.com }
    dial: { steps: [10, 50, 100], secondsBetween: 60 }
    hooks: { before: "arn:aws:lambda:eu-west-1:111122223333:function:before" }
`;

function problems(from: string, to: string): string[] {
  const text = (EXAMPLE + SITE).replace(from, to);
  expect(text, `"${from}" must stand in the plan`).not.toBe(EXAMPLE + SITE);
  const parsed = parsePlan(text);
  return parsed.ok ? [] : parsed.problems.map(({ field, problem }) => `${field}: ${problem}`);
}

test("a plan with a site is valid", () => {
  expect(parsePlan(EXAMPLE + SITE)).toMatchObject({ ok: true });
});

test.each([
  ["databases: [shop]", "databases: [shp]", 'sites[0].databases[0]: unknown database "shp", expected one of: shop'],
  ["- name: web", "- name: shop", 'sites[0].name: "shop" is a database of this plan, expected another name'],
  [
    "group: web, region: eu-west-1",
    "group: web, region: eu-central-1",
    "sites[0].recovery.region: expected the recovery region, eu-west-1",
  ],
  ["steps: [10, 50, 100]", "steps: [10, 50]", "sites[0].dial.steps: expected the last step to be 100: the site is to be evacuated"],
  ["steps: [10, 50, 100]", "steps: [50, 10, 100]", "sites[0].dial.steps[1]: expected more than the step before it, 50"],
  [
    "lambda:eu-west-1:",
    "lambda:eu-central-1:",
    "sites[0].hooks.before: expected a function in eu-west-1: one in another region may be lost together with the site",
  ],
  [
    "name: www.shop.internal",
    "name: db.shop.internal",
    'sites[0].records[0].name: "db.shop.internal" stands in this plan twice, expected each name once',
  ],
  ["recovery: two.example.com", "recovery: one.example.com", "sites[0].records[0].recovery: expected another target than the primary's"],
  ["capacity: 4", "capacity: 0", "sites[0].recovery.capacity: expected a whole number of instances from 1 to 1000, got 0"],
])("a site with %s instead says what was expected", (from, to, expected) => {
  // The first hit of a region is another field's.
  expect(problems(from, to)).toEqual([expected]);
});

test("a database without a standby in the recovery region cannot move with its site", () => {
  expect(problems("\n      - { instance: shop-c, region: eu-west-1 }", "")).toEqual([
    'sites[0].databases[0]: "shop" has no standby in eu-west-1: it could not be moved there; add one to its standbys',
  ]);
});

test("the dial goes on from where it stands, and the same steps back", () => {
  const steps = [10, 50, 100];
  expect(stepsFrom(steps, "evacuate", 0)).toEqual([10, 50, 100]);
  expect(stepsFrom(steps, "evacuate", 10)).toEqual([50, 100]);
  expect(stepsFrom(steps, "evacuate", 100)).toEqual([]);
  expect(stepsFrom(steps, "return", 100)).toEqual([90, 50, 0]);
  expect(stepsFrom(steps, "return", 50)).toEqual([0]);
  expect(stepsFrom(steps, "return", 0)).toEqual([]);
});

test("a group is never made smaller, and gets its former size back unless somebody has changed its limits", () => {
  const before = { min: 1, max: 3, desired: 2 };
  expect(raised(before, 4)).toEqual({ min: 4, max: 4, desired: 4 });
  expect(raised({ min: 6, max: 12, desired: 9 }, 4)).toEqual({ min: 6, max: 12, desired: 9 });
  expect(lowered({ min: 4, max: 4, desired: 4 }, before, 4)).toEqual(before);
  expect(lowered({ min: 4, max: 20, desired: 11 }, before, 4)).toBeNull();
});

test("healthy is what both the group and the load balancer find well", () => {
  const members = [
    { id: "i-1", serves: true },
    { id: "i-2", serves: true },
    { id: "i-3", serves: false },
  ];
  const target = (id: string, state = "healthy") => ({ id, state });
  expect(healthOf(2, members, null)).toMatchObject({ enough: true });
  expect(healthOf(3, members, null)).toEqual({ enough: false, words: "2 instances in service and healthy, 3 needed" });
  expect(healthOf(2, members, [target("i-1"), target("i-2", "initial")])).toEqual({
    enough: false,
    words: "1 of 2 targets healthy, 2 needed",
  });
  // Another group's instances are no help; addresses cannot be told apart.
  expect(healthOf(2, members, [target("i-1"), target("i-9")])).toMatchObject({ enough: false });
  expect(healthOf(2, members, [target("10.0.0.1"), target("10.0.0.2")])).toMatchObject({ enough: true });
});

const RECORD = {
  name: "www.shop.example",
  zone: "Z1",
  ttlSeconds: 30,
  primary: "one.example.com",
  recovery: "two.example.com",
} satisfies SitePlan["records"][number];
const plain = (value: string, more: Partial<NamedSet> = {}): NamedSet => ({
  type: "CNAME",
  identifier: null,
  weight: null,
  ttlSeconds: 30,
  value,
  more: false,
  ...more,
});

test("a record is turned only when it is as Understudy made it, or a plain one that leads to the primary", () => {
  expect(readDial(RECORD, [plain("One.example.com.")])).toMatchObject({ ok: true, share: 0 });
  expect(readDial(RECORD, wantedSets(RECORD, 50))).toMatchObject({ ok: true, share: 50 });
  expect(readDial(RECORD, [...wantedSets(RECORD, 10), plain("a text", { type: "TXT" })])).toMatchObject({ ok: true, share: 10 });
  const trouble = (...sets: NamedSet[]) => {
    const reading = readDial(RECORD, sets);
    return reading.ok ? "none" : reading.trouble;
  };
  expect(trouble()).toContain("does not exist");
  expect(trouble(plain("three.example.com"))).toContain("leads to three.example.com; expected a CNAME to one.example.com");
  expect(trouble(plain("10.0.0.1", { type: "A" }))).toContain("has an address");
  expect(trouble(plain("one.example.com", { more: true }))).toContain("a health check");
  const [primary, recovery] = wantedSets(RECORD, 10) as [NamedSet, NamedSet];
  expect(trouble(primary, { ...recovery, identifier: "somebody" })).toContain("not Understudy's");
  expect(trouble(primary, { ...recovery, value: "three.example.com" })).toContain("the plan says otherwise");
  expect(trouble({ ...primary, weight: 0 }, { ...recovery, weight: 0 })).toContain("no weight at all");
  expect(sameSets([recovery, primary], wantedSets(RECORD, 10))).toBe(true);
  expect(sameSets([recovery, { ...primary, ttlSeconds: 60 }], wantedSets(RECORD, 10))).toBe(false);
  expect(primary).toMatchObject({ identifier: SIDES.primary, weight: 90 });
});

test("what servers answer must agree with the share, and with nothing else", () => {
  const [one, two] = [RECORD.primary, RECORD.recovery];
  expect(agrees(RECORD, 10, [one, one, two])).toBeNull();
  expect(agrees(RECORD, 10, [one, one])).toContain("does not lead to two.example.com yet");
  expect(agrees(RECORD, 100, [two, one])).toContain("still leads to one.example.com");
  expect(agrees(RECORD, 0, [one, two])).toContain("still leads to two.example.com");
  expect(agrees(RECORD, 50, [one, two, "three.example.com"])).toContain("is answered with three.example.com");
  expect(agrees(RECORD, 50, [one, two, null])).toContain("no CNAME");
  expect(agrees(RECORD, 0, [])).toContain("nobody answers");
});
