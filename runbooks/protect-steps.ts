/**
 * The steps that restore what a promotion lost: each looks first and does only what is missing. Every effect makes sure that the
 * instance is still the primary this move made. `protect.ts` tells in which order they come.
 */
import { listAlarms, putAlarm } from "../aws/alarms.ts";
import { isRefusal } from "../aws/errors.ts";
import { addTags, changeProtections, describeHeld } from "../aws/protections.ts";
import { type AlarmDifferences, compareAlarms } from "../core/alarm-copies.ts";
import { Problem } from "../core/problem.ts";
import { type Baseline, type Changes, compareProtections, compareTags, type Held, type Mend, settingOf } from "../core/protections.ts";
import { readBaseline, takeBaseline, writeBaseline } from "./baseline.ts";
import { readRecord } from "./record.ts";
import type { Protected, Settings } from "./settings.ts";
import { notYet, type Proof, proven } from "./until.ts";

export interface MoveDone {
  readonly execution: string;
  /** The new one. */
  readonly generation: number;
  readonly oldPrimary: string;
  readonly newPrimary: string;
  readonly regions: Readonly<Record<string, string>>;
}

/** By the settings' names, the tags' keys, the alarms' names. */
export interface Missing {
  readonly settings: readonly string[];
  readonly tags: readonly string[];
  readonly alarms: readonly string[];
}

export interface Found extends Missing {
  readonly mend: readonly Mend[];
  readonly person: readonly string[];
}

export class Protector {
  private readonly settings: Settings;
  private readonly database: Protected;
  private readonly move: MoveDone;
  private readonly region: string;

  constructor(settings: Settings, database: Protected, move: MoveDone) {
    this.settings = settings;
    this.database = database;
    this.move = move;
    this.region = move.regions[move.newPrimary] ?? settings.region;
  }

  /** As the watcher kept it; where it never could, as the old primary is now, if it can be asked. */
  async findBaseline(): Promise<Baseline | null> {
    const kept = await readBaseline(this.settings, this.database.name);
    if (kept) return kept.value;
    const { oldPrimary, regions } = this.move;
    return await takeBaseline(regions[oldPrimary] ?? this.settings.region, oldPrimary, Date.now()).catch(() => null);
  }

  async available(): Promise<Proof> {
    const { instance, status } = await this.held();
    return status === "available" ? proven(`${instance} is available`) : notYet(`${instance} is ${status}`);
  }

  async compare(baseline: Baseline): Promise<Found> {
    const now = await this.held();
    const { mend, person } = compareProtections(baseline, now, Date.now());
    const tags = compareTags(baseline, now);
    const alarms = await this.alarms(baseline);
    return {
      mend,
      settings: mend.map(settingOf),
      person: [...person, ...tags.person, ...alarms.person],
      tags: Object.keys(tags.add),
      alarms: alarms.make.map(({ name }) => name),
    };
  }

  /** Asks RDS for what is missing of these settings, at once. Ends with a Problem when RDS refuses. */
  async ask(baseline: Baseline, settings: readonly string[]): Promise<Proof> {
    await this.isStillPrimary();
    const now = await this.held();
    const mend = compareProtections(baseline, now, Date.now()).mend.filter((each) => settings.includes(settingOf(each)));
    if (mend.length === 0) return proven(`${now.instance} has them`);
    if (now.status !== "available") return notYet(`${now.instance} is ${now.status}`);
    const answer = await changeProtections(this.region, now.instance, Object.assign({}, ...mend.map(({ change }): Changes => change)));
    if (answer === null) return proven(`RDS has taken them for ${now.instance}`);
    if ("later" in answer) return notYet(answer.later);
    throw new Problem("Refused", answer.refused, { hint: "The reason is RDS's; the mail lists what is left to a person." });
  }

  /** Why AWS refuses them; null when it does not. */
  async addTags(baseline: Baseline): Promise<string | null> {
    await this.isStillPrimary();
    const now = await this.held();
    const { add } = compareTags(baseline, now);
    if (Object.keys(add).length === 0) return null;
    return await reasonForRefusal(addTags(this.region, now.arn, add));
  }

  /** Those that CloudWatch refuses, with its reason. */
  async makeAlarms(baseline: Baseline): Promise<Record<string, string>> {
    await this.isStillPrimary();
    const refused: Record<string, string> = {};
    for (const alarm of (await this.alarms(baseline)).make) {
      const reason = await reasonForRefusal(putAlarm(this.region, alarm));
      if (reason !== null) refused[alarm.name] = reason;
    }
    return refused;
  }

  /** All that was asked for, read again. */
  async isRestored(baseline: Baseline, asked: Missing): Promise<Proof> {
    const { instance, status } = await this.held();
    const missing = await this.missing(baseline);
    const lacks = (["settings", "tags", "alarms"] as const).flatMap((kind) => asked[kind].filter((name) => missing[kind].includes(name)));
    if (lacks.length > 0) return notYet(`${instance} still lacks ${lacks.join(", ")}`);
    return status === "available" ? proven(`${instance} has it all`) : notYet(`${instance} is ${status}`);
  }

  async missing(baseline: Baseline): Promise<Missing> {
    const { settings, tags, alarms } = await this.compare(baseline);
    return { settings, tags, alarms };
  }

  /** What the new primary has is what the next move restores. */
  async handOn(): Promise<{ handedOn: boolean }> {
    const { newPrimary } = this.move;
    const fresh = await takeBaseline(this.region, newPrimary, Date.now());
    if (fresh) await writeBaseline(this.settings, this.database.name, await readBaseline(this.settings, this.database.name), fresh);
    return { handedOn: fresh !== null };
  }

  /** CloudWatch's silence keeps nothing else from being restored. */
  private async alarms(baseline: Baseline): Promise<AlarmDifferences> {
    const to = { instance: this.move.newPrimary, region: this.region };
    const byHand = (why: string): AlarmDifferences => ({
      make: [],
      person: [`${why}: look which alarms of ${baseline.instance} are to watch ${to.instance} too.`],
    });
    if (baseline.alarms === null) return byHand(`The alarms of ${baseline.instance} are not known`);
    if (baseline.alarms.length === 0) return { make: [], person: [] };
    try {
      return compareAlarms(baseline, baseline.alarms, to, await listAlarms(to.region));
    } catch (error) {
      return byHand(`CloudWatch does not tell the alarms of ${to.region} (${(error as Error).message})`);
    }
  }

  private async held(): Promise<Held> {
    const held = await describeHeld(this.region, this.move.newPrimary);
    if (held) return held;
    throw new Problem("InstanceGone", `RDS no longer knows ${this.move.newPrimary}`, {
      hint: "Somebody deleted it; find out who before going on.",
    });
  }

  private async isStillPrimary(): Promise<void> {
    const { newPrimary, generation } = this.move;
    const record = (await readRecord(this.settings, this.database)).value;
    if (record.primary === newPrimary && record.generation === generation && record.claim === null) return;
    throw new Problem("MovedOn", `another move has begun since (${record.claim?.execution ?? `generation ${record.generation}`})`, {
      hint: "What the next primary needs is restored by its own move.",
    });
  }
}

/** What passes with time is thrown, and tried again by the step. */
async function reasonForRefusal(call: Promise<void>): Promise<string | null> {
  try {
    await call;
    return null;
  } catch (error) {
    if (isRefusal(error)) return (error as Error).message;
    throw error;
  }
}
