/**
 * How every client is made: once a region, with short timeouts, so that a dark region costs seconds and not minutes. Without
 * throwOnRequestTimeout the SDK only warns of a request that takes too long, and goes on waiting.
 * The SDK retries throttling and 5xx by itself, three attempts in all.
 */
export const CLIENT_SETTINGS = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_500, requestTimeout: 8_000, throwOnRequestTimeout: true },
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
