/**
 * Tells a door that is shut from a slow server: whoever has not said its first word for so long is not there. A first word takes two round
 * trips; a write takes eight and the server's own time. Knows no engine.
 */

/** `stream` counts what was heard; one that does not count is never called silent. */
export async function unlessSilent<Result>(
  opening: Promise<Result>,
  stream: { readonly bytesRead?: number } | undefined,
  silenceMs: number | undefined,
): Promise<Result> {
  if (silenceMs === undefined) return await opening;
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      if (stream?.bytesRead === 0) reject(new Error(`nobody answers within ${silenceMs} ms`));
    }, silenceMs);
  });
  try {
    return await Promise.race([opening, silence]);
  } finally {
    clearTimeout(timer);
  }
}
