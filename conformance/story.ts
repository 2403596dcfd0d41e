/**
 * The form of the script: stories of calls, as data. What to send and what to keep of an answer for later calls; nothing about what
 * the answer should be.
 */
import type { Json } from "./json.ts";

export interface Story {
  readonly title: string;
  /** botocore's name of the service. */
  readonly service: string;
  readonly region: string;
  readonly calls: readonly Call[];
}

/** The operation, its parameters (`${name}` stands for a kept value), and what else there is to know. */
export type Call = readonly [operation: string, parameters?: Json, more?: More];

export interface More {
  /** Keeps values of the answer by name: a path each. They are the ids, so they need not be equal on both sides. */
  readonly keep?: Readonly<Record<string, string>>;
  /** Asks again until the value at the path is this one; `gone` waits for an error instead. */
  readonly until?: readonly [path: string, value: Json] | "gone";
  readonly region?: string;
  readonly service?: string;
  /** Names the call where a listed difference is about this one alone. */
  readonly as?: string;
}
