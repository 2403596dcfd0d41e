/** Puts news on the bus. Telling never stops what is told about: a failure is logged, and shows in the returned flag. */
import { putEvent } from "../aws/events.ts";
import { NEWS_SOURCE, type News } from "../core/news.ts";
import type { Settings } from "./settings.ts";

export async function tell(settings: Settings, news: News): Promise<boolean> {
  try {
    await putEvent(settings.region, NEWS_SOURCE, news.kind, news);
    return true;
  } catch (error) {
    console.error(JSON.stringify({ what: "news not told", id: news.id, error: String(error) }));
    return false;
  }
}
