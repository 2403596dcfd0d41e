/** Part L.1: two accounts are separate stores, and what one shares the other can really use. The access key chooses the account. */

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  CopySnapshotCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  ModifySnapshotAttributeCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  KMSClient,
  PutKeyPolicyCommand,
} from "@aws-sdk/client-kms";
import * as api from "@aws-sdk/client-rds";
import * as s3 from "@aws-sdk/client-s3";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { SECOND_ACCOUNT } from "../../lab/accounts.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { createSecurityGroup } from "../../lab/given.ts";
import { type Lab, startLab } from "../../lab/lab.ts";
import { patient, refusal } from "./rds-lab.ts";

const FIRST = "111122223333";
const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const ROOT: Record<string, string> = { [FIRST]: "lab", [SECOND_ACCOUNT]: SECOND_ACCOUNT };
const timings = { modifyInstanceMs: 20, rebootMs: 20, snapshotMs: 20, copyMs: 20, copyQueueMs: 20, restoreMs: 20 };

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ folder: throwawayFolder(), timings });
  await createSecurityGroup(lab.world, HOME, "sg-open", "shop", [25_432]);
  await rds(
    FIRST,
    new api.CreateDBInstanceCommand({
      DBInstanceIdentifier: "shop",
      Engine: "postgres",
      DBInstanceClass: "db.t4g.micro",
      AllocatedStorage: 20,
      MasterUsername: "shop",
      MasterUserPassword: "correct-horse",
      Port: 25_432,
      VpcSecurityGroupIds: ["sg-open"],
    }),
  );
  await instanceIs(FIRST, "shop", "available");
  await rds(
    FIRST,
    new api.CreateDBSnapshotCommand({ DBInstanceIdentifier: "shop", DBSnapshotIdentifier: "daily", Tags: [{ Key: "a", Value: "b" }] }),
  );
  await snapshotIs(FIRST, "daily", "available");
});
afterAll(async () => {
  await lab?.close();
});

const settings = (account: string, region: string) => ({
  endpoint: lab.wire.url,
  region,
  credentials: { accessKeyId: ROOT[account] ?? account, secretAccessKey: "x" },
  maxAttempts: 1,
});
type Sends = { send(command: never): Promise<unknown>; destroy(): void };
/** One call of an account's root. */
// biome-ignore lint/suspicious/noExplicitAny: the command's own types are lost in one function for all of them
async function ask(client: Sends, command: object): Promise<any> {
  try {
    return await client.send(command as never);
  } finally {
    client.destroy();
  }
}
const rds = (account: string, command: object, region = HOME) => ask(new api.RDSClient(settings(account, region)), command);
const kms = (account: string, command: object, region = HOME) => ask(new KMSClient(settings(account, region)), command);
const ec2 = (account: string, command: object, region = HOME) => ask(new EC2Client(settings(account, region)), command);
const bucket = (account: string, command: object) => ask(new s3.S3Client({ ...settings(account, HOME), forcePathStyle: true }), command);
const sts = (account: string, command: object) => ask(new STSClient(settings(account, HOME)), command);

const snapshotArn = (id: string, account = FIRST, region = HOME) => `arn:aws:rds:${region}:${account}:snapshot:${id}`;
const snapshot = async (account: string, id: string, region = HOME): Promise<api.DBSnapshot> =>
  (await rds(account, new api.DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id }), region)).DBSnapshots[0];
const snapshotIs = (account: string, id: string, status: string, region = HOME) =>
  vi.waitFor(async () => {
    const found = await snapshot(account, id, region);
    expect(found.Status).toBe(status);
    return found;
  }, patient);
const instanceIs = (account: string, id: string, status: string, region = HOME) =>
  vi.waitFor(async () => {
    const { DBInstances } = await rds(account, new api.DescribeDBInstancesCommand({ DBInstanceIdentifier: id }), region);
    expect(DBInstances[0].DBInstanceStatus).toBe(status);
    return DBInstances[0] as api.DBInstance;
  }, patient);
const share = (id: string, ...ValuesToAdd: string[]) =>
  rds(FIRST, new api.ModifyDBSnapshotAttributeCommand({ DBSnapshotIdentifier: id, AttributeName: "restore", ValuesToAdd }));
