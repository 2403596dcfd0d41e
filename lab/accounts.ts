/**
 * The accounts of one lab. The first is there from the start; another comes into being when its keys are first used, so that a lab of
 * one account pays nothing. An access key of twelve digits is the root of that account, the key of a role's session belongs to the
 * role's account, and any other key is the first account's root.
 */
import type { Account } from "./account.ts";
import type { ServedZone } from "./cloud/dns.ts";
import type { SessionKey } from "./cloud/iam.ts";
import { servedRecords } from "./cloud/route53.ts";
import type { World } from "./cloud/world.ts";

/** The account the lab names as a second one; any other twelve digits will do as well. */
export const SECOND_ACCOUNT = "444455556666";

export class Accounts {
  private readonly first: World;
  private readonly make: (world: World) => Account;
  private readonly open = new Map<string, Promise<Account>>();
  private readonly ready = new Map<string, Account>();

  constructor(first: World, make: (world: World) => Account) {
    this.first = first;
    this.make = make;
  }

  /** Starts the first account, and those an earlier lab on the same state had. */
  async start(): Promise<Account> {
    const first = await this.of(this.first.account);
    for (const id of Object.keys(this.first.state<Record<string, unknown>>("accounts", () => ({})))) await this.of(id);
    return first;
  }

  /** The account, made and started when it is the first time. */
  of(id: string): Promise<Account> {
    const known = this.open.get(id);
    if (known) return known;
    const opening = this.opening(id);
    this.open.set(id, opening);
    return opening;
  }

  private async opening(id: string): Promise<Account> {
    const account = this.make(id === this.first.account ? this.first : this.first.beside(id));
    try {
      await account.world.start();
    } catch (error) {
      await account.world.close();
      throw error;
    }
    this.ready.set(id, account);
    return account;
  }

  /** The account an access key belongs to; an account id stands for its root's key. */
  ofKey(accessKeyId: string): Promise<Account> {
    if (/^\d{12}$/.test(accessKeyId)) return this.of(accessKeyId);
    return Promise.resolve(this.holding(accessKeyId) ?? this.of(this.first.account));
  }

  /** Of an account that is open: who the key stands for. */
  principalFor(accessKeyId: string): string {
    const account = this.holding(accessKeyId) ?? this.ready.get(accessKeyId) ?? this.ready.get(this.first.account);
    return account?.iam.principalFor(accessKeyId) ?? `arn:aws:iam::${this.first.account}:root`;
  }

  private holding(accessKeyId: string): Account | undefined {
    return [...this.ready.values()].find(({ iam }) => iam.knows(accessKeyId));
  }

  /** A session of a role somebody assumed: its key belongs to the role's account from now on. */
  remember(key: SessionKey): void {
    this.ready.get(key.principal.split(":")[4] ?? "")?.iam.remember(key);
  }

  /** What the name server says of a name: the closest zone of any account. */
  records(name: string): ServedZone | undefined {
    const zones = [...this.ready.values()].flatMap(({ world }) => servedRecords(world)(name) ?? []);
    return zones.sort((a, b) => b.zone.length - a.zone.length)[0];
  }

  async close(): Promise<void> {
    const open = await Promise.allSettled(this.open.values());
    // The first goes last: the others use its clock and its story.
    for (const each of open.reverse()) if (each.status === "fulfilled") await each.value.world.close();
  }
}
