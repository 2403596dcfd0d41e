/** Reminds people of a pause they may have forgotten. Looks at the record alone; the same reminder has the same name, and is mailed once. */
import { storeNowMs } from "../aws/store-clock.ts";
import { resumeCommand } from "../core/commands.ts";
import type { DatabaseRecord } from "../core/facts.ts";
import type { News } from "../core/news.ts";
import { reminderDue } from "../core/pause.ts";
import type { Settings } from "./settings.ts";
import { tell } from "./tell.ts";

export async function remindOfPause(settings: Settings, record: DatabaseRecord): Promise<void> {
  const news = pauseNews(record, storeNowMs());
  if (news) await tell(settings, news);
}

export function pauseNews({ database, pause, primary }: DatabaseRecord, nowMs: number): News | null {
  const due = pause && reminderDue(pause, nowMs);
  if (!pause || !due) return null;
  const until = new Date(pause.untilMs).toISOString();
  const ended = due === "ended";
  const sentence = ended
    ? `The pause of ${database} is over: Understudy acts by itself again.`
    : `Automation of ${database} stands still until ${until}: nothing fails over by itself${due === "hour" ? ", for an hour more" : ""}.`;
  return {
    kind: "Pause Reminder",
    id: `${database}-pause-${until}-${due}`,
    database,
    atMs: nowMs,
    sentence,
    details: [
      ["Paused by", pause.by],
      ["Reason", pause.reason],
      ["Since", new Date(pause.sinceMs).toISOString()],
      ["Primary on record", primary],
    ],
    next: ended ? "Nothing." : "Nothing, if it is still wanted; it ends by itself. To end it now:",
    commands: ended ? [] : [resumeCommand(database)],
  };
}
