/** RDS asks KMS (A2, A3, I): whether a key can be used, and whether the caller may use it. And what our own backup needs for that. */
import * as kms from "@aws-sdk/client-kms";
import * as api from "@aws-sdk/client-rds";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Plan } from "../../core/plan/schema.ts";
import { roles } from "../../infra/roles.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { createKey } from "../../lab/given.ts";
import { type Lab, startLab } from "../../lab/lab.ts";
import { testPlan } from "../lab/shop.ts";
import { ACCOUNT, AWAY, HOME, patient, refusal } from "./rds-lab.ts";

let lab: Lab;
const clients: { destroy(): void }[] = [];
const own = <C extends { destroy(): void }>(client: C): C => {
  clients.push(client);
  return client;
};
const root = { accessKeyId: "lab", secretAccessKey: "x" };
const at = (region: string, credentials = root) => ({ endpoint: lab.wire.url, region, credentials, maxAttempts: 1 });
// biome-ignore lint/suspicious/noExplicitAny: the commands' own types are lost in one function for all of them
const rds = (command: any, region = HOME, credentials = root): Promise<any> =>
  own(new api.RDSClient(at(region, credentials))).send(command);
// biome-ignore lint/suspicious/noExplicitAny: as above
const keys = (command: any, region = HOME): Promise<any> => own(new kms.KMSClient(at(region))).send(command);
const newKey = async (region: string): Promise<string> => (await keys(new kms.CreateKeyCommand({}), region)).KeyMetadata.Arn;

const instanceIs = (id: string, status: string, region = HOME) =>
  vi.waitFor(async () => {
    const { DBInstances } = await rds(new api.DescribeDBInstancesCommand({ DBInstanceIdentifier: id }), region);
    expect(DBInstances[0].DBInstanceStatus).toBe(status);
    return DBInstances[0] as api.DBInstance;
  }, patient);
const snapshotIs = (id: string, status: string, region = HOME) =>
  vi.waitFor(async () => {
    const { DBSnapshots } = await rds(new api.DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id }), region);
    expect(DBSnapshots[0].Status).toBe(status);
  }, patient);
const create = (id: string, KmsKeyId: string) =>
  rds(
    new api.CreateDBInstanceCommand({
      DBInstanceIdentifier: id,
      Engine: "postgres",
      DBInstanceClass: "db.t4g.micro",
      AllocatedStorage: 20,
      MasterUsername: "shop",
      MasterUserPassword: "correct-horse",
      StorageEncrypted: true,
      KmsKeyId,
    }),
  );
const source = `arn:aws:rds:${HOME}:${ACCOUNT}:snapshot:understudy-sealed`;
const copy = (target: string, KmsKeyId: string, region = AWAY, credentials = root) =>
  rds(
    new api.CopyDBSnapshotCommand({ SourceDBSnapshotIdentifier: source, TargetDBSnapshotIdentifier: target, KmsKeyId }),
    region,
    credentials,
  );

/** What the shop's data is encrypted with. */
let home: string;
beforeAll(async () => {
  lab = await startLab({ folder: throwawayFolder(), timings: { snapshotMs: 20, copyMs: 20, copyQueueMs: 20, restoreMs: 20 } });
  home = await newKey(HOME);
  await create("sealed", home);
  await instanceIs("sealed", "available");
  await rds(new api.CreateDBSnapshotCommand({ DBInstanceIdentifier: "sealed", DBSnapshotIdentifier: "understudy-sealed" }));
  await snapshotIs("understudy-sealed", "available");
  await instanceIs("sealed", "available");
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await lab?.close();
});

const closed = (key: string, what = "Specified KMS key") =>
  refusal(
    "KMSKeyNotAccessibleFault",
    400,
    new RegExp(`^${what} \\[${key}\\] does not exist, is not enabled or you do not have permissions`),
  );

