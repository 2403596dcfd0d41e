/**
 * Puts news on the bus, and tries again for a while when the bus does not take it. Telling never stops what is told about: a failure is
 * logged, counted where an alarm hears it, and shows in the returned flag.
 */
import { setTimeout as pause } from "node:timers/promises";
import { putEvent } from "../aws/events.ts";
import { NEWS_SOURCE, type News } from "../core/news.ts";
import { planMetricLine } from "./metrics.ts";
import type { Settings } from "./settings.ts";

/** Between the tries, each of which is three of the SDK's: a throttled bus must not swallow a refusal. */
const PAUSES_MS = [1_000, 3_000, 6_000];

export async function tell(settings: Settings, news: News): Promise<boolean> {
  for (let tries = 0; ; tries++) {
    try {
      await putEvent(settings.region, NEWS_SOURCE, news.kind, news);
      return true;
    } catch (error) {
      const wait = PAUSES_MS[tries];
      console.error(JSON.stringify({ what: wait === undefined ? "news not told" : "news told later", id: news.id, error: String(error) }));
      if (wait === undefined) {
        // Shows on a way of its own: an alarm hears this line (infra/alarms.ts).
        console.log(planMetricLine(settings, Date.now(), { NewsNotTold: 1 }));
        return false;
      }
      await pause(wait);
    }
  }
}
