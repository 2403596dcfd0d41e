import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCloudWatch } from "../../lab/cloud/cloudwatch.ts";
import { createEventBridge } from "../../lab/cloud/eventbridge.ts";
import { roleOf } from "../../lab/cloud/iam.ts";
import { createS3 } from "../../lab/cloud/s3.ts";
import { createSns } from "../../lab/cloud/sns.ts";
import { deployStack, readPackage, stacksOf } from "../../lab/deploy/index.ts";
import { packageOf } from "./fixtures/packages.ts";
import { ACCOUNT, REGION, type SmallLab, smallLab } from "./fixtures/region.ts";

let lab: SmallLab;
let folder: string;
const compiled = readFileSync(new URL("./fixtures/compiled-template.json", import.meta.url), "utf8");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "package-"));
  writeFileSync(join(folder, "cloudformation-template-update-stack.json"), compiled);
  writeFileSync(join(folder, "watch.zip"), await packageOf("plain.mjs", "watch"));
  writeFileSync(join(folder, "move.zip"), await packageOf("story.ts", "move"));
  lab = await smallLab({
    services(world) {
      world.register(createS3(world));
      world.register(
        createSns(world, { smtp: () => ({ host: "127.0.0.1", port: 9 }), autoConfirm: true, url: () => "http://127.0.0.1:9" }),
      );
      world.register(createEventBridge(world));
      world.register(createCloudWatch(world));
    },
  });
});

afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

const call = (service: string, operation: string, input: object) => lab.world.call(service, operation, input, { region: REGION });
const deploy = (template: object, stackName: string, parameters: Record<string, string> = {}) =>
  deployStack(lab.world, { template, region: REGION, stackName, parameters, artifacts: () => join(folder, "watch.zip") });

