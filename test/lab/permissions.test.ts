import { CreateSnapshotCommand, DescribeSecurityGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { DescribeDBInstancesCommand, DescribeDBSnapshotsCommand, RDSClient } from "@aws-sdk/client-rds";
import { ChangeResourceRecordSetsCommand, Route53Client } from "@aws-sdk/client-route-53";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, onTestFinished, test } from "vitest";
import { throwawayFolder } from "../../lab/folder.ts";
import { startLab } from "../../lab/lab.ts";
import { waitFor } from "../../lab/look.ts";
import { evaluate } from "../../lab/permissions/evaluate.ts";
import { NEEDS } from "../../lab/permissions/needs.ts";
import { resourcePolicyOf } from "../../lab/permissions/resource-policies.ts";
import { codecFor } from "../../lab/wire/protocols.ts";

const ACCOUNT = "111122223333";
const REGION = "eu-west-1";
type Statement = { Effect?: string; Action: string | string[]; Resource: string | string[]; Condition?: object };

/** A lab with one role that somebody wears, and clients that speak as it. */
async function wearing(...statements: Statement[]) {
  const lab = await startLab({ folder: throwawayFolder() });
  onTestFinished(() => lab.close());
  const call = (service: string, operation: string, input: object, region = REGION) =>
    lab.world.call(service, operation, input, { region });
  await call("iam", "CreateRole", {
    RoleName: "clerk",
    AssumeRolePolicyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { AWS: ACCOUNT }, Action: "sts:AssumeRole" }],
    },
  });
  const may = (...given: Statement[]) =>
    call("iam", "PutRolePolicy", {
      RoleName: "clerk",
      PolicyName: "own",
      PolicyDocument: { Version: "2012-10-17", Statement: given.map((each, at) => ({ Sid: `S${at}`, Effect: "Allow", ...each })) },
    });
  if (statements.length > 0) await may(...statements);
  const root = { endpoint: lab.wire.url, region: REGION, credentials: { accessKeyId: "anyone", secretAccessKey: "s" }, maxAttempts: 1 };
  const { Credentials } = await new STSClient(root).send(
    new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/clerk`, RoleSessionName: "desk" }),
  );
  const client = {
    ...root,
    credentials: {
      accessKeyId: Credentials?.AccessKeyId as string,
      secretAccessKey: Credentials?.SecretAccessKey as string,
      sessionToken: Credentials?.SessionToken as string,
    },
    forcePathStyle: true,
  };
  return { lab, call, may, root: { ...root, forcePathStyle: true }, client };
}

const refused = (action: string, resource: string, because = `because no identity-based policy allows the ${action} action`) =>
  `User: arn:aws:sts::${ACCOUNT}:assumed-role/clerk/desk is not authorized to perform: ${action} on resource: ${resource} ${because}`;

async function failure(sent: Promise<unknown>): Promise<{ name: string; message: string; status: number }> {
  const error = await sent.then(
    () => undefined,
    (thrown) => thrown,
  );
  return { name: error?.Code ?? error?.name, message: error?.message, status: error?.$metadata?.httpStatusCode };
}

test("a role without the permission is refused by every service in that service's own words", async () => {
  const { call, client } = await wearing({ Action: "s3:GetObject", Resource: "arn:aws:s3:::nothing/*" });
  await call("s3", "CreateBucket", { Bucket: "state-of-shop", CreateBucketConfiguration: { LocationConstraint: REGION } });
  const topic = `arn:aws:sns:${REGION}:${ACCOUNT}:news`;
  const denied = (name: string, status: number, action: string, resource: string) => ({ name, status, message: refused(action, resource) });

  expect(await failure(new RDSClient(client).send(new DescribeDBInstancesCommand({})))).toEqual(
    denied("AccessDenied", 403, "rds:DescribeDBInstances", `arn:aws:rds:${REGION}:${ACCOUNT}:db:*`),
  );
  expect(await failure(new S3Client(client).send(new PutObjectCommand({ Bucket: "state-of-shop", Key: "a/b", Body: "x" })))).toEqual(
    denied("AccessDenied", 403, "s3:PutObject", '"arn:aws:s3:::state-of-shop/a/b"'),
  );
  expect(await failure(new SNSClient(client).send(new PublishCommand({ TopicArn: topic, Message: "x" })))).toEqual(
    denied("AuthorizationError", 403, "SNS:Publish", topic),
  );
  expect(await failure(new LambdaClient(client).send(new InvokeCommand({ FunctionName: "move", Qualifier: "durable" })))).toEqual(
    denied("AccessDeniedException", 403, "lambda:InvokeFunction", `arn:aws:lambda:${REGION}:${ACCOUNT}:function:move:durable`),
  );
  const entry = { Source: "us", DetailType: "x", Detail: "{}" };
  expect(await failure(new EventBridgeClient(client).send(new PutEventsCommand({ Entries: [entry] })))).toEqual(
    denied("AccessDeniedException", 400, "events:PutEvents", `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`),
  );
  expect(await failure(new SecretsManagerClient(client).send(new GetSecretValueCommand({ SecretId: "none" })))).toMatchObject({
    name: "AccessDeniedException",
    status: 400,
  });
  expect(await failure(new EC2Client(client).send(new DescribeSecurityGroupsCommand({})))).toEqual({
    name: "UnauthorizedOperation",
    status: 403,
    message: `You are not authorized to perform this operation. ${refused("ec2:DescribeSecurityGroups", "*")}`,
  });
});

test("a missing document is called missing only to who may list the bucket", async () => {
  const read: Statement = { Action: "s3:GetObject", Resource: "arn:aws:s3:::state-of-shop/*" };
  const { call, may, client } = await wearing(read);
  await call("s3", "CreateBucket", { Bucket: "state-of-shop", CreateBucketConfiguration: { LocationConstraint: REGION } });
  const get = () => failure(new S3Client(client).send(new GetObjectCommand({ Bucket: "state-of-shop", Key: "none.json" })));
  expect(await get()).toMatchObject({
    name: "AccessDenied",
    status: 403,
    message: refused("s3:ListBucket", '"arn:aws:s3:::state-of-shop"'),
  });
  await may(read, { Action: "s3:ListBucket", Resource: "arn:aws:s3:::state-of-shop" });
  expect(await get()).toMatchObject({ name: "NoSuchKey", status: 404 });
});

test("a write over the version that was read is a read too", async () => {
  const { call, may, client } = await wearing({ Action: "s3:PutObject", Resource: "arn:aws:s3:::state-of-shop/*" });
  await call("s3", "CreateBucket", { Bucket: "state-of-shop", CreateBucketConfiguration: { LocationConstraint: REGION } });
  const { ETag } = await call("s3", "PutObject", { Bucket: "state-of-shop", Key: "k", Body: Buffer.from("1") });
  const put = (more: object) => new S3Client(client).send(new PutObjectCommand({ Bucket: "state-of-shop", Key: "k", Body: "2", ...more }));
  expect(await failure(put({ IfMatch: ETag }))).toMatchObject({ name: "AccessDenied" });
  expect(await failure(put({ IfNoneMatch: "*" }))).toMatchObject({ name: "PreconditionFailed" });
  await may({ Action: ["s3:PutObject", "s3:GetObject"], Resource: "arn:aws:s3:::state-of-shop/*" });
  await put({ IfMatch: ETag });
});

test("a bucket's policy can refuse what the role allows, and a topic's can allow what the role does not", async () => {
  const { call, client } = await wearing({ Action: "s3:GetObject", Resource: "*" });
  await call("s3", "CreateBucket", { Bucket: "state-of-shop", CreateBucketConfiguration: { LocationConstraint: REGION } });
  await call("s3", "PutObject", { Bucket: "state-of-shop", Key: "k", Body: Buffer.from("1") });
  const Resource = "arn:aws:s3:::state-of-shop/*";
  const deny = (Condition: object) => ({ Effect: "Deny", Principal: "*", Action: "s3:*", Resource, Condition });
  const policy = (...Statement: object[]) =>
    call("s3", "PutBucketPolicy", { Bucket: "state-of-shop", Policy: JSON.stringify({ Version: "2012-10-17", Statement }) });
  const get = () => new S3Client(client).send(new GetObjectCommand({ Bucket: "state-of-shop", Key: "k" }));
  // The lab speaks http, and plays a secure connection.
  await policy(deny({ Bool: { "aws:SecureTransport": "false" } }));
  await get();
  await policy(deny({ StringEquals: { "aws:RequestedRegion": REGION } }));
  expect((await failure(get())).message).toBe(
    refused("s3:GetObject", '"arn:aws:s3:::state-of-shop/k"', "with an explicit deny in a resource-based policy"),
  );

  const { TopicArn } = await call("sns", "CreateTopic", { Name: "news" });
  const publish = () => new SNSClient(client).send(new PublishCommand({ TopicArn, Message: "x" }));
  expect(await failure(publish())).toMatchObject({ name: "AuthorizationError" });
  const Statement = [
    { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/clerk` }, Action: "sns:Publish", Resource: TopicArn },
  ];
  const AttributeValue = JSON.stringify({ Version: "2012-10-17", Statement });
  await call("sns", "SetTopicAttributes", { TopicArn, AttributeName: "Policy", AttributeValue });
  await publish();
});

