/**
 * Everything that happened in one run, in order: what the checkers judge, what a reader is told, what the hash is taken of.
 * Events are plain values; nothing here knows what they mean.
 */
import { createHash } from "node:crypto";

/** What a checker may rely on. `words` is for people; what else a kind carries stands in `data`. */
export interface SimulationEvent {
  readonly atMs: number;
  readonly kind:
    | "fault"
    | "instance"
    | "effect"
    | "invoke"
    | "decision"
    | "news"
    | "mail"
    | "person"
    | "record"
    | "name"
    | "write"
    | "lost"
    | "durable"
    | "lab"
    | "verdict";
  readonly words: string;
  // biome-ignore lint/suspicious/noExplicitAny: each kind carries its own plain values
  readonly data: Readonly<Record<string, any>>;
}

export type Listener = (event: SimulationEvent) => void;

export class EventLog {
  readonly events: SimulationEvent[] = [];
  private readonly hash = createHash("sha256");
  private readonly listeners: Listener[] = [];
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  listen(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** `quiet` events reach the checkers and the hash, but are too many to be kept. */
  tell(kind: SimulationEvent["kind"], words: string, data: SimulationEvent["data"] = {}, quiet = false): void {
    const event: SimulationEvent = { atMs: this.now(), kind, words, data };
    this.hash.update(`${event.atMs} ${kind} ${words}\n`);
    if (!quiet) this.events.push(event);
    for (const listener of this.listeners) listener(event);
  }

  /** Of all lines so far. Can be asked once. */
  digest(): string {
    return this.hash.digest("hex").slice(0, 16);
  }
}
