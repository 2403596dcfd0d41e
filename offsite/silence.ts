/**
 * Tells a slow answer from none: whoever is awaited and says nothing for so long has gone or hangs. Time in which this process itself
 * stood still, as Lambda's do between two runs, counts as one moment.
 */

const MOMENT_MS = 500;

export async function unlessSilent<T>(awaited: Promise<T>, silenceMs: number): Promise<T> {
  let moments: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    let leftMs = silenceMs;
    moments = setInterval(() => {
      leftMs -= MOMENT_MS;
      if (leftMs < 0) reject(new Error(`the server has been silent for ${silenceMs / 1000} s`));
    }, MOMENT_MS);
  });
  try {
    return await Promise.race([awaited, silence]);
  } finally {
    clearInterval(moments);
  }
}
