/** Gives whole rows out of bytes that are cut anywhere, and tells of them. What has no end yet is kept until it has. Copies nothing that is whole. */

const NEWLINE = 10;

export class RowCutter {
  private rest: Buffer[] = [];

  /** The rows that are whole now, as pieces that each end with a newline. */
  add(bytes: Buffer): Buffer[] {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.rest.push(bytes);
      return [];
    }
    const whole: Buffer[] = [];
    if (this.rest.length > 0) {
      const firstEnd = bytes.indexOf(NEWLINE) + 1;
      whole.push(Buffer.concat([...this.rest, bytes.subarray(0, firstEnd)]));
      if (firstEnd < end) whole.push(bytes.subarray(firstEnd, end));
    } else whole.push(bytes.subarray(0, end));
    this.rest = end < bytes.length ? [bytes.subarray(end)] : [];
    return whole;
  }

  /** Nothing may be left without an end. */
  mustBeWhole({ name }: { readonly name: string }): void {
    if (this.rest.length > 0) throw new Error(`the last row of ${name} has no end`);
  }
}

export function rowsIn(rows: Buffer): number {
  let count = 0;
  for (let at = rows.indexOf(NEWLINE); at >= 0; at = rows.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

/** Without its newline. */
export const lastRowOf = (rows: Buffer): string =>
  // The newline before it; -1 where it is the only one.
  rows.toString("utf8", rows.lastIndexOf(NEWLINE, rows.length - 2) + 1, rows.length - 1);