const unshare = (id: string, ...ValuesToRemove: string[]) =>
  rds(FIRST, new api.ModifyDBSnapshotAttributeCommand({ DBSnapshotIdentifier: id, AttributeName: "restore", ValuesToRemove }));
const copy = (account: string, source: string, target: string, more: object = {}, region = HOME) =>
  rds(account, new api.CopyDBSnapshotCommand({ SourceDBSnapshotIdentifier: source, TargetDBSnapshotIdentifier: target, ...more }), region);

const allow = (Action: string | string[], more: object = {}) => ({
  Effect: "Allow",
  Principal: { AWS: SECOND_ACCOUNT },
  Action,
  Resource: "*",
  ...more,
});
const policy = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
const ownRoot = { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${FIRST}:root` }, Action: "kms:*", Resource: "*" };
async function key(account: string, region = HOME): Promise<string> {
  return (await kms(account, new CreateKeyCommand({}), region)).KeyMetadata.Arn;
}

test("a key says which account it is: twelve digits are that account's root, any other is the first's", async () => {
  expect(await sts(FIRST, new GetCallerIdentityCommand({}))).toMatchObject({ Account: FIRST, Arn: `arn:aws:iam::${FIRST}:root` });
  for (const id of [SECOND_ACCOUNT, "999988887777"])
    expect(await sts(id, new GetCallerIdentityCommand({}))).toMatchObject({ Account: id, Arn: `arn:aws:iam::${id}:root` });
});

test("what one account has the other does not see, and may have too under the same name", async () => {
  await expect(snapshot(SECOND_ACCOUNT, "daily")).rejects.toEqual(refusal("DBSnapshotNotFound", 404));
  expect((await rds(SECOND_ACCOUNT, new api.DescribeDBInstancesCommand({}))).DBInstances).toEqual([]);
  await kms(FIRST, new CreateAliasCommand({ AliasName: "alias/backups", TargetKeyId: await key(FIRST) }));
  await expect(kms(SECOND_ACCOUNT, new DescribeKeyCommand({ KeyId: "alias/backups" }))).rejects.toMatchObject({
    name: "NotFoundException",
  });
  await kms(SECOND_ACCOUNT, new CreateAliasCommand({ AliasName: "alias/backups", TargetKeyId: await key(SECOND_ACCOUNT) }));
});

describe("RDS snapshots", () => {
  test("one that is not shared cannot be seen, copied or restored by its ARN", async () => {
    const missing = refusal("DBSnapshotNotFound", 404);
    await expect(snapshot(SECOND_ACCOUNT, snapshotArn("daily"))).rejects.toEqual(missing);
    await expect(copy(SECOND_ACCOUNT, snapshotArn("daily"), "stolen")).rejects.toEqual(missing);
    const restore = new api.RestoreDBInstanceFromDBSnapshotCommand({
      DBInstanceIdentifier: "stolen",
      DBSnapshotIdentifier: snapshotArn("daily"),
    });
    await expect(rds(SECOND_ACCOUNT, restore)).rejects.toEqual(missing);
  });

  test("a shared one is listed when it is asked for, copied by its ARN in one step into another region, and restored", async () => {
    const { DBSnapshotAttributesResult } = await share("daily", SECOND_ACCOUNT);
    expect(DBSnapshotAttributesResult).toEqual({
      DBSnapshotIdentifier: "daily",
      DBSnapshotAttributes: [{ AttributeName: "restore", AttributeValues: [SECOND_ACCOUNT] }],
    });
    const list = async (more: object) => (await rds(SECOND_ACCOUNT, new api.DescribeDBSnapshotsCommand(more))).DBSnapshots;
    expect(await list({})).toEqual([]);
    const [seen] = await list({ SnapshotType: "shared" });
    expect(seen).toMatchObject({ DBSnapshotIdentifier: snapshotArn("daily"), SnapshotType: "shared", TagList: [] });
    expect(await list({ IncludeShared: true })).toHaveLength(1);
    expect(await list({ SnapshotType: "public" })).toEqual([]);

    const { DBSnapshot } = await copy(SECOND_ACCOUNT, snapshotArn("daily"), "mine", { CopyTags: true }, AWAY);
    expect(DBSnapshot).toMatchObject({
      DBSnapshotArn: snapshotArn("mine", SECOND_ACCOUNT, AWAY),
      SnapshotType: "manual",
      SourceRegion: HOME,
      SourceDBSnapshotIdentifier: snapshotArn("daily"),
    });
    await snapshotIs(SECOND_ACCOUNT, "mine", "available", AWAY);
    await expect(snapshot(FIRST, "mine", AWAY)).rejects.toEqual(refusal("DBSnapshotNotFound", 404));
    const near = await copy(SECOND_ACCOUNT, snapshotArn("daily"), "near");
    expect(near.DBSnapshot).toMatchObject({ SourceDBSnapshotIdentifier: snapshotArn("daily") });
    const restore = { DBInstanceIdentifier: "shop", DBSnapshotIdentifier: snapshotArn("daily"), Port: 25_433 };
    await rds(SECOND_ACCOUNT, new api.RestoreDBInstanceFromDBSnapshotCommand(restore));
    const { DBInstanceArn, Endpoint } = await instanceIs(SECOND_ACCOUNT, "shop", "available");
    expect(DBInstanceArn).toBe(`arn:aws:rds:${HOME}:${SECOND_ACCOUNT}:db:shop`);
    expect(Endpoint?.Address).not.toBe((await instanceIs(FIRST, "shop", "available")).Endpoint?.Address);
    await snapshotIs(SECOND_ACCOUNT, "near", "available");

    await unshare("daily", SECOND_ACCOUNT);
    await expect(copy(SECOND_ACCOUNT, snapshotArn("daily"), "late")).rejects.toEqual(refusal("DBSnapshotNotFound", 404));
    await expect(share("mine", SECOND_ACCOUNT)).rejects.toEqual(refusal("DBSnapshotNotFound", 404));
  });

  test("one that all may restore is public to the others", async () => {
    await share("daily", "all");
    expect((await rds(SECOND_ACCOUNT, new api.DescribeDBSnapshotsCommand({ SnapshotType: "public" }))).DBSnapshots).toHaveLength(1);
    expect((await rds(SECOND_ACCOUNT, new api.DescribeDBSnapshotsCommand({ IncludeShared: true }))).DBSnapshots).not.toContainEqual(
      expect.objectContaining({ DBSnapshotArn: snapshotArn("daily") }),
    );
    await unshare("daily", "all");
  });

  test("twenty accounts are the most", async () => {
    const twenty = Array.from({ length: 20 }, (_, at) => String(100_000_000_000 + at));
    await share("daily", ...twenty);
    await expect(share("daily", SECOND_ACCOUNT)).rejects.toEqual(refusal("SharedSnapshotQuotaExceeded", 400));
    await unshare("daily", ...twenty);
    expect(
      (await rds(FIRST, new api.DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier: "daily" }))).DBSnapshotAttributesResult
        .DBSnapshotAttributes,
    ).toEqual([{ AttributeName: "restore", AttributeValues: [] }]);
  });

  test("one under RDS's own key cannot be shared, an encrypted one not with all", async () => {
    await copy(FIRST, "daily", "default-key", { KmsKeyId: "alias/aws/rds" });
    await snapshotIs(FIRST, "default-key", "available");
    await expect(share("default-key", SECOND_ACCOUNT)).rejects.toEqual(refusal("InvalidParameterCombination", 400, /default service key/));
    await copy(FIRST, "daily", "own-key", { KmsKeyId: await key(FIRST) });
    await snapshotIs(FIRST, "own-key", "available");
    await expect(share("own-key", "all")).rejects.toEqual(refusal("InvalidParameterCombination", 400, /not with all/));
  });

  test("an encrypted one needs a key of the copier's own, and the key policy's leave to describe the source's key and to grant on it", async () => {
    const source = await key(FIRST);
    await copy(FIRST, "daily", "sealed", { KmsKeyId: source });
    await snapshotIs(FIRST, "sealed", "available");
    await share("sealed", SECOND_ACCOUNT);
    const KmsKeyId = await key(SECOND_ACCOUNT);
    const take = (more: object = { KmsKeyId }) => copy(SECOND_ACCOUNT, snapshotArn("sealed"), "sealed", more);
    await expect(take({})).rejects.toEqual(refusal("InvalidParameterCombination", 400, /KmsKeyId/));
    const closed = refusal("KMSKeyNotAccessibleFault", 400, new RegExp(`source snapshot KMS key \\[${source}\\]`));
    await expect(take()).rejects.toEqual(closed);
    const put = (...statements: object[]) => kms(FIRST, new PutKeyPolicyCommand({ KeyId: source, Policy: policy(ownRoot, ...statements) }));
    await put(allow(["kms:DescribeKey", "kms:Decrypt", "kms:ReEncrypt*"]));
    await expect(take()).rejects.toEqual(closed);
    await put(allow("kms:DescribeKey"), allow("kms:CreateGrant", { Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } } }));
    const restore = { DBInstanceIdentifier: "sealed", DBSnapshotIdentifier: snapshotArn("sealed") };
    await expect(rds(SECOND_ACCOUNT, new api.RestoreDBInstanceFromDBSnapshotCommand(restore))).rejects.toEqual(
      refusal("InvalidParameterCombination", 400, /Copy it/),
    );
    expect((await take()).DBSnapshot).toMatchObject({ Encrypted: true, KmsKeyId });
    await snapshotIs(SECOND_ACCOUNT, "sealed", "available");
    await kms(FIRST, new DisableKeyCommand({ KeyId: source }));
    await expect(copy(SECOND_ACCOUNT, snapshotArn("sealed"), "again", { KmsKeyId })).rejects.toEqual(closed);
  });
});

describe("S3", () => {
  test("bucket names are everybody's, buckets and lists are each account's own", async () => {
    const place = { CreateBucketConfiguration: { LocationConstraint: HOME } } as const;
    await bucket(FIRST, new s3.CreateBucketCommand({ Bucket: "firsts", ...place }));
    await expect(bucket(SECOND_ACCOUNT, new s3.CreateBucketCommand({ Bucket: "firsts", ...place }))).rejects.toMatchObject({
      name: "BucketAlreadyExists",
      $metadata: { httpStatusCode: 409 },
    });
    expect((await bucket(SECOND_ACCOUNT, new s3.ListBucketsCommand({}))).Buckets).toEqual([]);
    expect((await bucket(FIRST, new s3.ListBucketsCommand({}))).Buckets).toMatchObject([{ Name: "firsts" }]);
  });

  test("another account is refused until the bucket's policy lets it in, and then may do that and no more", async () => {
    await bucket(FIRST, new s3.PutObjectCommand({ Bucket: "firsts", Key: "record", Body: "one" }));
    const read = () => bucket(SECOND_ACCOUNT, new s3.GetObjectCommand({ Bucket: "firsts", Key: "record" }));
    await expect(read()).rejects.toMatchObject({
      name: "AccessDenied",
      message: `User: arn:aws:iam::${SECOND_ACCOUNT}:root is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::firsts/record" because no resource-based policy allows the s3:GetObject action`,
      $metadata: { httpStatusCode: 403 },
    });
    await expect(bucket(SECOND_ACCOUNT, new s3.HeadBucketCommand({ Bucket: "firsts" }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    const Policy = policy(allow("s3:GetObject", { Resource: "arn:aws:s3:::firsts/*" }));
    await bucket(FIRST, new s3.PutBucketPolicyCommand({ Bucket: "firsts", Policy }));
    expect(await (await read()).Body.transformToString()).toBe("one");
    await expect(bucket(SECOND_ACCOUNT, new s3.PutObjectCommand({ Bucket: "firsts", Key: "record", Body: "two" }))).rejects.toMatchObject({
      name: "AccessDenied",
    });
    await expect(bucket(SECOND_ACCOUNT, new s3.DeleteBucketCommand({ Bucket: "firsts" }))).rejects.toMatchObject({ name: "AccessDenied" });
  });
});

