/** Troubles of the backups, told when they begin and when they are over. */
import type { Change } from "../core/incidents.ts";
import { type Trouble, troubleNews } from "../core/trouble-news.ts";
import type { Settings } from "./settings.ts";
import { tell } from "./tell.ts";

/** `about`: the database, or what else it is about. */
export async function tellChange(
  settings: Settings,
  about: string,
  change: Pick<Change<Trouble>, "begun" | "over">,
  nowMs: number,
): Promise<void> {
  for (const news of troubleNews(about, change, nowMs)) await tell(settings, news);
}
