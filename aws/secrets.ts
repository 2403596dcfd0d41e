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

function parse(secret: string, text: string): Credentials {
  const hint = `Store JSON with "username" and "password" in the secret "${secret}".`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Problem("SecretUnusable", `The secret "${secret}" is not JSON.`, { hint, cause });
  }
  const { username, password } = (value ?? {}) as Record<string, unknown>;
  if (typeof username !== "string" || typeof password !== "string") {
    throw new Problem("SecretUnusable", `The secret "${secret}" lacks "username" or "password".`, { hint });
  }
  return { username, password };
}
