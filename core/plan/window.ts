/** Weekly windows of a plan, like "sun:02:00-04:00" in UTC. Pure. */

export interface Window {
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly fromMinute: number;
  /** After fromMinute; past 1440 it reaches into the next day. */
  readonly untilMinute: number;
}

const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
export const WINDOW = /^(sun|mon|tue|wed|thu|fri|sat):([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;

/** "sun:23:00-02:00" reaches into Monday. The form is checked with the plan. */
export function readWindow(text: string): Window {
  const [, weekday = "", ...times] = WINDOW.exec(text) ?? [];
  const [h1 = 0, m1 = 0, h2 = 0, m2 = 0] = times.map(Number);
  const fromMinute = h1 * 60 + m1;
  const end = h2 * 60 + m2;
  return { weekday: WEEKDAYS.indexOf(weekday), fromMinute, untilMinute: end > fromMinute ? end : end + 1440 };
}

const WEEK_MINUTES = 7 * 1440;

export function isWithin(window: Window, atMs: number): boolean {
  const date = new Date(atMs);
  const minute = date.getUTCDay() * 1440 + date.getUTCHours() * 60 + date.getUTCMinutes();
  const from = window.weekday * 1440 + window.fromMinute;
  return (minute - from + WEEK_MINUTES) % WEEK_MINUTES < window.untilMinute - window.fromMinute;
}
