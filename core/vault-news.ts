/** What people hear of a copy into the vault: that it is there, or why it is not and what to do. Pure. */
import type { News } from "./news.ts";
import type { VaultPlan } from "./plan/schema.ts";
import { vaultPlace } from "./vault.ts";

export interface VaultCopy {
  readonly database: string;
  readonly snapshot: string;
  readonly vault: VaultPlan;
}

/** By the words of AWS: the first that fits. */
const NEXT: readonly [words: RegExp, next: (vault: VaultPlan) => string][] = [
  [
    /not authorized to perform/,
    ({ role, account }) =>
      `See that ${role} is there, trusts Understudy's roles with the plan's external id and has its permissions: deploy vault.json in ${account} again.`,
  ],
  [
    /source snapshot KMS key/,
    ({ account }) =>
      `Let the account ${account} use the key of the copies: its key policy needs kms:DescribeKey and kms:CreateGrant for it.`,
  ],
  [
    /default service key|default KMS key/i,
    () => "What lies under RDS's own key cannot be shared: give the copies a key of your own (kmsKeyId).",
  ],
  [/KMS key/, ({ kmsKeyId, account }) => `See that ${kmsKeyId} is there and enabled in ${account}, and that the role may use it.`],
];

const GOES_ON = "The next backup's copy into the vault starts by itself.";

const stillOpen = ({ account }: VaultPlan, leftShared: string | null): string =>
  leftShared === null ? "" : ` It could not be taken back that ${account} may copy it: ${leftShared}`;

export function vaultFailed({ database, snapshot, vault }: VaultCopy, reason: string, leftShared: string | null, nowMs: number): News {
  const [, next] = NEXT.find(([words]) => words.test(reason)) ?? [];
  return {
    kind: "Vault Copy Failed",
    id: `${snapshot}-vault-failed`,
    database,
    atMs: nowMs,
    sentence: `The backup ${snapshot} of ${database} is good, and has no copy in ${vaultPlace(vault)}: ${reason}${stillOpen(vault, leftShared)}`,
    details: [
      ["Snapshot", snapshot],
      ["Role", vault.role],
      ["Key there", vault.kmsKeyId],
    ],
    next: `${next?.(vault) ?? "See the reason above."} ${GOES_ON}`,
  };
}

export function vaultCompleted(
  { database, snapshot, vault }: VaultCopy,
  takenAtMs: number | null,
  leftShared: string | null,
  nowMs: number,
): News {
  const of = takenAtMs === null ? "" : `, as of ${new Date(takenAtMs).toISOString()}`;
  return {
    kind: "Vault Copy Completed",
    id: `${snapshot}-vault-completed`,
    database,
    atMs: nowMs,
    sentence: `The backup ${snapshot} of ${database} is in ${vaultPlace(vault)} too${of}.${stillOpen(vault, leftShared)}`,
    details: [
      ["Snapshot", snapshot],
      ["Key there", vault.kmsKeyId],
    ],
    next: leftShared === null ? "Nothing." : "The next copy into the vault takes it back.",
  };
}
