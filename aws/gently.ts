/**
 * For looks that nobody waits for: so many calls a second to a service in a region, by this process, and again a while later where AWS
 * throttles them all the same. RDS throttles an account as a whole, and a move that is under way needs its share of what there is.
 */
import pRetry from "p-retry";
import pThrottle from "p-throttle";
import { isThrottled } from "./errors.ts";

/** Of one region. */
const CALLS_A_SECOND = 8;
/** Each is three of the SDK's. With the pauses between them they take a quarter of a minute. */
const TRIES = { retries: 4, minTimeout: 1000, factor: 2, shouldRetry: ({ error }: { error: Error }) => isThrottled(error) };

const paces = new Map<string, <Answer>(call: () => Promise<Answer>) => Promise<Answer>>();

export function gently<Answer>(region: string, call: () => Promise<Answer>): Promise<Answer> {
  const pace = paces.get(region) ?? pThrottle({ limit: 1, interval: 1000 / CALLS_A_SECOND })((made: () => Promise<unknown>) => made());
  paces.set(region, pace as never);
  return pRetry(() => pace(call) as Promise<Answer>, TRIES);
}

/**
 * Page after page, each asked for gently. The SDK's own paginators end with the first error: one that was throttled would cut a list short.
 * `tokenOf`: what the next page is asked for with; of the last one nothing.
 */
export async function* pagesOf<Page>(
  region: string,
  ask: (token: string | undefined) => Promise<Page>,
  tokenOf: (page: Page) => string | undefined,
): AsyncGenerator<Page> {
  let token: string | undefined;
  do {
    const asked = token;
    const page = await gently(region, () => ask(asked));
    yield page;
    token = tokenOf(page);
  } while (token);
}
