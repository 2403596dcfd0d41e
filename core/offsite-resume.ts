/**
 * Whether a dump that was interrupted may go on: only where every further row comes from the very moment the first ones came from.
 * Knows nothing of how a server is asked.
 */
import type { Stand } from "./offsite-dump.ts";

/** A server that tells its uptime in whole seconds gives two starts for one. */
const START_BLUR_MS = 2_000;

/** Why the dump has to begin anew, as a sentence; null when it goes on. */
export function mustBeginAnew(was: Stand, is: Stand): string | null {
  if (was.server !== is.server) return `it was begun on ${was.server}, and this is ${is.server}`;
  if (Math.abs(was.startedAtMs - is.startedAtMs) > START_BLUR_MS)
    return `the server was started again at ${new Date(is.startedAtMs).toISOString()}, after the dump was begun`;
  if (was.data === null || is.data === null) return "the server cannot say whether it stands where it stood";
  if (was.data !== is.data) return `the source has moved from ${was.log} to ${is.log}: two moments would be mixed`;
  return null;
}