describe("roles", () => {
  const RoleArn = `arn:aws:iam::${FIRST}:role/reader`;
  const assume = async (account: string) => (await sts(account, new AssumeRoleCommand({ RoleArn, RoleSessionName: "visit" }))).Credentials;

  test("another account's is taken only if its trust lets it, and acts in its own account", async () => {
    await expect(assume(SECOND_ACCOUNT)).rejects.toEqual(refusal("AccessDenied", 403, /sts:AssumeRole/));
    const iam = (operation: string, input: object) => lab.world.call("iam", operation, { RoleName: "reader", ...input }, { region: HOME });
    const trust = (account: string) => ({ Statement: [{ Effect: "Allow", Principal: { AWS: account }, Action: "sts:AssumeRole" }] });
    await iam("CreateRole", { AssumeRolePolicyDocument: trust("999988887777") });
    await iam("PutRolePolicy", {
      PolicyName: "own",
      PolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "rds:DescribeDBSnapshots", Resource: "*" }] },
    });
    await expect(assume(SECOND_ACCOUNT)).rejects.toEqual(refusal("AccessDenied", 403, /no resource-based policy allows/));
    const visitor = await assume("999988887777");
    const session = {
      ...settings(FIRST, HOME),
      credentials: {
        accessKeyId: visitor.AccessKeyId,
        secretAccessKey: visitor.SecretAccessKey,
        sessionToken: visitor.SessionToken,
      },
    };
    expect(await ask(new STSClient(session), new GetCallerIdentityCommand({}))).toMatchObject({
      Account: FIRST,
      Arn: `arn:aws:sts::${FIRST}:assumed-role/reader/visit`,
    });
    const { DBSnapshots } = await ask(new api.RDSClient(session), new api.DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: "daily" }));
    expect(DBSnapshots).toMatchObject([{ DBSnapshotArn: snapshotArn("daily") }]);
    await expect(ask(new api.RDSClient(session), new api.DescribeDBInstancesCommand({}))).rejects.toEqual(refusal("AccessDenied", 403));
  });
});

