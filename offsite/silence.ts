/** Tells a slow answer from none: whoever is awaited and says nothing for so long has gone or hangs. */

export async function unlessSilent<T>(awaited: Promise<T>, silenceMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the server has been silent for ${silenceMs / 1000} s`)), silenceMs);
  });
  try {
    return await Promise.race([awaited, silence]);
  } finally {
    clearTimeout(timer);
  }
}
