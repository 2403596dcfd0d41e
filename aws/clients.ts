/**
 * How every client is made: once a region, with short timeouts, so that a dark region costs seconds and not minutes. Without
 * throwOnRequestTimeout the SDK only warns of a request that takes too long, and goes on waiting.
 * The SDK retries throttling and 5xx by itself, three attempts in all.
 */
export const CLIENT_SETTINGS = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_500, requestTimeout: 8_000, throwOnRequestTimeout: true },
} as const;

/** For looks that decide something: whoever has been silent for so long is silent, and votes must not grow old while it is waited for. */
export const LOOK_SETTINGS = {
  ...CLIENT_SETTINGS,
  requestHandler: { ...CLIENT_SETTINGS.requestHandler, requestTimeout: 2_000 },
} as const;

/** Remembers one client a region. */
export function perRegion<Client>(make: (region: string) => Client): (region: string) => Client {
  const clients = new Map<string, Client>();
  return (region) => {
    let client = clients.get(region);
    if (!client) {
      client = make(region);
      clients.set(region, client);
    }
    return client;
  };
}
