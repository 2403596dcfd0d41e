import { InvokeCommand } from "@aws-sdk/client-lambda";
import {
  CopyDBSnapshotCommand,
  CreateDBParameterGroupCommand,
  DescribeDBInstancesCommand,
  DescribeDBParameterGroupsCommand,
} from "@aws-sdk/client-rds";
import { ChangeResourceRecordSetsCommand, ListHostedZonesCommand, ListResourceRecordSetsCommand } from "@aws-sdk/client-route-53";
import { CreateBucketCommand, HeadObjectCommand, ListBucketsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { checkFault, describeVocabulary, FaultRefused } from "../../lab/faults/vocabulary.ts";
import { faultFromWords } from "../../lab/faults/words.ts";
import { createHostedZone } from "../../lab/given.ts";
import { waitFor } from "../../lab/look.ts";
import { lookUp } from "../../lab/shop/lookup.ts";
import { AWAY, BrokenLab, REGION, SEED } from "./faults-lab.ts";

const LIST = () => new DescribeDBInstancesCommand({});

test("a mistake in a fault is named with its field and what was expected", () => {
  const problem = (fault: unknown): string => {
    try {
      checkFault(fault);
      return "";
    } catch (error) {
      expect(error).toBeInstanceOf(FaultRefused);
      return (error as Error).message;
    }
  };
  expect(problem({ fault: "earthquake" })).toMatch(/^fault: "earthquake" is no fault the lab knows, expected one of throttle, /);
  expect(problem("x")).toMatch(/^fault: nothing is no fault/);
  expect(problem({ fault: "delay", service: "rds", ms: -1 })).toBe(
    "ms: expected a whole number of milliseconds from 1 to 86400000, got -1",
  );
  expect(problem({ fault: "throttle", rate: 1.5 })).toMatch(/^rate: expected a share .* got 1.5$/);
  expect(problem({ fault: "throttle", color: "red" })).toMatch(/^color: throttle has no such field, expected some of service, operation/);
  expect(problem({ fault: "staleRead", service: "s3", ms: 9 })).toMatch(/^service: .*S3 is strongly consistent.*got "s3"$/);
  expect(problem({ fault: "regionDark" })).toMatch(/^region: expected an AWS region, like "eu-central-1", got nothing$/);
});

test("a command line's words are the JSON of the same fields", () => {
  const words = ["throttle", "--service", "rds", "--rate", "0.3", "--times=4", "--endpoint", "http://127.0.0.1:1"];
  expect(faultFromWords(words, ["endpoint"])).toEqual({
    fault: { fault: "throttle", service: "rds", rate: 0.3, times: 4 },
    rest: { endpoint: "http://127.0.0.1:1" },
  });
  expect(() => faultFromWords(["delay", "--ms"], [])).toThrow(/^ms: expected a whole number of milliseconds .* got nothing$/);
  expect(describeVocabulary().databaseSlow).toMatchObject({ fields: { ms: { required: true, number: true }, forMs: { required: false } } });
});

test("throttled: each service says so in its own words, as often as it was told to", async () => {
  const broken = await BrokenLab.open();
  await broken.inject({ fault: "throttle", times: 3 });
  await expect(broken.rds().send(LIST())).rejects.toMatchObject({ name: "Throttling", $metadata: { httpStatusCode: 400 } });
  await expect(broken.s3().send(new ListBucketsCommand())).rejects.toMatchObject({ name: "SlowDown", $metadata: { httpStatusCode: 503 } });
  await expect(broken.lambda().send(new InvokeCommand({ FunctionName: "any" }))).rejects.toMatchObject({
    name: "TooManyRequestsException",
    $metadata: { httpStatusCode: 429 },
  });
  // Its three times are used up.
  await broken.rds().send(LIST());
  expect(broken.lab.faults.list()).toEqual([]);
});

test("a throttle in one service and operation alone; the SDK's own retries pass it", async () => {
  const broken = await BrokenLab.open();
  await broken.inject({ fault: "throttle", service: "rds", operation: "Describe*Instances", times: 2 });
  await broken.rds().send(new DescribeDBParameterGroupsCommand({}));
  await broken.rds(REGION, 3).send(LIST());
  expect(broken.told("fault f1 strikes: throttle on rds:DescribeDBInstances")).toHaveLength(2);
});

test("a rate strikes by the seed: the same seed, the same calls", async () => {
  const pattern = async () => {
    const broken = await BrokenLab.open();
    await broken.inject({ fault: "error5xx", service: "rds", rate: 0.5 });
    const client = broken.rds();
    let seen = "";
    for (let call = 0; call < 24; call++)
      seen += await client.send(LIST()).then(
        () => ".",
        (error) => (error.$metadata.httpStatusCode === 500 ? "x" : "?"),
      );
    return seen;
  };
  const first = await pattern();
  expect(first, `seed ${SEED}`).toMatch(/^[.x]+$/);
  expect(first, `seed ${SEED}`).toMatch(/x/);
  expect(first, `seed ${SEED}`).toMatch(/\./);
  expect(await pattern(), `seed ${SEED}`).toBe(first);
});

test("a delay holds a call back before its effect; the end of the fault is told", async () => {
  const broken = await BrokenLab.open();
  const fault = await broken.inject({ fault: "delay", service: "s3", ms: 300 });
  const order: string[] = [];
  await Promise.all([
    broken
      .s3()
      .send(new ListBucketsCommand())
      .then(() => order.push("s3")),
    broken
      .rds()
      .send(LIST())
      .then(() => order.push("rds")),
  ]);
  expect(order).toEqual(["rds", "s3"]);
  await fault.stop();
  expect(broken.told("fault f1 ends: delay")).toHaveLength(1);
});

test("a lost reply: the effect is there, the caller sees a broken connection", async () => {
  const broken = await BrokenLab.open();
  await broken.inject({ fault: "loseReply", service: "s3", operation: "CreateBucket", times: 1 });
  await expect(broken.s3().send(new CreateBucketCommand({ Bucket: "made-anyway" }))).rejects.toMatchObject({ code: "ECONNRESET" });
  const { Buckets } = await broken.s3().send(new ListBucketsCommand());
  expect(Buckets?.map(({ Name }) => Name)).toEqual(["made-anyway"]);
});

test("stale reads: a new instance is not yet found, a change is not yet seen, and in time both are", async () => {
  const broken = await BrokenLab.open();
  const rds = broken.rds();
  await broken.database("old");
  const stale = await broken.inject({ fault: "staleRead", service: "rds", ms: 600_000 });
  await broken.database("new");
  await broken.call("rds", "ModifyDBInstance", { DBInstanceIdentifier: "old", BackupRetentionPeriod: 9 });
  const { DBInstances } = await rds.send(LIST());
  expect(DBInstances?.map((it) => [it.DBInstanceIdentifier, it.BackupRetentionPeriod])).toEqual([["old", 1]]);
  await expect(rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: "new" }))).rejects.toMatchObject({
    name: "DBInstanceNotFoundFault",
  });
  await stale.stop();
  expect((await rds.send(LIST())).DBInstances?.map((it) => it.BackupRetentionPeriod)).toEqual([1, 9]);

  await broken.inject({ fault: "staleRead", service: "rds", ms: 200 });
  await broken.call("rds", "ModifyDBInstance", { DBInstanceIdentifier: "old", BackupRetentionPeriod: 8 });
  const days = async () =>
    (await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: "old" }))).DBInstances?.[0]?.BackupRetentionPeriod;
  expect(await days()).toBe(9);
  await waitFor("the change to be seen", 10_000, async () => (await days()) === 8);
});

