import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const folder = () => inject("packageFolder");
const template = () => JSON.parse(readFileSync(join(folder(), "cloudformation-template-update-stack.json"), "utf8"));
const has = (command: string) => spawnSync(command, ["--version"]).status === 0;

interface Resource {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a compiled template
  Properties: any;
}

test("every function in functions/ is in the template, on arm64 and Node 24, each with a role of its own", () => {
  const resources = Object.values(template().Resources as Record<string, Resource>);
  const functions = resources.filter((it) => it.Type === "AWS::Lambda::Function").map((it) => it.Properties);
  const files = readdirSync(join(ROOT, "functions"))
    .filter((file) => file !== "handler.ts")
    .map((file) => file.replace(".ts", ""));
  // The dead man's check stands in the primary's region alone, and this plan has no machines and no vault and sends no dumps elsewhere.
  const elsewhere = ["bucket", "machine", "offsite", "overdue", "vault"];
  expect([...functions.map((it) => it.FunctionName.replace("understudy-corner-shop-", "")), ...elsewhere].sort()).toEqual(files.sort());
  for (const it of functions) expect(it).toMatchObject({ Runtime: "nodejs24.x", Architectures: ["arm64"] });
  expect(new Set(functions.map((it) => JSON.stringify(it.Role))).size).toBe(functions.length);
});

test("no role has a wildcard action; a wildcard resource says why in its Sid", () => {
  for (const [id, resource] of Object.entries(template().Resources as Record<string, Resource>)) {
    if (resource.Type !== "AWS::IAM::Role") continue;
    for (const statement of resource.Properties.Policies.flatMap(
      (policy: { PolicyDocument: { Statement: unknown[] } }) => policy.PolicyDocument.Statement,
    )) {
      for (const action of statement.Action) expect(action, id).not.toContain("*");
      if (statement.Resource === "*") expect(statement.Sid, id).toMatch(/HaveNoArnBeforeTheyExist$|WithoutArn$/);
    }
  }
});

test("the watcher is woken three ways besides the probe: its minute, RDS events, the alarm", () => {
  const all = template().Resources as Record<string, Resource>;
  const rules = Object.values(all).filter(
    (it) => it.Type === "AWS::Events::Rule" && JSON.stringify(it.Properties.Targets).includes("WatchLambdaFunction"),
  );
  expect(rules.map((rule) => rule.Properties.ScheduleExpression ?? rule.Properties.EventPattern.source[0]).sort()).toEqual([
    "aws.rds",
    "rate(1 minute)",
  ]);
  expect(all.ShopPrimaryLost?.Properties.AlarmActions).toEqual([{ "Fn::GetAtt": ["WatchLambdaFunction", "Arn"] }]);
  expect(all.ShopPrimaryLostMayWakeWatch?.Properties.Principal).toBe("lambda.alarms.cloudwatch.amazonaws.com");
});

test("bundles stay small: 400 KB, a durable one 700 KB", () => {
  for (const name of readdirSync(join(ROOT, "dist", "test")).filter(
    (it) => statSync(join(ROOT, "dist", "test", it)).isDirectory() && it !== "package",
  )) {
    const limit = ["move", "backup", "restore", "drill", "site", "vault"].includes(name) ? 700_000 : 400_000;
    expect(statSync(join(ROOT, "dist", "test", name, "index.mjs")).size, name).toBeLessThanOrEqual(limit);
  }
});

test.skipIf(!has("cfn-lint"))("cfn-lint accepts both templates", () => {
  // W3005: the packager repeats dependencies that references already give. W3002: the small stack's code is packaged by the AWS CLI, as the
  // README says.
  for (const [file, region] of [
    ["cloudformation-template-update-stack.json", "eu-west-1"],
    ["primary-region.json", "eu-central-1"],
  ] as const) {
    const { status, stdout } = spawnSync(
      "cfn-lint",
      ["--ignore-checks", "W3005,W3002", "--regions", region, "--template", join(folder(), file)],
      { encoding: "utf8" },
    );
    expect(stdout, file).toBe("");
    expect(status, file).toBe(0);
  }
});

test("packaging refuses a wrong plan with the plan's own line, and packages nothing", () => {
  const args = [
    "package",
    "--param",
    "plan=no-such-plan.yml",
    "--param",
    "out=dist/never",
    "--package",
    join(ROOT, "dist", "never", "package"),
  ];
  const { status, stdout, stderr } = spawnSync(join(ROOT, "node_modules", ".bin", "serverless"), args, { cwd: ROOT, encoding: "utf8" });
  expect(`${stdout}${stderr}`).toContain("The plan no-such-plan.yml cannot be read: ENOENT");
  expect(status).not.toBe(0);
  expect(readdirSync(join(ROOT, "dist"))).not.toContain("never");
});
