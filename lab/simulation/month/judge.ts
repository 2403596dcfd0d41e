// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes and log lines are any JSON
/**
 * Judges a month of backups by what RDS holds and what people were told, and by nothing Understudy keeps of itself but its catalogue at
 * the end. Looks once a minute, and at every deletion and copy before it is done.
 */
import type { BackupPlan, Plan } from "../../../core/plan/schema.ts";
import { type RegionState, regionState, type SnapshotRecord } from "../../cloud/rds/state.ts";
import { s3State } from "../../cloud/s3-state.ts";
import type { World } from "../../cloud/world.ts";
import type { Violation } from "../checkers.ts";
import type { VirtualClock } from "../clock.ts";
import type { EventLog } from "../log.ts";
import { BUCKET } from "./deployment.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** R44: told within its interval and ten minutes; clocks are off by seconds, and this looks once a minute. */
const TOLD_WITHIN_MS = 11 * MINUTE_MS;
/** Where a region was dark, what came of it is told by the first looks after it. */
const AFTER_DARK_MS = 3 * HOUR_MS;
/** An alarm hears the silence of the check beside it, and of the one in the other region (infra/overdue.ts). */
const NEAR_SILENCE_MS = 3 * MINUTE_MS;
const FAR_SILENCE_MS = 9 * MINUTE_MS;
/** An alarm goes on for its period when a backup that was late has begun. */
const ALARM_LAGS_MS = 5 * MINUTE_MS;
/** A copy may take a day (core/backup-findings.ts), and is told of by the next hourly look. */
const COPY_MS = 26 * HOUR_MS;

/** aws/gently.ts, and what a look at a single snapshot costs besides. */
const MOST_CALLS_A_SECOND = 12;

/** Lambda has tried it three times: an alarm tells people of it instead (infra/alarms.ts). */
const GIVEN_UP = /given up/;

interface Mail {
  readonly atMs: number;
  readonly text: string;
}

interface Meddled {
  readonly how: "deleted" | "stripped";
  readonly id: string;
  readonly region: string;
  readonly atMs: number;
}

const tagOf = ({ tags }: SnapshotRecord, key: string): string | undefined => tags.find(({ Key }) => Key === key)?.Value;
const isGood = ({ status }: SnapshotRecord): boolean => status === "available";
/** When its data was taken. */
const takenAt = ({ originalCreatedAt, takenSince }: SnapshotRecord): number => originalCreatedAt ?? takenSince ?? 0;

export interface Counted {
  backups: number;
  copies: number;
  deleted: number;
  mails: number;
  /** At the end: older than a day, and in one region alone. */
  uncopied: number;
  /** Minutes in which an alarm rang though every backup was in time. */
  falseAlarms: number;
}

export class Judge {
  readonly violations: Violation[] = [];
  readonly counted: Counted = { backups: 0, copies: 0, deleted: 0, mails: 0, uncopied: 0, falseAlarms: 0 };
  private readonly world: World;
  private readonly clock: VirtualClock;
  private readonly plan: Plan;
  private readonly dark: ReadonlySet<string>;
  private readonly startMs: number;
  private readonly mails: Mail[] = [];
  private readonly meddled: Meddled[] = [];
  /** Whether the news of something was lost, and an alarm said so. */
  private lostNewsAtMs: number[] = [];
  /** By database: what the dead man's check said last, and when. */
  private readonly said = new Map<string, { readonly atMs: number; readonly minutes: number }[]>();
  private lookedAtMs: number;
  /** When each last asked RDS. */
  private readonly calls = new Map<string, readonly number[]>();
  /** By database: when a backup was last late. */
  private readonly lateAtMs = new Map<string, number>();
  private readonly wasThere = new Map<string, Set<string>>();
  /** By database: the due time that was judged last. */
  private readonly judged = new Map<string, number>();
  private darkUntilMs = 0;

  constructor(world: World, clock: VirtualClock, log: EventLog, plan: Plan, dark: ReadonlySet<string>) {
    this.world = world;
    this.clock = clock;
    this.plan = plan;
    this.dark = dark;
    this.startMs = clock.nowMs;
    this.lookedAtMs = clock.nowMs;
    log.listen(({ kind, words, data }) => {
      if (kind === "mail") this.mail(data.text);
      else if (kind === "lab") this.violated("LAB", `the simulation itself failed: ${words}`);
      else if (kind === "invoke" && GIVEN_UP.test(words)) this.lostNewsAtMs.push(clock.nowMs);
      else if (kind === "news" && /news not told/.test(words)) this.lostNewsAtMs.push(clock.nowMs);
    });
    const everyMinute = () => {
      this.look();
      clock.after(MINUTE_MS, everyMinute);
    };
    clock.after(MINUTE_MS, everyMinute);
    this.overhear("DeleteDBSnapshot", (input, region) => this.deletes(String(input.DBSnapshotIdentifier), region));
    this.overhear("CopyDBSnapshot", (input, region) => this.copies(String(input.SourceDBSnapshotIdentifier), region));
  }

