// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Secrets Manager: named secrets by region with their current value. Older versions keep no stage but AWSPREVIOUS;
 * no rotation and no replication. A deleted secret can be restored for as long as its recovery window says.
 */
import { ServiceError } from "../wire/errors.ts";
import { uuid } from "./ids.ts";
import type { Caller, Service, World } from "./world.ts";

interface SecretVersion {
  id: string;
  at: number;
  string?: string;
  binaryBase64?: string;
  token?: string;
}

interface Secret {
  arn: string;
  name: string;
  description?: string;
  createdAt: number;
  changedAt: number;
  /** When a secret marked for deletion is gone for good, and since when it is marked. */
  goneAt?: number;
  deletedAt?: number;
  /** Newest first: the first is AWSCURRENT, the second AWSPREVIOUS. */
  versions: SecretVersion[];
}

interface SecretsState {
  regions: Record<string, Record<string, Secret>>;
}

const DAY_MS = 86_400_000;
const STAGES = ["AWSCURRENT", "AWSPREVIOUS"];

export function createSecretsManager(world: World): Service {
  const secretsIn = (region: string) => {
    const state = world.state<SecretsState>("secretsmanager", () => ({ regions: {} }));
    state.regions[region] ??= {};
    const secrets = state.regions[region];
    for (const each of Object.values(secrets)) if (each.goneAt !== undefined && each.goneAt <= world.now()) delete secrets[each.name];
    return secrets;
  };

  /** By name, by ARN, or by ARN without its six random characters. */
  function find(id: string, caller: Caller): Secret {
    const found = Object.values(secretsIn(caller.region)).find(
      (secret) => id === secret.name || id === secret.arn || id === secret.arn.slice(0, -7),
    );
    if (!found) throw new ServiceError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    return found;
  }

  /** A secret that is not marked for deletion. */
  function findKept(id: string, caller: Caller): Secret {
    const secret = find(id, caller);
    if (secret.goneAt === undefined) return secret;
    const text = "You can't perform this operation on the secret because it was marked for deletion.";
    throw new ServiceError("InvalidRequestException", text);
  }

  function versionFrom(input: any): SecretVersion {
    if (input.SecretString !== undefined && input.SecretBinary !== undefined) {
      throw new ServiceError(
        "InvalidParameterException",
        "You can't specify both a binary secret value and a string secret value in the same secret.",
      );
    }
    const size = Buffer.byteLength(input.SecretString ?? input.SecretBinary ?? "");
    if (size > 65_536) throw new ServiceError("InvalidParameterException", `The secret value is ${size} bytes; the limit is 65536.`);
    return {
      id: input.ClientRequestToken ?? uuid(world),
      at: world.now(),
      string: input.SecretString,
      ...(input.SecretBinary === undefined ? {} : { binaryBase64: Buffer.from(input.SecretBinary).toString("base64") }),
    };
  }

  const told = (secret: Secret, region: string, what: string) =>
    world.tell({
      kind: "state",
      region,
      service: "secretsmanager",
      what: `the secret ${secret.name} ${what}`,
      detail: { arn: secret.arn },
    });

  const described = (secret: Secret) => ({
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    CreatedDate: new Date(secret.createdAt),
    LastChangedDate: new Date(secret.changedAt),
    DeletedDate: secret.deletedAt === undefined ? undefined : new Date(secret.deletedAt),
  });

  const stagesOf = (secret: Secret) =>
    Object.fromEntries(secret.versions.slice(0, STAGES.length).map((version, at) => [version.id, [STAGES[at]]]));

  return {
    name: "secretsmanager",
    operations: {
      CreateSecret(input, caller) {
        const name: string = input.Name;
        if (!/^[\w/+=.@-]{1,512}$/.test(name)) {
          throw new ServiceError(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
          );
        }
        const secrets = secretsIn(caller.region);
        if (secrets[name]?.goneAt !== undefined) {
          const text = "You can't create this secret because a secret with this name is already scheduled for deletion.";
          throw new ServiceError("InvalidRequestException", text);
        }
        if (secrets[name])
          throw new ServiceError("ResourceExistsException", `The operation failed because the secret ${name} already exists.`);
        const secret: Secret = {
          arn: `arn:aws:secretsmanager:${caller.region}:${caller.account}:secret:${name}-${world.id(6)}`,
          name,
          description: input.Description,
          createdAt: world.now(),
          changedAt: world.now(),
          versions: input.SecretString === undefined && input.SecretBinary === undefined ? [] : [versionFrom(input)],
        };
        secrets[name] = secret;
        told(secret, caller.region, "exists");
        return { ARN: secret.arn, Name: name, VersionId: secret.versions[0]?.id };
      },
      PutSecretValue(input, caller) {
        const secret = findKept(input.SecretId, caller);
        if (input.SecretString === undefined && input.SecretBinary === undefined) {
          throw new ServiceError("InvalidRequestException", "You must provide either SecretString or SecretBinary.");
        }
        const version = versionFrom(input);
        const same = secret.versions.find((each) => each.id === version.id);
        if (same && (same.string !== version.string || same.binaryBase64 !== version.binaryBase64)) {
          throw new ServiceError(
            "ResourceExistsException",
            `A version with the client request token ${version.id} already exists with another value.`,
          );
        }
        if (!same) {
          secret.versions = [version, ...secret.versions].slice(0, 20);
          secret.changedAt = world.now();
          told(secret, caller.region, "has a new value");
        }
        return { ARN: secret.arn, Name: secret.name, VersionId: version.id, VersionStages: ["AWSCURRENT"] };
      },
      GetSecretValue(input, caller) {
        const secret = findKept(input.SecretId, caller);
        const stage: string = input.VersionStage ?? "AWSCURRENT";
        const at = input.VersionId ? secret.versions.findIndex((version) => version.id === input.VersionId) : STAGES.indexOf(stage);
        const version = secret.versions[at];
        if (!version)
          throw new ServiceError(
            "ResourceNotFoundException",
            `Secrets Manager can't find the specified secret value for staging label: ${stage}`,
          );
        return {
          ARN: secret.arn,
          Name: secret.name,
          VersionId: version.id,
          SecretString: version.string,
          SecretBinary: version.binaryBase64 === undefined ? undefined : Buffer.from(version.binaryBase64, "base64"),
          VersionStages: STAGES[at] ? [STAGES[at]] : [],
          CreatedDate: new Date(version.at),
        };
      },
      DescribeSecret(input, caller) {
        const secret = find(input.SecretId, caller);
        return { ...described(secret), VersionIdsToStages: stagesOf(secret) };
      },
      ListSecrets: (input, caller) => ({
        SecretList: Object.values(secretsIn(caller.region))
          .filter((secret) => secret.goneAt === undefined || input.IncludePlannedDeletion)
          .map((secret) => ({ ...described(secret), SecretVersionsToStages: stagesOf(secret) })),
      }),
      DeleteSecret(input, caller) {
        const { SecretId: id, RecoveryWindowInDays: days, ForceDeleteWithoutRecovery: force } = input;
        if (days !== undefined && force) {
          const text = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
          throw new ServiceError("InvalidParameterException", text);
        }
        if (days !== undefined && !(days >= 7 && days <= 30)) {
          const text = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";
          throw new ServiceError("InvalidParameterException", text);
        }
        const secret = force ? find(id, caller) : findKept(id, caller);
        secret.deletedAt = world.now();
        secret.goneAt = world.now() + (force ? 0 : (days ?? 30) * DAY_MS);
        told(secret, caller.region, force ? "is deleted" : `is marked for deletion in ${days ?? 30} days`);
        return { ARN: secret.arn, Name: secret.name, DeletionDate: new Date(secret.goneAt) };
      },
      RestoreSecret(input, caller) {
        const secret = find(input.SecretId, caller);
        delete secret.goneAt;
        delete secret.deletedAt;
        told(secret, caller.region, "is restored");
        return { ARN: secret.arn, Name: secret.name };
      },
    },
  };
}
