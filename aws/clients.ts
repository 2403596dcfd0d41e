/**
 * How every client is made: once a region, with short timeouts, so that a dark region costs seconds and not minutes. Without
 * throwOnRequestTimeout the SDK only warns of a request that takes too long, and goes on waiting.
 * The SDK retries throttling and 5xx by itself, three attempts in all.
 */
import { isHeard } from "./calls.ts";

export const CLIENT_SETTINGS = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_500, requestTimeout: 8_000, throwOnRequestTimeout: true },
} as const;

interface Layered {
  readonly middlewareStack: { add(layer: never, options: { step: "initialize"; name: string }): void };
}
/** For looks that decide something: whoever has been silent for so long is silent, and votes must not grow old while it is waited for. */
export const LOOK_SETTINGS = {
  ...CLIENT_SETTINGS,
  requestHandler: { ...CLIENT_SETTINGS.requestHandler, requestTimeout: 2_000 },
} as const;

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

/** A region of another account, with that account's leave (other-account.ts). */
export interface OtherAccount {
  /** What people call the place. */
  readonly name: string;
  readonly region: string;
  /** The SDK asks again when what it has is about to expire. */
  readonly credentials: () => Promise<Credentials>;
}

/** Where a call goes: a region of Understudy's own account, or one of another's. */
export type Where = string | OtherAccount;
export const placeName = (where: Where): string => (typeof where === "string" ? where : where.name);

type Leave = Partial<Pick<OtherAccount, "credentials">>;

/** Remembers one client a region; one that takes `leave` along has one for a region of another account, too. */
export function perRegion<Client extends Layered, Place extends Where = string>(
  make: (region: string, leave: Leave) => Client,
): (where: Place) => Client {
  const clients = new Map<string, Client>();
  return (where) => {
    const name = placeName(where);
    let client = clients.get(name);
    if (!client) {
      client = typeof where === "string" ? make(where, {}) : make(where.region, { credentials: where.credentials });
      client.middlewareStack.add(isHeard(name) as never, { step: "initialize", name: "isHeard" });
      clients.set(name, client);
    }
    return client;
  };
}
