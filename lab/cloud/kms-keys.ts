/**
 * KMS's keys and aliases by account and region, and the one question other services ask: can this key be used here?
 * No key material: what a key encrypts is only marked with its ARN. Grants and key policies are kept, not judged.
 */
import { uuid } from "./ids.ts";
import type { World } from "./world.ts";

export interface KeyRecord {
  readonly id: string;
  readonly arn: string;
  readonly createdAt: number;
  description: string;
  state: "Enabled" | "Disabled" | "PendingDeletion";
  /** AWS's own keys (alias/aws/ebs) come into being when they are first used, and cannot be changed. */
  readonly manager: "CUSTOMER" | "AWS";
  deletionAt?: number;
  policy: string;
  tags: { TagKey: string; TagValue: string }[];
}

export interface KeyRing {
  keys: Record<string, KeyRecord>;
  /** `alias/name` to key id. */
  aliases: Record<string, string>;
}

export type KeyAnswer = { readonly usable: true; readonly arn: string } | { readonly usable: false; readonly reason: string };

const AWS_KEYS = new Set(["ebs", "lambda", "rds", "s3", "secretsmanager", "sns", "ssm"]);

/** The keys of one account in one region, without those whose waiting period is over. */
export function keyRing(world: World, account: string, region: string): KeyRing {
  const { accounts } = world.state<{ accounts: Record<string, Record<string, KeyRing>> }>("kms", () => ({ accounts: {} }));
  accounts[account] ??= {};
  accounts[account][region] ??= { keys: {}, aliases: {} };
  const ring = accounts[account][region];
  for (const key of Object.values(ring.keys)) {
    if (key.deletionAt === undefined || key.deletionAt > world.now()) continue;
    delete ring.keys[key.id];
    for (const [alias, id] of Object.entries(ring.aliases)) if (id === key.id) delete ring.aliases[alias];
  }
  return ring;
}

/** A new key; `service` makes it the one AWS keeps for that service. */
export function newKey(
  world: World,
  account: string,
  region: string,
  description: string,
  service?: string,
  id: string = uuid(world),
): KeyRecord {
  const key: KeyRecord = {
    id,
    arn: `arn:aws:kms:${region}:${account}:key/${id}`,
    createdAt: world.now(),
    description,
    state: "Enabled",
    manager: service ? "AWS" : "CUSTOMER",
    policy: rootPolicy(account),
    tags: [],
  };
  const ring = keyRing(world, account, region);
  ring.keys[id] = key;
  if (service) ring.aliases[`alias/aws/${service}`] = id;
  return key;
}

/**
 * By key id, key ARN, alias name or alias ARN, as seen from one account and region. An AWS key is made when it is asked for.
 * Undefined when there is none, which is also the answer for another region's ARN.
 */
export function findKey(world: World, account: string, region: string, given: string): KeyRecord | undefined {
  const [, arnRegion, arnAccount, resource] = /^arn:aws:kms:([^:]+):(\d{12}):((?:key|alias)\/.+)$/.exec(given) ?? [];
  if (given.startsWith("arn:") && (!resource || arnRegion !== region)) return undefined;
  const owner = arnAccount ?? account;
  const ring = keyRing(world, owner, region);
  const name = (resource ?? given).replace(/^key\//, "");
  if (!name.startsWith("alias/")) return ring.keys[name];
  const service = /^alias\/aws\/(\w+)$/.exec(name)?.[1];
  if (!ring.aliases[name] && service && AWS_KEYS.has(service) && owner === account)
    return newKey(world, owner, region, `Default key that protects my ${service.toUpperCase()} data when no other key is defined`, service);
  return ring.keys[ring.aliases[name] ?? ""];
}

/** Whether a service in `region` can encrypt or decrypt with the key now, and its ARN, or why not in words. */
export function keyUsable(world: World, region: string, given: string, account: string = world.account): KeyAnswer {
  const elsewhere = /^arn:aws:kms:([^:]+):/.exec(given)?.[1];
  if (elsewhere && elsewhere !== region) return { usable: false, reason: `${given} is a key of ${elsewhere}, not of ${region}.` };
  const key = findKey(world, account, region, given);
  if (!key) return { usable: false, reason: `${given} does not exist in ${region}.` };
  if (key.state === "Disabled") return { usable: false, reason: `${key.arn} is disabled.` };
  if (key.state === "PendingDeletion") return { usable: false, reason: `${key.arn} is pending deletion.` };
  return { usable: true, arn: key.arn };
}

/** The names of a key: `alias/name`. */
export function aliasesOf(world: World, arn: string): string[] {
  const [, , , region = "", account = "", resource = ""] = arn.split(":");
  const { aliases } = keyRing(world, account, region);
  return Object.keys(aliases).filter((alias) => `key/${aliases[alias]}` === resource);
}

/** What a key lets in when nobody says otherwise: the account, whose IAM policies then decide. */
export function rootPolicy(account: string): string {
  const Principal = { AWS: `arn:aws:iam::${account}:root` };
  const Statement = [{ Sid: "Enable IAM User Permissions", Effect: "Allow", Principal, Action: "kms:*", Resource: "*" }];
  return JSON.stringify({ Version: "2012-10-17", Id: "key-default-1", Statement });
}
