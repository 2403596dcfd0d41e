/**
 * The stamp of a name moved by its record: a TXT record beside it that says which move wrote it last. A batch takes the old stamp away
 * and sets its own together with the name; Route 53 takes all of a batch or nothing, and a DELETE must match, so a writer whose idea of
 * the old stamp is out of date is refused by Route 53 itself. Pure.
 */
import { mayFollow } from "./latch.ts";

export interface Stamp {
  readonly generation: number;
  readonly attempt: number;
  readonly execution: string;
}

/** "db.shop.internal" → "_understudy.db.shop.internal". */
export const stampName = (name: string): string => `_understudy.${name}`;

/** As it stands in the zone, quotes included. */
export const stampText = ({ generation, attempt, execution }: Stamp): string =>
  `"generation=${generation} attempt=${attempt} by=${execution}"`;

/** null for a text that is no stamp. */
export function readStamp(text: string): Stamp | null {
  const found = /^"generation=(\d+) attempt=(\d+) by=([^" ]+)"$/.exec(text);
  return found ? { generation: Number(found[1]), attempt: Number(found[2]), execution: found[3] as string } : null;
}

/** Whether a writer with `ours` may replace what stands there. A text that is no stamp of ours gives way to nobody. */
export function mayReplace(there: string | null, ours: Stamp): boolean {
  if (there === null) return true;
  const stamp = readStamp(there);
  return stamp !== null && mayFollow(stamp, ours);
}
