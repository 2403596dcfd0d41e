/**
 * A bucket's objects, carried to another provider, told top to bottom: go on with the list that is not finished or begin one; page by
 * page, take over what is as it was, cut what is new into pieces, send those that are not there; write the manifest when all is
 * through. It may be killed anywhere: a piece that was sent is found, a segment that was written is gone on behind.
 */
import {
  byBytes,
  type Carried,
  FORM,
  isCarried,
  isSame,
  type Line,
  type Listed,
  NOTHING,
  type Page,
  type Read,
  type Totals,
} from "../core/bucket-list.ts";
import { dumpId } from "../core/offsite-dump.ts";
import { BucketFolder, type Manifest, PIECE_BYTES, type Pieces, type Unfinished } from "./bucket-folder.ts";
import type { Kit } from "./kit.ts";
import type { Store } from "./store.ts";

/** Where the objects come from (aws/bucket-objects.ts). */
export interface Objects {
  page(after: string | null): Promise<Page>;
  look(key: string): Promise<Listed | null>;
  read(object: Listed, from: number, length: number): Promise<Read>;
}

export interface BucketOptions {
  readonly objects: Objects;
  readonly store: Store;
  /** 32 bytes. */
  readonly masterKey: Buffer;
  /** The plan's name for the bucket. */
  readonly name: string;
  readonly bucket: string;
  readonly region: string;
  readonly kit: Kit;
  /** Keeps two lists of one second apart. */
  readonly token: string;
  readonly now: () => number;
  /** When the run hands over to the next. */
  readonly untilMs: number;
  readonly tell: (sentence: string) => void;
  /** Of an object, in one piece. */
  readonly pieceBytes?: number;
}

export interface BucketOutcome {
  /** Of the list. */
  readonly id: string;
  /** null: to be continued. */
  readonly manifest: Manifest | null;
  readonly totals: Totals;
}

/** Each waits for a read, for a piece to be stored, and for it to be read back. */
const AT_ONCE = 6;
/** How often an object that is written over while it is read is begun again. */
const TRIES = 3;
/** Of what earlier runs have stored, so many pieces are opened each time. */
const LOOKED_AT = 8;
const TOLD = 20;

export const carryBucket = (options: BucketOptions): Promise<BucketOutcome> => new Carrier(options).run();

class Carrier {
  private readonly options: BucketOptions;
  private readonly folder: BucketFolder;
  private there!: Pieces;
  private id = "";
  private begunAtMs = 0;
  private totals: Totals = NOTHING;
  private notCarried: Manifest["notCarried"] = [];
  private unfinished = new Map<string, Unfinished>();
  private readonly underWay = new Map<string, Promise<void>>();
  private taken: string[] = [];
  private takenOver = 0;

  constructor(options: BucketOptions) {
    this.options = options;
    this.folder = new BucketFolder(options.store, options.masterKey, options.name);
  }

  async run(): Promise<BucketOutcome> {
    const { objects, now, tell, bucket, region, kit } = this.options;
    this.there = await this.folder.pieces();
    const { before, number: written, after: last } = await this.goOnOrBegin();
    let [number, after] = [written, last];
    for (let more = true; more; ) {
      const page = await objects.page(after);
      const { lines, through } = await this.carry(page.objects, before);
      const end = page.objects[through - 1];
      if (end) {
        after = end.key;
        const head = { begunAtMs: this.begunAtMs, after, totals: this.totals, notCarried: this.notCarried };
        await this.folder.putSegment(this.id, ++number, { head, lines });
      }
      if (through < page.objects.length) {
        await this.folder.putUnfinished(this.id, [...this.unfinished.values()]);
        tell(`${this.totals.objects} objects of ${this.id} are listed; the next run goes on.`);
        return { id: this.id, manifest: null, totals: this.totals };
      }
      more = page.more;
    }
    for (const name of this.taken) await this.folder.mustOpen(name);
    const manifest: Manifest = {
      form: FORM,
      list: this.id,
      bucket,
      region,
      begunAtMs: this.begunAtMs,
      finishedAtMs: now(),
      segments: number,
      totals: this.totals,
      notCarried: this.notCarried,
    };
    await this.folder.conclude(manifest, kit);
    return { id: this.id, manifest, totals: this.totals };
  }

  private async goOnOrBegin(): Promise<{ before: Before; number: number; after: string | null }> {
    const { now, token, tell } = this.options;
    const ids = (await this.folder.lists()).reverse();
    const finished: { id: string; segments: number }[] = [];
    let open: string | undefined;
    for (const id of ids) {
      const manifest = await this.folder.manifest(id);
      if (manifest) {
        finished.push({ id, segments: manifest.segments });
        break;
      }
      // Of several that nobody finished the newest is gone on with.
      open ??= id;
    }
    this.id = open ?? dumpId(now(), token);
    const before = new Before(this.folder, finished[0] ?? null);
    const number = open === undefined ? 0 : await this.folder.segments(open);
    this.begunAtMs = now();
    if (open !== undefined) for (const each of await this.folder.unfinished(open)) this.unfinished.set(each.key, each);
    if (number === 0) return { before, number, after: null };
    const { head } = await this.folder.segment(this.id, number);
    this.begunAtMs = head.begunAtMs;
    this.totals = head.totals;
    this.notCarried = head.notCarried;
    tell(`Goes on with ${this.id} behind ${head.totals.objects} objects.`);
    return { before, number, after: head.after };
  }

