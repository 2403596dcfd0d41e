/**
 * One service's tries to reach another: again after each wait, unless the other is gone or does not admit the caller.
 * Stands in a few short waits for what AWS does over hours; keeps nothing over a restart.
 */
import { ServiceError } from "../wire/errors.ts";
import type { World } from "./world.ts";

const FINAL = new Set([
  "AccessDeniedException",
  "AuthorizationErrorException",
  "NotFound",
  "NotFoundException",
  "ResourceNotFoundException",
  "UnknownOperationException",
]);

/** Undefined when a try worked, else the last error. `failed` hears of each failure, and whether another try follows. */
export async function attempt(
  world: World,
  waitsMs: readonly number[],
  send: () => Promise<unknown>,
  failed: (error: Error, again: boolean, tries: number) => void,
): Promise<Error | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      await send();
      return undefined;
    } catch (thrown) {
      const error = thrown as Error;
      if (world.closed) return error;
      const wait = error instanceof ServiceError && FINAL.has(error.code) ? undefined : waitsMs[tries - 1];
      failed(error, wait !== undefined, tries);
      if (wait === undefined) return error;
      await world.sleep(wait);
    }
  }
}
