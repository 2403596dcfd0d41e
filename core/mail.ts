/** Writes news as a plain mail: 78 columns, the sentence first, details below, what to do last with its commands. Pure. */
import type { News } from "./news.ts";

const WIDTH = 78;

export interface Mail {
  /** At most 99 characters on one line, as SNS asks. */
  readonly subject: string;
  readonly text: string;
}

const HEADLINES: Record<News["kind"], string> = {
  "Decision Taken": "needs you",
  "Approval Needed": "needs your approval",
  "Order Taken": "order taken",
  "Order Refused": "order refused",
  "Pause Reminder": "automation is paused",
  "Move Started": "{move} started",
  "Move Succeeded": "{move} done",
  "Move Refused": "{move} called off",
  "Move Failed": "{move} FAILED",
  "Native Failover Seen": "RDS failed it over",
  "Native Failover Unproven": "RDS failed it over, NOT PROVEN",
  "Standby Rebuilt": "standby rebuilt",
  "Standby Missing": "standby NOT rebuilt",
  "Move Stuck": "{move} STUCK, goes on",
  "Fence Open": "an old primary is open",
  "Fence Closed": "an old primary is fenced",
  "Two Writers": "TWO DATABASES TAKE WRITES",
  "Protections Restored": "protections restored",
  "Protections Missing": "protections need you",
  "Backup Completed": "backup done",
  "Backup Failed": "backup FAILED",
  "Backup Trouble": "backups need you",
  "Backup Trouble Over": "backups are right again",
  "Copy Delayed": "a copy is delayed",
  "Restore Started": "restore started",
  "Restore Completed": "restored beside",
  "Restore Failed": "restore FAILED",
  "Drill Passed": "drill passed",
  "Drill Failed": "drill FAILED",
  "Offsite Dump Finished": "a dump is offsite",
  "Offsite Dump Failed": "offsite dump FAILED",
  "Bucket Carried": "the bucket is offsite",
  "Bucket Not Carried": "the bucket is NOT all offsite",
  "Vault Copy Completed": "a copy is in the vault",
  "Vault Copy Failed": "copy into the vault FAILED",
};

export function writeMail(news: News, planName: string): Mail {
  const width = Math.max(0, ...news.details.map(([label]) => label.length));
  const details = news.details.map(([label, value]) =>
    wrap(value, WIDTH - width - 4)
      .join(`\n${" ".repeat(width + 4)}`)
      .replace(/^/, `  ${label.padEnd(width)}  `),
  );
  return {
    subject: `[${planName}] ${news.database}: ${HEADLINES[news.kind].replace("{move}", news.move ?? "failover")}`.slice(0, 99),
    text: [
      ...wrap(news.sentence, WIDTH),
      "",
      ...details,
      "",
      ...wrap(`What to do: ${news.next}`, WIDTH),
      "",
      // A command that is broken in two cannot be pasted.
      ...(news.commands ?? []).flatMap((command) => [`  ${command}`, ""]),
      `At ${new Date(news.atMs).toISOString()} (UTC).`,
      `Understudy, watching ${planName}. Reference: ${news.id}`,
      "",
    ].join("\n"),
  };
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
