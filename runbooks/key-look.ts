/** The look at the keys of a database's instances and of its copies: KMS is asked once for each key, however many lie under it. */
import { type OtherAccount, placeName, type Where } from "../aws/clients.ts";
import { describeKey } from "../aws/keys.ts";
import type { BackupFinding } from "../core/backup-findings.ts";
import type { Incident } from "../core/incidents.ts";
import { type KeyedInstance, type KeyFacts, type KeysSeen, keyFindings, keyName, usesOf } from "../core/key-findings.ts";
import type { ListedInstance } from "../core/unclaimed.ts";
import type { Protected, Settings } from "./settings.ts";

export interface KeysLookedAt {
  /** null: somebody who was asked did not answer, and what was told stands. */
  readonly findings: readonly BackupFinding[] | null;
  /** ARNs of the keys that copies must have, by place, where the plan names one. */
  readonly arns: Readonly<Record<string, string>>;
}

const ARN = /^arn:[^:]+:kms:[^:]+:\d+:key\//;

export class KeyLook {
  private readonly asked = new Map<string, Promise<KeyFacts | null | undefined>>();
  /** By region and name: an instance, or the members of a cluster; null where a region did not answer. */
  private readonly listed: ReadonlyMap<string, readonly KeyedInstance[]> | null;

  private readonly vault: OtherAccount | null;

  /** `vault`: the plan's other account, where it may be asked. */
  constructor(listed: readonly ListedInstance[] | null, vault: OtherAccount | null = null) {
    this.vault = vault;
    this.listed = listed && Map.groupBy(listed, ({ id, clusterId, region }) => `${region}/${clusterId ?? id}`);
  }

  async of(settings: Settings, { name, plan, backup }: Protected): Promise<KeysLookedAt> {
    const home = settings.plan.regions.primary;
    if (!backup) return { findings: [], arns: {} };
    const members = [plan.primary, ...plan.standbys];
    const instances = members.flatMap(({ instance, region }) => this.listed?.get(`${region}/${instance}`) ?? []);
    const rules = backup.vault ? settings.plan.vault : undefined;
    const there = rules && this.vault ? { place: this.vault.name, kmsKeyId: rules.kmsKeyId } : null;
    const named: [string, string | undefined][] = [
      [backup.copyTo, backup.kmsKeyId],
      [home, backup.primaryKmsKeyId],
      ...(there ? [[there.place, there.kmsKeyId] as [string, string]] : []),
    ];
    const seen = new Map<string, KeyFacts | null>();
    let silent = this.listed === null;
    // The role may ask for keys where the plan names any (infra/roles.ts).
    const uses = named.some(([, key]) => key !== undefined) ? usesOf(instances, backup, home, there) : [];
    for (const { region, key } of uses) {
      const inVault = region === there?.place;
      const facts = await this.ask(inVault && this.vault ? this.vault : region, key);
      if (facts !== undefined) seen.set(keyName(region, key), facts);
      // A vault that says nothing of its key hides none of ours.
      else if (!inVault) silent = true;
    }
    return { findings: silent ? null : keyFindings(name, instances, backup, home, seen, there), arns: arnsOf(named, seen) };
  }

  /** undefined: KMS does not answer, or not to this role. */
  private ask(where: Where, key: string): Promise<KeyFacts | null | undefined> {
    const region = placeName(where);
    const id = keyName(region, key);
    const asked =
      this.asked.get(id) ??
      describeKey(where, key).catch((error: unknown) => {
        console.error(JSON.stringify({ what: "key not looked at", region, key, error: String(error) }));
        return undefined;
      });
    this.asked.set(id, asked);
    return asked;
  }
}

/** An alias may lead anywhere: KMS's word counts, and without it the plan's own where that is an ARN. */
const arnsOf = (named: readonly [string, string | undefined][], seen: KeysSeen): Record<string, string> =>
  Object.fromEntries(
    named.flatMap(([region, key]): [string, string][] => {
      if (key === undefined) return [];
      const arn = seen.get(keyName(region, key))?.arn ?? (ARN.test(key) ? key : undefined);
      return arn === undefined ? [] : [[region, arn]];
    }),
  );

/** What was told of keys and is not known to be over. */
export const stillOpen = (incidents: readonly Incident[], database: string): BackupFinding[] =>
  incidents
    .filter(({ id }) => id.startsWith(`${database}-key-`))
    .map(({ id, sentence }) => ({ id, kind: "key", sentence, next: "See the mail of that day." }));
