/**
 * Tells a door that is shut from a slow server: whoever has not said its first word for so long is not there. A first word takes two round
 * trips; a write takes eight and the server's own time. Knows no engine.
 */
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";

/** Time in which this process itself stood still, on a busy machine, is not silence of the other end: it counts as one such moment. */
const MOMENT_MS = 25;

/** `stream` counts what was heard; one that does not count is never called silent. */
export async function unlessUnheard<Result>(
  opening: Promise<Result>,
  stream: { readonly bytesRead?: number } | undefined,
  silenceMs: number | undefined,
): Promise<Result> {
  if (silenceMs === undefined || stream?.bytesRead === undefined) return await opening;
  let ended = false;
  const silence = async (): Promise<Result> => {
    for (let ms = 0; ms < silenceMs && !ended; ms += MOMENT_MS) {
      await pause(MOMENT_MS);
      // What has arrived meanwhile is read before it is judged.
      await turn();
    }
    if (!ended && stream.bytesRead === 0) throw new Error(`nobody answers within ${silenceMs} ms`);
    return await opening;
  };
  try {
    return await Promise.race([opening, silence()]);
  } finally {
    ended = true;
  }
}
