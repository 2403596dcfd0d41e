/** A requirement with the guards that hold it; each guard is a change that takes it away and the test that misses it then. */
import type { Mutation } from "../../conformance/mutate.ts";

export interface Requirement {
  readonly number: number;
  readonly says: string;
  readonly guards: readonly Mutation[];
  /** What is still missing, where something is. */
  readonly open?: string;
}

/** The behaviour, where it stands, what takes it away, and who notices. */
export const guard = (behaviour: string, file: string, from: string, to: string, ...test: [file: string, name: string]): Mutation => ({
  behaviour,
  file,
  from,
  to,
  test,
});
