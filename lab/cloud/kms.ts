// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * KMS's operations on symmetric keys, their aliases, states and policies. Encrypts nothing and grants nothing: other services ask
 * keyUsable. Every error of a caller is HTTP 400 on the wire, whatever the model's query codes say.
 */
import { ServiceError } from "../wire/errors.ts";
import { findKey, type KeyRecord, keyRing, newKey } from "./kms-keys.ts";
import type { Caller, Service, World } from "./world.ts";

const DAY_MS = 86_400_000;
const refuse = (code: string, message: string) => new ServiceError(code, message, 400);

export function createKms(world: World): Service {
  function find({ KeyId }: any, caller: Caller): KeyRecord {
    const key = findKey(world, caller.account, caller.region, KeyId);
    if (key) return key;
    const region = /^arn:aws:kms:([^:]+):/.exec(KeyId)?.[1];
    if (region && region !== caller.region) throw refuse("NotFoundException", `Invalid arn ${region}`);
    const named = KeyId.startsWith("arn:") ? KeyId : `arn:aws:kms:${caller.region}:${caller.account}:`;
    if (KeyId.includes("alias/"))
      throw refuse("NotFoundException", `Alias ${KeyId.startsWith("arn:") ? KeyId : named + KeyId} is not found.`);
    throw refuse("NotFoundException", `Key '${KeyId.startsWith("arn:") ? KeyId : `${named}key/${KeyId}`}' does not exist`);
  }

  /** A key of the customer that can still be changed. AWS's own keys cannot. */
  function changeable(input: any, caller: Caller): KeyRecord {
    if (String(input.KeyId).includes("alias/"))
      throw refuse("InvalidArnException", `Invalid keyId ${input.KeyId}: this operation takes a key id or a key ARN, not an alias.`);
    const key = find(input, caller);
    if (key.manager === "AWS")
      throw refuse("UnsupportedOperationException", `${key.arn} is an AWS managed key: it cannot be changed by its users.`);
    return key;
  }

  function notDoomed(key: KeyRecord): KeyRecord {
    if (key.state === "PendingDeletion") throw refuse("KMSInvalidStateException", `${key.arn} is pending deletion.`);
    return key;
  }

  const told = (key: KeyRecord, what: string) =>
    world.tell({
      kind: "state",
      region: key.arn.split(":")[3] ?? "-",
      service: "kms",
      what: `the key ${key.id} ${what}`,
      detail: { arn: key.arn },
    });

  function policyName({ PolicyName }: any): void {
    if (PolicyName !== undefined && PolicyName !== "default")
      throw refuse("NotFoundException", `A key has one policy, named default, and none named ${PolicyName}.`);
  }

  function policyText(text: string): string {
    try {
      if (JSON.parse(text).Statement) return text;
    } catch {}
    throw refuse("MalformedPolicyDocumentException", "The key policy is not valid: expected a JSON policy document with Statement.");
  }

  function aliasName(name: string): string {
    if (!/^alias\/[a-zA-Z0-9/_-]{1,250}$/.test(name) || name.startsWith("alias/aws/"))
      throw refuse(
        "InvalidAliasNameException",
        `Alias must start with the prefix "alias/", have letters, digits, /, _ and - after it, and not begin with "alias/aws/"; it is "${name}".`,
      );
    return name;
  }

  const aliasArn = (caller: Caller, name: string) => `arn:aws:kms:${caller.region}:${caller.account}:${name}`;

  return {
    name: "kms",
    operations: {
      CreateKey(input, caller) {
        if ((input.KeySpec ?? input.CustomerMasterKeySpec ?? "SYMMETRIC_DEFAULT") !== "SYMMETRIC_DEFAULT" || input.MultiRegion)
          throw refuse(
            "UnsupportedOperationException",
            "The lab's KMS has symmetric keys of one region only: KeySpec SYMMETRIC_DEFAULT, no MultiRegion.",
          );
        const key = newKey(world, caller.account, caller.region, input.Description ?? "");
        if (input.Policy) key.policy = policyText(input.Policy);
        key.tags = input.Tags ?? [];
        told(key, "exists");
        return { KeyMetadata: metadata(key) };
      },
      DescribeKey: (input, caller) => ({ KeyMetadata: metadata(find(input, caller)) }),
      ListKeys(input, caller) {
        const { page, NextMarker, Truncated } = paged(Object.values(keyRing(world, caller.account, caller.region).keys), input, 100);
        return { Keys: page.map(({ id, arn }) => ({ KeyId: id, KeyArn: arn })), NextMarker, Truncated };
      },
      CreateAlias(input, caller) {
        const name = aliasName(input.AliasName);
        const { aliases } = keyRing(world, caller.account, caller.region);
        if (aliases[name]) throw refuse("AlreadyExistsException", `An alias with the name ${aliasArn(caller, name)} already exists`);
        aliases[name] = notDoomed(find({ KeyId: input.TargetKeyId }, caller)).id;
      },
      UpdateAlias(input, caller) {
        const { aliases } = keyRing(world, caller.account, caller.region);
        const name = aliasName(input.AliasName);
        if (!aliases[name]) throw refuse("NotFoundException", `Alias ${aliasArn(caller, name)} is not found.`);
        aliases[name] = notDoomed(find({ KeyId: input.TargetKeyId }, caller)).id;
      },
      DeleteAlias(input, caller) {
        const { aliases } = keyRing(world, caller.account, caller.region);
        const name = aliasName(input.AliasName);
        if (!aliases[name]) throw refuse("NotFoundException", `Alias ${aliasArn(caller, name)} is not found.`);
        delete aliases[name];
      },
      ListAliases(input, caller) {
        const only = input.KeyId ? find(input, caller).id : undefined;
        const all = Object.entries(keyRing(world, caller.account, caller.region).aliases).filter(([, id]) => !only || id === only);
        const { page, NextMarker, Truncated } = paged(all, input, 50);
        const Aliases = page.map(([AliasName, TargetKeyId]) => ({ AliasName, AliasArn: aliasArn(caller, AliasName), TargetKeyId }));
        return { Aliases, NextMarker, Truncated };
      },
      DisableKey(input, caller) {
        const key = notDoomed(changeable(input, caller));
        key.state = "Disabled";
        told(key, "is disabled");
      },
      EnableKey(input, caller) {
        const key = notDoomed(changeable(input, caller));
        key.state = "Enabled";
        told(key, "is enabled");
      },
      ScheduleKeyDeletion(input, caller) {
        const key = notDoomed(changeable(input, caller));
        const days = input.PendingWindowInDays ?? 30;
        if (!Number.isInteger(days) || days < 7 || days > 30)
          throw refuse("ValidationException", `PendingWindowInDays must be a whole number from 7 to 30, not ${days}.`);
        key.state = "PendingDeletion";
        key.deletionAt = world.now() + days * DAY_MS;
        told(key, `is deleted in ${days} days`);
        return { KeyId: key.arn, DeletionDate: new Date(key.deletionAt), KeyState: key.state, PendingWindowInDays: days };
      },
      CancelKeyDeletion(input, caller) {
        const key = changeable(input, caller);
        if (key.state !== "PendingDeletion") throw refuse("KMSInvalidStateException", `${key.arn} is not pending deletion.`);
        key.state = "Disabled";
        key.deletionAt = undefined;
        told(key, "is kept, disabled");
        return { KeyId: key.arn };
      },
      PutKeyPolicy(input, caller) {
        policyName(input);
        changeable(input, caller).policy = policyText(input.Policy);
      },
      GetKeyPolicy(input, caller) {
        policyName(input);
        return { Policy: find(input, caller).policy, PolicyName: "default" };
      },
    },
  };
}

function metadata(key: KeyRecord): any {
  return {
    AWSAccountId: key.arn.split(":")[4],
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: new Date(key.createdAt),
    Enabled: key.state === "Enabled",
    Description: key.description,
    KeyUsage: "ENCRYPT_DECRYPT",
    KeyState: key.state,
    DeletionDate: key.deletionAt === undefined ? undefined : new Date(key.deletionAt),
    Origin: "AWS_KMS",
    KeyManager: key.manager,
    CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
    KeySpec: "SYMMETRIC_DEFAULT",
    EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
    MultiRegion: false,
  };
}

function paged<T>(items: T[], input: any, usual: number): { page: T[]; NextMarker: string | undefined; Truncated: boolean } {
  const start = input.Marker ? Number(Buffer.from(input.Marker, "base64url").toString()) : 0;
  if (!Number.isInteger(start)) throw refuse("InvalidMarkerException", "The Marker is not one that this service has given out.");
  const end = start + (input.Limit ?? usual);
  const more = end < items.length;
  return { page: items.slice(start, end), NextMarker: more ? Buffer.from(String(end)).toString("base64url") : undefined, Truncated: more };
}
