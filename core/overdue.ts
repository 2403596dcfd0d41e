/** When a backup counts as overdue for the check that shares no fate with it. Pure. */

/**
 * Backups are looked for every five minutes, so two may lie so much further apart than planned. With a look every two minutes and an
 * alarm a minute long, people hear of it within ten minutes of its time.
 */
export const OVERDUE_GRACE_MINUTES = 6;

/**
 * How long ago one should have begun; 0: it is in time. `newestMs`: when the newest began; null: there is none at all, and one is due since
 * the first look.
 */
export function overdueMinutes(newestMs: number | null, everyMinutes: number, nowMs: number, firstLookMs: number): number {
  const dueMs = newestMs === null ? firstLookMs : newestMs + everyMinutes * 60_000;
  const minutes = Math.floor((nowMs - dueMs) / 60_000);
  return minutes > OVERDUE_GRACE_MINUTES ? minutes : 0;
}

/** A namespace of its own: the check's role may put nothing else into the other region. */
export const OVERDUE_NAMESPACE = "Understudy/Overdue";
export const OVERDUE_METRIC = "LookedForOverdue";
