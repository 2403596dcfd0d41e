/**
 * The faults in force: since when, how often each has struck, and when it ends by itself. Knows nothing of what a fault does.
 *
 * Each fault has a stream of chance of its own, made from the lab's seed and the fault's number: whether the fifth call it sees is
 * struck does not depend on what else goes on.
 */
import type { World } from "../cloud/world.ts";
import type { Fault, FaultOf, Word } from "./vocabulary.ts";

export interface InForce<F = Fault> {
  readonly id: string;
  readonly fault: F;
  readonly sinceMs: number;
  strikes: number;
}

interface Entry extends InForce {
  readonly chance: () => number;
  undo: (() => unknown) | undefined;
  stopTimer: (() => void) | undefined;
}

export class Registry {
  private readonly world: World;
  private readonly entries = new Map<string, Entry>();
  private count = 0;

  constructor(world: World) {
    this.world = world;
  }

  /** Puts a fault in force. It ends after `forMs` where it has that. */
  add(fault: Fault): InForce {
    const number = ++this.count;
    const id = `f${number}`;
    const chance = stream(this.world.seed, number);
    const entry: Entry = { id, fault, sinceMs: this.world.now(), strikes: 0, chance, undo: undefined, stopTimer: undefined };
    this.entries.set(id, entry);
    this.tell(entry, `fault ${id} begins: ${phrase(fault)}`);
    if ("forMs" in fault && fault.forMs !== undefined)
      entry.stopTimer = this.world.later(fault.forMs, `the end of fault ${id}`, () => this.end(id));
    return entry;
  }

  /** What takes the fault back when it ends. */
  undoWith(id: string, undo: () => unknown): void {
    const entry = this.entries.get(id);
    if (entry) entry.undo = undo;
  }

  /** Ends a fault; false when there is none of that id. */
  async end(id: string): Promise<boolean> {
    const entry = this.entries.get(id);
    if (!entry) return false;
    this.entries.delete(id);
    entry.stopTimer?.();
    this.tell(entry, `fault ${id} ends: ${entry.fault.fault}`);
    try {
      await entry.undo?.();
    } catch (error) {
      this.tell(entry, `fault ${id} could not be taken back: ${(error as Error).message}`);
    }
    return true;
  }

  list(): InForce[] {
    return [...this.entries.values()].map(({ id, fault, sinceMs, strikes }) => ({ id, fault, sinceMs, strikes }));
  }

  /** Those of one word, oldest first. */
  of<W extends Word>(word: W): InForce<FaultOf<W>>[] {
    return [...this.entries.values()].filter((entry) => entry.fault.fault === word) as unknown as InForce<FaultOf<W>>[];
  }

  /** Decides, once, whether the fault strikes what it has just met. Counts it, tells it, and ends a fault whose times are used up. */
  strikes({ id }: { readonly id: string }, what: string, region: string): boolean {
    const entry = this.entries.get(id);
    if (!entry) return false;
    const { fault } = entry;
    const share = "rate" in fault ? fault.rate : "probability" in fault ? fault.probability : undefined;
    if (share !== undefined && entry.chance() >= share) return false;
    entry.strikes += 1;
    this.world.tell({
      kind: "fault",
      region,
      service: "faults",
      what: `fault ${id} strikes: ${fault.fault} on ${what}`,
      detail: { id, fault: fault.fault, strike: entry.strikes },
    });
    if ("times" in fault && fault.times !== undefined && entry.strikes >= fault.times) void this.end(id);
    return true;
  }

  private tell({ id, fault }: Entry, what: string): void {
    const region = "region" in fault && fault.region ? fault.region : "-";
    this.world.tell({ kind: "fault", region, service: "faults", what, detail: { id, ...fault } });
  }
}

const phrase = ({ fault, ...fields }: Fault): string =>
  [fault, ...Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]))].join(", ");

/** mulberry32 */
function stream(seed: number, number: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A name against a pattern in which * stands for any characters; no pattern fits everything. */
export function fits(pattern: string | undefined, name: string): boolean {
  if (pattern === undefined) return true;
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}