test("stale reads of records: Route 53 lists the old one while DNS has the new", async () => {
  const broken = await BrokenLab.open();
  await createHostedZone(broken.lab.world, "ZSHOP00001", "shop.test");
  const route53 = broken.route53();
  const point = (Value: string) =>
    route53.send(
      new ChangeResourceRecordSetsCommand({
        HostedZoneId: "ZSHOP00001",
        ChangeBatch: {
          Changes: [{ Action: "UPSERT", ResourceRecordSet: { Name: "db.shop.test", Type: "A", TTL: 1, ResourceRecords: [{ Value }] } }],
        },
      }),
    );
  const listed = async () => {
    const { ResourceRecordSets } = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: "ZSHOP00001" }));
    return ResourceRecordSets?.find(({ Type }) => Type === "A")?.ResourceRecords?.[0]?.Value;
  };
  await point("10.0.0.1");
  const stale = await broken.inject({ fault: "staleRead", service: "route53", ms: 600_000 });
  await point("10.0.0.2");
  expect(await listed()).toBe("10.0.0.1");
  const dns = { host: "127.0.0.1", port: broken.lab.dns.port };
  await waitFor("DNS to answer with the new one", 10_000, async () => (await lookUp(dns, "db.shop.test"))?.address === "10.0.0.2");
  await stale.stop();
  expect(await listed()).toBe("10.0.0.2");
});

