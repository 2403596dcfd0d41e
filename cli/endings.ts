/**
 * How a command ends: whatever was started is stopped in reverse order, after success, after an error, and on Ctrl-C alike. An error
 * is one clear line and a non-zero exit; its stack only shows when UNDERSTUDY_DEBUG is set.
 */
export async function endWell(run: (atEnd: (stop: () => unknown) => void, stopped: Promise<void>) => unknown): Promise<void> {
  const stops: (() => unknown)[] = [];
  let stopNow: () => void = () => {};
  const stopped = new Promise<void>((resolve) => {
    stopNow = resolve;
  });
  let interrupted = false;
  let ended: Promise<void> | undefined;
  const end = (): Promise<void> => {
    ended ??= (async () => {
      for (const stop of stops.reverse())
        await Promise.resolve(stop()).catch((error: Error) => console.error(`While stopping: ${error.message}`));
    })();
    return ended;
  };
  let interruptedAtMs = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    // One Ctrl-C may arrive twice, from the terminal and from the parent; one that comes later means it.
    if (interrupted && Date.now() - interruptedAtMs > 1500) process.exit(130);
    if (interrupted) return;
    interrupted = true;
    interruptedAtMs = Date.now();
    process.exitCode = signal === "SIGINT" ? 130 : 143;
    stopNow();
    // A command that waits for `stopped` ends by itself; any other is cut here.
    setTimeout(() => void end().then(() => process.exit()), 300);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);

  try {
    await run((stop) => stops.push(stop), stopped);
    if (interrupted) process.exitCode = 0;
  } catch (error) {
    if (!interrupted) {
      const { message, hint, stack } = error as Error & { hint?: string };
      console.error(`${message}${hint ? `\n${hint}` : ""}`);
      if (process.env.UNDERSTUDY_DEBUG) console.error(stack);
      process.exitCode = 1;
    }
  }
  await end();
  process.exit();
}
