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
const WINDOW = "test/runbooks/backup-window.test.ts";
const RETAIN = "test/runbooks/retain.test.ts";
const LOOKING = "test/runbooks/overdue.test.ts";
const TEMPLATE = "test/infra/safety.test.ts";

const QUEUE = "test/unit/copy-queue.test.ts";
const SCHEDULE = "test/unit/schedule.test.ts";
const MONTH = "test/simulation/month.test.ts";
const UNCLAIMED = "test/unit/unclaimed.test.ts";
const ESTATE = "test/unit/unprotected.test.ts";
const SETS = "test/unit/machine-set.test.ts";
const MACHINE = "test/runbooks/machine.test.ts";

const OFFSITE = "test/unit/offsite.test.ts";
const VAULT = "test/unit/vault.test.ts";
const VAULTED = "test/runbooks/vault.test.ts";
const VAULT_TEMPLATE = "test/infra/vault.test.ts";

const OFFSITE_DEPLOYED = "test/lab/offsite.test.ts";

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
      guard(
        "and every EC2 instance",
        "core/unprotected.ts",
        "if (covered.has(`${region}/${id}`)",
        "if (group === null || covered.has(`${region}/${id}`)",
        ESTATE,
        "a machine nobody thought of",
      ),
      guard(
        "and every volume that is attached to nothing",
        "core/unprotected.ts",
        "if (instance !== null || excuses",
        "if (instance === null || excuses",
        ESTATE,
        "a volume is told by its instance",
      ),
      guard(
        "and every bucket that keeps no versions",
        "core/unprotected.ts",
        "if (versioned || excuses",
        "if (!versioned || excuses",
        ESTATE,
        "a bucket that keeps no versions",
      ),
      guard(
        "EC2 and S3 are asked for them",
        "runbooks/unclaimed.ts",
        "...unprotectedEstate(estate, plan),",
        "",
        RETAIN,
        "a machine nobody thought of, a volume attached to nothing",
      ),
    ],
    open: "what is neither of RDS, EC2 nor S3, and regions that the plan does not name",
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
      guard(
        "behind its window nothing begins",
        "runbooks/start-window.ts",
        "if (endsAtMs === null || storeNowMs() < endsAtMs) return;",
        "if (endsAtMs !== 0) return;",
        WINDOW,
        "modified for longer than the window",
      ),
      guard(
        "nor is it started",
        "runbooks/snapshot.ts",
        "if (isOver(slot, database.backup, nowMs)) return null;",
        "",
        WINDOW,
        "nobody started it in time",
      ),
    ],
  },
  {
    number: 5,
    says: "Schedules follow the plan's calendar, on the days the clocks change too",
    guards: [
      guard(
        "a time that is left out is the moment the clock goes on from",
        "core/schedule.ts",
        "if (shows.length > 0) return Math.min(...shows);",
        "if (shows.length > 0 || timeZone) return Math.min(shownMs - before, ...shows);",
        SCHEDULE,
        "02:30 is left out",
      ),
      guard(
        "one that comes twice counts once, the first",
        "core/schedule.ts",
        "return Math.min(...shows);",
        "return Math.max(...shows);",
        SCHEDULE,
        "02:30 comes twice",
      ),
      guard(
        "a slot is the newest of the plan's times",
        "core/slots.ts",
        "at ? lastPlanned(atMs, { at, timeZone }) : ",
        "",
        SCHEDULE,
        "the newest of its times of day",
      ),
    ],
  },
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
  {
    number: 7,
    says: "The volumes of an instance are one set; one that lacks a member has failed",
    guards: [
      guard(
        "all volumes are taken by one call",
        "aws/machine-snapshots.ts",
        "ExcludeBootVolume: false",
        "ExcludeBootVolume: true",
        MACHINE,
        "a machine's volumes are taken together",
      ),
      guard(
        "a member that failed fails the set",
        "core/machine-set.ts",
        'if (failedMember(set)) return "failed";',
        "",
        SETS,
        "one volume's snapshot fails: the whole set counts as failed",
      ),
      guard(
        "and so does one that is gone",
        "core/machine-set.ts",
        "return wasWhole || nowMs",
        "return nowMs",
        SETS,
        "somebody deletes one member by hand",
      ),
      guard(
        "a volume without a snapshot fails it while it is made",
        "runbooks/machine-steps.ts",
        "if (missing.length > 0) throw",
        "if (missing.length > disks.length) throw",
        MACHINE,
        "somebody deletes one member while the set is being made",
      ),
      guard(
        "what makes something is sent once",
        "aws/machine-snapshots.ts",
        "maxAttempts: 1",
        "maxAttempts: 3",
        MACHINE,
        "the reply to CreateSnapshots is lost",
      ),
      guard(
        "and asked for again only when it is surely not there",
        "runbooks/machine-steps.ts",
        "if (isAsked(before, SET))",
        "if (!instance)",
        MACHINE,
        "EBS lists what it made only later",
      ),
    ],
  },
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
      guard(
        "one that was given up may still be under way: RDS is asked first",
        "core/copy-queue.ts",
        '...(how === "available" ? {} : { seenAtMs: 0 }),',
        "",
        QUEUE,
        "its execution has waited for days and gives up",
      ),
      guard(
        "and so may one that was refused at the second try, the answer to the first being lost",
        "runbooks/copy-slot.ts",
        "const mayHaveBegun = triesOf(error) > 1;",
        "const mayHaveBegun = triesOf(error) > 1000;",
        "test/runbooks/copy-queue.test.ts",
        "and the second try is throttled",
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
        "what was never copied is copied again",
        "core/copy-again.ts",
        ".slice(0, A_DAY);",
        ".slice(0, 0);",
        "test/unit/copy-again.test.ts",
        "a key was disabled for a day",
      ),
      guard(
        "from where it is, whoever is the primary by now",
        "runbooks/backup.ts",
        "() => (input.from ? findSnapshot(input.from, name) : findPrimary(settings, database)),",
        "() => findPrimary(settings, database),",
        BACKUP,
        "its copy never came",
      ),
      guard(
        "what is copied into the vault stays until it is there",
        "runbooks/retain.ts",
        "const words = shared ?",
        "const words = shared && nowMs < 0 ?",
        VAULTED,
        "an execution dies between the sharing and the copy",
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
  {
    number: 16,
    says: "Two accounts work without an Organization",
    guards: [
      guard(
        "a plan whose copies cannot be shared is refused",
        "core/plan/check-vault.ts",
        'if (kmsKeyId === undefined || kmsKeyId.includes("alias/aws/"))',
        'if (kmsKeyId === "")',
        VAULT,
        "its copies have no key of their own, or RDS's",
      ),
      guard(
        "a vault that takes no order fails no backup",
        "runbooks/backup.ts",
        ".catch(async (error) => {",
        ".catch(async (error) => {\n      if (error) throw error;",
        VAULTED,
        "nobody takes the order to the vault",
      ),
      guard(
        "the sharing is taken back, whatever became of the copy",
        "runbooks/vault.ts",
        "() => unshare(settings, about)",
        "async () => {}",
        VAULTED,
        "the key of the copies does not let the vault in",
      ),
      guard(
        "what an execution that died has left shared is taken back by the next",
        "runbooks/vault.ts",
        "() => unshareLeft(settings, about, there)",
        "async () => []",
        VAULTED,
        "an execution dies between the sharing and the copy",
      ),
      guard(
        "and is told by the hourly look",
        "runbooks/retain.ts",
        "...(rules && shared ? leftShared(",
        "...(rules && shared && nowMs < 0 ? leftShared(",
        VAULTED,
        "an execution dies between the sharing and the copy",
      ),
      guard(
        "where the vault says nothing, nothing in it is missing",
        "runbooks/catalogue.ts",
        "vault && vault.trouble !== null ? [...dark, vault.place] : dark",
        "dark",
        VAULTED,
        "the vault's role is gone",
      ),
      guard(
        "a vault that is closed is told",
        "runbooks/unclaimed.ts",
        "vault && !vault.silent ? vault.trouble : null",
        "null",
        VAULTED,
        "the vault's role is gone",
      ),
      guard(
        "the newest copy there is missed, and only it",
        "core/backup-findings.ts",
        "&& !isVaultsOwnDeletion(point, place, points)",
        "&& !isVaultPlace(place)",
        VAULT,
        "the newest copy in the vault is deleted by hand",
      ),
      guard(
        "a vault that falls behind is told",
        "core/backup-findings.ts",
        "...(vault ? vaultBehind(catalogue, backup, vault, nowMs) : []),",
        "",
        VAULT,
        "no copy has come for two intervals and a day",
      ),
      guard(
        "the vault's role may delete nothing",
        "infra/vault-account.ts",
        '["rds:AddTagsToResource"]',
        '["rds:AddTagsToResource", "rds:DeleteDBSnapshot"]',
        VAULT_TEMPLATE,
        "and delete or lock away nothing",
      ),
      guard(
        "a restore finds what is in the vault alone",
        "runbooks/restore-steps.ts",
        "[...copies.flat(), ...elsewhere]",
        "copies.flat()",
        VAULTED,
        "somebody deletes the backup in both regions",
      ),
      guard(
        "only who knows the plan's word is let in",
        "infra/vault-account.ts",
        '...(externalId === undefined ? {} : { StringEquals: { "sts:ExternalId": externalId } }),',
        "",
        VAULT_TEMPLATE,
        "by nobody else of that account",
      ),
    ],
  },
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
      guard(
        "finished parts are not sent again",
        "offsite/dump.ts",
        "this.parts = await newest.parts();",
        "this.parts = [];",
        OFFSITE_DEPLOYED,
        "killed in the middle, the provider fails meanwhile",
      ),
    ],
  },
  {
    number: 18,
    says: "A second provider in trouble never holds up the backup in AWS",
    guards: [
      guard(
        "trouble at the provider is waited for",
        "runbooks/offsite.ts",
        "if ((error instanceof Problem && !error.retry) || Date.now() >= deadlineMs) throw error;",
        "throw error;",
        OFFSITE_DEPLOYED,
        "killed in the middle, the provider fails meanwhile",
      ),
      guard(
        "that no dump leaves AWS any more is told",
        "core/backup-findings.ts",
        "...tooLongHere(facts),",
        "",
        CATALOGUE,
        "dumps stop leaving AWS",
      ),
    ],
  },
  {
    number: 19,
    says: "Keys are looked at before the first backup",
    guards: [
      guard(
        "a key that cannot be used is told",
        "core/key-findings.ts",
        'if (facts.state !== "Enabled")',
        'if (facts.state === "")',
        "test/unit/key-findings.test.ts",
        "a key is disabled",
      ),
      guard(
        "RDS's own key is told",
        "core/key-findings.ts",
        "if (facts.managedByAws)",
        'if (facts.arn === "")',
        "test/unit/key-findings.test.ts",
        "an instance lies under RDS's own key",
      ),
      guard(
        "copies without a key of an encrypted instance are told",
        "core/key-findings.ts",
        "if (sealed && backup.kmsKeyId === undefined)",
        "if (sealed === null)",
        "test/unit/key-findings.test.ts",
        "its copies have no key",
      ),
      guard(
        "while KMS says nothing, what was told stands",
        "runbooks/retain.ts",
        "keys.findings ?? stillOpen(incidents, database.name)",
        "keys.findings ?? []",
        "test/runbooks/retain-keys.test.ts",
        "somebody disables the copies' key",
      ),
    ],
    open: "a key's own policy that shuts the role out is told by the first copy",
  },
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
  },
  {
    number: 21,
    says: "What lies at a second provider cannot be read without our key",
    guards: [
      guard(
        "it is encrypted",
        "offsite/seal.ts",
        "this.keep(this.cipher.update(compressed));",
        "this.keep(compressed);",
        OFFSITE_DEPLOYED,
        "nobody can read it without the key",
      ),
    ],
  },
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
        "no tier keeps anything",
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
        "remove: gone.filter((id) => !left.includes(id)),",
        "remove: gone,",
        PRUNE,
        "a changed plan would delete many at once",
      ),
      guard(
        "a person's word is for as many as that person saw",
        "core/prune.ts",
        "const left = waits.slice(allowed);",
        "const left = allowed > 0 ? [] : waits;",
        PRUNE,
        "a changed plan would delete many at once",
      ),
      guard(
        "what comes to go after it does not wait",
        "core/prune.ts",
        "const fresh = gone.filter((id) => !heldBack.includes(id));",
        "const fresh = gone;",
        PRUNE,
        "nobody answers for days",
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
        "if (ours && slot !== undefined && databases.has(database)) backups.add(database, slot, each);",
        'if (ours && databases.has(database)) backups.add(database, slot ?? "", each);',
        RETAIN,
        "a rescue snapshot is no backup",
      ),
      guard(
        "of a machine's set only what stands in its note is deleted",
        "core/machine-note.ts",
        "note?.places[region]?.some((noted) => noted.id === id)",
        'note !== undefined && id !== ""',
        SETS,
        "what bears the tags and stands in no note",
      ),
      guard(
        "and by the tags of the plan and the machine alone",
        "infra/machines.ts",
        'StringEquals: { "aws:ResourceTag/understudy:plan": plan, "aws:ResourceTag/understudy:machine": name },',
        "",
        TEMPLATE,
        "a set's snapshots are deleted and made only with the plan's tags",
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
      guard(
        "a region that fills up is told before it is full",
        "core/unclaimed.ts",
        "all * 100 < quota * NEARLY_FULL",
        "all >= 0",
        "test/unit/unclaimed.test.ts",
        "others fill a region",
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
        "nor a set that no machine of the plan claims",
        "core/unprotected.ts",
        "({ machine }) => !known.has(machine)",
        "({ machine }) => known.has(machine)",
        ESTATE,
        "a machine leaves the plan",
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
  },
  {
    number: 33,
    says: "Calls to AWS stay under a rate; throttled, a run ends late and not wrong",
    guards: [
      guard(
        "looks that nobody waits for are paced",
        "aws/gently.ts",
        "limit: 1, interval:",
        "limit: 1000, interval:",
        "test/unit/gently.test.ts",
        "a hundred calls at once",
      ),
      guard(
        "what takes long to list is listed less often",
        "core/copy-queue.ts",
        "Math.max(SEE_AGAIN_MS, SEEN_SHARE * seenForMs)",
        "SEE_AGAIN_MS",
        "test/unit/copy-queue.test.ts",
        "a region has thousands of snapshots",
      ),
      guard(
        "a snapshot that is being made is looked at soon once a minute",
        "runbooks/until.ts",
        "Math.min(2 ** (tries - 1), 60)",
        "1",
        MONTH,
        "fair days",
      ),
    ],
  },
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
        "one that is being made for hours hides no other",
        "runbooks/overdue.ts",
        'begunIn(tags["understudy:slot"], nowMs)',
        "nowMs",
        "test/runbooks/overdue.test.ts",
        "no schedule, no rule and no function",
      ),
      guard(
        "a machine's too",
        "runbooks/overdue.ts",
        "...machines.map((machine) => overdueSetOf(machine, sets, nowMs)),",
        "",
        "test/runbooks/retain-machines.test.ts",
        "the schedule is gone",
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
        "and soon enough",
        "infra/overdue.ts",
        "            Period: 60,\n            EvaluationPeriods: 5,",
        "            Period: 300,\n            EvaluationPeriods: 3,",
        TEMPLATE,
        "the dead man's check falls silent",
      ),
      guard(
        "where a region says nothing, nothing is called in time",
        "runbooks/overdue.ts",
        "if (listings.includes(null) || members.includes(null)) return [];",
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
      guard(
        "who hears nothing is told to those who do",
        "core/unheard.ts",
        "own.some(({ confirmed }) => confirmed)",
        "own.length > 0",
        UNCLAIMED,
        "an address never confirmed its subscription",
      ),
    ],
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
      guard(
        "what its restore took is kept",
        "core/catalogue.ts",
        "verified?.id === id ? verified.answeredInMs : null",
        "null",
        CATALOGUE,
        "a drill has restored one",
      ),
    ],
  },
  {
    number: 54,
    says: "What a policy costs is shown before it is switched on",
    guards: [
      guard(
        "of each snapshot there is what has changed since the one before it that stays",
        "core/cost.ts",
        "changedGb(size, atMs - (times[index] as number))",
        "size.gb",
        "test/unit/cost.test.ts",
        "every six hours",
      ),
      guard(
        "what stays is what retention lets stay",
        "core/cost.ts",
        "if (retention) kept = retained(kept, retention)",
        "if (retention === undefined) kept = retained(kept, retention)",
        "test/unit/cost.test.ts",
        "every hour",
      ),
    ],
  },
  {
    number: 55,
    says: "Thousands of resources are reconciled within the hour, one call a page",
    guards: [
      guard(
        "what is not written is not read",
        "runbooks/retain.ts",
        "written.has(manifestKey(database.name)) ? verifiedBy",
        "written.size >= 0 ? verifiedBy",
        "test/runbooks/retain.test.ts",
        "one look asks RDS once a page",
      ),
      guard(
        "what was listed comes back whole",
        "core/snapshot-shelf.ts",
        "if (startMs === null) this.odd.set(entry, id);",
        "",
        "test/unit/snapshot-shelf.test.ts",
        "whatever regions list",
      ),
    ],
  },
];