  /** In their order, so that what is through is a beginning of them. */
  private async carry(listed: readonly Listed[], before: Before): Promise<{ lines: Line[]; through: number }> {
    const lines: (Line | "gone" | undefined)[] = listed.map(() => undefined);
    const anew: number[] = [];
    for (const [at, object] of listed.entries()) {
      const known = await before.find(object.key);
      if (known && isSame(known, object) && known.pieces.every((name) => this.there.has(name))) {
        lines[at] = known;
        this.remember(known);
      } else anew.push(at);
    }
    let [next, failed] = [0, false];
    const worker = async (): Promise<void> => {
      while (next < anew.length && !failed && this.options.now() < this.options.untilMs) {
        const at = anew[next++] as number;
        try {
          const line = await this.carryOne(listed[at] as Listed);
          if (line === "time is over") return;
          lines[at] = line ?? "gone";
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    };
    // What is on its way when one fails is waited for: nobody writes behind the run's back.
    const done = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
    for (const each of done) if (each.status === "rejected") throw each.reason;
    const first = lines.indexOf(undefined);
    const through = first < 0 ? lines.length : first;
    // The next run finds what was done out of its turn by its pieces.
    for (const [index, line] of lines.entries())
      if (index >= through && line && line !== "gone" && isCarried(line)) this.unfinished.set(line.key, line);
    const written = lines.slice(0, through).filter((line) => line !== "gone") as Line[];
    for (const line of written) this.count(line);
    return { lines: written, through };
  }

  private count(line: Line): void {
    const { objects, bytes, notCarried } = this.totals;
    if (isCarried(line)) {
      this.totals = { ...this.totals, objects: objects + 1, bytes: bytes + line.bytes };
      this.unfinished.delete(line.key);
      return;
    }
    this.totals = { ...this.totals, notCarried: notCarried + 1 };
    if (this.notCarried.length < TOLD) this.notCarried = [...this.notCarried, line];
  }

  /** null: it is gone. */
  private async carryOne(listed: Listed): Promise<Line | null | "time is over"> {
    const { objects } = this.options;
    let object = listed;
    for (let tries = 0; tries < TRIES; tries++) {
      const made = await this.cut(object);
      if (made === "gone") return null;
      if (made !== "changed") return made;
      const now = await objects.look(object.key);
      if (now === null) return null;
      object = now;
    }
    return { key: listed.key, why: "it was written over each time it was read" };
  }

  private async cut(object: Listed): Promise<Line | "gone" | "changed" | "time is over"> {
    const { objects, now, untilMs, pieceBytes = PIECE_BYTES } = this.options;
    const { key, etag, bytes } = object;
    const before = this.unfinished.get(key);
    const known = before?.etag === etag ? before.pieces.filter((name) => this.there.has(name)) : [];
    // The last one is read again, for what S3 says of the object.
    const pieces = known.length === before?.pieces.length ? known.slice(0, -1) : [];
    let headers: Record<string, string> = {};
    for (let first = true; first || pieces.length * pieceBytes < bytes; first = false) {
      if (!first && now() >= untilMs) {
        this.unfinished.set(key, { key, etag, pieces });
        return "time is over";
      }
      const read = await objects.read(object, pieces.length * pieceBytes, pieceBytes);
      if ("not" in read) return read.not === "given" ? { key, why: read.why } : read.not;
      headers = read.headers;
      if (bytes === 0) break;
      pieces.push(await this.sent(read.content));
    }
    return { ...object, pieces, headers } satisfies Carried;
  }

  /** Two of the same content are sent once, and both are there when it is. */
  private async sent(content: Buffer): Promise<string> {
    const name = this.folder.nameOf(content);
    if (this.there.has(name)) return name;
    let sending = this.underWay.get(name);
    if (!sending) {
      sending = this.send(name, content).finally(() => this.underWay.delete(name));
      this.underWay.set(name, sending);
    }
    await sending;
    return name;
  }

  private async send(name: string, content: Buffer): Promise<void> {
    await this.folder.putPiece(name, content);
    this.there.add(name);
    this.totals = { ...this.totals, sent: this.totals.sent + 1, sentBytes: this.totals.sentBytes + content.length };
  }

  /** A few pieces by chance of all that are taken over, each as likely as any other. */
  private remember({ pieces }: Carried): void {
    for (const name of pieces) {
      this.takenOver++;
      const place = Math.floor(Math.random() * this.takenOver);
      if (this.taken.length < LOOKED_AT) this.taken.push(name);
      else if (place < LOOKED_AT) this.taken[place] = name;
    }
  }
}

/** The list before this one, read along in the order of its keys. */
class Before {
  private readonly folder: BucketFolder;
  private readonly list: { readonly id: string; readonly segments: number } | null;
  private number = 0;
  private lines: readonly Line[] = [];
  private at = 0;

  constructor(folder: BucketFolder, list: { readonly id: string; readonly segments: number } | null) {
    this.folder = folder;
    this.list = list;
  }

  /** Keys have to be asked for in their order. null: it was not there, or was not carried. */
  async find(key: string): Promise<Carried | null> {
    for (;;) {
      const line = this.lines[this.at];
      if (line === undefined) {
        if (this.list === null || this.number >= this.list.segments) return null;
        const { lines } = await this.folder.segment(this.list.id, ++this.number);
        [this.lines, this.at] = [lines, 0];
        continue;
      }
      const order = byBytes(line.key, key);
      if (order > 0) return null;
      if (order === 0) return isCarried(line) ? line : null;
      this.at++;
    }
  }
}
