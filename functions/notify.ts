/** One piece of news from the bus, one plain mail through SNS. */
import middy from "@middy/core";
import type { News } from "../core/news.ts";
import { readNews } from "../events/news.ts";
import { type NotifyResult, notify } from "../runbooks/notify.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<News, NotifyResult>()
  .use(reads(readNews))
  .handler(async (news: News) => await notify(readSettings(), news));
