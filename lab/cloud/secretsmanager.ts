// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Secrets Manager: named secrets by region with their current value. Older versions keep no stage but AWSPREVIOUS;
 * no rotation, no replication, no recovery window.
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
  /** Newest first: the first is AWSCURRENT, the second AWSPREVIOUS. */
  versions: SecretVersion[];
}

interface SecretsState {
  regions: Record<string, Record<string, Secret>>;
}

const STAGES = ["AWSCURRENT", "AWSPREVIOUS"];

export function createSecretsManager(world: World): Service {
  const secretsIn = (region: string) => {
    const state = world.state<SecretsState>("secretsmanager", () => ({ regions: {} }));
    state.regions[region] ??= {};
    return state.regions[region];
  };

  /** By name, by ARN, or by ARN without its six random characters. */
  function find(id: string, caller: Caller): Secret {
    const found = Object.values(secretsIn(caller.region)).find(
      (secret) => id === secret.name || id === secret.arn || id === secret.arn.slice(0, -7),
    );
    if (!found) throw new ServiceError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    return found;
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
  });

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
        const secret = find(input.SecretId, caller);
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
        const secret = find(input.SecretId, caller);
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
        const staged = secret.versions.slice(0, STAGES.length).map((version, at) => [version.id, [STAGES[at]]]);
        return { ...described(secret), VersionIdsToStages: Object.fromEntries(staged) };
      },
      ListSecrets: (_input, caller) => ({ SecretList: Object.values(secretsIn(caller.region)).map(described) }),
      DeleteSecret(input, caller) {
        const secret = find(input.SecretId, caller);
        delete secretsIn(caller.region)[secret.name];
        told(secret, caller.region, "is deleted");
        return { ARN: secret.arn, Name: secret.name, DeletionDate: new Date(world.now()) };
      },
    },
  };
}
