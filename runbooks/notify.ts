/** Turns news into one mail through SNS. The same news arriving again (EventBridge delivers at least once) sends no second mail. */
import { createDocument, readDocument } from "../aws/documents.ts";
import { publish } from "../aws/mail.ts";
import { writeMail } from "../core/mail.ts";
import type { News } from "../core/news.ts";
import type { Settings } from "./settings.ts";

export interface NotifyResult {
  readonly id: string;
  readonly sent: boolean;
  readonly subject: string;
}

/** Published first, noted after: a crash in between sends a mail twice, never not at all. */
export async function notify(settings: Settings, news: News): Promise<NotifyResult> {
  const { subject, text } = writeMail(news, settings.plan.name);
  const key = `told/${news.id}.json`;
  if (await readDocument(settings.state, key)) return { id: news.id, sent: false, subject };
  const messageId = await publish(settings.region, settings.topicArn, subject, text);
  await createDocument(settings.state, key, { id: news.id, kind: news.kind, messageId, atMs: news.atMs });
  return { id: news.id, sent: true, subject };
}
