/**
 * The timers of scheduled rules: one a rule, while it is enabled. Fires in real time; what firing means is the caller's.
 */
import type { Rule } from "./eventbridge-rules.ts";
import { nextCron, parseSchedule } from "./eventbridge-schedule.ts";
import type { World } from "./world.ts";

export interface RuleClock {
  /** Starts, restarts or stops the rule's timer, as its schedule and state say. */
  arm(region: string, rule: Rule): void;
  stop(): void;
}

/** Node's timers take 24 days at most: a longer wait is taken in days. */
const MAX_TIMER_MS = 86_400_000;

/** A rate first fires after the world's `firstTickMs`, then at its own period; cron fires in its minutes. */
export function ruleClock(world: World, tick: (region: string, rule: Rule) => void): RuleClock {
  const stops = new Map<string, () => void>();

  function disarm(key: string): void {
    stops.get(key)?.();
    stops.delete(key);
  }

  return {
    arm(region, rule) {
      const key = `${region} ${rule.arn}`;
      disarm(key);
      if (!rule.schedule || !rule.enabled) return;
      const schedule = parseSchedule(rule.schedule);
      let due = schedule.kind === "rate" ? world.now() + world.timings.firstTickMs : nextCron(schedule.fields, world.now());
      const wait = (): void => {
        if (due === undefined) return;
        const fire = (): void => {
          if (due !== undefined && world.now() >= due) {
            due = schedule.kind === "rate" ? Math.max(due + schedule.periodMs, world.now()) : nextCron(schedule.fields, due);
            tick(region, rule);
          }
          if (stops.has(key)) wait();
        };
        stops.set(key, world.later(Math.min(due - world.now(), MAX_TIMER_MS), `the schedule of rule ${rule.name}`, fire));
      };
      wait();
    },
    stop() {
      for (const key of [...stops.keys()]) disarm(key);
    },
  };
}