test("the control plane in us-east-1 is dark: Route 53's API answers 503, DNS goes on", async () => {
  const broken = await BrokenLab.open();
  await createHostedZone(broken.lab.world, "ZSHOP00001", "shop.test");
  const set = { Name: "db.shop.test", Type: "A", TTL: 1, ResourceRecords: [{ Value: "10.0.0.1" }] };
  await broken.call("route53", "ChangeResourceRecordSets", {
    HostedZoneId: "ZSHOP00001",
    ChangeBatch: { Changes: [{ Action: "UPSERT", ResourceRecordSet: set }] },
  });
  const dns = { host: "127.0.0.1", port: broken.lab.dns.port };
  await waitFor("the record", 10_000, async () => (await lookUp(dns, "db.shop.test"))?.address);
  const dark = await broken.inject({ fault: "controlPlaneDark" });
  await expect(broken.route53().send(new ListHostedZonesCommand())).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
  expect((await lookUp(dns, "db.shop.test"))?.address).toBe("10.0.0.1");
  await broken.rds().send(LIST());
  await dark.stop();
  await broken.route53().send(new ListHostedZonesCommand());
});

test("a region goes dark and comes back: its calls are swallowed, the other region's are not", async () => {
  const broken = await BrokenLab.open();
  const dark = await broken.inject({ fault: "regionDark", region: REGION });
  const swallowed = broken.rds().send(LIST(), { abortSignal: AbortSignal.timeout(300) });
  await expect(swallowed).rejects.toThrow();
  const waiting = broken
    .s3()
    .send(new ListBucketsCommand())
    .catch((error: Error) => error);
  await broken.rds(AWAY).send(LIST());
  await waitFor("the call to be swallowed", 5000, () => broken.told("regionDark on s3:ListBuckets")[0]);
  await dark.stop();
  // The connection that was kept waiting is cut; a new one works.
  expect(await waiting).toBeInstanceOf(Error);
  await broken.rds().send(LIST());
  await broken.inject({ fault: "regionDark", region: REGION, how: "cut", forMs: 86_400_000 });
  await expect(broken.rds().send(LIST())).rejects.toMatchObject({ code: "ECONNRESET" });
});

test("a full quota is refused with its own message: one code means two of them", async () => {
  const broken = await BrokenLab.open();
  const copy = new CopyDBSnapshotCommand({ SourceDBSnapshotIdentifier: "a", TargetDBSnapshotIdentifier: "b" });
  const copies = await broken.inject({ fault: "quotaFull", service: "rds", quota: "snapshotCopies" });
  await expect(broken.rds().send(copy)).rejects.toMatchObject({ name: "SnapshotQuotaExceededFault", message: /Cannot copy more than 20/ });
  await copies.stop();
  await broken.inject({ fault: "quotaFull", service: "rds", quota: "manualSnapshots", region: REGION });
  await expect(broken.rds().send(copy)).rejects.toMatchObject({
    name: "SnapshotQuotaExceededFault",
    message: /Cannot create more than 100/,
  });
  await expect(broken.rds(AWAY).send(copy)).rejects.toMatchObject({ name: "DBSnapshotNotFoundFault" });
  await broken
    .rds()
    .send(new CreateDBParameterGroupCommand({ DBParameterGroupName: "g", DBParameterGroupFamily: "postgres18", Description: "d" }));
  await expect(broken.inject({ fault: "quotaFull", service: "s3", quota: "instances" })).rejects.toThrow(
    /^quota: expected one of buckets for s3$/,
  );
});

