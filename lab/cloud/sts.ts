// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * STS: who the caller is, and sessions of a role. Trust policies are judged before a call comes here, and the credentials of a session
 * are not remembered: whoever maps access keys to principals decides what they stand for (`onAssume`).
 */
import { ServiceError } from "../wire/errors.ts";
import { roleOf, type SessionKey } from "./iam.ts";
import type { Service, World } from "./world.ts";

export interface StsOptions {
  /** Told of each session's key, so that it can be known again. */
  onAssume?(key: SessionKey): void;
}

export function createSts(world: World, options: StsOptions = {}): Service {
  return {
    name: "sts",
    operations: {
      GetCallerIdentity: (_input, caller) => ({
        Account: caller.account,
        Arn: caller.principal,
        UserId: caller.principal.includes(":assumed-role/") ? `AROALAB:${caller.principal.split("/").at(-1)}` : caller.account,
      }),
      AssumeRole(input, caller) {
        const [, account, role] = /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(input.RoleArn) ?? [];
        if (!account || !role) throw new ServiceError("ValidationError", `${input.RoleArn} is invalid`, 400);
        if (account !== caller.account && !roleOf(world.accounts.get(account), input.RoleArn))
          throw new ServiceError(
            "AccessDenied",
            `User: ${caller.principal} is not authorized to perform: sts:AssumeRole on resource: ${input.RoleArn}`,
            403,
          );
        if (!/^[\w+=,.@-]{2,64}$/.test(input.RoleSessionName)) {
          throw new ServiceError(
            "ValidationError",
            `RoleSessionName "${input.RoleSessionName}" must be 2 to 64 characters of [A-Za-z0-9_+=,.@-].`,
            400,
          );
        }
        const seconds: number = input.DurationSeconds ?? 3600;
        if (seconds < 900 || seconds > 43_200)
          throw new ServiceError("ValidationError", "DurationSeconds must be between 900 and 43200.", 400);
        const accessKeyId = `ASIA${world.id(16).toUpperCase()}`;
        const arn = `arn:aws:sts::${account}:assumed-role/${role}/${input.RoleSessionName}`;
        const key: SessionKey = { accessKeyId, secretAccessKey: world.id(40), sessionToken: world.id(64), principal: arn };
        options.onAssume?.(key);
        world.tell({
          kind: "state",
          region: caller.region,
          service: "sts",
          what: `${caller.principal} takes the role ${role}`,
          detail: { arn },
        });
        return {
          Credentials: {
            AccessKeyId: key.accessKeyId,
            SecretAccessKey: key.secretAccessKey,
            SessionToken: key.sessionToken,
            Expiration: new Date(world.now() + seconds * 1000),
          },
          AssumedRoleUser: { AssumedRoleId: `AROALAB:${input.RoleSessionName}`, Arn: arn },
        };
      },
    },
  };
}
