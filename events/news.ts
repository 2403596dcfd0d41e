/** Understudy's own news as it comes off the bus. */
import * as z from "zod/mini";
import { NEWS_KINDS, NEWS_SOURCE, type News } from "../core/news.ts";
import { envelopeName, mustBeUsable, readEnvelope } from "./envelope.ts";
import { EventRefused, type Reading } from "./refused.ts";
import { shape } from "./wake.ts";

const news = z.object({
  kind: z.enum(NEWS_KINDS),
  move: z.optional(z.string()),
  id: z.string().check(z.minLength(1)),
  database: z.string(),
  atMs: z.number(),
  sentence: z.string(),
  details: z.array(z.tuple([z.string(), z.string()])),
  next: z.string(),
  commands: z.optional(z.array(z.string())),
});

export function readNews(event: unknown, reading: Reading): News {
  const envelope = readEnvelope(event);
  if (!envelope)
    throw new EventRefused("UnknownEvent", `This is not an event of the bus: ${shape(event)}.`, "Only EventBridge wakes this function.");
  mustBeUsable(envelope, reading);
  if (envelope.source !== NEWS_SOURCE)
    throw new EventRefused("UnknownEvent", `${envelopeName(envelope)} is not Understudy's news.`, "Narrow the rule that sends it here.");
  const parsed = news.safeParse(envelope.detail);
  if (!parsed.success) {
    throw new EventRefused(
      "MalformedEvent",
      `${envelopeName(envelope)} lacks "${parsed.error.issues[0]?.path.join(".")}".`,
      "It was not written by this version of Understudy.",
    );
  }
  return parsed.data;
}
