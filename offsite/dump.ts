/**
 * The offsite dump, told top to bottom: look where the source stands, go on or begin anew, carry table by table, and write the manifest
 * when all is there. It may be killed anywhere; the next run goes on behind the last part with a receipt. Two runs at once spoil nothing
 * but each other.
 */
import { dumpId, FORM, type Manifest, NAMES, type Part, type Start, totalsOf } from "../core/offsite-dump.ts";
import { indexOf, unspeakable } from "../core/offsite-index.ts";
import { mustBeginAnew } from "../core/offsite-resume.ts";
import { PART_BYTES } from "../core/offsite-slices.ts";
import type { Load } from "../core/offsite-throttle.ts";
import { Problem } from "../core/problem.ts";
import type { Kit } from "./kit.ts";
import { Pace, type PaceOptions } from "./pace.ts";
import type { PartMaker } from "./part-maker.ts";
import { DumpFolder, newestFolder } from "./progress.ts";
import { keepHeapSmall } from "./small-heap.ts";
import type { Snapshot, Source } from "./source.ts";
import type { Store } from "./store.ts";
import { carryTable, type Unsealed } from "./table-reader.ts";

export interface DumpOptions extends Omit<PaceOptions, "load"> {
  readonly openSource: () => Promise<Source>;
  /** What the dump yields to: `(source) => source.load()`, or what is known of those that follow it. */
  readonly load: (source: Source) => Promise<Load>;
  readonly store: Store;
  /** 32 bytes. */
  readonly masterKey: Buffer;
  /** The plan's name for the database. */
  readonly database: string;
  readonly kit: Kit;
  /** Sentences of `notCarried`, word for word, that whoever orders the dump does without. */
  readonly accepted: readonly string[];
  /** A finished dump of where the source stands is this run's outcome too: whoever asks again after a lost reply meets their own. */
  readonly onceIsEnough?: boolean;
  /** Leaves an unfinished dump where it is. */
  readonly beginAnew?: boolean;
  /** Keeps two dumps of one second apart. */
  readonly token: string;
  /** Of rows in a part, about. The runs of one dump have to agree about it. */
  readonly partBytes?: number;
}

export interface DumpOutcome {
  readonly state: "finished" | "to be continued";
  readonly id: string;
  /** Why an unfinished dump was not gone on with. */
  readonly beganAnew: string | null;
  readonly sentParts: number;
  /** Of this run; null: it asked for no rows, or for those of whole tables alone. */
  readonly longestQueryMs: number | null;
  readonly manifest: Manifest | null;
}

export async function dump(options: DumpOptions): Promise<DumpOutcome> {
  keepHeapSmall();
  const source = await options.openSource();
  try {
    return await new Dump(options, source).run();
  } finally {
    source.close();
  }
}

class Dump {
  private readonly options: DumpOptions;
  private readonly source: Source;
  private readonly pace: Pace;
  private parts: Part[] = [];
  private sent = 0;
  private longestQueryMs: number | null = null;
  /** The part on its way to the store: there is one at most, while the next is read. */
  private underWay: Promise<void> = Promise.resolve();

  constructor(options: DumpOptions, source: Source) {
    this.options = options;
    this.source = source;
    this.pace = new Pace({ ...options, load: () => options.load(source) });
  }

  async run(): Promise<DumpOutcome> {
    this.refuseWhatIsLost();
    const made = this.options.onceIsEnough ? await this.madeBefore() : null;
    if (made) return { state: "finished", id: made.id, beganAnew: null, sentParts: 0, longestQueryMs: null, manifest: made };
    const { folder, start, beganAnew } = await this.goOnOrBegin();
    // What is on its way when the rest fails still gets its receipt.
    const finished = await this.carry(folder, start).finally(() => this.underWay.catch(() => {}));
    const manifest = finished ? await this.conclude(folder, start) : null;
    return {
      state: finished ? "finished" : "to be continued",
      id: folder.id,
      beganAnew,
      sentParts: this.sent,
      longestQueryMs: this.longestQueryMs,
      manifest,
    };
  }