test("a role that may point one name cannot point another, nor delete it", async () => {
  const zone = "arn:aws:route53:::hostedzone/Z1";
  const { client } = await wearing({
    Action: "route53:ChangeResourceRecordSets",
    Resource: zone,
    Condition: {
      "ForAllValues:StringEquals": {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["db.shop.internal"],
        "route53:ChangeResourceRecordSetsRecordTypes": ["CNAME"],
        "route53:ChangeResourceRecordSetsActions": ["UPSERT"],
      },
    },
  });
  const change = (Action: "UPSERT" | "DELETE", Name: string) =>
    failure(
      new Route53Client(client).send(
        new ChangeResourceRecordSetsCommand({
          HostedZoneId: "Z1",
          ChangeBatch: { Changes: [{ Action, ResourceRecordSet: { Name, Type: "CNAME", TTL: 2, ResourceRecords: [{ Value: "a.b" }] } }] },
        }),
      ),
    );
  // Allowed, and then there is no such zone.
  expect(await change("UPSERT", "DB.shop.internal.")).toMatchObject({ name: "NoSuchHostedZone" });
  const denied = { name: "AccessDenied", status: 403, message: refused("route53:ChangeResourceRecordSets", zone) };
  expect(await change("UPSERT", "www.shop.internal")).toEqual(denied);
  expect(await change("DELETE", "db.shop.internal")).toEqual(denied);
});

