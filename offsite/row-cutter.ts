/** Gives whole rows out of bytes that are cut anywhere. What has no end yet is kept until it has. Copies nothing that is whole. */

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

  /** Something was left without an end. */
  get torn(): boolean {
    return this.rest.length > 0;
  }
}
