/**
 * A bucket's folder at the provider: pieces of objects, each named by what it holds, and lists that say which pieces an object is. A list
 * is written in segments; one without a manifest is not finished. Nothing is ever deleted.
 */
import { createHmac } from "node:crypto";
import { FORM, type Line, lineOf, readLine, type Totals } from "../core/bucket-list.ts";
import { Problem } from "../core/problem.ts";
import { type DumpKeys, dumpKeys, nameKey } from "./keys.ts";
import type { Kit } from "./kit.ts";
import { open, seal } from "./seal.ts";
import type { Store } from "./store.ts";

/** Of an object, in one piece. */
export const PIECE_BYTES = 8 * 1024 * 1024;

/** No database is called so: all buckets' folders lie below it. */
const BUCKETS = "_buckets";

/** What a segment says before its lines. */
export interface Head {
  readonly begunAtMs: number;
  /** Up to this key the list is written. */
  readonly after: string;
  /** Of the list up to here. */
  readonly totals: Totals;
  /** Some of what is not in it, and why. */
  readonly notCarried: Manifest["notCarried"];
}

export interface Segment {
  readonly head: Head;
  readonly lines: readonly Line[];
}

export interface Manifest {
  readonly form: number;
  readonly list: string;
  readonly bucket: string;
  readonly region: string;
  readonly begunAtMs: number;
  readonly finishedAtMs: number;
  readonly segments: number;
  readonly totals: Totals;
  /** Some of what is not in the list, and why. */
  readonly notCarried: readonly { readonly key: string; readonly why: string }[];
}

/** An object that a run could not finish: its first pieces. */
export interface Unfinished {
  readonly key: string;
  readonly etag: string;
  readonly pieces: readonly string[];
}

export class BucketFolder {
  private readonly store: Store;
  private readonly path: string;
  private readonly keys: DumpKeys;
  private readonly names: Buffer;

  constructor(store: Store, master: Buffer, name: string) {
    this.store = store;
    this.path = `${BUCKETS}/${name}`;
    this.keys = dumpKeys(master, this.path);
    this.names = nameKey(master, this.path);
  }

  /** Two equal contents have one name, and one place. */
  nameOf = (content: Buffer): string => createHmac("sha256", this.names).update(content).digest("hex");

  async pieces(): Promise<Pieces> {
    const numbers: bigint[] = [];
    const start = `${this.path}/pieces/`;
    await this.store.each(start, ({ name, bytes }) => {
      // What broke off at the provider is not there.
      if (bytes > 0) numbers.push(numberOf(name.slice(start.length + PLACE.length)));
    });
    return new Pieces(BigUint64Array.from(numbers).sort());
  }

  putPiece = async (name: string, content: Buffer): Promise<void> => await this.putSealed(pieceAt(name), content);

  /** Throws where it is not what its name says. */
  async mustOpen(name: string): Promise<void> {
    const content = await this.sealed(pieceAt(name));
    if (content === null || this.nameOf(content) !== name)
      throw new Problem("OffsiteAltered", `${this.path}/${pieceAt(name)} is ${content === null ? "gone" : "not what was stored"}`, {
        hint: "Delete that object at the provider: the next run sends it anew. If it stays so, do not trust this provider.",
      });
  }

  /** The ids of all lists, oldest first. */
  lists = async (): Promise<string[]> => (await this.store.folders(`${this.path}/lists`)).sort();

  /** How many there are, up to the first that is missing. */
  async segments(list: string): Promise<number> {
    const there = new Set((await this.store.list(`${this.path}/lists/${list}/segment-`)).map(({ name }) => name));
    for (let number = 1; ; number++) if (!there.has(`${this.path}/${segmentAt(list, number)}`)) return number - 1;
  }

  async segment(list: string, number: number): Promise<Segment> {
    const text = await this.sealed(segmentAt(list, number));
    if (text === null)
      throw new Problem("OffsiteAltered", `${segmentAt(list, number)} of ${this.path} is gone from the provider`, {
        hint: "Find out who deletes there. The next list is complete again.",
        retry: true,
      });
    const [first = "", ...rest] = text.toString("utf8").split("\n");
    const lines = rest.flatMap((line) => readLine(line) ?? []);
    return { head: JSON.parse(first.slice(HEAD.length)), lines };
  }

