/** Database credentials from Secrets Manager, kept for five minutes so that a slow or dark Secrets Manager stops no probe. */
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { Problem } from "../core/problem.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const secrets = perRegion((region) => new SecretsManagerClient({ region, ...CLIENT_SETTINGS }));

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

const KEEP_MS = 5 * 60_000;
const kept = new Map<string, { credentials: Credentials; readAtMs: number }>();

/** A value past its five minutes is still used when Secrets Manager cannot be reached: an old password beats no probe. */
export async function readCredentials(region: string, secret: string, nowMs: number): Promise<Credentials> {
  const known = kept.get(secret);
  if (known && nowMs - known.readAtMs < KEEP_MS) return known.credentials;
  try {
    const { SecretString } = await secrets(region).send(new GetSecretValueCommand({ SecretId: secret }));
    const credentials = parse(secret, SecretString ?? "");
    kept.set(secret, { credentials, readAtMs: nowMs });
    return credentials;
  } catch (error) {
    if (known && !(error instanceof Problem)) return known.credentials;
    throw error;
  }
}

const parse = (secret: string, text: string): Credentials => fieldsOf(secret, text, ["username", "password"]);

/** A second provider's credentials, and the key that seals what goes there. */
export interface OffsiteSecret {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** 64 hexadecimal digits. */
  readonly masterKey: string;
}

/** Read anew each time: it is needed once a day. */
export async function readOffsiteSecret(region: string, secret: string): Promise<OffsiteSecret> {
  const { SecretString } = await secrets(region).send(new GetSecretValueCommand({ SecretId: secret }));
  const found: OffsiteSecret = fieldsOf(secret, SecretString ?? "", ["accessKeyId", "secretAccessKey", "masterKey"]);
  if (!/^[0-9a-f]{64}$/i.test(found.masterKey))
    throw new Problem("SecretUnusable", `"masterKey" in the secret "${secret}" is not 64 hexadecimal digits.`, {
      hint: "Make one with: openssl rand -hex 32, and keep it on paper too, outside AWS.",
    });
  return found;
}

function fieldsOf<Field extends string>(secret: string, text: string, fields: readonly Field[]): Record<Field, string> {
  const hint = `Store JSON with ${fields.map((field) => `"${field}"`).join(" and ")} in the secret "${secret}".`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Problem("SecretUnusable", `The secret "${secret}" is not JSON.`, { hint, cause });
  }
  const found = (value ?? {}) as Record<string, unknown>;
  const lacking = fields.filter((field) => typeof found[field] !== "string");
  if (lacking.length > 0)
    throw new Problem("SecretUnusable", `The secret "${secret}" lacks ${lacking.map((field) => `"${field}"`).join(" and ")}.`, { hint });
  return found as Record<Field, string>;
}
