/**
 * One clock for everybody who judges by time: the clock of S3 in the recovery region, where votes, claims and pauses are kept. Every
 * answer of S3 bears its date in whole seconds, so each one bounds how far this process's own clock is off; the bounds narrow with
 * every answer. A clock that is within them is taken at its word, so that right clocks are not disturbed. Before the first answer it
 * is this process's own clock: nothing is judged before something was read.
 */

/** Of the store's time minus this process's. */
interface Bounds {
  readonly leastMs: number;
  readonly mostMs: number;
}

const UNKNOWN: Bounds = { leastMs: Number.NEGATIVE_INFINITY, mostMs: Number.POSITIVE_INFINITY };
let bounds: Bounds = UNKNOWN;

export const storeNowMs = (): number => Date.now() + offsetMs(bounds);

/** 0 when the own clock may be right, else the middle of what is possible: wrong by at most half a second and half a round trip. */
export const offsetMs = ({ leastMs, mostMs }: Bounds): number => (leastMs <= 0 && mostMs >= 0 ? 0 : Math.round((leastMs + mostMs) / 2));

/** What one answer says, laid over what was known. Where they contradict each other a clock was set meanwhile: the newer word counts. */
export function narrowed(known: Bounds, storeDate: string | undefined, sentAtMs: number, receivedAtMs: number): Bounds {
  const secondMs = Date.parse(storeDate ?? "");
  if (Number.isNaN(secondMs)) return known;
  const now = { leastMs: secondMs - receivedAtMs, mostMs: secondMs + 1000 - sentAtMs };
  const both = { leastMs: Math.max(known.leastMs, now.leastMs), mostMs: Math.min(known.mostMs, now.mostMs) };
  return both.leastMs <= both.mostMs ? both : now;
}

/** Middleware for a client of the store: hears the date of every answer. Stands next to the wire, so that each attempt counts alone. */
export const hearsTheClock =
  <Given, Answer extends { readonly response: unknown }>(next: (given: Given) => Promise<Answer>) =>
  async (given: Given): Promise<Answer> => {
    const sentAtMs = Date.now();
    const answer = await next(given);
    const { headers } = answer.response as { headers?: Record<string, string> };
    bounds = narrowed(bounds, headers?.date, sentAtMs, Date.now());
    return answer;
  };
