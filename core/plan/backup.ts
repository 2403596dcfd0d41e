/** The plan's sections about backups: how often, to where, what stays, and what the account may hold. */
import * as z from "zod/mini";
import { databaseKey, described, options, region, section, text, timeZone, whole } from "./forms.ts";

const count = (what: string) => z.optional(described(whole(1, 1000, " of backups"), what));
/** Which backups stay (core/retention.ts). */
const keep = section({
  last: count("So many of the newest."),
  hourly: count("The newest of each of so many hours that have one."),
  daily: count("The newest of each of so many days that have one."),
  weekly: count("The newest of each of so many calendar weeks (from Monday) that have one."),
  monthly: count("The newest of each of so many months that have one."),
  yearly: count("The newest of each of so many years that have one."),
  floor: z.optional(described(whole(1, 100, " of backups"), "So many good ones stay whatever the rest says (3).")),
  timeZone: z.optional(
    described(timeZone, 'The calendar that days, weeks, months and years are of, by its IANA name, like "Europe/Berlin" (UTC).'),
  ),
});

export const backup = section({
  database: described(databaseKey, "Which database is backed up."),
  everyMinutes: described(whole(5, 10080, " of minutes"), "A new recovery point at least this often."),
  copyTo: described(
    region,
    "The region every snapshot is copied to; while the primary runs there itself, they are copied to the primary region.",
  ),
  kmsKeyId: z.optional(
    described(text("expected a KMS key id or ARN of the region in copyTo"), "Key for the copy; needed when the source is encrypted."),
  ),
  primaryKmsKeyId: z.optional(
    described(
      text("expected a KMS key id or ARN of the primary region"),
      "Key for the copies that are made in the primary region while the primary runs in the recovery region; without it RDS's own key, alias/aws/rds, when the source is encrypted.",
    ),
  ),
  keep: z.optional(
    described(
      keep,
      "Which snapshots stay, in each region for itself; all others Understudy made for this database are deleted, never the newest good one. Without it every one stays.",
    ),
  ),
});

export const prune = options({
  percent: z.optional(
    described(whole(1, 100, " of percent"), "More of a database's snapshots at once are not deleted without a person's word (20)."),
  ),
  most: z.optional(described(whole(1, 1000, " of snapshots"), "Nor more than so many (10). One always may go: that is what a day brings.")),
});

export const unprotected = z.optional(
  described(
    z.array(
      section({
        instance: described(text("expected the identifier of a DB instance or cluster"), "The DB instance or cluster."),
        because: described(text("expected the reason in a few words"), "Why it needs nothing."),
      }),
      { error: "expected a list of instances, each with its reason" },
    ),
    "DB instances and clusters that need no protection. Every other one that is in no plan is told.",
  ),
);

export const quotas = options({
  manualSnapshots: z.optional(
    described(whole(1, 100_000, " of snapshots"), "How many manual DB snapshots your account may have in each region (100, as AWS gives)."),
  ),
});
