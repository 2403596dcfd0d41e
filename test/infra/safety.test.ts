/** What the template itself promises, read from what infra/ makes: no lab needed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Rung } from "../../core/ladder.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { alarms } from "../../infra/alarms.ts";
import { readPlanFile } from "../../infra/plan-file.ts";
import { roles } from "../../infra/roles.ts";
import { safetyPage } from "../safety/page.ts";

const plan = readPlanFile(join(import.meta.dirname, "../../recovery-plan.yml"));

test("the probe falls silent: an alarm reaches people without any code of ours (S9)", () => {
  const silent = Object.values(alarms(plan)).filter((each) => /probe-silent$/.test(String(each.Properties?.AlarmName)));
  expect(silent).toHaveLength(Object.keys(plan.databases).length);
  for (const { Properties } of silent)
    expect(Properties).toMatchObject({ TreatMissingData: "breaching", AlarmActions: [{ Ref: "Topic" }] });
});

test("no role may delete what holds data (S26)", () => {
  const granted = Object.values(roles(plan, "understudy-test")).flatMap(({ Properties }) =>
    ((Properties?.Policies ?? []) as { PolicyDocument: { Statement: { Action: string[] }[] } }[]).flatMap(({ PolicyDocument }) =>
      PolicyDocument.Statement.flatMap(({ Action }) => Action),
    ),
  );
  expect(granted.length).toBeGreaterThan(50);
  // An interface of a function's network holds nothing.
  expect(granted.filter((action) => /Delete|Terminate|Purge/i.test(action) && action !== "ec2:DeleteNetworkInterface")).toEqual([]);
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

test("docs/safety.md is the one the list of guards gives", () => {
  expect(readFileSync(join(import.meta.dirname, "../../docs/safety.md"), "utf8")).toBe(safetyPage());
});
