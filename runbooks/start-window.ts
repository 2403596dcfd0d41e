/** A backup may begin within its window, and behind it no more: it is told as missed, with what stood in the way. */
import { storeNowMs } from "../aws/store-clock.ts";
import { Problem } from "../core/problem.ts";

/** `endsAtMs` null: it may begin as long as it takes. `before`: what the last look saw. */
export function mustStillBegin(endsAtMs: number | null, before: string): void {
  if (endsAtMs === null || storeNowMs() < endsAtMs) return;
  throw new Problem("BackupMissed", `it could not begin before its window ended at ${new Date(endsAtMs).toISOString()}: ${before}`, {
    hint: "Look at the instance's status, and whether the window (startWindowMinutes) is long enough.",
  });
}
