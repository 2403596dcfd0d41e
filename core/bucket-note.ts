/** What is known inside AWS of a bucket's newest list outside it: kept by each that is finished. Pure. */
import type { Totals } from "./bucket-list.ts";

export interface BucketNote {
  /** Of the list. */
  readonly id: string;
  readonly begunAtMs: number;
  readonly finishedAtMs: number;
  readonly endpoint: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly totals: Totals;
  /** Some of the objects that could not be carried, and why. */
  readonly notCarried: readonly { readonly key: string; readonly why: string }[];
}

export const bucketNoteKey = (name: string): string => `offsite/buckets/${name}.json`;
