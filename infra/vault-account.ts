/**
 * The vault's side, a template for the other account: the role Understudy takes on there and, where the plan names it by an alias, the key.
 * The role copies what is shared with that account, looks, and shares its own copies back for a restore; it can delete nothing and take no
 * key away.
 */
import type { Plan, VaultPlan } from "../core/plan/schema.ts";
import { arnOf, type Json, type Resources, ref, sub } from "./cloudformation.ts";
import type { SmallTemplate } from "./primary-region.ts";
import { allow, type Statement } from "./statement.ts";

/** The file it is written to, beside the primary region's. */
export const VAULT_TEMPLATE = "vault.json";

/** null: the plan has no vault. */
export function vaultAccountTemplate(plan: Plan, stack: string): SmallTemplate | null {
  const { vault } = plan;
  if (!vault) return null;
  const [path, name] = roleNameOf(vault.role);
  const key = keyOf(vault, stack);
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: `Understudy, the vault of ${plan.name}: the role that copies backups into this account`,
    Parameters: {
      UnderstudyAccount: {
        Type: "String",
        AllowedPattern: "^[0-9]{12}$",
        Description: "The account Understudy runs in, twelve digits; not this one",
      },
    },
    Resources: {
      ...key.resources,
      VaultRole: {
        Type: "AWS::IAM::Role",
        Properties: {
          RoleName: name,
          ...(path === "/" ? {} : { Path: path }),
          Description: `Taken on by Understudy (${plan.name}) to copy backups into this account; may delete nothing`,
          AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: [trustOf(vault, stack)] },
          Policies: [{ PolicyName: "keep", PolicyDocument: { Version: "2012-10-17", Statement: statementsOf(vault, key.arn) } }],
        },
      },
    },
  };
}

const UNDERSTUDY: Json = { AWS: sub("arn:${AWS::Partition}:iam::${UnderstudyAccount}:root") };

/** Understudy's roles are named by CloudFormation: their stack's name, theirs and letters. */
const trustOf = ({ externalId }: VaultPlan, stack: string): Json => ({
  Effect: "Allow",
  Principal: UNDERSTUDY,
  Action: "sts:AssumeRole",
  Condition: {
    ArnLike: {
      "aws:PrincipalArn": ["VaultRole", "RetainRole", "RestoreRole"].map((role) =>
        sub(`arn:\${AWS::Partition}:iam::\${UnderstudyAccount}:role/${stack}-${role}-*`),
      ),
    },
    ...(externalId === undefined ? {} : { StringEquals: { "sts:ExternalId": externalId } }),
  },
});

function statementsOf({ region }: VaultPlan, key: Json): Statement[] {
  const snapshots = (account: string, id: string) => sub(`arn:\${AWS::Partition}:rds:${region}:\${${account}}:snapshot:${id}`);
  const throughRds = { StringEquals: { "kms:ViaService": `rds.${region}.amazonaws.com` } };
  return [
    allow("SeeSnapshots", ["rds:DescribeDBSnapshots"], snapshots("AWS::AccountId", "*")),
    allow(
      "CopyWhatIsShared",
      ["rds:CopyDBSnapshot"],
      [snapshots("UnderstudyAccount", "understudy-*"), snapshots("AWS::AccountId", "understudy-*")],
    ),
    allow("TagCopies", ["rds:AddTagsToResource"], snapshots("AWS::AccountId", "understudy-*")),
    // A restore copies it back.
    allow("ShareBack", ["rds:ModifyDBSnapshotAttribute"], snapshots("AWS::AccountId", "understudy-*")),
    allow("LookAtTheKey", ["kms:DescribeKey"], key),
    // RDS works with a key in its caller's name, who must be let to describe it and to grant on it.
    allow("EncryptCopies", ["kms:CreateGrant"], key, throughRds),
    // Which of its keys this account may read with is for that account's key policies to say.
    allow(
      "ReadWhatIsShared",
      ["kms:DescribeKey", "kms:CreateGrant"],
      sub(`arn:\${AWS::Partition}:kms:${region}:\${UnderstudyAccount}:key/*`),
      throughRds,
    ),
  ];
}

/** A key that the plan names by its ARN is there already. */
function keyOf({ kmsKeyId }: VaultPlan, stack: string): { arn: Json; resources: Resources } {
  const [, alias] = /:(alias\/.+)$/.exec(kmsKeyId) ?? [];
  if (alias === undefined) return { arn: kmsKeyId, resources: {} };
  return {
    arn: arnOf("VaultKey"),
    resources: {
      VaultKey: {
        Type: "AWS::KMS::Key",
        DeletionPolicy: "Retain",
        UpdateReplacePolicy: "Retain",
        Properties: {
          Description: `Copies of backups, ${stack}`,
          EnableKeyRotation: true,
          KeyPolicy: {
            Version: "2012-10-17",
            Statement: [
              {
                Sid: "ThisAccountDecides",
                Effect: "Allow",
                Principal: { AWS: sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root") },
                Action: "kms:*",
                Resource: "*",
              },
              // What is shared back can be read with it.
              { Sid: "UnderstudyMayDescribe", Effect: "Allow", Principal: UNDERSTUDY, Action: "kms:DescribeKey", Resource: "*" },
              {
                Sid: "UnderstudyMayGrant",
                Effect: "Allow",
                Principal: UNDERSTUDY,
                Action: "kms:CreateGrant",
                Resource: "*",
                Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
              },
            ],
          },
        },
      },
      VaultKeyAlias: {
        Type: "AWS::KMS::Alias",
        DeletionPolicy: "Retain",
        UpdateReplacePolicy: "Retain",
        Properties: { AliasName: alias, TargetKeyId: ref("VaultKey") },
      },
    },
  };
}

function roleNameOf(arn: string): [path: string, name: string] {
  const full = arn.slice(arn.indexOf(":role/") + ":role".length);
  const at = full.lastIndexOf("/") + 1;
  return [full.slice(0, at), full.slice(at)];
}
