/**
 * A dump's folder at the provider: what it began as, its parts, and a receipt for each part that is stored and read back. A part without
 * a receipt is not finished and is written over. Nothing is ever deleted.
 */
import { FORM, type Manifest, NAMES, type Part, type Piece, type Start } from "../core/offsite-dump.ts";
import { Problem } from "../core/problem.ts";
import { type DumpKeys, dumpKeys } from "./keys.ts";
import { open, seal, sha256 } from "./seal.ts";
import type { Schema } from "./source.ts";
import type { Store } from "./store.ts";

const READ_AT_ONCE = 8;

export class DumpFolder {
  readonly id: string;
  readonly keys: DumpKeys;
  private readonly store: Store;
  private readonly path: string;

  /** `database` is the plan's name for it: all its dumps lie in a folder of that name. */
  constructor(store: Store, master: Buffer, database: string, id: string) {
    this.store = store;
    this.id = id;
    this.path = `${database}/${id}`;
    this.keys = dumpKeys(master, id);
  }

  async begin(start: Start, schema: Schema): Promise<void> {
    await this.putSealed(NAMES.pre, schema.pre);
    await this.putSealed(NAMES.post, schema.post);
    // Last: a folder without it was not begun.
    await this.putSealed(NAMES.start, JSON.stringify(start));
  }

  /** null: it was never begun in earnest. */
  async start(): Promise<Start | null> {
    const start = await this.json<Start>(NAMES.start);
    if (start && start.form !== FORM)
      throw new Problem("OffsiteForm", `the dump ${this.id} is of form ${start.form}, this code writes form ${FORM}`, {
        hint: "Begin a new dump (beginAnew), or finish this one with the version that began it.",
      });
    return start;
  }

  /** In their order, up to the first that is missing. */
  async parts(): Promise<Part[]> {
    const receipts = await this.store.list(`${this.path}/receipts/`);
    const parts: Part[] = [];
    for (let from = 1; from <= receipts.length; from += READ_AT_ONCE) {
      const numbers = Array.from({ length: Math.min(READ_AT_ONCE, receipts.length - from + 1) }, (_, place) => from + place);
      for (const part of await Promise.all(numbers.map((number) => this.json<Part>(NAMES.receipt(number))))) {
        if (part === null) return parts;
        parts.push(part);
      }
    }
    return parts;
  }

  async keep(made: Omit<Part, "etag">, stored: Buffer): Promise<Part> {
    const etag = await this.store.put(`${this.path}/${NAMES.part(made.number)}`, stored);
    const part: Part = { ...made, etag };
    await this.putSealed(NAMES.receipt(part.number), JSON.stringify(part));
    return part;
  }

  /** What the folder holds besides parts, as it lies there. */
  async piece(name: string): Promise<Piece> {
    const stored = await this.store.get(`${this.path}/${name}`);
    if (stored === null) throw this.missing([name]);
    return { name, storedBytes: stored.length, storedSha256: sha256(stored) };
  }

  async putSealed(name: string, content: string): Promise<Piece> {
    const stored = seal(this.keys, name, content);
    await this.store.put(`${this.path}/${name}`, stored);
    return { name, storedBytes: stored.length, storedSha256: sha256(stored) };
  }

  async putPlain(name: string, content: string): Promise<void> {
    await this.store.put(`${this.path}/${name}`, Buffer.from(content), "text/plain; charset=utf-8");
  }

  /** Each part was read back when it was stored; here they are looked for once more, all of them: nobody has written over one since. */
  async mustHold(parts: readonly Part[]): Promise<void> {
    const there = new Map((await this.store.list(`${this.path}/parts/`)).map((each) => [each.name, each]));
    const wrong = parts.filter(({ number, storedBytes, etag }) => {
      const found = there.get(`${this.path}/${NAMES.part(number)}`);
      return found?.bytes !== storedBytes || found.etag !== etag;
    });
    if (wrong.length > 0) throw this.missing(wrong.map(({ number }) => NAMES.part(number)));
  }

  /** null: no manifest, no dump. */
  manifest(): Promise<Manifest | null> {
    return this.json<Manifest>(NAMES.manifest);
  }

  private async json<Value>(name: string): Promise<Value | null> {
    const stored = await this.store.get(`${this.path}/${name}`);
    return stored === null ? null : (JSON.parse(open(this.keys, name, stored).toString("utf8")) as Value);
  }

  private missing(names: readonly string[]): Problem {
    return new Problem("OffsiteAltered", `${this.path}: ${names.slice(0, 3).join(", ")} are missing or have changed at the provider`, {
      hint: "Look who else writes or deletes there, then begin a new dump (beginAnew).",
    });
  }
}

/** The newest folder of a database; null: there is none. Those behind it have been given up. */
export async function newestFolder(store: Store, master: Buffer, database: string): Promise<DumpFolder | null> {
  const newest = (await store.folders(database)).sort().at(-1);
  return newest === undefined ? null : new DumpFolder(store, master, database, newest);
}
