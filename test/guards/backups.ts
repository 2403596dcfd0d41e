/**
 * The requirements of backups, each with the guards that hold it, the test that misses each guard, and the change that takes the guard
 * away. `npm run mutate:backups` tries them all, and docs/backup-guards.md is written from this list. What is still open says so.
 */
import { guard, type Requirement } from "./requirement.ts";

const RETENTION = "test/unit/retention.test.ts";
const CATALOGUE = "test/unit/catalogue.test.ts";
const PRUNE = "test/unit/prune.test.ts";
const OVERDUE = "test/unit/overdue.test.ts";
const BACKUP = "test/runbooks/backup.test.ts";
const RETAIN = "test/runbooks/retain.test.ts";
const LOOKING = "test/runbooks/overdue.test.ts";
const TEMPLATE = "test/infra/safety.test.ts";

const QUEUE = "test/unit/copy-queue.test.ts";
const UNCLAIMED = "test/unit/unclaimed.test.ts";

const OFFSITE = "test/unit/offsite.test.ts";
const OFFSITE_STANDS_ALONE = "offsite dumps are built (docs/offsite.md) and not part of a backup's life yet";

const NOTHING_YET = "not begun";

export const BACKUPS: readonly Requirement[] = [
  {
    number: 1,
    says: "What no policy covers and nobody excused is told as unprotected within a day",
    guards: [
      guard(
        "every instance that is in no plan is told",
        "core/unclaimed.ts",
        "found.set(`${region}/${name}`, {",
        "if (!clusterId) continue;\n    found.set(`${region}/${name}`, {",
        UNCLAIMED,
        "an instance nobody thought of",
      ),
    ],
    open: "what is not RDS",
  },
  {
    number: 2,
    says: "A replica or a cluster's member is covered where its primary is",
    guards: [
      guard(
        "a replica is not told by itself",
        "core/unclaimed.ts",
        "ours || sourceId !== null ||",
        "ours ||",
        UNCLAIMED,
        "a replica and a cluster's member are covered",
      ),
    ],
  },
  {
    number: 3,
    says: "A tick that comes twice makes one snapshot",
    guards: [
      guard(
        "a slot's snapshot has one name",
        "core/slots.ts",
        "`${SNAPSHOT_PREFIX}${database}-${slot}`",
        "`${SNAPSHOT_PREFIX}${database}-${slot}${Math.floor(Math.random() * 1e9)}`",
        BACKUP,
        "the same slot started twice makes one snapshot",
      ),
    ],
  },
  {
    number: 4,
    says: "A tick that finds the resource unavailable is tried again, then told as missed",
    guards: [
      guard(
        "what has not begun is missed",
        "core/backup-findings.ts",
        "if (nowMs <= dueMs + GRACE_MINUTES * MINUTE_MS) return",
        "if (nowMs >= 0) return",
        CATALOGUE,
        "missed ten minutes after its time",
      ),
    ],
    open: "windows in which backups may be taken",
  },
  { number: 5, says: "Schedules follow the plan's calendar, on the days the clocks change too", guards: [], open: "slots are of UTC" },
  {
    number: 6,
    says: "Age is the service's own time, never a name's",
    guards: [
      guard(
        "the newest is the newest by its time",
        "core/catalogue.ts",
        "(other.atMs ?? Number.MAX_SAFE_INTEGER) - (one.atMs ?? Number.MAX_SAFE_INTEGER) || (one.id < other.id ? -1 : 1)",
        "(one.id < other.id ? 1 : -1)",
        CATALOGUE,
        "its age is the service's word",
      ),
    ],
  },
  { number: 7, says: "The volumes of an instance are one set", guards: [], open: NOTHING_YET },
  {
    number: 8,
    says: "Never more copies in flight than AWS takes",
    guards: [
      guard(
        "slots are counted",
        "core/copy-queue.ts",
        "for (const { kind } of underWay) free[kind]--;",
        "",
        QUEUE,
        "never more under way than RDS takes, never two of one database",
      ),
    ],
  },
  {
    number: 9,
    says: "At most one copy of a source in flight",
    guards: [
      guard(
        "a source that is busy waits",
        "core/copy-queue.ts",
        "|| busy.has(entry.source)) continue;",
        ") continue;",
        QUEUE,
        "never more under way than RDS takes, never two of one database",
      ),
    ],
  },
  {
    number: 10,
    says: "A quota's fault waits its turn and is no failure; past its deadline it is told",
    guards: [
      guard(
        "a refusal for want of a slot goes back into the line",
        "core/copy-fault.ts",
        'message: /cannot copy more than/i, means: "slots are taken" }',
        'message: /cannot copy more than/i, means: "refused" }',
        BACKUP,
        "too many copies are in flight: it waits its turn",
      ),
    ],
  },
  {
    number: 11,
    says: "The copy whose objective breaks first goes first",
    guards: [
      guard(
        "the line is sorted by what is left",
        "core/copy-queue.ts",
        "one.breaksAtMs - other.breaksAtMs ||",
        "",
        QUEUE,
        "the slot goes to whom it is most urgent for",
      ),
    ],
  },
  {
    number: 12,
    says: "No invocation waits for a copy",
    guards: [
      guard(
        "who is resumed finds their own place",
        "core/copy-queue.ts",
        "if (entryOf(queue, wanted.id)) return queue;",
        "",
        QUEUE,
        "the same backup asks twice, and two at once",
      ),
    ],
  },
  {
    number: 13,
    says: "A source stays until its copy is there and catalogued",
    guards: [
      guard(
        "what has no good copy elsewhere stays",
        "core/prune.ts",
        'if (verdict.backup.state === "failed") return null;',
        "return null;",
        PRUNE,
        "its copy is not there yet, or failed",
      ),
      guard(
        "nothing is deleted while a region does not answer",
        "runbooks/retain.ts",
        "if (!retention || dark.length > 0) return [];",
        "if (!retention) return [];",
        RETAIN,
        "a region is dark: nothing is deleted anywhere",
      ),
    ],
  },
  {
    number: 14,
    says: "What exists already is success if it is the same, else an error",
    guards: [
      guard(
        "another's snapshot of our name is not ours",
        "core/copy-origin.ts",
        'return "does not carry our tags";',
        "return null;",
        BACKUP,
        "somebody else's snapshot has our name",
      ),
      guard(
        "nor is a copy of another snapshot",
        "core/copy-origin.ts",
        "if (!same(there.copyOf, wanted.copyOf))",
        "if (there.copyOf === undefined)",
        "test/runbooks/copy-queue.test.ts",
        "a copy of our name and with our tags is of another snapshot",
      ),
    ],
  },
  {
    number: 15,
    says: "Every copy keeps the tags, but AWS's own",
    guards: [
      guard(
        "AWS's own are left out",
        "core/copy-origin.ts",
        ".filter(([key]) => !isReserved(key))",
        ".filter(([key]) => key !== null)",
        QUEUE,
        "a copy carries every tag of its source",
      ),
    ],
  },
  { number: 16, says: "Two accounts work without an Organization", guards: [], open: NOTHING_YET },
  {
    number: 17,
    says: "An upload that is killed goes on where it was, and is read again",
    guards: [
      guard(
        "two moments are never mixed",
        "core/offsite-resume.ts",
        "if (was.data !== is.data) return",
        "if (was.data === is.log) return",
        OFFSITE,
        "never mixes two moments",
      ),
      guard(
        "what was altered does not open",
        "offsite/seal.ts",
        "end < COUNTER_BYTES || !timingSafeEqual(tag, stored.subarray(end))",
        "end < COUNTER_BYTES",
        OFFSITE,
        "opens as it was, and neither under another name",
      ),
    ],
    open: OFFSITE_STANDS_ALONE,
  },
  { number: 18, says: "A second provider in trouble never holds up the backup in AWS", guards: [], open: OFFSITE_STANDS_ALONE },
  { number: 19, says: "Keys are looked at before the first backup", guards: [], open: NOTHING_YET },
  {
    number: 20,
    says: "Every copy is under its policy's key; one under another is a finding",
    guards: [
      guard(
        "the key is compared",
        "core/backup-findings.ts",
        'state !== "good" || kmsKeyId === wanted',
        'state !== "good" || encrypted',
        CATALOGUE,
        "a copy is under another key than the plan's",
      ),
    ],
    open: "a key the plan names by an alias",
  },
  { number: 21, says: "What lies at a second provider cannot be read without our key", guards: [], open: OFFSITE_STANDS_ALONE },
  {
    number: 22,
    says: "The newest good and the newest verified backup stay, in every place",
    guards: [
      guard(
        "the newest complete one stays",
        "core/retention.ts",
        'keep(good[0], "the newest that is complete");',
        "",
        RETENTION,
        "the newest complete and the newest verified one stay",
      ),
      guard(
        "each place is decided for itself",
        "core/prune.ts",
        "places[region] !== undefined && STATES[places[region].state] !== null",
        "Object.keys(places).length > 0",
        PRUNE,
        "in each place the newest good one",
      ),
    ],
  },
  {
    number: 23,
    says: "What failed or is not finished counts for nothing",
    guards: [
      guard(
        "only complete ones count",
        "core/retention.ts",
        "const good = sorted.filter(isGood);",
        "const good = sorted;",
        RETENTION,
        "failed ones count for nothing",
      ),
    ],
  },
  {
    number: 24,
    says: "Pruning again, or more often, deletes nothing more",
    guards: [
      guard(
        "one that failed was never a copy",
        "core/catalogue.ts",
        'if (kept.state === "failed") return { ...point, places: elsewhere };',
        "",
        PRUNE,
        "a prune that is repeated deletes nothing more",
      ),
    ],
  },
  {
    number: 25,
    says: "What stays and what goes has its reason, to be seen without deleting",
    guards: [
      guard(
        "a tier gives its reason",
        "core/retention.ts",
        "`${tier} ${bucket}`);",
        "tier);",
        RETENTION,
        "seven days, two weeks, two months of a daily backup",
      ),
    ],
  },
  {
    number: 26,
    says: "With too little history the oldest stays",
    guards: [
      guard(
        "the oldest reaches back alone",
        "core/retention.ts",
        "const oldest = index === good.length - 1;",
        "const oldest = false;",
        RETENTION,
        "with too little history for a tier the oldest is kept",
      ),
    ],
  },
  {
    number: 27,
    says: "A held backup stays, and keeps no other from going",
    guards: [
      guard(
        "a hold is a reason to stay",
        "core/retention.ts",
        "if (backup.hold !== undefined) keep(backup, `held: ${backup.hold}`);",
        "",
        PRUNE,
        "a backup that is held stays in every place",
      ),
    ],
  },
  {
    number: 28,
    says: "A large prune stops and asks",
    guards: [
      guard(
        "nothing goes while the brake is on",
        "core/prune.ts",
        "brake === null ? gone.map(",
        "gone.length >= 0 ? gone.map(",
        PRUNE,
        "a changed plan would delete many at once",
      ),
      guard(
        "an allowance counts once",
        "runbooks/retain.ts",
        "allowed.order !== spent",
        "allowed.order !== null",
        RETAIN,
        "an allowance that was used is used up",
      ),
    ],
  },
  {
    number: 29,
    says: "Only what Understudy made and catalogued is deleted",
    guards: [
      guard(
        "the role deletes by the plan's tags alone",
        "infra/roles.ts",
        'StringEquals: { "aws:ResourceTag/understudy:plan": plan.name, "aws:ResourceTag/understudy:database": database },',
        "",
        TEMPLATE,
        "retention may delete what bears this plan's tags",
      ),
      guard(
        "what has no slot of a backup is none",
        "runbooks/catalogue.ts",
        'tags["understudy:database"] === database && tags["understudy:slot"] !== undefined',
        'tags["understudy:database"] === database',
        RETAIN,
        "a rescue snapshot is no backup",
      ),
    ],
  },
  {
    number: 30,
    says: "A plan that keeps more than AWS gives is refused, with the sum",
    guards: [
      guard(
        "the sum is held against the quota",
        "core/plan/check-keep.ts",
        "if (sum > quota) {",
        "if (sum < 0) {",
        "test/unit/plan.test.ts",
        "more snapshots are kept than AWS gives",
      ),
    ],
  },
  {
    number: 31,
    says: "A policy that is renamed, or a tag that is gone, leaves nothing unlisted",
    guards: [
      guard(
        "what no backup of the plan claims is told",
        "core/unclaimed.ts",
        ".filter(([database]) => !claimed.includes(database))",
        ".filter(([database]) => claimed.includes(database))",
        UNCLAIMED,
        "a database leaves the plan",
      ),
      guard(
        "a backup without its tags is not called missing",
        "core/catalogue.ts",
        '[STRIPPED]: "stripped"',
        '[STRIPPED]: "missing"',
        RETAIN,
        "somebody takes a backup's tags away",
      ),
    ],
  },
  {
    number: 32,
    says: "Dumps pause while the source is under pressure",
    guards: [
      guard(
        "a source that lags is left alone",
        "core/offsite-throttle.ts",
        "lagSeconds > LAG_LIMIT_SECONDS",
        "lagSeconds > 1e9",
        OFFSITE,
        "the source goes first when it lags or is busy",
      ),
    ],
    open: OFFSITE_STANDS_ALONE,
  },
  { number: 33, says: "Calls to AWS stay under a rate; throttled, a run ends late and not wrong", guards: [], open: NOTHING_YET },
  {
    number: 44,
    says: "A missed backup is told within its interval and ten minutes, whatever ended it",
    guards: [
      guard(
        "what is late is overdue",
        "core/overdue.ts",
        "return minutes > OVERDUE_GRACE_MINUTES ? minutes : 0;",
        "return minutes < 0 ? minutes : 0;",
        OVERDUE,
        "five minutes late is in time",
      ),
      guard(
        "an alarm hears it, and silence too",
        "infra/overdue.ts",
        'ComparisonOperator: "GreaterThanOrEqualToThreshold",\n    TreatMissingData: "breaching",',
        'ComparisonOperator: "GreaterThanOrEqualToThreshold",\n    TreatMissingData: "notBreaching",',
        TEMPLATE,
        "a backup is overdue, or nobody looks any more",
      ),
    ],
  },
  {
    number: 45,
    says: "The dead man's check shares no fate with the backups, and its own silence is seen",
    guards: [
      guard(
        "it is heard in the other region",
        "infra/alarms.ts",
        "...overdueSilence(plan),",
        "",
        TEMPLATE,
        "the dead man's check falls silent",
      ),
      guard(
        "where a region says nothing, nothing is called in time",
        "runbooks/overdue.ts",
        "if (listings.includes(null)) return [];",
        "",
        LOOKING,
        "a region says nothing: nothing is said",
      ),
    ],
  },
  {
    number: 46,
    says: "One trouble is one mail, and its end another",
    guards: [
      guard(
        "what was told is not told again",
        "core/incidents.ts",
        "findings.filter((finding) => told(finding) < TELLINGS)",
        "findings.filter((finding) => told(finding) >= 0)",
        CATALOGUE,
        "told when it begins and when it is over",
      ),
    ],
    open: "an address that has not confirmed its subscription",
  },
  {
    number: 47,
    says: "A snapshot that was deleted by hand is missing at the next look",
    guards: [
      guard(
        "what was there and is not is missing",
        "core/catalogue.ts",
        '{ ...kept, state: "missing", sinceMs: nowMs }',
        "kept",
        CATALOGUE,
        "a snapshot is deleted by hand",
      ),
    ],
  },
  {
    number: 48,
    says: "One question answers: newest good, newest verified, by place, achieved against planned",
    guards: [
      guard(
        "what a drill has restored is verified",
        "core/catalogue.ts",
        "verified?.id === id ? Math.max(verified.atMs, old?.verifiedAtMs ?? 0) : (old?.verifiedAtMs ?? null)",
        "old?.verifiedAtMs ?? null",
        CATALOGUE,
        "a drill has restored one",
      ),
    ],
    open: "the achieved recovery time",
  },
  { number: 54, says: "What a policy costs is shown before it is switched on", guards: [], open: NOTHING_YET },
  { number: 55, says: "Thousands of resources are reconciled within the hour, one call a page", guards: [], open: "not measured" },
];
