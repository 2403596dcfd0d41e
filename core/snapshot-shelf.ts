/**
 * The backups that regions list, by database, in columns: a fleet has a million of them, and as objects they would need more memory than
 * a function has. What a column cannot hold, an odd name, is kept as it is. Pure.
 */
import type { Listed } from "./catalogue.ts";
import { slotOf, snapshotName, startOfSlot } from "./slots.ts";

/** A backup without its tags: whose it is, is known by where it stands. */
export type ListedBackup = Omit<Listed, "tags">;

const NONE = -1;
const MINUTE_MS = 60_000;

/** Words that occur again and again, each once. */
class Words {
  private readonly all: (string | null)[] = [];
  private readonly known = new Map<string | null, number>();

  add(word: string | null): number {
    const known = this.known.get(word);
    if (known !== undefined) return known;
    this.known.set(word, this.all.length);
    return this.all.push(word) - 1;
  }

  at(index: number): string | null {
    return this.all[index] ?? null;
  }
}

export class SnapshotShelf {
  private count = 0;
  /** By database: its newest entry; each entry knows the one before. */
  private readonly last = new Map<string, number>();
  private readonly before = new Column(Int32Array);
  /** Minutes since 1970: with the database's name it is the whole of an identifier. */
  private readonly slot = new Column(Int32Array);
  /** By entry: identifiers that are made otherwise. */
  private readonly odd = new Map<number, string>();
  private readonly takenAt = new Column(Float64Array);
  private readonly words = new Words();
  private readonly region = new Column(Int32Array);
  private readonly status = new Column(Int32Array);
  private readonly key = new Column(Int32Array);
  private readonly encrypted = new Column(Uint8Array);

  add(database: string, slot: string, { id, region, status, takenAtMs, encrypted, kmsKeyId }: ListedBackup): void {
    const entry = this.count++;
    this.before.set(entry, this.last.get(database) ?? NONE);
    this.last.set(database, entry);
    const startMs = id === snapshotName(database, slot) ? startOfSlot(slot) : null;
    this.slot.set(entry, startMs === null ? NONE : startMs / MINUTE_MS);
    if (startMs === null) this.odd.set(entry, id);
    this.takenAt.set(entry, takenAtMs ?? NONE);
    this.region.set(entry, this.words.add(region));
    this.status.set(entry, this.words.add(status));
    this.key.set(entry, this.words.add(kmsKeyId));
    this.encrypted.set(entry, encrypted ? 1 : 0);
  }

  /** Every one of the database, in no order. */
  of(database: string): ListedBackup[] {
    const found: ListedBackup[] = [];
    for (let entry = this.last.get(database) ?? NONE; entry !== NONE; entry = this.before.at(entry)) {
      const takenAtMs = this.takenAt.at(entry);
      found.push({
        id: this.odd.get(entry) ?? snapshotName(database, slotOf(this.slot.at(entry) * MINUTE_MS)),
        region: this.words.at(this.region.at(entry)) as string,
        status: this.words.at(this.status.at(entry)) as string,
        takenAtMs: takenAtMs === NONE ? null : takenAtMs,
        encrypted: this.encrypted.at(entry) === 1,
        kmsKeyId: this.words.at(this.key.at(entry)),
      });
    }
    return found;
  }
}

type Numbers = Int32Array | Float64Array | Uint8Array;

/** Numbers, one an entry, in a room that doubles. */
class Column<Kind extends Numbers> {
  private numbers: Kind;
  private readonly make: new (
    length: number,
  ) => Kind;

  constructor(make: new (length: number) => Kind) {
    this.make = make;
    this.numbers = new make(1024);
  }

  set(entry: number, value: number): void {
    if (entry >= this.numbers.length) {
      const larger = new this.make(this.numbers.length * 2);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.numbers[entry] = value;
  }

  at(entry: number): number {
    return this.numbers[entry] as number;
  }
}
