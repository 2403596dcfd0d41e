/** The plan's sections about backups: how often, to where, what stays, and what the account may hold. */
import * as z from "zod/mini";
import { databaseKey, described, matching, options, region, section, text, timeZone, whole } from "./forms.ts";
import { provider } from "./provider.ts";

const count = (what: string) => z.optional(described(whole(1, 1000, " of backups"), what));
/** Which backups stay (core/retention.ts). */
export const keep = section({
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

/** What leaves AWS (docs/offsite.md). */
const offsite = section({
  ...provider,
  accepted: z.optional(
    described(
      z.array(text("expected a sentence as a refused dump says it"), { error: "expected a list of sentences" }),
      "What a dump cannot carry and may do without, in the very words it was refused with.",
    ),
  ),
});

/** How often, and when. */
export const when = {
  everyMinutes: described(whole(5, 10080, " of minutes"), "A new recovery point at least this often."),
  at: z.optional(
    described(
      z
        .array(matching(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day, like "02:30"'), {
          error: 'expected a list of times of day, like ["02:30", "14:30"]',
        })
        .check(z.minLength(1, { error: "expected at least one time of day" })),
      "Times of day at which the backups are taken, two hours apart or more. Without them they are everyMinutes apart, counted in UTC.",
    ),
  ),
  timeZone: z.optional(described(timeZone, 'The clock these times are of, by its IANA name, like "Europe/Berlin" (UTC).')),
  startWindowMinutes: z.optional(
    described(
      whole(10, 10080, " of minutes"),
      "A backup begins within so many minutes of its time or not at all: it is told as missed, and the next one has its turn. Without it, one that could not begin in time begins as soon as it can.",
    ),
  ),
};

export const backup = section({
  database: described(databaseKey, "Which database is backed up."),
  ...when,
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
  offsite: z.optional(
    described(
      offsite,
      "Dumps at another provider, each taken from the newest copy, restored for the purpose. Without it the backups are in AWS alone.",
    ),
  ),
  vault: z.optional(
    described(
      z.boolean({ error: "expected true or false" }),
      "Whether every copy in copyTo is also copied into the plan's vault, another account. Needs kmsKeyId, a key of your own.",
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
        instance: z.optional(
          described(
            text("expected the identifier of a DB instance or cluster, of an EC2 instance, or the name of an Auto Scaling group"),
            "The DB instance or cluster, the EC2 instance, or the Auto Scaling group whose instances it means.",
          ),
        ),
        volume: z.optional(described(text('expected the id of an EBS volume, like "vol-0123456789abcdef0"'), "The EBS volume.")),
        bucket: z.optional(described(text("expected the name of an S3 bucket"), "The S3 bucket.")),
        because: described(text("expected the reason in a few words"), "Why it needs nothing."),
      }),
      { error: "expected a list of what needs nothing, each with its reason" },
    ),
    "DB instances and clusters, EC2 instances, EBS volumes and S3 buckets that need no protection, each under one of the names. Every other one that is in no plan is told; of buckets, those that keep no versions.",
  ),
);

export const quotas = options({
  manualSnapshots: z.optional(
    described(whole(1, 100_000, " of snapshots"), "How many manual DB snapshots your account may have in each region (100, as AWS gives)."),
  ),
});
