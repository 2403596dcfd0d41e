/** The vault's template: what its role may do, and who may take it on. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, onTestFinished, test } from "vitest";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import type { Json, Resources } from "../../infra/cloudformation.ts";
import { roles } from "../../infra/roles.ts";
import { vaultAccountTemplate } from "../../infra/vault-account.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { startLab } from "../../lab/lab.ts";
import { buildVault } from "../../lab/vault.ts";
import { VAULT, VAULT_ROLE, withVault } from "../vault-plan.ts";

const AWAY = "eu-west-1";
const STACK = "understudy-corner-shop";
const EXAMPLE = readFileSync(join(import.meta.dirname, "..", "..", "recovery-plan.yml"), "utf8");
const planOf = (text: string): Plan => {
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.plan;
};
const plan = planOf(withVault(EXAMPLE));
const template = vaultAccountTemplate(plan, STACK);

interface Granting {
  readonly Action: readonly string[];
  readonly Resource: Json;
}
const statementsOf = (role: Resources[string] | undefined): readonly Granting[] => {
  const policies = role?.Properties?.Policies as unknown as { PolicyDocument: { Statement: Granting[] } }[] | undefined;
  return (policies ?? []).flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
};

test("the vault's role may look, copy, tag, share back and use the keys, and delete or lock away nothing (R16)", () => {
  const actions = template ? statementsOf(template.Resources.VaultRole).flatMap(({ Action }) => Action) : [];
  expect([...new Set(actions)].sort()).toEqual([
    "kms:CreateGrant",
    "kms:DescribeKey",
    "rds:AddTagsToResource",
    "rds:CopyDBSnapshot",
    "rds:DescribeDBSnapshots",
    "rds:ModifyDBSnapshotAttribute",
  ]);
});

test("a key that the plan names by its own ARN is not made; one by its alias is, and stays when the stack goes", () => {
  expect(template?.Resources.VaultKey).toMatchObject({ Type: "AWS::KMS::Key", DeletionPolicy: "Retain" });
  const named = planOf(withVault(EXAMPLE).replace("alias/understudy-vault", "key/0a1b2c3d-0000-4000-8000-000000000000"));
  expect(Object.keys(vaultAccountTemplate(named, STACK)?.Resources ?? {})).toEqual(["VaultRole"]);
  expect(vaultAccountTemplate(planOf(EXAMPLE), STACK)).toBeNull();
});

test("a plan without a vault lets nobody take on a role or share a snapshot; with one, those who copy, look and restore, that one role", () => {
  const granted = (of: Plan, action: string) =>
    Object.entries(roles(of, STACK)).flatMap(([role, resource]) =>
      statementsOf(resource).flatMap(({ Action, Resource }) => (Action.includes(action) ? [[role, Resource]] : [])),
    );
  expect(granted(planOf(EXAMPLE), "sts:AssumeRole")).toEqual([]);
  expect(granted(planOf(EXAMPLE), "rds:ModifyDBSnapshotAttribute")).toEqual([]);
  expect(granted(plan, "sts:AssumeRole")).toEqual([
    ["RetainRole", [VAULT_ROLE]],
    ["RestoreRole", [VAULT_ROLE]],
    ["VaultRole", [VAULT_ROLE]],
  ]);
  expect(granted(plan, "rds:ModifyDBSnapshotAttribute").map(([role]) => role)).toEqual(["VaultRole"]);
});

test("the vault's role is taken on by the roles that need it, with the plan's word, and by nobody else of that account (R16)", async () => {
  const lab = await startLab({ folder: throwawayFolder() });
  onTestFinished(() => lab.close());
  const vault = await buildVault(lab, { ...plan, backups: [] }, template);
  const settings = (credentials: object) => ({ endpoint: lab.wire.url, region: AWAY, credentials: credentials as never, maxAttempts: 1 });
  const root = { accessKeyId: "lab", secretAccessKey: "x" };
  const assume = async (credentials: object, RoleArn: string, more: object = {}) => {
    const client = new STSClient(settings(credentials));
    try {
      return await client.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "run", ...more }));
    } finally {
      client.destroy();
    }
  };
  const wearing = async (RoleName: string) => {
    const iam = (operation: string, input: object) => lab.world.call("iam", operation, { RoleName, ...input }, { region: AWAY });
    const trust = { Effect: "Allow", Principal: { AWS: lab.world.account }, Action: "sts:AssumeRole" };
    await iam("CreateRole", { AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: [trust] } });
    const Statement = [{ Effect: "Allow", Action: "sts:AssumeRole", Resource: VAULT_ROLE }];
    await iam("PutRolePolicy", { PolicyName: "own", PolicyDocument: { Version: "2012-10-17", Statement } });
    const { Credentials } = await assume(root, `arn:aws:iam::${lab.world.account}:role/${RoleName}`);
    const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials ?? {};
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  };
  const word = { ExternalId: "corner-shop-vault" };
  const copies = await wearing(`${STACK}-VaultRole-A1B2C3`);
  const { AssumedRoleUser } = await assume(copies, VAULT_ROLE, word);
  expect(AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${VAULT}:assumed-role/understudy-vault/run`);
  await assume(await wearing(`${STACK}-RetainRole-A1B2C3`), VAULT_ROLE, word);
  const denied = { name: "AccessDenied" };
  await expect(assume(copies, VAULT_ROLE), "without the word").rejects.toMatchObject(denied);
  await expect(assume(copies, VAULT_ROLE, { ExternalId: "another" }), "with another").rejects.toMatchObject(denied);
  await expect(assume(await wearing(`${STACK}-BackupRole-A1B2C3`), VAULT_ROLE, word), "another role").rejects.toMatchObject(denied);
  await expect(assume(root, VAULT_ROLE, word), "the account's root").rejects.toMatchObject(denied);
  expect(vault.account).toBe(VAULT);
});

test.skipIf(spawnSync("cfn-lint", ["--version"]).status !== 0)("cfn-lint accepts the vault's template", () => {
  const folder = mkdtempSync(join(tmpdir(), "vault-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, of] of Object.entries({
    alias: template,
    arn: vaultAccountTemplate(planOf(withVault(EXAMPLE).replace("alias/understudy-vault", "key/0a1b")), STACK),
  })) {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(of));
    const { status, stdout } = spawnSync("cfn-lint", ["--regions", AWAY, "--template", file], { encoding: "utf8" });
    expect(stdout, name).toBe("");
    expect(status, name).toBe(0);
  }
});
