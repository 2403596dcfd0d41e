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

/** Remembers one client a region. */
export function perRegion<Client extends Layered>(make: (region: string) => Client): (region: string) => Client {
  const clients = new Map<string, Client>();
  return (region) => {
    let client = clients.get(region);
    if (!client) {
      client = make(region);
      client.middlewareStack.add(isHeard(region) as never, { step: "initialize", name: "isHeard" });
      clients.set(region, client);
    }
    return client;
  };
}
