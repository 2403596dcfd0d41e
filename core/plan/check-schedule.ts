/** Whether the times at which backups are taken keep the promise of everyMinutes, on every day of the years to come. Pure. */
import { closestMinutes, LEAST_APART_MINUTES, longestGapMinutes } from "../schedule.ts";
import type { Finding } from "./check.ts";
import type { MachinePlan, Plan } from "./schema.ts";

/** Rules of clocks are the same each year, but for their dates. */
const FROM_MS = Date.UTC(2026, 0, 1);

export function scheduleFindings(
  { at, timeZone, everyMinutes, startWindowMinutes = 0 }: Plan["backups"][number] | MachinePlan,
  index: number,
  list: "backups" | "machines" = "backups",
): Finding[] {
  const path = (field: string) => [list, index, field];
  if (startWindowMinutes > everyMinutes)
    return [{ path: path("startWindowMinutes"), problem: `expected ${everyMinutes} (everyMinutes) or less: then the next one is due` }];
  if (!at)
    return timeZone === undefined ? [] : [{ path: path("timeZone"), problem: 'expected none without "at": slots are counted in UTC' }];
  const closest = closestMinutes(at);
  if (closest < LEAST_APART_MINUTES)
    return [
      {
        path: path("at"),
        problem: `expected times ${LEAST_APART_MINUTES} minutes apart or more, over midnight too; two are ${closest} apart`,
      },
    ];
  const longest = longestGapMinutes({ at, timeZone: timeZone ?? "UTC" }, FROM_MS);
  if (longest <= everyMinutes) return [];
  return [
    {
      path: path("everyMinutes"),
      problem: `expected ${longest} or more: that is the longest time between two of "at"${timeZone ? `, on the day the clocks of ${timeZone} go back` : ""}, or more times`,
    },
  ];
}
