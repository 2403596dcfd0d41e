/** Which backups are to be copied once more, because their copy never came. Pure. */
import { uncopiedIn } from "./backup-findings.ts";
import type { Catalogue } from "./catalogue.ts";
import { type BackupSlot, snapshotName, startOfSlot } from "./slots.ts";

export interface CopyAgain {
  readonly slot: BackupSlot;
  /** Where the snapshot is. */
  readonly from: string;
  /** The same all day, so that it is tried once a day. */
  readonly execution: string;
}

/** Slots are scarce, and tonight's backups need theirs. */
const A_DAY = 3;

/** The newest first: they are worth the most. */
export function copiesAgain({ database, points }: Catalogue, nowMs: number): CopyAgain[] {
  const day = new Date(nowMs).toISOString().slice(5, 10).replace("-", "");
  const name = snapshotName(database, "");
  return points
    .flatMap((point) => {
      const from = uncopiedIn(point, nowMs);
      const slot = point.id.slice(name.length);
      if (from === null || !point.id.startsWith(name) || startOfSlot(slot) === null) return [];
      return [{ slot, from, execution: `again-${database}-${slot}-${day}` }];
    })
    .slice(0, A_DAY);
}
