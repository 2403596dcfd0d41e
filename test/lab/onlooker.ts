/**
 * Watches two databases and the clients' name all along: where the name leads, and which of the two takes a write from somebody who
 * comes anew. Judges nothing while it looks; `verdict` says afterwards whether there ever were two writable primaries.
 */
import { endpoint, waitFor } from "../../lab/look.ts";
import { lookUp } from "../../lab/shop/lookup.ts";
import { openSession } from "../../lab/shop/session.ts";
import type { Shop } from "./shop.ts";

const PATIENCE_MS = 400;
const PAUSE_MS = 60;

export class Onlooker {
  /** In the order in which they were acknowledged. */
  private readonly took: { readonly instance: string; readonly sentAtMs: number; readonly atMs: number }[] = [];
  private readonly led: string[] = [];
  private readonly shop: Shop;
  private readonly hosts: ReadonlyMap<string, { host: string; port: number }>;
  private readonly looking: Promise<void>;
  private stopping = false;
  private count = 0;

  private constructor(shop: Shop, hosts: Onlooker["hosts"]) {
    this.shop = shop;
    this.hosts = hosts;
    this.looking = this.look();
  }

  static async start(shop: Shop, ...instances: string[]): Promise<Onlooker> {
    const hosts = new Map<string, { host: string; port: number }>();
    for (const instance of instances) hosts.set(instance, await endpoint(shop.lab, shop.plan.regions.primary, instance));
    return new Onlooker(shop, hosts);
  }

  private async look(): Promise<void> {
    while (!this.stopping) {
      await this.lookOnce();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  private async lookOnce(): Promise<void> {
    await Promise.all([this.follow(), ...[...this.hosts].map(([instance, at]) => this.write(instance, at))]);
  }

  /** @returns whether the name was answered. */
  private async follow(): Promise<boolean> {
    const answer = await lookUp({ host: "127.0.0.1", port: this.shop.lab.dns.port }, "db.shop.internal", PATIENCE_MS);
    if (!answer) return false;
    const instance = [...this.hosts].find(([, { host }]) => host === answer.address)?.[0] ?? answer.address;
    if (this.led.at(-1) !== instance) this.led.push(instance);
    return true;
  }

  /** A number below zero is no order of the shop's client. */
  private async write(instance: string, at: { host: string; port: number }): Promise<void> {
    const { engine, username, password } = this.shop.access;
    const sentAtMs = Date.now();
    this.count++;
    const id = -this.count;
    try {
      const session = await openSession({ engine, ...at, database: "shop", username, password }, PATIENCE_MS);
      try {
        await session.keep({ id, item: "seen by an onlooker", sentAtMs });
        this.took.push({ instance, sentAtMs, atMs: Date.now() });
      } finally {
        session.drop();
      }
    } catch {
      // It took no write, which is all that is asked.
    }
  }

  /** Who has taken writes, in order. */
  get writers(): string[] {
    return [...new Set(this.took.map(({ instance }) => instance))];
  }

  /**
   * Who took writes and where the name led, each in order and without repetition; and writes that the first one acknowledged after the
   * next one had acknowledged its own.
   */
  async verdict(): Promise<{ writers: string[]; led: string[]; beside: number }> {
    this.stopping = true;
    await this.looking;
    // What it was doing may have begun before the end of the story.
    await this.lookOnce();
    await waitFor("where the name leads at the end", 10_000, () => this.follow());
    const { writers } = this;
    const beside = this.took.filter((one) =>
      this.took.some((other) => writers.indexOf(other.instance) > writers.indexOf(one.instance) && other.atMs < one.sentAtMs),
    );
    return { writers, led: this.led, beside: beside.length };
  }
}