  private async madeBefore(): Promise<Manifest | null> {
    const { store, masterKey, database } = this.options;
    const manifest = (await (await newestFolder(store, masterKey, database))?.manifest()) ?? null;
    return manifest && mustBeginAnew(manifest.stand, this.source.snapshot.stand) === null ? manifest : null;
  }

  private refuseWhatIsLost(): void {
    const { notCarried, tables } = this.source.snapshot;
    const lost = notCarried.filter((what) => !this.options.accepted.includes(what));
    for (const name of unspeakable(tables)) lost.push(`the table ${name}, for the tab or newline in its name or a column's`);
    if (lost.length === 0) return;
    throw new Problem("NotCarried", `an offsite dump of ${this.options.database} would lack ${lost.join("; ")}`, {
      hint: "Keep those in another way and accept their absence by these very words (accepted), or change the database.",
    });
  }

  private async goOnOrBegin(): Promise<{ folder: DumpFolder; start: Start; beganAnew: string | null }> {
    const { store, masterKey, database, beginAnew, tell } = this.options;
    const newest = await newestFolder(store, masterKey, database);
    const start = newest === null || (await newest.manifest()) ? null : await newest.start();
    const beganAnew = start === null ? null : beginAnew ? "it was ordered to" : mustBeginAnew(start.stand, this.source.snapshot.stand);
    if (newest !== null && start !== null && beganAnew === null) {
      this.parts = await newest.parts();
      tell(`Goes on with ${newest.id} behind part ${this.parts.length}.`);
      return { folder: newest, start, beganAnew };
    }
    if (start !== null) tell(`Begins anew and leaves ${newest?.id} unfinished: ${beganAnew}.`);
    return { ...(await this.begin()), beganAnew };
  }

  private async begin(): Promise<{ folder: DumpFolder; start: Start }> {
    const { store, masterKey, database, token } = this.options;
    const { version, momentMs, stand, tables, schema, notCarried }: Snapshot = this.source.snapshot;
    const id = dumpId(this.options.now(), token);
    const folder = new DumpFolder(store, masterKey, database, id);
    const start: Start = { form: FORM, id, engine: this.source.engine, version, database, momentMs, stand, tables, notCarried };
    await folder.begin(start, schema);
    return { folder, start };
  }

  /** false: the run's time is over. */
  private async carry(folder: DumpFolder, { tables }: Start): Promise<boolean> {
    let number = this.parts.length;
    const finished = async (part: Unsealed, maker: PartMaker): Promise<void> => {
      number++;
      await this.underWay;
      this.underWay = this.send(folder, part, maker);
      // Whoever waits for it next hears of its failure.
      this.underWay.catch(() => {});
    };
    const took = (ms: number): void => {
      this.longestQueryMs = Math.max(this.longestQueryMs ?? 0, ms);
    };
    const carrying = {
      source: this.source,
      keys: folder.keys,
      pace: this.pace,
      now: this.options.now,
      partBytes: this.options.partBytes ?? PART_BYTES,
      number: () => number + 1,
      took,
      finished,
    };
    for (const [index, table] of tables.entries()) {
      const done = this.parts.filter((part) => part.table === index);
      if (await carryTable(carrying, index, table, done)) continue;
      await this.underWay;
      return false;
    }
    await this.underWay;
    return true;
  }

  private async send(folder: DumpFolder, part: Unsealed, maker: PartMaker): Promise<void> {
    const { stored, ...hashes } = await maker.finish();
    this.parts.push(await folder.keep({ ...part, ...hashes, storedBytes: stored.length }, stored));
    this.sent++;
  }

  private async conclude(folder: DumpFolder, start: Start): Promise<Manifest> {
    await folder.mustHold(this.parts);
    const pieces = [await folder.piece(NAMES.pre), await folder.piece(NAMES.post)];
    const told = { ...start, finishedAtMs: this.options.now(), parts: this.parts, totals: totalsOf(start.tables, this.parts) };
    const index = await folder.putSealed(NAMES.index, indexOf({ ...told, pieces }));
    await this.options.kit.write(folder, start);
    const manifest: Manifest = { ...told, pieces: [...pieces, index] };
    await folder.putSealed(NAMES.manifest, JSON.stringify(manifest, null, 1));
    return manifest;
  }
}
