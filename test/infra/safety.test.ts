/** What the template itself promises, read from what infra/ makes: no lab needed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Rung } from "../../core/ladder.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { alarms } from "../../infra/alarms.ts";
import { readPlanFile } from "../../infra/plan-file.ts";
import { primaryRegionTemplate } from "../../infra/primary-region.ts";
import { roles } from "../../infra/roles.ts";
import { EXTRA_PERIODS } from "../../lab/cloud/cloudwatch-evaluation.ts";
import { evaluate } from "../../lab/permissions/evaluate.ts";
import { LISTS } from "../guards/lists.ts";
import { pageOf } from "../guards/page.ts";

const plan = readPlanFile(join(import.meta.dirname, "../../recovery-plan.yml"));

test("the probe falls silent: an alarm reaches people without any code of ours (S9)", () => {
  const silent = Object.values(alarms(plan)).filter((each) => /probe-silent$/.test(String(each.Properties?.AlarmName)));
  expect(silent).toHaveLength(Object.keys(plan.databases).length);
  for (const { Properties } of silent)
    expect(Properties).toMatchObject({ TreatMissingData: "breaching", AlarmActions: [{ Ref: "Topic" }] });
});

interface Granted {
  readonly role: string;
  readonly action: string;
  readonly resources: readonly string[];
}

/** With CloudFormation's places filled in, as one deployment would have them. */
const ACCOUNT = "111122223333";
const filled = (value: unknown): string =>
  JSON.stringify(value)
    .replaceAll(/\{"Fn::Sub":("[^"]*")\}/g, "$1")
    .replaceAll(/\{"(?:Ref|Fn::GetAtt)":("\w+"|\["\w+","\w+"\])\}/g, '"arn:aws:other"')
    .replaceAll("${AWS::Partition}", "aws")
    .replaceAll("${AWS::AccountId}", ACCOUNT)
    .replaceAll("${AWS::Region}", "eu-west-1")
    .replaceAll("${StateBucket.Arn}", "arn:aws:s3:::state");
const policyOf = (name: string, of = plan): { Statement: { Action: string[]; Resource: string | string[] }[] } => {
  const [policy] = (roles(of, "understudy-test")[name]?.Properties?.Policies ?? []) as { PolicyDocument: object }[];
  return JSON.parse(filled(policy?.PolicyDocument));
};
const granted = (of = plan): Granted[] =>
  Object.keys(roles(of, "understudy-test")).flatMap((role) =>
    policyOf(role, of).Statement.flatMap(({ Action, Resource }) =>
      Action.map((action) => ({ role, action, resources: [Resource].flat() })),
    ),
  );

test("no role may delete what holds data, but a drill what it made itself, and retention the backups of a plan that says which stay (S26)", () => {
  const all = granted();
  expect(all.length).toBeGreaterThan(50);
  // An interface of a function's network holds nothing.
  expect(all.filter(({ action }) => /Delete|Terminate|Purge/i.test(action) && action !== "ec2:DeleteNetworkInterface")).toEqual([
    {
      role: "RetainRole",
      action: "rds:DeleteDBSnapshot",
      resources: ["eu-central-1", "eu-west-1"].map((region) => `arn:aws:rds:${region}:${ACCOUNT}:snapshot:understudy-shop-*`),
    },
    { role: "DrillRole", action: "rds:DeleteDBInstance", resources: [`arn:aws:rds:eu-west-1:${ACCOUNT}:db:understudy-drill-*`] },
  ]);
  const offsite = { everyDays: 1, endpoint: "https://s3.example", region: "x", bucket: "elsewhere", secret: "understudy/offsite" };
  const dumped = granted({ ...plan, backups: plan.backups.map((backup) => ({ ...backup, offsite })) });
  expect(
    dumped.filter(({ role, action }) => role === "OffsiteRole" && /Delete|Terminate/.test(action) && action.startsWith("rds:")),
  ).toEqual([
    { role: "OffsiteRole", action: "rds:DeleteDBInstance", resources: [`arn:aws:rds:eu-west-1:${ACCOUNT}:db:understudy-offsite-*`] },
  ]);
  const buckets = [{ name: "uploads", bucket: "corner-shop-uploads", region: "eu-central-1", offsite }];
  const carried = granted({ ...plan, buckets }).filter(({ role, action }) => role === "BucketRole" && /^(s3|secretsmanager):/.test(action));
  expect(carried.map(({ action, resources }) => [action, ...resources])).toEqual([
    ["s3:ListBucket", "arn:aws:s3:::corner-shop-uploads"],
    ["s3:GetObject", "arn:aws:s3:::corner-shop-uploads/*"],
    ["secretsmanager:GetSecretValue", expect.stringContaining(":secret:understudy/offsite-*")],
    ["s3:PutObject", expect.stringContaining("/offsite/*")],
  ]);
  const nothingKept = { ...plan, backups: plan.backups.map(({ keep: _, ...backup }) => backup) };
  expect(JSON.stringify(roles(nothingKept, "understudy-test"))).not.toContain("DeleteDBSnapshot");
});

test("a backup is overdue, or nobody looks any more: an alarm in the primary's region mails people by a topic of its own (R44, R45)", () => {
  const { Resources } = primaryRegionTemplate(plan, "understudy-test");
  expect(Resources.ShopBackupOverdue?.Properties).toMatchObject({
    Threshold: 1,
    EvaluationPeriods: 1,
    TreatMissingData: "breaching",
    AlarmActions: [{ Ref: "Topic" }],
  });
  expect(Resources.Topic?.Type).toBe("AWS::SNS::Topic");
  expect(Resources.OverdueSchedule?.Properties).toMatchObject({ ScheduleExpression: "rate(2 minutes)" });
  // It reads nothing of the recovery region's stack.
  expect(JSON.stringify(Resources.OverdueRole)).not.toMatch(/s3:|StateBucket/);
});

test("the dead man's check falls silent as a backup falls due: an alarm in the recovery region mails people within ten minutes (R44, R45)", () => {
  const silent = alarms(plan).OverdueCheckSilent?.Properties;
  expect(silent).toMatchObject({
    Namespace: "Understudy/Overdue",
    ComparisonOperator: "LessThanThreshold",
    TreatMissingData: "breaching",
    AlarmActions: [{ Ref: "Topic" }],
  });
  // Any point in the evaluation range keeps it quiet; the last look may lie at its very end, and a step of evaluation comes on top.
  const { Period, EvaluationPeriods } = silent as { Period: number; EvaluationPeriods: number };
  expect((EvaluationPeriods + EXTRA_PERIODS + 1) * Period).toBeLessThan(600);
  // Not for a look or two that AWS was too busy for.
  expect((EvaluationPeriods + EXTRA_PERIODS) * Period).toBeGreaterThan(3 * 120);
});

test("retention may delete what bears this plan's tags and its database's, and nothing else (R29)", async () => {
  const policies = { retain: policyOf("RetainRole") };
  const may = async (id: string, tags: Record<string, string>) =>
    (
      await evaluate({
        principal: `arn:aws:sts::${ACCOUNT}:assumed-role/retain/retain`,
        account: ACCOUNT,
        action: "rds:DeleteDBSnapshot",
        resource: rds("eu-west-1", `snapshot:${id}`),
        context: Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value])),
        policies,
      })
    ).allowed;
  const ours = { "understudy:plan": plan.name, "understudy:database": "shop" };
  expect(await may("understudy-shop-20261121t0900", ours)).toBe(true);
  expect(await may("understudy-shop-20261121t0900", {})).toBe(false);
  expect(await may("understudy-shop-20261121t0900", { ...ours, "understudy:plan": "another" })).toBe(false);
  expect(await may("understudy-shop-20261121t0900", { ...ours, "understudy:database": "till" })).toBe(false);
  expect(await may("before-the-upgrade", ours)).toBe(false);
});