test("a list is granted by a pattern that covers it all, and by nothing narrower", async () => {
  const arn = (id: string) => `arn:aws:rds:${REGION}:${ACCOUNT}:${id}`;
  const { may, client } = await wearing({ Action: "rds:Describe*", Resource: arn("db:shop-a") });
  const rds = new RDSClient(client);
  const all = () => failure(rds.send(new DescribeDBInstancesCommand({})));
  expect(await all()).toMatchObject({ name: "AccessDenied" });
  expect(await failure(rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: "Shop-A" })))).toMatchObject({
    name: "DBInstanceNotFound",
  });
  expect(await failure(rds.send(new DescribeDBSnapshotsCommand({ DBInstanceIdentifier: "shop-b" })))).toMatchObject({
    message: refused("rds:DescribeDBSnapshots", arn("db:shop-b")),
  });
  await may({ Action: "rds:DescribeDBInstances", Resource: arn("db:*") });
  expect((await rds.send(new DescribeDBInstancesCommand({}))).DBInstances).toEqual([]);
});

test("an operation whose permissions the lab does not know is refused to a role", async () => {
  const { client } = await wearing({ Action: "*", Resource: "*" });
  expect(await failure(new STSClient(client).send(new GetSessionTokenCommand({})))).toMatchObject({
    name: "AccessDenied",
    message: expect.stringContaining("the lab does not know which permissions it needs"),
  });
  expect((await new STSClient(client).send(new GetCallerIdentityCommand({}))).Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/clerk/desk`);
});

test("a role is taken by another role only if that one may and the trust lets it", async () => {
  const RoleArn = `arn:aws:iam::${ACCOUNT}:role/clerk`;
  const { client, may } = await wearing({ Action: "sts:AssumeRole", Resource: `arn:aws:iam::${ACCOUNT}:role/other` });
  const assume = () => new STSClient(client).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "again" }));
  expect(await failure(assume())).toMatchObject({ name: "AccessDenied", message: refused("sts:AssumeRole", RoleArn) });
  await may({ Action: "sts:AssumeRole", Resource: RoleArn });
  expect((await assume()).AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/clerk/again`);
});

