/** What a promotion loses, compared: nothing is made weaker, nothing that interrupts is done, nothing is written over. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Alarm, alarmsOn, compareAlarms, nameFor } from "../../core/alarm-copies.ts";
import { type Baseline, type Changes, compareProtections, compareTags, type Held, type Protections } from "../../core/protections.ts";
import { protectionsNews } from "../../core/protections-news.ts";

const NOW_MS = Date.UTC(2026, 10, 21, 9, 0, 0); // a Saturday

const FULL: Protections = {
  backupRetentionDays: 14,
  backupWindow: "02:00-02:30",
  maintenanceWindow: "sun:05:00-sun:06:00",
  multiAz: true,
  deletionProtection: true,
  parameterGroup: "shop-postgres",
  copyTagsToSnapshot: true,
  storageLimitGb: 200,
  performanceInsights: true,
  monitoringSeconds: 60,
  iamAuthentication: true,
  logExports: ["postgresql"],
};
const BARE: Protections = {
  backupRetentionDays: 7,
  backupWindow: "04:00-04:30",
  maintenanceWindow: "mon:01:00-mon:02:00",
  multiAz: false,
  deletionProtection: false,
  parameterGroup: "default.postgres18",
  copyTagsToSnapshot: false,
  storageLimitGb: null,
  performanceInsights: false,
  monitoringSeconds: 0,
  iamAuthentication: false,
  logExports: [],
};
const had = (protections: Partial<Protections> = {}, more: Partial<Baseline> = {}): Baseline => ({
  instance: "shop-a",
  region: "eu-central-1",
  atMs: NOW_MS - 60_000,
  protections: { ...FULL, ...protections },
  tags: {},
  alarms: [],
  ...more,
});
const held = (protections: Partial<Protections> = {}, more: Partial<Held> = {}): Held => ({
  instance: "shop-b",
  region: "eu-central-1",
  arn: "arn:aws:rds:eu-central-1:111122223333:db:shop-b",
  status: "available",
  protections: { ...BARE, ...protections },
  tags: {},
  storageGb: 20,
  pending: [],
  ...more,
});
const changes = (baseline: Baseline, now: Held, atMs = NOW_MS): Changes =>
  Object.assign({}, ...compareProtections(baseline, now, atMs).mend.map(({ change }) => change));

test("a promoted replica stands bare: all that interrupts nothing is mended, the rest is a person's, each with its command", () => {
  expect(changes(had(), held())).toEqual({
    backupRetentionDays: 14,
    backupWindow: "02:00-02:30",
    maintenanceWindow: "sun:05:00-sun:06:00",
    multiAz: true,
    deletionProtection: true,
    parameterGroup: "shop-postgres",
    copyTagsToSnapshot: true,
    storageLimitGb: 200,
  });
  const { person } = compareProtections(had(), held(), NOW_MS);
  expect(person).toHaveLength(4);
  for (const each of person) expect(each).toContain("aws rds modify-db-instance --region eu-central-1 --db-instance-identifier shop-b --");
});

test("backups are off: turning them on would restart the new primary, so a person does it", () => {
  const { mend, person } = compareProtections(had(), held({ backupRetentionDays: 0 }), NOW_MS);
  expect(mend.flatMap(({ change }) => Object.keys(change))).not.toContain("backupRetentionDays");
  expect(person[0]).toContain("turning them on interrupts the instance");
});

test("a change that restarts waits for its window: a second zone, which would carry it out at once, is left to a person", () => {
  const { mend, person } = compareProtections(had(), held({}, { pending: ["DBInstanceClass"] }), NOW_MS);
  expect(mend.some(({ change }) => change.multiAz)).toBe(false);
  expect(person.join()).toContain("DBInstanceClass");
  // What this move has asked for itself is no obstacle.
  expect(changes(had(), held({}, { pending: ["MultiAZ"] })).multiAz).toBe(true);
});

test("the old primary's maintenance window is open now: moving into it may reboot, so it is left for later", () => {
  const during = Date.UTC(2026, 10, 22, 5, 30, 0);
  expect(changes(had(), held(), during).maintenanceWindow).toBeUndefined();
  expect(compareProtections(had(), held(), during).person.join()).toContain("is open now");
  // Over midnight, and in words that cannot be read.
  const overMidnight = had({ maintenanceWindow: "sat:23:30-sun:00:30" });
  expect(changes(overMidnight, held(), Date.UTC(2026, 10, 22, 0, 10, 0)).maintenanceWindow).toBeUndefined();
  expect(changes(overMidnight, held(), Date.UTC(2026, 10, 22, 0, 40, 0)).maintenanceWindow).toBe("sat:23:30-sun:00:30");
  expect(changes(had({ maintenanceWindow: "whenever" }), held()).maintenanceWindow).toBeUndefined();
});

test("in another region: a default parameter group is replaced, one that was chosen there stays", () => {
  const there = { region: "eu-west-1" };
  expect(changes(had(), held({}, there)).parameterGroup).toBe("shop-postgres");
  const own = held({ parameterGroup: "shop-west" }, there);
  expect(changes(had(), own).parameterGroup).toBeUndefined();
  expect(compareProtections(had(), own, NOW_MS).person.join()).toContain("keeps its own parameter group shop-west");
  // In the same region the primary's own is the right one.
  expect(changes(had(), held({ parameterGroup: "shop-reader" })).parameterGroup).toBe("shop-postgres");
});

const ofProtections = fc.record<Protections>({
  backupRetentionDays: fc.option(fc.integer({ min: 0, max: 35 })),
  backupWindow: fc.option(fc.constantFrom("02:00-02:30", "04:00-04:30")),
  maintenanceWindow: fc.option(fc.constantFrom("sun:05:00-sun:06:00", "sat:08:30-sat:09:30", "mon:01:00-mon:02:00")),
  multiAz: fc.option(fc.boolean()),
  deletionProtection: fc.option(fc.boolean()),
  parameterGroup: fc.option(fc.constantFrom("default.postgres18", "shop-postgres", "shop-reader")),
  copyTagsToSnapshot: fc.option(fc.boolean()),
  storageLimitGb: fc.option(fc.integer({ min: 20, max: 300 })),
  performanceInsights: fc.option(fc.boolean()),
  monitoringSeconds: fc.option(fc.constantFrom(0, 30, 60)),
  iamAuthentication: fc.option(fc.boolean()),
  logExports: fc.subarray(["postgresql", "upgrade"]),
});
const ofHeld = fc.record({
  region: fc.constantFrom("eu-central-1", "eu-west-1"),
  storageGb: fc.option(fc.integer({ min: 20, max: 200 })),
  pending: fc.subarray(["DBInstanceClass", "MultiAZ", "AllocatedStorage"]),
});
const withChanges = (now: Held, change: Changes): Held => ({ ...now, protections: { ...now.protections, ...change } });

test("whatever the two have: done once there is nothing more to do, what is asked for is never weaker, and nothing unknown is touched", () => {
  fc.assert(
    fc.property(ofProtections, ofProtections, ofHeld, fc.integer({ min: 0, max: 7 * 24 }), (was, is, more, hours) => {
      const atMs = NOW_MS + hours * 3_600_000;
      const now = held(is, more);
      const baseline = had(was);
      const change = changes(baseline, now, atMs);
      expect(compareProtections(baseline, withChanges(now, change), atMs).mend).toEqual([]);
      for (const key of Object.keys(change) as (keyof Changes)[]) {
        expect(change[key]).toBe(was[key]);
        if (key !== "storageLimitGb") expect(is[key]).not.toBeNull();
      }
      if (change.backupRetentionDays) {
        expect(change.backupRetentionDays).toBeGreaterThan(is.backupRetentionDays ?? 99);
        expect(is.backupRetentionDays).not.toBe(0);
      }
      for (const key of ["multiAz", "deletionProtection", "copyTagsToSnapshot"] as const) expect(change[key]).not.toBe(false);
      expect(change.storageLimitGb ?? 999).toBeGreaterThan(is.storageLimitGb ?? 0);
      if (change.multiAz) expect(now.pending.filter((name) => name !== "MultiAZ")).toEqual([]);
      expect(change.parameterGroup ?? "").not.toMatch(/^default\./);
      expect(compareProtections(had(is), held(is, { ...more, region: "eu-central-1" }), atMs)).toEqual({ mend: [], person: [] });
    }),
  );
});

test("tags: what it lacks is added, what it has stays, AWS's own and its Name are left out", () => {
  const baseline = had(
    {},
    { tags: { team: "shop", tier: "gold", Name: "shop-a", "aws:cloudformation:stack-name": "shop", toString: "odd" } },
  );
  expect(compareTags(baseline, held({}, { tags: { tier: "silver", Name: "shop-b" } }))).toEqual({
    add: { team: "shop", toString: "odd" },
    person: ['Its tag tier is "silver", shop-a\'s is "gold": left as it is.'],
  });
});

const alarm = (name: string, instance: string, more: object = {}): Alarm => ({
  name,
  settings: {
    AlarmDescription: `CPU of ${instance}`,
    AlarmActions: ["arn:aws:sns:eu-central-1:111122223333:ops"],
    Namespace: "AWS/RDS",
    MetricName: "CPUUtilization",
    Statistic: "Average",
    Dimensions: [{ Name: "DBInstanceIdentifier", Value: instance }],
    Period: 60,
    EvaluationPeriods: 5,
    Threshold: 90,
    ComparisonOperator: "GreaterThanThreshold",
    ...more,
  },
});
const math = (instance: string, Expression: string): Alarm => ({
  name: "load",
  settings: {
    Metrics: [
      {
        Id: "m",
        MetricStat: {
          Metric: { Namespace: "AWS/RDS", MetricName: "DBLoad", Dimensions: [{ Name: "DBInstanceIdentifier", Value: instance }] },
        },
      },
      { Id: "e", Expression },
    ],
  },
});
const A = { instance: "shop-a", region: "eu-central-1" };
const B = { instance: "shop-b", region: "eu-central-1" };

test("alarms: those of the primary are found by their dimension, and made for the new one with the same limits and actions", () => {
  const own = [alarm("shop-a-cpu", "shop-a"), alarm("disk", "shop-a", { MetricName: "FreeStorageSpace" }), math("shop-a", "m / 2")];
  const all = [...own, alarm("shop-a-2-cpu", "shop-a-2"), alarm("shop-a-fake", "shop-b", { Threshold: 1 })];
  expect(alarmsOn("shop-a", all)).toEqual(own);
  const { make, person } = compareAlarms(A, own, B, all);
  expect(person).toEqual([]);
  expect(make).toEqual([
    alarm("shop-b-cpu", "shop-b"),
    alarm("disk-shop-b", "shop-b", { MetricName: "FreeStorageSpace" }),
    { ...math("shop-b", "m / 2"), name: "load-shop-b" },
  ]);
  expect(compareAlarms(A, own, B, [...all, ...make])).toEqual({ make: [], person: [] });
});

test("an alarm that is there already is not written over, whoever made it", () => {
  const same = { ...alarm("mine", "shop-b"), settings: { ...alarm("mine", "shop-b").settings, AlarmDescription: "another text" } };
  expect(compareAlarms(A, [alarm("shop-a-cpu", "shop-a")], B, [same])).toEqual({ make: [], person: [] });
  const other = alarm("shop-b-cpu", "shop-b", { Threshold: 50 });
  const { make, person } = compareAlarms(A, [alarm("shop-a-cpu", "shop-a")], B, [other]);
  expect(make).toEqual([]);
  expect(person[0]).toContain("shop-b-cpu is there already and differs");
});

test("alarms that cannot be copied are named: across regions, and with the instance in an expression", () => {
  const across = compareAlarms(A, [alarm("cpu", "shop-a")], { instance: "shop-c", region: "eu-west-1" }, []);
  expect(across).toEqual({ make: [], person: [expect.stringContaining("its actions cannot be used in eu-west-1")] });
  const inWords = compareAlarms(A, [math("shop-a", "SEARCH('shop-a', 'Average')")], B, []);
  expect(inWords).toEqual({ make: [], person: [expect.stringContaining("in an expression")] });
});

test("the copy's name always holds the new instance's, which is all the role may write", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 255 }), (name) => {
      const copy = nameFor(name, "shop-a", "shop-b");
      expect(copy).toContain("shop-b");
    }),
  );
  expect(nameFor("x".repeat(255), "shop-a", "shop-b")).toHaveLength(255);
  expect(nameFor("shop-ab cpu of shop-a", "shop-a", "shop-b")).toBe("shop-ab cpu of shop-b");
});

test("the mail says what was restored and what is left", () => {
  const base = { database: "shop", execution: "move-shop-g1-a1", instance: "shop-b", from: { instance: "shop-a", atMs: NOW_MS } };
  const whole = protectionsNews({ ...base, done: ["alarm cpu-shop-b"], left: [] }, "evidence/x.json", NOW_MS);
  expect(whole).toMatchObject({ kind: "Protections Restored", id: "move-shop-g1-a1-protections" });
  expect(whole.details).toContainEqual(["Restored", "alarm cpu-shop-b"]);
  const part = protectionsNews({ ...base, from: null, done: [], left: ["Backups."] }, null, NOW_MS);
  expect(part).toMatchObject({ kind: "Protections Missing", sentence: "shop-b is not yet protected: 1 thing is left to you." });
});
