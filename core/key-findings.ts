/**
 * What is wrong with the keys a database's backups need, before one of them fails for it: each with what to do. Pure. Whether a key's own
 * policy lets Understudy's role in is not seen from here: the first copy tells.
 */
import type { BackupFinding } from "./backup-findings.ts";
import type { BackupPlan } from "./plan/schema.ts";
import { slugOf } from "./vault.ts";

/** As KMS describes it (DescribeKey). */
export interface KeyFacts {
  readonly arn: string;
  /** "Enabled", "Disabled", "PendingDeletion" and others (KMS: key states). */
  readonly state: string;
  readonly managedByAws: boolean;
}

/** A key by its region and the name it is known by; null: there is none of that name. */
export type KeysSeen = ReadonlyMap<string, KeyFacts | null>;
export const keyName = (region: string, key: string): string => `${region} ${key}`;

/** An instance of the database, as its region lists it. */
export interface KeyedInstance {
  readonly id: string;
  readonly region: string;
  /** null: it is not encrypted. */
  readonly kmsKeyId: string | null;
}

interface Use {
  /** Or the vault, as people call it. */
  readonly region: string;
  readonly key: string;
  /** Begins a sentence that the key's trouble ends. */
  readonly what: string;
  /** What cannot be done while the key cannot be used. */
  readonly lost: string;
  /** What RDS's own key means for it, and what to do. */
  readonly underOwn?: { readonly means: string; readonly next: string };
}

/** The plan's other account and the key of the copies there. */
export interface KeyOfVault {
  readonly place: string;
  readonly kmsKeyId: string;
}

export function usesOf(
  instances: readonly KeyedInstance[],
  { copyTo, kmsKeyId, primaryKmsKeyId, vault }: BackupPlan,
  home: string,
  there: KeyOfVault | null = null,
): Use[] {
  const own = instances.flatMap(({ id, region, kmsKeyId: key }) =>
    key === null
      ? []
      : [
          {
            region,
            key,
            what: `${id} in ${region} lies under`,
            lost: "its snapshots can be neither copied nor restored",
            ...(vault && region !== copyTo ? { underOwn: copiedFirst(copyTo) } : {}),
          },
        ],
  );
  const planned: [string, string | undefined][] = [
    [copyTo, kmsKeyId],
    [home, primaryKmsKeyId],
  ];
  const copies = planned.flatMap(([region, key]) =>
    key === undefined
      ? []
      : [
          {
            region,
            key,
            what: `Copies to ${region} are made under`,
            lost: "no copy can be made there",
            ...(vault && region === copyTo ? { underOwn: SHARED_WITH_NOBODY } : {}),
          },
        ],
  );
  const kept = there ? [{ region: there.place, key: there.kmsKeyId, what: `Copies to ${there.place} are made under`, lost: NO_COPY }] : [];
  return [...own, ...copies, ...kept];
}

const NO_COPY = "no copy can be made there, and none be restored";
const SHARED_WITH_NOBODY = {
  means: "what lies under it can be shared with no other account, so no copy comes into the vault",
  next: "Name a key of yours in the plan (kmsKeyId): copies are made under that one, and can be shared.",
};
const copiedFirst = (copyTo: string) => ({
  means: "what lies under it can be shared with no other account",
  next: `Nothing for the vault: the copy in ${copyTo} is made under the plan's key, and it is that copy which is shared.`,
});

export function keyFindings(
  database: string,
  instances: readonly KeyedInstance[],
  backup: BackupPlan,
  home: string,
  seen: KeysSeen,
  there: KeyOfVault | null = null,
): BackupFinding[] {
  const found = new Map<string, BackupFinding>();
  for (const use of usesOf(instances, backup, home, there)) {
    const facts = seen.get(keyName(use.region, use.key));
    const wrong = facts === undefined ? null : wrongWith(use, facts);
    if (wrong) found.set(idOf(database, use), { id: idOf(database, use), kind: "key", ...wrong });
  }
  const sealed = instances.find(({ region, kmsKeyId }) => region !== backup.copyTo && kmsKeyId !== null);
  if (sealed && backup.kmsKeyId === undefined)
    found.set("none", {
      id: `${database}-key-none`,
      kind: "key",
      sentence: `${sealed.id} is encrypted, and the plan names no key for its copies in ${backup.copyTo}: RDS refuses every one of them.`,
      next: `Name one of your keys of ${backup.copyTo} as kmsKeyId of ${database} under backups, or alias/aws/rds.`,
    });
  return [...found.values()];
}

const idOf = (database: string, { region, key }: Use): string => `${database}-key-${slugOf(region)}-${key.split("/").slice(-1)[0]}`;

function wrongWith(
  { region, key, what, lost, underOwn }: Use,
  facts: KeyFacts | null,
): Pick<BackupFinding, "sentence" | "next" | "commands"> | null {
  if (facts === null)
    return { sentence: `${what} the key ${key}, which is not there: ${lost}.`, next: "Correct the plan, or make the key." };
  // The vault's is enabled by its owner.
  const [, , , at = region] = facts.arn.split(":");
  const enable = `aws kms enable-key --region ${at} --key-id ${facts.arn}`;
  if (facts.state === "PendingDeletion")
    return {
      sentence: `${what} the key ${facts.arn}, which is about to be deleted: ${lost}, and what lies under it is lost with it.`,
      next: "Keep it while a backup or an instance lies under it:",
      commands: [`aws kms cancel-key-deletion --region ${at} --key-id ${facts.arn}`, enable],
    };
  if (facts.state !== "Enabled")
    return {
      sentence: `${what} the key ${facts.arn}, which is ${facts.state === "Disabled" ? "disabled" : `in the state ${facts.state}`}: ${lost}.`,
      next: "Enable it again, or name another in the plan:",
      commands: [enable],
    };
  if (facts.managedByAws)
    return {
      sentence: `${what} the key ${facts.arn}, RDS's own: ${underOwn?.means ?? "what lies under it can be shared with no other account"}.`,
      next:
        underOwn?.next ??
        "If it is to leave the account one day, name a key of yours in the plan (kmsKeyId): copies are made under that one.",
    };
  return null;
}