describe("a key that cannot be used", () => {
  const CASES: Record<string, (region: string) => Promise<string>> = {
    disabled: async (region) => {
      const KeyId = await newKey(region);
      await keys(new kms.DisableKeyCommand({ KeyId }), region);
      return KeyId;
    },
    "pending deletion": async (region) => {
      const KeyId = await newKey(region);
      await keys(new kms.ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }), region);
      return KeyId;
    },
    absent: async (region) => `arn:aws:kms:${region}:${ACCOUNT}:key/0a1b2c3d-0000-4000-8000-000000000000`,
    "another region's": async (region) => await newKey(region === HOME ? AWAY : HOME),
  };

  test.each(Object.keys(CASES))("%s: no instance, copy or replica is made with it", async (kind) => {
    const [here, there] = [await CASES[kind]?.(HOME), await CASES[kind]?.(AWAY)] as [string, string];
    await expect(create("refused", here)).rejects.toEqual(closed(here));
    await expect(copy("refused", there)).rejects.toEqual(closed(there));
    const replica = { DBInstanceIdentifier: "refused", SourceDBInstanceIdentifier: `arn:aws:rds:${HOME}:${ACCOUNT}:db:sealed` };
    await expect(rds(new api.CreateDBInstanceReadReplicaCommand({ ...replica, KmsKeyId: there }), AWAY)).rejects.toEqual(closed(there));
    for (const region of [HOME, AWAY]) {
      const { DBInstances } = await rds(new api.DescribeDBInstancesCommand({}), region);
      expect(DBInstances.map((each: api.DBInstance) => each.DBInstanceIdentifier)).toEqual(region === HOME ? ["sealed"] : []);
    }
    expect((await rds(new api.DescribeDBSnapshotsCommand({}), AWAY)).DBSnapshots).toEqual([]);
  });

  test("a snapshot under it is neither copied nor restored, until the key is enabled again", async () => {
    const own = await newKey(HOME);
    await copy("under-own", own, HOME);
    await snapshotIs("under-own", "available");
    await keys(new kms.DisableKeyCommand({ KeyId: own }));
    const restore = () =>
      rds(new api.RestoreDBInstanceFromDBSnapshotCommand({ DBInstanceIdentifier: "restored", DBSnapshotIdentifier: "under-own" }));
    await expect(restore()).rejects.toEqual(closed(own));
    const again = { SourceDBSnapshotIdentifier: "under-own", TargetDBSnapshotIdentifier: "again" };
    await expect(rds(new api.CopyDBSnapshotCommand(again))).rejects.toEqual(closed(own, "The source snapshot KMS key"));
    await keys(new kms.EnableKeyCommand({ KeyId: own }));
    expect((await restore()).DBInstance).toMatchObject({ StorageEncrypted: true, KmsKeyId: own });
    await instanceIs("restored", "available");
  });

  test("an alias stands for its key, whose ARN is what RDS shows", async () => {
    const own = await newKey(AWAY);
    await keys(new kms.CreateAliasCommand({ AliasName: "alias/vault", TargetKeyId: own }), AWAY);
    expect((await copy("by-alias", "alias/vault")).DBSnapshot.KmsKeyId).toBe(own);
    expect((await copy("by-default", "alias/aws/rds")).DBSnapshot.KmsKeyId).toMatch(/:key\/[0-9a-f-]{36}$/);
  });
});

