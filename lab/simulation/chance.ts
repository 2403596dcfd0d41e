/** Chance from a seed. Each concern draws from a stream of its own, so that a new question in one place changes no answer in another. */

export class Chance {
  private state: number;

  constructor(seed: number, stream = "") {
    let hash = (seed ^ 0x9e3779b9) >>> 0;
    for (const letter of stream) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0;
    this.state = hash || 1;
    // The first draws of neighbouring seeds are alike.
    for (let i = 0; i < 3; i++) this.next();
  }

  /** In [0, 1): mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  happens(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** A whole number from `from` to `to`, both possible. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T;
  }
}
