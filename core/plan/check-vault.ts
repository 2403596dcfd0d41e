/** Whether the plan's vault can work: another account's role and key, and copies that can be shared with it. Pure. */
import type { Finding } from "./check.ts";
import type { Plan } from "./schema.ts";

const accountOf = (arn: string): string | undefined => arn.split(":")[4];
const regionOf = (arn: string): string | undefined => arn.split(":")[3];

export function vaultFindings({ vault, backups, regions }: Plan): Finding[] {
  const findings: Finding[] = [];
  const find = (path: Finding["path"], problem: string) => findings.push({ path, problem });
  const kept = [...backups.entries()].filter(([, backup]) => backup.vault === true);
  for (const [index, { copyTo, kmsKeyId }] of kept) {
    if (!vault) find(["backups", index, "vault"], 'expected a section "vault" in the plan, which names the account, its role and its key');
    // RDS shares nothing that lies under its own key (RDS User Guide, sharing a DB snapshot).
    if (kmsKeyId === undefined || kmsKeyId.includes("alias/aws/"))
      find(
        ["backups", index, "kmsKeyId"],
        `expected a key of your own in ${copyTo}: the copy there is what is shared with the vault, and under RDS's own key it can be shared with nobody`,
      );
  }
  if (!vault) return findings;
  if (kept.length === 0) find(["vault"], 'expected a backup with "vault: true": none goes there');
  if (accountOf(vault.role) !== vault.account)
    find(["vault", "role"], `expected a role of the vault's account, ${vault.account}, not of ${accountOf(vault.role)}`);
  if (vault.region !== regions.recovery)
    find(
      ["vault", "region"],
      `expected the recovery region, ${regions.recovery}: an encrypted snapshot that is shared is copied within its own region`,
    );
  if (accountOf(vault.kmsKeyId) !== vault.account || regionOf(vault.kmsKeyId) !== vault.region)
    find(["vault", "kmsKeyId"], `expected a key of the vault's account, ${vault.account}, in ${vault.region}`);
  for (const [index, { kmsKeyId = "" }] of kept)
    if (kmsKeyId.startsWith("arn:") && accountOf(kmsKeyId) === vault.account)
      find(
        ["backups", index, "kmsKeyId"],
        `expected a key of another account than the vault's, ${vault.account}: who loses that one loses both`,
      );
  return findings;
}
