/**
 * The vault's side of a plan, as people make it: its template deployed in the other account, and the copies' key opened to that account.
 * Another account may then describe that key and grant on it for AWS's resources, as RDS asks.
 */
import type { Plan } from "../core/plan/schema.ts";
import type { World } from "./cloud/world.ts";
import { deployStack } from "./deploy/index.ts";
import type { Lab } from "./lab.ts";

/** `template`: what packaging wrote for the vault's account. Returns that account's world. */
export async function buildVault(lab: Lab, plan: Plan, template: unknown): Promise<World> {
  const { vault } = plan;
  if (!vault) throw new Error(`The plan ${plan.name} has no vault.`);
  const other = await lab.account(vault.account);
  await deployStack(other, {
    template,
    region: vault.region,
    stackName: `understudy-${plan.name}-vault`,
    artifacts: () => new Uint8Array(),
    parameters: { UnderstudyAccount: lab.world.account },
  });
  for (const { vault: kept, kmsKeyId } of plan.backups) if (kept && kmsKeyId) await letIn(lab, vault.region, kmsKeyId, vault.account);
  return other;
}

async function letIn(lab: Lab, region: string, key: string, account: string): Promise<void> {
  const kms = (operation: string, input: object) => lab.world.call("kms", operation, input, { region });
  const { KeyMetadata } = await kms("DescribeKey", { KeyId: key });
  const { Policy } = await kms("GetKeyPolicy", { KeyId: KeyMetadata.KeyId });
  const policy = JSON.parse(Policy);
  const Principal = { AWS: `arn:aws:iam::${account}:root` };
  const forAws = { Bool: { "kms:GrantIsForAWSResource": "true" } };
  policy.Statement.push(
    { Sid: "VaultMayDescribe", Effect: "Allow", Principal, Action: "kms:DescribeKey", Resource: "*" },
    { Sid: "VaultMayGrant", Effect: "Allow", Principal, Action: "kms:CreateGrant", Resource: "*", Condition: forAws },
  );
  await kms("PutKeyPolicy", { KeyId: KeyMetadata.KeyId, Policy: JSON.stringify(policy) });
}