  private overhear(operation: string, hears: (input: any, region: string) => () => void): void {
    const service = this.world.services.get("rds");
    const run = service?.operations[operation];
    if (!service || !run) throw new Error(`RDS has no ${operation}.`);
    service.operations[operation] = async (input, caller) => {
      const done = hears(input, caller.region);
      const answer = await run(input, caller);
      done();
      return answer;
    };
  }

  private violated(rule: string, words: string): void {
    if (this.violations.length < 50) this.violations.push({ rule, words, atMs: this.clock.nowMs - this.startMs });
  }

  private mail(text: string): void {
    this.counted.mails++;
    this.mails.push({ atMs: this.clock.nowMs, text });
  }

  meddle(how: "deleted" | "stripped", { id, region }: SnapshotRecord): void {
    this.meddled.push({ how, id, region, atMs: this.clock.nowMs });
  }

  /** A line in the embedded metric format. */
  heard(line: any): void {
    if (line.BackupOverdueMinutes === undefined) return;
    const said = this.said.get(line.Database) ?? [];
    this.said.set(line.Database, [...said.slice(-3), { atMs: this.clock.nowMs, minutes: line.BackupOverdueMinutes }]);
  }

  /** R33: whoever looks asks RDS no more than so often. */
  asked(service: string, by: string, region: string): void {
    if (service !== "rds") return;
    const who = `${by} ${region}`;
    const lately = (this.calls.get(who) ?? []).filter((atMs) => this.clock.nowMs - atMs < 1000);
    this.calls.set(who, [...lately, this.clock.nowMs]);
    if (lately.length >= MOST_CALLS_A_SECOND) this.violated("R33", `${by} asks RDS in ${region} ${lately.length + 1} times in a second`);
  }

  /** The check was heard in the other region. */
  looked(): void {
    this.lookedAtMs = this.clock.nowMs;
  }

  private region(name: string): RegionState["snapshots"] {
    return regionState(this.world, name).snapshots;
  }

  private get places(): string[] {
    return [this.plan.regions.primary, this.plan.regions.recovery];
  }

  private of(database: string, place: string): SnapshotRecord[] {
    return Object.values(this.region(place)).filter(
      (each) => tagOf(each, "understudy:database") === database && tagOf(each, "understudy:slot") !== undefined,
    );
  }

  /** Of all places. */
  private all(database: string): SnapshotRecord[] {
    return this.places.flatMap((place) => this.of(database, place));
  }

  private isDark(place: string): boolean {
    return this.dark.has(place === this.plan.regions.recovery ? "recovery" : place);
  }

  private look(): void {
    const nowMs = this.clock.nowMs;
    if (this.dark.size > 0) this.darkUntilMs = nowMs;
    for (const place of this.places) {
      const seen = this.wasThere.get(place) ?? new Set();
      this.wasThere.set(place, seen);
      for (const each of Object.values(this.region(place))) if (isGood(each)) seen.add(each.id);
    }
    for (const backup of this.plan.backups) {
      this.begins(backup, nowMs);
      this.isCopied(backup, nowMs);
    }
  }

  /** R44, R45: whatever ended it, people hear of it. */
  private begins({ database, everyMinutes }: BackupPlan, nowMs: number): void {
    const begun = this.all(database).filter(({ status }) => status !== "failed");
    const dueMs = Math.max(this.startMs, ...begun.map(takenAt)) + everyMinutes * MINUTE_MS;
    const rings = this.rings(database, nowMs);
    if (nowMs >= dueMs) this.lateAtMs.set(database, nowMs);
    const inTime = nowMs - Math.max(this.startMs + HOUR_MS, this.lateAtMs.get(database) ?? 0) > ALARM_LAGS_MS;
    if (rings && inTime) this.counted.falseAlarms++;
    if (nowMs <= dueMs + TOLD_WITHIN_MS || this.judged.get(database) === dueMs) return;
    this.judged.set(database, dueMs);
    const told = rings || this.mails.some(({ atMs, text }) => atMs >= dueMs && text.includes(`The backup of ${database} that was due`));
    if (!told)
      this.violated("R44", `the backup of ${database} is ${Math.round((nowMs - dueMs) / MINUTE_MS)} minutes late, and nobody was told`);
  }

  /** Whether one of the two alarms of the dead man's check is in alarm. */
  private rings(database: string, nowMs: number): boolean {
    const said = (this.said.get(database) ?? []).filter(({ atMs }) => nowMs - atMs < NEAR_SILENCE_MS);
    const near = said.length === 0 || said.some(({ minutes }) => minutes >= 1);
    const far = nowMs - this.lookedAtMs >= FAR_SILENCE_MS;
    return (near && !this.isDark(this.plan.regions.primary)) || (far && !this.isDark(this.plan.regions.recovery));
  }

  /** What lies in one region alone for longer than a copy may take is told. */
  private isCopied({ database }: BackupPlan, nowMs: number): void {
    if (nowMs - this.darkUntilMs < AFTER_DARK_MS) return;
    const [here, there] = this.places as [string, string];
    for (const only of this.of(database, here)) {
      if (!isGood(only) || nowMs - takenAt(only) < COPY_MS + HOUR_MS || this.wasThere.get(there)?.has(only.id)) continue;
      if (this.judged.get(only.id) !== undefined) continue;
      this.judged.set(only.id, nowMs);
      if (!this.wasTold(only.id, 0)) this.violated("COPY", `${only.id} is in ${here} alone for a day, and nobody was told`);
    }
  }