test("a disabled key: copies that would use it are refused, others are not", async () => {
  const broken = await BrokenLab.open();
  await broken.inject({ fault: "kmsKeyDisabled", region: AWAY, key: "1234abcd" });
  const copy = (KmsKeyId?: string) =>
    broken.rds(AWAY).send(new CopyDBSnapshotCommand({ SourceDBSnapshotIdentifier: "a", TargetDBSnapshotIdentifier: "b", KmsKeyId }));
  await expect(copy("1234abcd")).rejects.toMatchObject({ name: "KMSKeyNotAccessibleFault" });
  await expect(copy(`arn:aws:kms:${AWAY}:${broken.lab.world.account}:key/1234abcd`)).rejects.toMatchObject({
    name: "KMSKeyNotAccessibleFault",
  });
  await expect(copy("5678")).rejects.toMatchObject({ name: "DBSnapshotNotFoundFault" });
});

test("a function is killed before its effect, then after it: only the second leaves one behind", async () => {
  const broken = await BrokenLab.open();
  await broken.bucket();
  await broken.deployCaller("mover");
  await broken.inject({ fault: "lambdaKilled", function: "mover", when: "before", operation: "PutObject", times: 1 });
  expect(await broken.invoke("mover", { put: { Bucket: "things", Key: "one" } })).toMatchObject({
    failed: "Unhandled",
    body: { errorType: "Runtime.ExitError" },
  });
  await broken.inject({ fault: "lambdaKilled", function: "m*", when: "after", operation: "Put*", times: 1 });
  expect(await broken.invoke("mover", { put: { Bucket: "things", Key: "two" } })).toMatchObject({
    failed: "Unhandled",
    body: { errorType: "Runtime.ExitError" },
  });
  const there = (Key: string) =>
    broken
      .s3()
      .send(new HeadObjectCommand({ Bucket: "things", Key }))
      .then(
        () => true,
        () => false,
      );
  expect([await there("one"), await there("two")]).toEqual([false, true]);
  // Both are used up, and other callers were never meant.
  await broken.s3().send(new PutObjectCommand({ Bucket: "things", Key: "three", Body: "x" }));
  expect((await broken.invoke("mover", { put: { Bucket: "things", Key: "four" } })).failed).toBeUndefined();
});

test("a fault of one function's calls alone", async () => {
  const broken = await BrokenLab.open();
  await broken.bucket();
  await broken.deployCaller("mover");
  await broken.deployCaller("teller");
  await broken.inject({ fault: "error5xx", service: "s3", function: "*er", operation: "PutObject", times: 1 });
  await broken.s3().send(new PutObjectCommand({ Bucket: "things", Key: "mine", Body: "x" }));
  expect((await broken.invoke("mover", { put: { Bucket: "things", Key: "k" } })).body).toMatchObject({ errorType: "InternalError" });
  expect((await broken.invoke("teller", { put: { Bucket: "things", Key: "k" } })).failed).toBeUndefined();
});

test("a function's clock is wrong, its deadline is not; the fault's end gives it the right time again", async () => {
  const broken = await BrokenLab.open();
  await broken.deployCaller("teller");
  const ahead = async () => {
    const { body } = await broken.invoke("teller", {});
    return Math.round((body.date - body.realMs) / 1000) + 0;
  };
  expect(await ahead()).toBe(0);
  const skew = await broken.inject({ fault: "clockSkew", function: "teller", seconds: -45 });
  expect(await ahead()).toBe(-45);
  await skew.stop();
  expect(await ahead()).toBe(0);
});

test("an asynchronous invocation is accepted and never runs", async () => {
  const broken = await BrokenLab.open();
  await broken.deployCaller("teller");
  await broken.inject({ fault: "invokeLost", function: "teller", times: 1 });
  const wake = (n: number) =>
    broken
      .lambda()
      .send(new InvokeCommand({ FunctionName: "teller", InvocationType: "Event", Payload: Buffer.from(JSON.stringify({ n })) }));
  expect((await wake(1)).StatusCode).toBe(202);
  expect((await wake(2)).StatusCode).toBe(202);
  await waitFor("the second to run", 10_000, () => broken.told('asked {"n":2}')[0]);
  expect(broken.told('asked {"n":1}')).toEqual([]);
});