  async putSegment(list: string, number: number, { head, lines }: Segment): Promise<void> {
    await this.putSealed(segmentAt(list, number), `${[`${HEAD}${JSON.stringify(head)}`, ...lines.map(lineOf)].join("\n")}\n`);
  }

  async unfinished(list: string): Promise<Unfinished[]> {
    const text = await this.sealed(unfinishedAt(list));
    return text === null ? [] : JSON.parse(text.toString("utf8"));
  }

  putUnfinished = async (list: string, objects: readonly Unfinished[]): Promise<void> =>
    await this.putSealed(unfinishedAt(list), JSON.stringify(objects));

  /** null: the list is not finished. */
  async manifest(list: string): Promise<Manifest | null> {
    const text = await this.sealed(manifestAt(list));
    if (text === null) return null;
    const manifest: Manifest = JSON.parse(text.toString("utf8").split("\n")[0]?.slice(WHOLE.length) ?? "");
    if (manifest.form !== FORM)
      throw new Problem("OffsiteForm", `the list ${list} is of form ${manifest.form}, this code reads form ${FORM}`, {
        hint: "Name another prefix at the provider, or use the version that wrote it.",
      });
    return manifest;
  }

  /** With the kit beside it, so that the newest list can always be brought back. */
  async conclude(manifest: Manifest, kit: Kit): Promise<void> {
    await this.store.put(`${this.path}/bucket.txt`, Buffer.from(`form ${FORM}\nfolder ${this.path}\n`), "text/plain");
    await kit.writeTo(async (name, text) => void (await this.store.put(`${this.path}/${name}`, Buffer.from(text), "text/plain")));
    const { list, bucket, segments, totals } = manifest;
    const lines = [
      `${WHOLE}${JSON.stringify(manifest)}`,
      `list\t${list}`,
      `bucket\t${bucket}`,
      `begun\t${new Date(manifest.begunAtMs).toISOString()}`,
      `segments\t${segments}`,
      `objects\t${totals.objects}`,
      `missing\t${totals.notCarried}`,
    ];
    await this.putSealed(manifestAt(list), `${lines.join("\n")}\n`);
  }

  private async putSealed(name: string, content: string | Buffer): Promise<void> {
    await this.store.put(`${this.path}/${name}`, seal(this.keys, name, content));
  }

  private async sealed(name: string): Promise<Buffer | null> {
    const stored = await this.store.get(`${this.path}/${name}`);
    return stored && open(this.keys, name, stored);
  }
}

const HEAD = "segment\t";
const WHOLE = "manifest\t";
/** Folders of a few hundred each, for whoever looks at them with a file system. */
const PLACE = "00/";
const pieceAt = (name: string): string => `pieces/${name.slice(0, 2)}/${name}`;
const segmentAt = (list: string, number: number): string => `lists/${list}/segment-${String(number).padStart(6, "0")}`;
const unfinishedAt = (list: string): string => `lists/${list}/unfinished`;
const manifestAt = (list: string): string => `lists/${list}/manifest`;

/** The first 64 bits of a piece's name: that two of a hundred million pieces share them has a chance of one in four thousand. */
const numberOf = (name: string): bigint => BigInt(`0x${name.slice(0, 16)}`);

/** Which pieces are there: eight bytes each, so that millions fit. */
export class Pieces {
  private readonly before: BigUint64Array;
  private readonly since = new Set<bigint>();

  constructor(sorted: BigUint64Array) {
    this.before = sorted;
  }

  has(name: string): boolean {
    const number = numberOf(name);
    if (this.since.has(number)) return true;
    let [from, to] = [0, this.before.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.before[middle] as bigint) < number) from = middle + 1;
      else to = middle;
    }
    return this.before[from] === number;
  }

  add(name: string): void {
    this.since.add(numberOf(name));
  }
}
