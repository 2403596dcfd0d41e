/** When people are reminded that automation stands still: when half of the pause is over, an hour before it ends, and when it has ended. Pure. */
import type { Pause } from "./facts.ts";

export type Reminder = "half" | "hour" | "ended";

const HOUR_MS = 3_600_000;
/** How long after its end a pause is still told of: the watcher's minute may have been missed. */
const TOLD_AFTER_MS = 15 * 60_000;

/** The newest that is due; each is told once, under a name of its own. A pause of two hours and less is not told of in its last one. */
export function reminderDue(pause: Pause, nowMs: number): Reminder | null {
  const { sinceMs, untilMs } = pause;
  if (nowMs >= untilMs) return nowMs < untilMs + TOLD_AFTER_MS ? "ended" : null;
  const halfMs = sinceMs + (untilMs - sinceMs) / 2;
  if (untilMs - sinceMs > 2 * HOUR_MS && nowMs >= untilMs - HOUR_MS) return "hour";
  return nowMs >= halfMs ? "half" : null;
}