  private wasTold(id: string, sinceMs: number): boolean {
    return (
      this.mails.some(({ atMs, text }) => atMs >= sinceMs && text.includes(id) && !/is backed up/.test(text)) ||
      this.lostNewsAtMs.some((atMs) => atMs >= sinceMs)
    );
  }

  /** R13, R22, R29. */
  private deletes(id: string, place: string): () => void {
    const victim = this.region(place)[id];
    return () => {
      this.counted.deleted++;
      if (!victim) return;
      const database = tagOf(victim, "understudy:database");
      if (tagOf(victim, "understudy:plan") !== this.plan.name || database === undefined)
        return this.violated("R29", `${id} in ${place} is deleted, and is not Understudy's`);
      if (!isGood(victim)) return;
      const others = this.of(database, place).filter(isGood);
      if (!others.some((each) => takenAt(each) > takenAt(victim)))
        this.violated("R22", `${id} is deleted, the newest good backup of ${database} in ${place}`);
      const elsewhere = this.places.filter((each) => each !== place);
      const copied = elsewhere.some(
        (each) => this.wasThere.get(each)?.has(id) || (this.region(each)[id] && isGood(this.region(each)[id] as SnapshotRecord)),
      );
      if (!copied) this.violated("R13", `${id} is deleted in ${place}, and was never in another place`);
    };
  }

  /** R8, R9. */
  private copies(arn: string, place: string): () => void {
    return () => {
      this.counted.copies++;
      const underWay = Object.values(this.region(place)).filter(({ copy }) => copy);
      const [, , , from = "", , , ...id] = arn.split(":");
      const source = this.region(from)[id.join(":")];
      const same = underWay.filter(({ instanceId }) => instanceId === source?.instanceId);
      if (underWay.length > 20) this.violated("R8", `${underWay.length} copies are under way to ${place}`);
      if (same.length > 1) this.violated("R9", `${same.map((each) => each.id).join(" and ")} are copied to ${place} at once`);
    };
  }

  /** What can only be judged when all has been well for days. */
  finish(): void {
    const nowMs = this.clock.nowMs;
    for (const { database, everyMinutes } of this.plan.backups) {
      const catalogue = this.catalogue(database);
      for (const place of this.places) {
        const there = this.of(database, place);
        const newest = Math.max(0, ...there.filter(isGood).map(takenAt));
        if (nowMs - newest > everyMinutes * MINUTE_MS + 4 * HOUR_MS)
          this.violated(
            "CONVERGES",
            `the newest good backup of ${database} in ${place} is ${Math.round((nowMs - newest) / HOUR_MS)} h old`,
          );
        // R31, R47: nothing is there that nobody knows, nothing is known that is not there.
        const known = new Set(
          catalogue.flatMap((point: any) => (["good", "unfinished", "failed"].includes(point.places[place]?.state) ? [point.id] : [])),
        );
        const hourOld = there.filter((each) => nowMs - takenAt(each) > 3 * HOUR_MS);
        for (const each of hourOld) if (!known.has(each.id)) this.violated("ORPHAN", `${each.id} in ${place} is in no catalogue`);
        for (const id of known)
          if (!this.region(place)[id]) this.violated("ORPHAN", `the catalogue has ${id} in ${place}, and it is not there`);
        const keep = this.keepOf(database);
        if (there.length > keep + 3) this.violated("R31", `${there.length} backups of ${database} are in ${place}, the plan keeps ${keep}`);
      }
    }
    this.counted.uncopied = this.plan.backups.reduce((sum, { database }) => sum + this.alone(database), 0);
    for (const { how, id, region, atMs } of this.meddled)
      if (!this.wasTold(id, atMs)) this.violated("R47", `somebody ${how} ${id} in ${region}, and nobody was told`);
    this.counted.backups = this.wasThere.get(this.plan.regions.primary)?.size ?? 0;
  }

  private alone(database: string): number {
    const [here, there] = this.places.map((place) => this.of(database, place).filter(isGood)) as [SnapshotRecord[], SnapshotRecord[]];
    const old = (each: SnapshotRecord) => this.clock.nowMs - takenAt(each) > COPY_MS;
    return here.filter((each) => old(each) && !there.some(({ id }) => id === each.id)).length;
  }

  private keepOf(database: string): number {
    const { keep } = this.plan.backups.find((each) => each.database === database) as BackupPlan;
    const { floor = 3, timeZone: _, ...tiers } = keep ?? {};
    return Math.max(
      floor,
      Object.values(tiers).reduce((sum: number, count) => sum + (count ?? 0), 0),
    );
  }

  private catalogue(database: string): any[] {
    const [newest] = s3State(this.world).buckets[BUCKET]?.objects[`catalogue/${database}.json`] ?? [];
    return newest?.bodyBase64 ? JSON.parse(Buffer.from(newest.bodyBase64, "base64").toString("utf8")).catalogue.points : [];
  }
}