test("a rule reaches another region's bus in the name of its role, and only if the role may", async () => {
  const { lab, call } = await wearing();
  const bus = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`;
  const RoleArn = `arn:aws:iam::${ACCOUNT}:role/forwarder`;
  await call("iam", "CreateRole", {
    RoleName: "forwarder",
    AssumeRolePolicyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "events.amazonaws.com" }, Action: "sts:AssumeRole" }],
    },
  });
  const from = "eu-central-1";
  await call("events", "PutRule", { Name: "forward", EventPattern: JSON.stringify({ source: ["shop"] }) }, from);
  await call("events", "PutTargets", { Rule: "forward", Targets: [{ Id: "there", Arn: bus, RoleArn }] }, from);
  const send = (DetailType: string) => call("events", "PutEvents", { Entries: [{ Source: "shop", DetailType, Detail: "{}" }] }, from);
  const told = (part: string, region: string) =>
    waitFor(part, 10_000, () => lab.world.story.find((event) => event.region === region && event.what.includes(part)));

  await send("forbidden");
  const dropped = await told("could not reach", from);
  expect(dropped.what).toContain(`is not authorized to perform: events:PutEvents on resource: ${bus}`);
  expect(dropped.what).toContain("the event is dropped");
  const Statement = [{ Effect: "Allow", Action: "events:PutEvents", Resource: bus }];
  await call("iam", "PutRolePolicy", { RoleName: "forwarder", PolicyName: "own", PolicyDocument: { Version: "2012-10-17", Statement } });
  await send("allowed");
  await told("allowed", REGION);
  expect(lab.world.story.filter(({ region, what }) => region === REGION && what.startsWith("forbidden"))).toEqual([]);
});

/** One input that has a value for whatever any operation asks for. */
function anyInput(keyArn: string) {
  const some = (...names: string[]) => Object.fromEntries(names.map((name) => [name, "some"]));
  const execution = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:some:1/durable-execution/some/id`;
  const role = `arn:aws:iam::${ACCOUNT}:role/clerk`;
  return {
    ...some("Bucket", "Key", "Name", "Rule", "FunctionName", "HostedZoneId", "HealthCheckId", "Id", "SecretId", "AlarmName", "Namespace"),
    ...some("DBInstanceIdentifier", "SourceDBInstanceIdentifier", "TargetDBInstanceIdentifier", "DBSnapshotIdentifier"),
    ...some("SourceDBSnapshotIdentifier", "TargetDBSnapshotIdentifier", "DBParameterGroupName", "AutoScalingGroupName", "GroupName"),
    ResourceName: `arn:aws:rds:${REGION}:${ACCOUNT}:db:some`,
    Tags: [{ Key: "k", Value: "v" }],
    TagSpecifications: ["instance", "volume", "snapshot"].map((ResourceType) => ({ ResourceType, Tags: [{ Key: "k", Value: "v" }] })),
    CopySource: "some/key",
    Delete: { Objects: [{ Key: "some" }, { Key: "some", VersionId: "1" }] },
    TopicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:some`,
    SubscriptionArn: `arn:aws:sns:${REGION}:${ACCOUNT}:some:0a1b`,
    ResourceArn: `arn:aws:sns:${REGION}:${ACCOUNT}:some`,
    Entries: [{ Source: "some", DetailType: "some", Detail: "{}" }],
    ChangeBatch: { Changes: [{ Action: "UPSERT", ResourceRecordSet: { Name: "*.some.", Type: "A" } }] },
    ResourceType: "hostedzone",
    ResourceId: "some",
    DurableExecutionArn: execution,
    CallbackId: Buffer.from(JSON.stringify([execution, "1"])).toString("base64"),
    RoleArn: role,
    Role: role,
    RoleSessionName: "some",
    Target: { RoleArn: role },
    Targets: [{ RoleArn: role }],
    KeyId: keyArn,
    TargetKeyId: keyArn,
    AliasName: "alias/some",
    Names: ["/some/name"],
    Path: "/some/",
    InstanceIds: ["i-1"],
    InstanceId: "i-1",
    ImageId: "ami-1",
    VolumeId: "vol-1",
    SnapshotId: "snap-1",
    GroupId: "sg-1",
    SubnetId: "subnet-1",
    VpcId: "vpc-1",
    Resources: ["i-1", "vol-1", "snap-1", "ami-1"],
    InstanceSpecification: { InstanceId: "i-1" },
    TargetGroupArn: `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:targetgroup/some/0a1b2c3d4e5f6071`,
    TargetGroupARNs: [`arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:targetgroup/some/0a1b2c3d4e5f6071`],
    DistributionId: "E1SOME",
  };
}

/** No policy can take it away. */
const NEEDS_NOTHING = ["sts:GetCallerIdentity"];

test("whatever the lab knows the permissions of can be judged, and IAM knows each action and its kind of resource", async () => {
  const { lab, call } = await wearing();
  const at = { world: lab.world, region: REGION, account: ACCOUNT };
  await call("s3", "CreateBucket", { Bucket: "some", CreateBucketConfiguration: { LocationConstraint: REGION } });
  const { KeyMetadata } = await call("kms", "CreateKey", {});
  const policies = { own: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] } };
  const input = anyInput(KeyMetadata.Arn);
  const principal = `arn:aws:sts::${ACCOUNT}:assumed-role/clerk/desk`;
  for (const [service, operations] of Object.entries(NEEDS)) {
    for (const [operation, needs] of Object.entries(operations)) {
      const all = needs(input, at);
      expect(all.length > 0, `${service}:${operation} needs something`).toBe(!NEEDS_NOTHING.includes(`${service}:${operation}`));
      for (const { action, resource, context = {} } of all) {
        const resourcePolicy = resourcePolicyOf(lab.world, resource, action);
        const verdict = await evaluate({ principal, account: ACCOUNT, action, resource, context, policies, resourcePolicy });
        expect(verdict, `${service}:${operation} needs ${action} on ${resource}`).toMatchObject({ allowed: true, by: ["#1"] });
      }
    }
  }
});

test("every operation the lab serves says which permissions it needs", async () => {
  const { lab } = await wearing();
  const served = [...lab.world.services.values()].filter(({ name }) => codecFor(name) !== undefined);
  const missing = served.flatMap(({ name, operations }) =>
    Object.keys(operations)
      .filter((operation) => !operation.startsWith("Lab") && !NEEDS[name]?.[operation])
      .map((operation) => `${name}:${operation}`),
  );
  expect(served.length).toBeGreaterThanOrEqual(14);
  expect(missing).toEqual([]);
});

test("what is made, what is tagged and what is handed on are permissions of their own", async () => {
  const { client, call, may } = await wearing();
  const { VolumeId } = await call("ec2", "CreateVolume", { AvailabilityZone: `${REGION}a`, Size: 1 });
  await waitFor("the volume", 10_000, async () => {
    const { Volumes } = await call("ec2", "DescribeVolumes", { VolumeIds: [VolumeId] });
    return Volumes[0].State === "available" || undefined;
  });
  const ec2 = new EC2Client(client);
  const volume = `arn:aws:ec2:${REGION}:${ACCOUNT}:volume/${VolumeId}`;
  const made = `arn:aws:ec2:${REGION}::snapshot/*`;
  const TagSpecifications = [{ ResourceType: "snapshot" as const, Tags: [{ Key: "by", Value: "us" }] }];
  const snap = () => ec2.send(new CreateSnapshotCommand({ VolumeId, TagSpecifications }));
  const denied = (action: string, resource: string) => ({
    name: "UnauthorizedOperation",
    status: 403,
    message: `You are not authorized to perform this operation. ${refused(action, resource)}`,
  });
  const onVolume = { Action: "ec2:CreateSnapshot", Resource: volume };
  const onSnapshot = { Action: "ec2:CreateSnapshot", Resource: made, Condition: { StringEquals: { "aws:RequestTag/by": "us" } } };
  const tags = { Action: "ec2:CreateTags", Resource: made, Condition: { StringEquals: { "ec2:CreateAction": "CreateSnapshot" } } };
  await may(onSnapshot, tags);
  expect(await failure(snap())).toEqual(denied("ec2:CreateSnapshot", volume));
  await may(onVolume, tags);
  expect(await failure(snap())).toEqual(denied("ec2:CreateSnapshot", made));
  await may(onVolume, onSnapshot);
  expect(await failure(snap())).toEqual(denied("ec2:CreateTags", made));
  await may(onVolume, onSnapshot, tags);
  expect((await snap()).SnapshotId).toMatch(/^snap-/);

  const RoleArn = `arn:aws:iam::${ACCOUNT}:role/clerk`;
  const Target = { Arn: `arn:aws:sns:${REGION}:${ACCOUNT}:news`, RoleArn };
  const plan = () =>
    new SchedulerClient(client).send(
      new CreateScheduleCommand({ Name: "nightly", ScheduleExpression: "rate(1 day)", FlexibleTimeWindow: { Mode: "OFF" }, Target }),
    );
  const makes = { Action: "scheduler:CreateSchedule", Resource: `arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule/default/*` };
  const passes = (to: string) => ({
    Action: "iam:PassRole",
    Resource: RoleArn,
    Condition: { StringEquals: { "iam:PassedToService": to } },
  });
  await may(makes, passes("events.amazonaws.com"));
  expect(await failure(plan())).toMatchObject({ message: refused("iam:PassRole", RoleArn), status: 403 });
  await may(makes, passes("scheduler.amazonaws.com"));
  // The permission is there; the role itself does not let Scheduler take it.
  expect(await failure(plan())).not.toMatchObject({ message: expect.stringContaining("is not authorized") });
});
