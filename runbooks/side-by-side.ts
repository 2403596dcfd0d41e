/** Many things looked at side by side. What fails for one keeps no other from its look; it is thrown when all have had theirs. */
import pMap from "p-map";

/** At a time: each waits for AWS most of it. */
const AT_ONCE = 16;

export async function sideBySide<Of, Seen>(all: readonly Of[], what: string, look: (each: Of) => Promise<Seen>): Promise<Seen[]> {
  return await pMap(all, look, { concurrency: AT_ONCE, stopOnError: false }).catch((failed: AggregateError) => {
    const [first] = failed.errors as [Error];
    if (failed.errors.length === 1) throw first;
    throw new Error(`${failed.errors.length} of ${all.length} ${what} could not be looked at; the first: ${first.message}`, {
      cause: failed,
    });
  });
}
