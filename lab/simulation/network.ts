/** Who cannot reach whom: partitions by name of caller and of server. Knows no security groups; those are the instance's. */

export class Network {
  private readonly cuts = new Map<string, number>();

  /** Cuts the way from a caller (a function's name, "shop", an instance's id) to a server, until the returned function is called. */
  cut(from: string, to: string): () => void {
    const way = `${from}>${to}`;
    this.cuts.set(way, (this.cuts.get(way) ?? 0) + 1);
    let healed = false;
    return () => {
      if (healed) return;
      healed = true;
      this.cuts.set(way, (this.cuts.get(way) ?? 1) - 1);
    };
  }

  reaches(from: string, to: string): boolean {
    return !this.cuts.get(`${from}>${to}`);
  }
}
