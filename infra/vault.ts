/** The function that copies into the vault, and what the roles may do for it: deployed and granted only where the plan has a vault. */
import type { Plan } from "../core/plan/schema.ts";
import { type Json, sub } from "./cloudformation.ts";
import { allow, type Statement } from "./statement.ts";

export const VAULT_FUNCTION = "vault";

export const hasVault = (plan: Plan): boolean => plan.vault !== undefined;

/** As serverless.yml has functions. */
export const vaultFunctions = (plan: Plan, stack: string, code: string): Record<string, Json> =>
  hasVault(plan)
    ? {
        [VAULT_FUNCTION]: {
          name: `${stack}-${VAULT_FUNCTION}`,
          description: "Durable; copies a backup of the recovery region into the vault, another account",
          handler: `${code}/${VAULT_FUNCTION}/index.handler`,
          role: "VaultRole",
          // Whoever looks for a free slot lists all that is there.
          timeout: 900,
          package: { patterns: [`${code}/${VAULT_FUNCTION}/**`] },
          // A day in the line of copies, a day under way, a day late (runbooks/copy.ts).
          durableConfig: { executionTimeout: 345_600, retentionPeriodInDays: 30 },
        },
      }
    : {};

/** Whoever copies there, whoever looks, and whoever brings something back. */
export const takesOnVault = ({ vault }: Plan): Statement[] =>
  vault ? [allow("TakeOnTheVaultsRole", ["sts:AssumeRole"], [vault.role])] : [];

type Keys = (...prefixes: string[]) => Json[];

export const seesWhatIsShared = (plan: Plan, keys: Keys): Statement[] =>
  hasVault(plan) ? [allow("SeeWhatIsShared", ["s3:GetObject"], keys("vault"))] : [];

/** A restore may bring back what the vault shares. Which of its keys may be used for that is for the vault's key policies to say. */
export function fetchesFromVault({ vault, backups, regions: { recovery } }: Plan): Statement[] {
  if (!vault) return [];
  const of = (account: string) =>
    backups.flatMap(({ database, vault: kept }) =>
      kept ? [sub(`arn:\${AWS::Partition}:rds:${recovery}:${account}:snapshot:understudy-${database}-*`)] : [],
    );
  const own = of("${AWS::AccountId}");
  return [
    allow("SeeWhatIsFetched", ["rds:DescribeDBSnapshots"], own),
    allow("FetchFromTheVault", ["rds:CopyDBSnapshot"], [...of(vault.account), ...own]),
    allow("TagWhatIsFetched", ["rds:AddTagsToResource"], own),
    allow(
      "ReadWhatTheVaultShares",
      ["kms:DescribeKey", "kms:CreateGrant"],
      sub(`arn:\${AWS::Partition}:kms:${recovery}:${vault.account}:key/*`),
      { StringEquals: { "kms:ViaService": `rds.${recovery}.amazonaws.com` } },
    ),
  ];
}

/** It reads and shares the plan's own copies, and touches nothing else of this account. */
export function vaultStatements(plan: Plan, keys: Keys, shared: readonly Statement[]): Statement[] {
  const { recovery } = plan.regions;
  const copies = (database: string) => sub(`arn:\${AWS::Partition}:rds:${recovery}:\${AWS::AccountId}:snapshot:understudy-${database}-*`);
  const databases = plan.backups.filter(({ vault }) => vault).map(({ database }) => database);
  return [
    allow("ReadTheNewestPoint", ["s3:GetObject"], keys("databases")),
    // Without it S3 answers 403 for a missing document, and unknown is not absent.
    allow("TellMissingFromForbidden", ["s3:ListBucket"], sub("${StateBucket.Arn}")),
    allow("KeepTheLine", ["s3:GetObject", "s3:PutObject"], keys("copies")),
    allow("NoteRecoveryPoints", ["s3:GetObject", "s3:PutObject"], keys("backups")),
    allow("NoteWhatIsShared", ["s3:GetObject", "s3:PutObject"], keys("vault")),
    allow("SeeCopies", ["rds:DescribeDBSnapshots"], databases.map(copies)),
    allow("ShareCopies", ["rds:ModifyDBSnapshotAttribute"], databases.map(copies), {
      StringEquals: { "aws:ResourceTag/understudy:plan": plan.name },
    }),
    ...takesOnVault(plan),
    ...shared,
  ];
}
