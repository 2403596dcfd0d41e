/**
 * The newest event of RDS about each instance that woke this process. Kept in memory alone: it is evidence for people, and another
 * process may have heard it instead.
 */
import type { InstanceEvent } from "../core/facts.ts";

/** Older words are no evidence of what goes on now. */
const KEEP_MS = 15 * 60_000;
const newest = new Map<string, InstanceEvent>();

export function noteRdsEvent(event: InstanceEvent): void {
  if ((newest.get(event.instance)?.atMs ?? 0) <= event.atMs) newest.set(event.instance, event);
}

export function newestRdsEvent(instance: string, nowMs: number): InstanceEvent | null {
  const event = newest.get(instance);
  return event && nowMs - event.atMs < KEEP_MS ? event : null;
}
