/** What is known inside AWS of the newest dump outside it: kept by each dump that is finished, for the catalogue's readers. Pure. */
import type { Totals } from "./offsite-dump.ts";

export interface OffsiteNote {
  readonly id: string;
  /** The recovery point it was taken from, in words. */
  readonly from: string;
  /** As of when its rows are. */
  readonly takenAtMs: number;
  readonly finishedAtMs: number;
  readonly endpoint: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly totals: Totals;
}

export const offsiteNoteKey = (database: string): string => `offsite/${database}/newest.json`;
