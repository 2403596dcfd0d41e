/**
 * How much of a table one query asks for: as much as half a second gives, and no more than one part holds. Grows slowly, shrinks at
 * once. Measures nothing itself.
 */

export const TARGET_MS = 500;
/** The server ends a query of ours after this long: under twice the target. */
export const LIMIT_MS = 800;
/** A part ends with the row that reaches it. */
export const PART_BYTES = 15 * 1024 * 1024;
/** A query that gives nothing in its time is given more, up to here: the first rows of a cold volume come late. */
export const LONGEST_MS = 60_000;

export interface Size {
  /** Rows, or blocks of the file. */
  readonly count: number;
  readonly limitMs: number;
}

export const FIRST: Size = { count: 1_000, limitMs: LIMIT_MS };

export interface Outcome {
  readonly count: number;
  readonly bytes: number;
  readonly tookMs: number;
  /** The server ended it. */
  readonly cutShort: boolean;
}

export function nextSize(size: Size, { count, bytes, tookMs, cutShort }: Outcome): Size {
  if (cutShort && count === 0) return { count: Math.max(1, Math.floor(size.count / 4)), limitMs: Math.min(size.limitMs * 2, LONGEST_MS) };
  if (count === 0) return size;
  // Aims below the bounds, so that what is a little slower or wider is still inside them.
  const byTime = (count * TARGET_MS * 0.8) / Math.max(1, tookMs);
  const byBytes = (count * PART_BYTES * 0.9) / Math.max(1, bytes);
  const growth = cutShort ? 1 : 2;
  return { count: Math.max(1, Math.floor(Math.min(byTime, byBytes, size.count * growth))), limitMs: LIMIT_MS };
}