test("a set's snapshots are deleted and made only with the plan's tags; a plan without machines may touch none (R29)", async () => {
  const web = {
    name: "web-1",
    instance: "i-0a1b2c3d4e5f60001",
    region: "eu-central-1",
    everyMinutes: 60,
    copyTo: "eu-west-1",
    keep: { last: 3 },
  };
  const machines: Plan = { ...plan, machines: [web] };
  const may = async (role: string, action: string, resource: string, tags: Record<string, string>, as = "aws:ResourceTag") =>
    (
      await evaluate({
        principal: `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${role}`,
        account: ACCOUNT,
        action: `ec2:${action}`,
        resource,
        context: Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${as}/${key}`, value])),
        policies: { [role]: policyOf(role, machines) },
      })
    ).allowed;
  const snapshot = "arn:aws:ec2:eu-west-1::snapshot/snap-0a1b2c3d4e5f60001";
  const ours = { "understudy:plan": plan.name, "understudy:machine": "web-1" };
  expect(await may("RetainRole", "DeleteSnapshot", snapshot, ours)).toBe(true);
  expect(await may("RetainRole", "DeleteSnapshot", snapshot, {})).toBe(false);
  expect(await may("RetainRole", "DeleteSnapshot", snapshot, { ...ours, "understudy:machine": "web-2" })).toBe(false);
  expect(await may("MachineRole", "DeleteSnapshot", snapshot, ours)).toBe(false);
  expect(await may("MachineRole", "CopySnapshot", snapshot, ours, "aws:RequestTag")).toBe(true);
  expect(await may("MachineRole", "CopySnapshot", snapshot, {}, "aws:RequestTag")).toBe(false);
  expect(JSON.stringify(roles(plan, "understudy-test"))).not.toMatch(/ec2:(?!Describe)\w*Snapshot/);
});

const rds = (region: string, rest: string) => `arn:aws:rds:${region}:${ACCOUNT}:${rest}`;
const PRODUCTION = ["eu-central-1", "eu-west-1"].flatMap((region) =>
  ["shop-a", "shop-b", "shop-a-g2", "shop-restored-20261121t090000"].map((id) => rds(region, `db:${id}`)),
);
/** Beyond what any role is granted: what would change or lose something. */
const DANGEROUS = [
  ...["DeleteDBInstance", "PromoteReadReplica", "ModifyDBInstance", "RebootDBInstance", "StopDBInstance", "AddTagsToResource"],
  ...["RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime", "CreateDBInstanceReadReplica", "RemoveTagsFromResource"],
].map((name) => `rds:${name}`);

test("a drill's role is allowed nothing on what production runs on (S32)", async () => {
  const policies = { drill: policyOf("DrillRole") };
  const may = async (action: string, resource: string) =>
    (
      await evaluate({
        principal: `arn:aws:sts::${ACCOUNT}:assumed-role/drill/drill`,
        account: ACCOUNT,
        action,
        resource,
        context: {},
        policies,
      })
    ).allowed;
  const known = [...new Set(granted().map(({ action }) => action))];
  const of = (service: string) => known.filter((action) => action.startsWith(`${service}:`));
  const lambda = (name: string) => `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:understudy-test-${name}`;
  const asked: [string[], string[]][] = [
    [
      [...new Set([...of("rds"), ...DANGEROUS])].filter((action) => !/Snapshots?$/.test(action) || action === "rds:CreateDBSnapshot"),
      PRODUCTION,
    ],
    [
      ["rds:DeleteDBSnapshot", "rds:ModifyDBSnapshot", "rds:CopyDBSnapshot", "rds:ModifyDBSnapshotAttribute"],
      [rds("eu-west-1", "snapshot:understudy-shop-20261121t0900")],
    ],
    [["route53:ChangeResourceRecordSets", ...of("route53")], ["arn:aws:route53:::hostedzone/Z08CORNERSHOP0001"]],
    [
      ["s3:PutObject", "s3:DeleteObject"],
      ["record", "brake", "vote", "baseline", "recovery-point"].map((name) => `arn:aws:s3:::state/databases/shop/${name}.json`),
    ],
    [
      ["s3:PutObject"],
      ["requests", "orders", "evidence", "decisions", "backups"].map((folder) => `arn:aws:s3:::state/${folder}/shop/x.json`),
    ],
    [
      ["lambda:InvokeFunction"],
      ["move", "watch", "restore", "backup", "order"].flatMap((name) => [lambda(name), `${lambda(name)}:durable`]),
    ],
  ];
  const allowed: string[] = [];
  let questions = 0;
  for (const [actions, resources] of asked)
    for (const action of actions)
      for (const resource of resources) {
        questions++;
        if (await may(action, resource)) allowed.push(`${action} on ${resource}`);
      }
  expect(questions).toBeGreaterThan(100);
  expect(allowed).toEqual([]);
  // The same question finds what it may do.
  expect(await may("rds:DeleteDBInstance", rds("eu-west-1", "db:understudy-drill-shop-20261121t090000"))).toBe(true);
});

test("only a plan whose fence has the rung may make read-only or stop, and only what is its own", () => {
  const stopping = (made: Plan) =>
    Object.entries(roles(made, "understudy-test")).flatMap(([name, { Properties }]) =>
      ((Properties?.Policies ?? []) as { PolicyDocument: { Statement: { Action: string[]; Resource: unknown }[] } }[])
        .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
        .filter(({ Action }) => Action.some((action) => /StopDBInstance|ResetDBParameterGroup/.test(action)))
        .map((statement) => ({ name, ...statement })),
    );
  expect(stopping(plan)).toEqual([]);
  const [[key, shop]] = Object.entries(plan.databases) as [[string, Plan["databases"][string]]];
  const failover = { ...shop.failover, fence: ["read-only", "network", "sessions", "stop"] as Rung[] };
  const changed = { ...shop, failover, fenceParameterGroups: { [shop.primary.instance]: "shop-a-own" } };
  const statements = stopping({ ...plan, databases: { ...plan.databases, [key]: changed } });
  expect(statements.map(({ name, Action }) => [name, Action])).toEqual([
    ["WatchRole", ["rds:StopDBInstance"]],
    ["WatchRole", ["rds:ResetDBParameterGroup"]],
    ["MoveRole", ["rds:StopDBInstance", "rds:StartDBInstance"]],
    ["MoveRole", ["rds:ModifyDBParameterGroup", "rds:ResetDBParameterGroup"]],
  ]);
  expect(JSON.stringify(statements)).not.toMatch(/:(db|pg):\*/);
  expect(JSON.stringify(statements)).toContain(":pg:shop-a-own");
});

test.each(Object.values(LISTS))("docs/$page is the one the list of guards gives", (list) => {
  expect(readFileSync(join(import.meta.dirname, "../../docs", list.page), "utf8")).toBe(pageOf(list));
});