test("a lab that goes on has every account as it was", async () => {
  const kept = mkdtempSync(path.join(os.tmpdir(), "understudy-test-"));
  chmodSync(kept, 0o711);
  onTestFinished(() => rmSync(kept, { recursive: true, force: true }));
  const folder = { path: kept, leave: async () => {} };
  const clientOf = ({ wire }: Lab) => new KMSClient({ ...settings(SECOND_ACCOUNT, HOME), endpoint: wire.url });
  const before = await startLab({ folder });
  const { KeyMetadata } = await ask(clientOf(before), new CreateKeyCommand({ Description: "vault" }));
  await before.close();
  const after = await startLab({ folder, resume: true });
  const known = await ask(clientOf(after), new DescribeKeyCommand({ KeyId: KeyMetadata.KeyId }));
  await after.close();
  expect(known.KeyMetadata).toEqual(KeyMetadata);
});

test("an EBS snapshot is copied by the account it is shared with, and by no other", async () => {
  const { VolumeId } = await ec2(FIRST, new CreateVolumeCommand({ AvailabilityZone: `${HOME}a`, Size: 1 }));
  const { SnapshotId } = await vi.waitFor(() => ec2(FIRST, new CreateSnapshotCommand({ VolumeId })), patient);
  const state = async (account: string, id: string, region = HOME) =>
    (await ec2(account, new DescribeSnapshotsCommand({ SnapshotIds: [id] }), region)).Snapshots[0].State;
  await vi.waitFor(async () => expect(await state(FIRST, SnapshotId)).toBe("completed"), patient);
  const take = () => ec2(SECOND_ACCOUNT, new CopySnapshotCommand({ SourceRegion: HOME, SourceSnapshotId: SnapshotId }), AWAY);
  await expect(take()).rejects.toEqual(refusal("InvalidSnapshot.NotFound", 400));
  await ec2(FIRST, new ModifySnapshotAttributeCommand({ SnapshotId, CreateVolumePermission: { Add: [{ UserId: SECOND_ACCOUNT }] } }));
  const taken = await take();
  await vi.waitFor(async () => expect(await state(SECOND_ACCOUNT, taken.SnapshotId, AWAY)).toBe("completed"), patient);
  await expect(state(FIRST, taken.SnapshotId, AWAY)).rejects.toEqual(refusal("InvalidSnapshot.NotFound", 400));
});