describe("the backup's role", () => {
  const planWith = (kmsKeyId?: string): Plan => {
    const plan = testPlan();
    return { ...plan, backups: plan.backups.map((backup) => ({ ...backup, kmsKeyId })) };
  };
  type Statement = { Sid: string; Action: string[]; Resource: string | string[] };
  /** The role's statements as CloudFormation would write them. */
  function statementsFor(plan: Plan): Statement[] {
    const role = roles(plan, "understudy").BackupRole?.Properties as { Policies: { PolicyDocument: { Statement: Statement[] } }[] };
    const text = JSON.stringify(role.Policies[0]?.PolicyDocument.Statement).replace(/\{"Fn::Sub":("[^"]*")\}/g, "$1");
    return JSON.parse(
      text
        .replaceAll("${AWS::Partition}", "aws")
        .replaceAll("${AWS::AccountId}", ACCOUNT)
        .replaceAll("${AWS::Region}", AWAY)
        .replaceAll("${StateBucket.Arn}", "arn:aws:s3:::state"),
    );
  }
  let roleCount = 0;
  async function wearing(Statement: Statement[]) {
    const RoleName = `backup-${++roleCount}`;
    const iam = (operation: string, input: object) => lab.world.call("iam", operation, { RoleName, ...input }, { region: AWAY });
    const trust = { Statement: [{ Effect: "Allow", Principal: { AWS: ACCOUNT }, Action: "sts:AssumeRole" }] };
    await iam("CreateRole", { AssumeRolePolicyDocument: trust });
    await iam("PutRolePolicy", { PolicyName: "own", PolicyDocument: { Version: "2012-10-17", Statement } });
    const RoleArn = `arn:aws:iam::${ACCOUNT}:role/${RoleName}`;
    const { Credentials } = await own(new STSClient(at(AWAY))).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "run" }));
    return { accessKeyId: Credentials?.AccessKeyId as string, secretAccessKey: Credentials?.SecretAccessKey as string };
  }
  const ofKeys = (statements: Statement[]) => statements.filter(({ Action }) => Action.some((action) => action.startsWith("kms:")));

  test("is granted nothing on keys by a plan that names none", () => {
    expect(ofKeys(statementsFor(planWith()))).toEqual([]);
  });

  test.each(["id", "ARN", "alias"])("copies on the key the plan names by its %s, and not with one permission less", async (kind) => {
    const arn = await newKey(AWAY);
    const alias = `alias/copies-${kind.toLowerCase()}`;
    await keys(new kms.CreateAliasCommand({ AliasName: alias, TargetKeyId: arn }), AWAY);
    const named = kind === "ARN" ? arn : kind === "id" ? (arn.split("/")[1] as string) : alias;
    const statements = statementsFor(planWith(named));
    const granted = [...new Set(ofKeys(statements).flatMap(({ Action }) => Action))];
    expect(granted).toEqual(["kms:DescribeKey", "kms:CreateGrant"]);
    for (const action of granted) {
      for (const region of [HOME, AWAY]) {
        const less = statements.flatMap((statement) => {
          const kept = [statement.Resource].flat().filter((resource) => !resource.includes(`:kms:${region}:`));
          const others = { ...statement, Action: statement.Action.filter((each) => each !== action) };
          const elsewhere = statement.Action.includes(action) ? { ...statement, Action: [action], Resource: kept } : others;
          return [others, elsewhere].filter(({ Action, Resource }) => Action.length > 0 && [Resource].flat().length > 0);
        });
        const refused = region === HOME ? closed(home, "The source snapshot KMS key") : closed(arn);
        await expect(copy("understudy-lacking", named, AWAY, await wearing(less)), `${region} ${action}`).rejects.toEqual(refused);
        expect(lab.world.story.findLast(({ what }) => what.startsWith("RDS cannot use a key"))?.what).toContain(
          `is not authorized to perform: ${action}`,
        );
      }
    }
    const { DBSnapshot } = await copy(`understudy-${kind}`, named, AWAY, await wearing(statements));
    expect(DBSnapshot).toMatchObject({ Encrypted: true, KmsKeyId: arn });
  });

  test("a key of another account that a plan names is there in the lab's estate, and lets the lab's account use it", async () => {
    const foreign = `arn:aws:kms:${AWAY}:444455556666:key/0a1b2c3d-0000-4000-8000-000000000001`;
    createKey(lab.world, AWAY, foreign);
    const { DBSnapshot } = await copy("understudy-foreign", foreign, AWAY, await wearing(statementsFor(planWith(foreign))));
    expect(DBSnapshot).toMatchObject({ KmsKeyId: foreign });
  });
});