test("what serverless package compiles is deployed as it is: names, roles, permissions, schedule, alias", async () => {
  const { resources, outputs } = await deployStack(lab.world, { ...readPackage(folder), region: REGION, stackName: "trial" });
  const watch = await call("lambda", "GetFunctionConfiguration", { FunctionName: "trial-lab-watch" });
  expect(watch).toMatchObject({
    Timeout: 60,
    MemorySize: 1024,
    Environment: { Variables: { MOVE: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:trial-lab-move:durable` } },
  });
  expect((await call("lambda", "GetFunctionConfiguration", { FunctionName: "trial-lab-move" })).DurableConfig).toEqual({
    ExecutionTimeout: 3600,
    RetentionPeriodInDays: 14,
  });
  expect((await call("lambda", "GetFunction", { FunctionName: "trial-lab-watch" })).Concurrency).toEqual({
    ReservedConcurrentExecutions: 1,
  });
  expect(await call("lambda", "GetFunctionEventInvokeConfig", { FunctionName: "trial-lab-watch", Qualifier: "$LATEST" })).toMatchObject({
    MaximumRetryAttempts: 1,
    DestinationConfig: { OnFailure: { Destination: resources.Alerts } },
  });
  expect(resources.MoveRole).toMatch(/^trial-MoveRole-[0-9A-Z]{12}$/);
  expect(roleOf(lab.world, watch.Role)?.policies.own).toMatchObject({ Statement: [{ Action: "s3:*", Resource: "arn:aws:s3:::trial-x" }] });
  expect(resources.State).toMatch(/^trial-state-[0-9a-z]{12}$/);
  expect((await call("s3", "GetBucketVersioning", { Bucket: resources.State })).Status).toBe("Enabled");
  expect((await call("monitoring", "DescribeAlarms", { AlarmNames: ["trial-down"] })).MetricAlarms[0].AlarmActions).toEqual([
    watch.FunctionArn,
    resources.Alerts,
  ]);
  expect(outputs.MoveLambdaFunctionQualifiedArn).toBe(`arn:aws:lambda:${REGION}:${ACCOUNT}:function:trial-lab-move:1`);
  expect(stacksOf(lab.world)[`${REGION}/trial`]?.status).toBe("CREATE_COMPLETE");
});

test("an event of the deployed rule reaches the deployed function", async () => {
  const event = {
    version: "0",
    id: "1",
    "detail-type": "RDS DB Instance Event",
    source: "aws.rds",
    account: ACCOUNT,
    time: new Date().toISOString(),
    region: REGION,
    resources: [],
    detail: {},
  };
  await call("events", "LabDeliver", { event });
  expect((await lab.told(/^trial-lab-watch is invoked/)).kind).toBe("invoke");
});

test("the deployed durable function runs under its alias", async () => {
  const answer = await call("lambda", "Invoke", {
    FunctionName: "trial-lab-move",
    Qualifier: "durable",
    DurableExecutionName: "move-shop-g1-a1",
    Payload: Buffer.from('{"failTwice":false}'),
  });
  expect(answer.DurableExecutionArn).toContain(":function:trial-lab-move:1/durable-execution/move-shop-g1-a1/");
  expect(JSON.parse(answer.Payload.toString())).toMatchObject({ seen: "observe", copies: [2, 4, 6] });
});

test("a stack is created once", async () => {
  await expect(deployStack(lab.world, { ...readPackage(folder), region: REGION, stackName: "trial" })).rejects.toMatchObject({
    code: "AlreadyExistsException",
  });
});

test("a template with a resource the lab does not know creates nothing and names it", async () => {
  const template = {
    Resources: { Topic: { Type: "AWS::SNS::Topic", Properties: { TopicName: "half-done" } }, Table: { Type: "AWS::DynamoDB::Table" } },
  };
  await expect(deploy(template, "odd")).rejects.toThrow("Table (AWS::DynamoDB::Table)");
  expect((await call("sns", "ListTopics", {})).Topics.some(({ TopicArn }: { TopicArn: string }) => TopicArn.endsWith(":half-done"))).toBe(
    false,
  );
  expect(stacksOf(lab.world)[`${REGION}/odd`]).toBeUndefined();
});

test("a circle of references, a name nobody has and a missing parameter are each told as such", async () => {
  const role = (needs: string) => ({ Type: "AWS::SNS::Topic", Properties: { DisplayName: { Ref: needs } } });
  await expect(deploy({ Resources: { A: role("B"), B: role("C"), C: role("A") } }, "circle")).rejects.toThrow("[A -> B -> C -> A]");
  await expect(deploy({ Resources: { A: role("Nobody") } }, "nobody")).rejects.toThrow("A refers to Nobody");
  await expect(deploy({ Parameters: { Mail: { Type: "String" } }, Resources: { A: role("Mail") } }, "missing")).rejects.toThrow(
    "[Mail] must have values",
  );
});

test("a creation that a service refuses names the resource and leaves the stack as failed", async () => {
  const broken = {
    Type: "AWS::Lambda::Function",
    Properties: { Runtime: "nodejs24.x", Handler: "a.b", Role: `arn:aws:iam::${ACCOUNT}:role/nobody`, Code: { S3Key: "x/watch.zip" } },
  };
  await expect(deploy({ Resources: { Broken: broken } }, "refused")).rejects.toThrow(
    "Broken (AWS::Lambda::Function): The role defined for the function cannot be assumed by Lambda",
  );
  expect(stacksOf(lab.world)[`${REGION}/refused`]).toMatchObject({ status: "CREATE_FAILED" });
});

test("the intrinsic functions give what CloudFormation gives", async () => {
  const template = {
    Parameters: { Stage: { Type: "String", Default: "prod" }, Zones: { Type: "CommaDelimitedList", Default: "a, b" } },
    Conditions: {
      IsProd: { "Fn::Equals": [{ Ref: "Stage" }, "prod"] },
      IsLab: { "Fn::Not": [{ Condition: "IsProd" }] },
      Either: { "Fn::Or": [{ Condition: "IsProd" }, { Condition: "IsLab" }] },
      Both: { "Fn::And": [{ Condition: "IsProd" }, { Condition: "IsLab" }] },
    },
    Resources: {
      Never: { Type: "AWS::SNS::Topic", Condition: "IsLab" },
      Topic: {
        Type: "AWS::SNS::Topic",
        Properties: {
          TopicName: { "Fn::If": ["IsProd", "forms", "other"] },
          DisplayName: { "Fn::If": ["Both", "x", { Ref: "AWS::NoValue" }] },
        },
      },
    },
    Outputs: {
      Sub: { Value: { "Fn::Sub": "${AWS::Region}/${Topic.TopicName}/${!Literal}" } },
      SubWith: { Value: { "Fn::Sub": ["${Name}-${Stage}", { Name: { "Fn::GetAtt": "Topic.TopicName" } }] } },
      Join: { Value: { "Fn::Join": [":", ["arn", { Ref: "AWS::Partition" }, { Ref: "AWS::AccountId" }]] } },
      Select: { Value: { "Fn::Select": [1, { "Fn::Split": ["/", "a/b/c"] }] } },
      List: { Value: { Ref: "Zones" } },
      Either: { Value: { "Fn::If": ["Either", "yes", "no"] } },
      Gone: { Value: "x", Condition: "IsLab" },
    },
  };
  const { outputs, resources } = await deploy(template, "forms");
  expect(outputs).toEqual({
    Sub: `${REGION}/forms/\${Literal}`,
    SubWith: "forms-prod",
    Join: `arn:aws:${ACCOUNT}`,
    Select: "b",
    List: ["a", "b"],
    Either: "yes",
  });
  expect(Object.keys(resources)).toEqual(["Topic"]);
  expect(
    (
      await deploy(
        { ...template, Resources: { Topic: { Type: "AWS::SNS::Topic" } }, Outputs: { Stage: { Value: { Ref: "Stage" } } } },
        "forms-lab",
        { Stage: "lab" },
      )
    ).outputs,
  ).toEqual({ Stage: "lab" });
  await expect(
    deploy({ Resources: { A: { Type: "AWS::SNS::Topic", Properties: { TopicName: { "Fn::ImportValue": "x" } } } } }, "import"),
  ).rejects.toThrow("does not know Fn::ImportValue");
});
