import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import * as ec2 from "@aws-sdk/client-ec2";
import { DescribeSecurityGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { DescribeDBInstancesCommand, ModifyDBInstanceCommand, RDSClient } from "@aws-sdk/client-rds";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import * as secrets from "@aws-sdk/client-secrets-manager";
import * as sts from "@aws-sdk/client-sts";
import { describe, expect, test } from "vitest";
import { createCloudWatch } from "../../lab/cloud/cloudwatch.ts";
import { createEc2 } from "../../lab/cloud/ec2.ts";
import { createS3 } from "../../lab/cloud/s3.ts";
import { createSecretsManager } from "../../lab/cloud/secretsmanager.ts";
import { createSts } from "../../lab/cloud/sts.ts";
import type { Operation, Service } from "../../lab/cloud/world.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { startWire } from "../../lab/wire/server.ts";
import { labWith } from "./on-the-wire.ts";

const service = (name: string, operations: Record<string, Operation>): Service => ({ name, operations });

describe("every protocol goes both ways", () => {
  test("query: an RDS instance with dates, lists, tags and characters XML must escape", async () => {
    const instance = {
      DBInstanceIdentifier: "shop-<&>a",
      InstanceCreateTime: new Date("2026-11-01T10:20:30.123Z"),
      AllocatedStorage: 20,
      MultiAZ: true,
      Endpoint: { Address: "shop-a.rds", Port: 5432 },
      TagList: [
        { Key: "env", Value: "prod" },
        { Key: "empty", Value: "" },
      ],
      ReadReplicaDBInstanceIdentifiers: ["shop-b", "shop-c"],
    };
    let seen: unknown;
    const lab = await labWith(() => [
      service("rds", {
        DescribeDBInstances: (input) => {
          seen = input;
          return { DBInstances: [instance] };
        },
      }),
    ]);
    const asked = { DBInstanceIdentifier: "shop-a", MaxRecords: 20, Filters: [{ Name: "engine", Values: ["postgres", "mysql"] }] };
    const answer = await new RDSClient(lab.client()).send(new DescribeDBInstancesCommand(asked));
    expect(seen).toEqual(asked);
    expect(answer.DBInstances?.[0]).toEqual(instance);
    expect(answer.$metadata.requestId).toMatch(/^[0-9a-f]{32}$/);
  });

  test("restJson: an invocation's payload is raw, its outcome is in headers", async () => {
    const lab = await labWith(() => [
      service("lambda", {
        Invoke: ({ FunctionName, Payload, Qualifier }) => ({
          StatusCode: 200,
          FunctionError: "Unhandled",
          Payload: Buffer.from(JSON.stringify({ FunctionName, Qualifier, got: JSON.parse(Payload) })),
        }),
      }),
    ]);
    const arn = "arn:aws:lambda:eu-central-1:111122223333:function:move";
    const answer = await new LambdaClient(lab.client()).send(new InvokeCommand({ FunctionName: arn, Payload: '{"a":1}', Qualifier: "7" }));
    expect(JSON.parse(answer.Payload!.transformToString())).toEqual({ FunctionName: arn, Qualifier: "7", got: { a: 1 } });
    expect(answer.FunctionError).toBe("Unhandled");
  });

  test("CloudWatch answers JSON to new clients and forms to old ones", async () => {
    const lab = await labWith((world) => [createCloudWatch(world)]);
    const alarm = {
      AlarmName: "lag",
      Namespace: "DR",
      MetricName: "Lag",
      Statistic: "Maximum",
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 5,
      ComparisonOperator: "GreaterThanThreshold",
    } as const;
    await new CloudWatchClient(lab.client()).send(new PutMetricAlarmCommand(alarm));
    const form = (action: string, more: Record<string, string>) =>
      fetch(lab.wire.url, {
        method: "POST",
        headers: {
          authorization: "AWS4-HMAC-SHA256 Credential=k/20261121/eu-central-1/monitoring/aws4_request, SignedHeaders=host, Signature=0",
        },
        body: new URLSearchParams({ Action: action, Version: "2010-08-01", ...more }),
      });
    const described = await form("DescribeAlarms", { "AlarmNames.member.1": "lag" });
    expect(await described.text()).toContain("<MetricAlarms><member><AlarmName>lag</AlarmName>");
    const missing = await form("SetAlarmState", { AlarmName: "none", StateValue: "OK", StateReason: "drill" });
    expect([missing.status, await missing.text()]).toEqual([404, expect.stringContaining("<Code>ResourceNotFound</Code>")]);
    const modelled = new CloudWatchClient(lab.client()).send(
      new SetAlarmStateCommand({ AlarmName: "none", StateValue: "OK", StateReason: "drill" }),
    );
    await expect(modelled).rejects.toMatchObject({ name: "ResourceNotFound", Code: "ResourceNotFound" });
  });
});

describe("errors arrive as AWS's", () => {
  const failing = (error: unknown) => () => {
    throw error;
  };

  test("a modelled one by its class, whichever of its two names the service threw", async () => {
    for (const code of ["DBInstanceNotFound", "DBInstanceNotFoundFault"]) {
      const lab = await labWith(() => [
        service("rds", { DescribeDBInstances: failing(new ServiceError(code, "DBInstance shop-a not found.")) }),
      ]);
      const call = new RDSClient(lab.client()).send(new DescribeDBInstancesCommand({}));
      await expect(call).rejects.toMatchObject({
        name: "DBInstanceNotFoundFault",
        Code: "DBInstanceNotFound",
        $metadata: { httpStatusCode: 404 },
      });
    }
  });

  test("members put on the error travel with it", async () => {
    const error = Object.assign(new ServiceError("TooManyRequestsException", "Rate Exceeded."), {
      Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
    });
    const lab = await labWith(() => [service("lambda", { Invoke: failing(error) })]);
    const call = new LambdaClient(lab.client()).send(new InvokeCommand({ FunctionName: "move" }));
    await expect(call).rejects.toMatchObject({
      name: "TooManyRequestsException",
      Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
    });
  });

  test("the lab's own failure is a 500, and its stack is in the story", async () => {
    const lab = await labWith(() => [service("rds", { DescribeDBInstances: failing(new TypeError("undefined is not a database")) })]);
    const call = new RDSClient(lab.client()).send(new DescribeDBInstancesCommand({}));
    await expect(call).rejects.toMatchObject({ name: "InternalFailure", $metadata: { httpStatusCode: 500 } });
    expect(lab.told("undefined is not a database")[0]?.detail?.stack).toContain("wire.test.ts");
  });

  test("an operation the lab does not have, a missing member, a request without a signature", async () => {
    const lab = await labWith((world) => [service("rds", {}), createEc2(world)]);
    const rds = new RDSClient(lab.client());
    await expect(rds.send(new DescribeDBInstancesCommand({}))).rejects.toMatchObject({
      name: "InvalidAction",
      message: "The lab has no rds:DescribeDBInstances.",
    });
    const incomplete = new ModifyDBInstanceCommand({} as never);
    await expect(rds.send(incomplete)).rejects.toMatchObject({
      name: "MissingParameter",
      message: expect.stringContaining("DBInstanceIdentifier"),
    });
    const unsigned = await fetch(lab.wire.url);
    expect([unsigned.status, await unsigned.json()]).toEqual([403, expect.objectContaining({ __type: "MissingAuthenticationToken" })]);
    const internal = await fetch(lab.wire.url, {
      method: "POST",
      headers: { authorization: "AWS4-HMAC-SHA256 Credential=k/20261121/eu-central-1/ec2/aws4_request, Signature=0" },
      body: new URLSearchParams({ Action: "LabPutSecurityGroup", GroupId: "sg-1" }),
    });
    expect(internal.status).toBe(400);
  });
});

test("the caller's region and principal come from the signature, and each call is told without secrets", async () => {
  const lab = await labWith((world) => [createSts(world), createSecretsManager(world)]);
  expect(await new sts.STSClient(lab.client()).send(new sts.GetCallerIdentityCommand({}))).toMatchObject({
    Account: "111122223333",
    Arn: "arn:aws:iam::111122223333:user/tester",
  });
  await new secrets.SecretsManagerClient(lab.client("eu-west-1")).send(
    new secrets.CreateSecretCommand({ Name: "shop", SecretString: "hunter2" }),
  );
  const [call] = lab.world.story.filter((line) => line.kind === "call" && line.service === "secretsmanager");
  expect(call).toMatchObject({
    region: "eu-west-1",
    what: "secretsmanager:CreateSecret",
    detail: { operation: "CreateSecret", status: 200, input: { Name: "shop", SecretString: "***" } },
  });
  expect(JSON.stringify(lab.world.story)).not.toContain("hunter2");
});

test("the hook before a call can refuse it, or let it happen and lose the reply", async () => {
  let fault: "refuse" | "lose" | undefined = "refuse";
  const lab = await labWith((world) => [createSecretsManager(world)], {
    wire: {
      before(_request, { operation }) {
        if (operation !== "CreateSecret") return;
        if (fault === "refuse") throw new ServiceError("AccessDeniedException", "not you", 400);
        return fault === "lose" ? "lose reply" : undefined;
      },
    },
  });
  const client = new secrets.SecretsManagerClient(lab.client());
  const create = () => client.send(new secrets.CreateSecretCommand({ Name: "shop" }));
  await expect(create()).rejects.toMatchObject({ name: "AccessDeniedException" });
  fault = "lose";
  await expect(create()).rejects.toThrow();
  fault = undefined;
  await expect(create()).rejects.toMatchObject({ name: "ResourceExistsException" });
});

test("a port in use is refused with its number, and closing does not wait for idle connections", async () => {
  const lab = await labWith((world) => [createS3(world)]);
  await expect(startWire(lab.world, { port: lab.wire.port, principalFor: String })).rejects.toThrow(
    `Port ${lab.wire.port} on 127.0.0.1 is in use`,
  );
  await new S3Client(lab.client()).send(new ListBucketsCommand({}));
  await lab.wire.close();
  await expect(fetch(lab.wire.url)).rejects.toThrow();
});

test("a secret is found by name and by ARN, in its region only, with its newest value", async () => {
  const lab = await labWith((world) => [createSecretsManager(world)]);
  const client = new secrets.SecretsManagerClient(lab.client());
  const { ARN } = await client.send(new secrets.CreateSecretCommand({ Name: "shop/master", SecretString: "one" }));
  await client.send(new secrets.PutSecretValueCommand({ SecretId: ARN, SecretString: "two" }));
  for (const SecretId of ["shop/master", ARN, ARN!.slice(0, -7)]) {
    expect(await client.send(new secrets.GetSecretValueCommand({ SecretId }))).toMatchObject({
      Name: "shop/master",
      SecretString: "two",
      VersionStages: ["AWSCURRENT"],
    });
  }
  const previous = await client.send(new secrets.GetSecretValueCommand({ SecretId: ARN, VersionStage: "AWSPREVIOUS" }));
  expect(previous.SecretString).toBe("one");
  expect((await client.send(new secrets.DescribeSecretCommand({ SecretId: ARN }))).Name).toBe("shop/master");
  expect((await client.send(new secrets.ListSecretsCommand({}))).SecretList).toHaveLength(1);
  const elsewhere = new secrets.SecretsManagerClient(lab.client("eu-west-1")).send(
    new secrets.GetSecretValueCommand({ SecretId: "shop/master" }),
  );
  await expect(elsewhere).rejects.toMatchObject({ name: "ResourceNotFoundException" });
});

test("a role's session has its own identity", async () => {
  const sessions: string[] = [];
  const lab = await labWith((world) => [createSts(world, { onAssume: ({ principal: arn }) => sessions.push(arn) })]);
  const client = new sts.STSClient(lab.client());
  const answer = await client.send(new sts.AssumeRoleCommand({ RoleArn: "arn:aws:iam::111122223333:role/move", RoleSessionName: "drill" }));
  expect(answer.AssumedRoleUser?.Arn).toBe("arn:aws:sts::111122223333:assumed-role/move/drill");
  expect(answer.Credentials?.Expiration?.getTime()).toBeGreaterThan(Date.now());
  expect(sessions).toEqual(["arn:aws:sts::111122223333:assumed-role/move/drill"]);
  await expect(client.send(new sts.AssumeRoleCommand({ RoleArn: "move", RoleSessionName: "drill" }))).rejects.toMatchObject({
    name: "ValidationError",
  });
});

test("a security group's rules are opened once and closed once", async () => {
  const lab = await labWith((world) => [createEc2(world)]);
  const client = new EC2Client(lab.client());
  const { GroupId } = await client.send(new ec2.CreateSecurityGroupCommand({ GroupName: "databases", Description: "databases" }));
  const rule = {
    GroupId,
    IpPermissions: [{ IpProtocol: "tcp", FromPort: 5432, ToPort: 5432, IpRanges: [{ CidrIp: "10.0.0.0/8", Description: "vpc" }] }],
  };
  await client.send(new ec2.AuthorizeSecurityGroupIngressCommand(rule));
  await expect(client.send(new ec2.AuthorizeSecurityGroupIngressCommand(rule))).rejects.toMatchObject({
    name: "InvalidPermission.Duplicate",
  });
  const describe = async () => (await client.send(new DescribeSecurityGroupsCommand({ GroupIds: [GroupId!] }))).SecurityGroups?.[0];
  expect((await describe())?.IpPermissions).toMatchObject(rule.IpPermissions);
  await client.send(new ec2.RevokeSecurityGroupIngressCommand(rule));
  await expect(client.send(new ec2.RevokeSecurityGroupIngressCommand(rule))).rejects.toMatchObject({ name: "InvalidPermission.NotFound" });
  expect((await describe())?.IpPermissions).toEqual([]);
  await expect(client.send(new DescribeSecurityGroupsCommand({ GroupIds: ["sg-none"] }))).rejects.toMatchObject({
    name: "InvalidGroup.NotFound",
  });
  await lab.world.call("ec2", "LabPutSecurityGroup", { GroupId: "sg-given", GroupName: "given" }, { region: "eu-central-1" });
  const groups = await client.send(new DescribeSecurityGroupsCommand({ Filters: [{ Name: "group-name", Values: ["given", "default"] }] }));
  expect(groups.SecurityGroups?.map((group) => group.GroupName).sort()).toEqual(["default", "given"]);
  const { Vpcs } = await client.send(new ec2.DescribeVpcsCommand({ Filters: [{ Name: "is-default", Values: ["true"] }] }));
  const { Subnets } = await client.send(new ec2.DescribeSubnetsCommand({ Filters: [{ Name: "vpc-id", Values: [Vpcs![0]!.VpcId!] }] }));
  expect(Subnets?.map((subnet) => subnet.AvailabilityZone)).toEqual(["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
});
