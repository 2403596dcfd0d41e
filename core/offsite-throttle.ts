/** When a dump stands back: a standby that falls behind or a server that is busy goes first (R32). Looks at nothing itself. */

export interface Load {
  /** Of the source, or of those that follow it; null: nobody follows anybody. */
  readonly lagSeconds: number | null;
  readonly runningThreads: number;
}

export const LAG_LIMIT_SECONDS = 1;
export const THREADS_LIMIT = 25;

/** Why to wait, as a sentence; null: go on. */
export function standsBack({ lagSeconds, runningThreads }: Load): string | null {
  if (lagSeconds !== null && lagSeconds > LAG_LIMIT_SECONDS)
    return `replication is ${Math.round(lagSeconds * 10) / 10} s behind, the limit is ${LAG_LIMIT_SECONDS} s`;
  if (runningThreads > THREADS_LIMIT) return `${runningThreads} threads are running, the limit is ${THREADS_LIMIT}`;
  return null;
}
