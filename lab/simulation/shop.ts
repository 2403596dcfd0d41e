/**
 * The shop's clients in virtual time: each writes an order every tick through the clients' name over one connection, and reconnects
 * after any error. One keeps DNS answers for their TTL and gives up on a statement after a second; the stubborn one keeps its first
 * answer and waits for the database as long as it takes, as some runtimes do.
 */
import type { EventLog } from "./log.ts";
import { open, run, type Sea, within } from "./postgres.ts";
import { CLIENTS } from "./rds.ts";
import type { Session } from "./server.ts";

const CONNECT_PATIENCE_MS = 1000;

export interface Habits {
  /** How long it keeps an answer of the name server. */
  readonly keepMs: number;
  /** How long it waits for an acknowledgement. */
  readonly patienceMs: number;
}

export const POLITE_PATIENCE_MS = 1000;
export const STUBBORN: Habits = { keepMs: Number.POSITIVE_INFINITY, patienceMs: 900_000 };

export interface Acknowledged {
  readonly key: string;
  readonly server: string;
  readonly atMs: number;
  readonly client: string;
}

export class ShopClient {
  readonly name: string;
  readonly acknowledged: Acknowledged[] = [];
  private readonly sea: Sea;
  private readonly log: EventLog;
  private readonly lookUp: () => string | undefined;
  private readonly habits: Habits;
  private session: Session | undefined;
  private answer: { address: string; untilMs: number } | undefined;
  private orders = 0;

  constructor(name: string, sea: Sea, log: EventLog, lookUp: () => string | undefined, habits: Habits) {
    this.name = name;
    this.sea = sea;
    this.log = log;
    this.lookUp = lookUp;
    this.habits = habits;
  }

  async start(tickMs: number): Promise<never> {
    const { clock } = this.sea;
    for (let next = clock.nowMs; ; next = Math.max(next + tickMs, clock.nowMs)) {
      await clock.sleep(next - clock.nowMs);
      await this.order().catch(() => this.drop());
    }
  }

  private async order(): Promise<void> {
    const { clock } = this.sea;
    const key = `${this.name}-${++this.orders}`;
    const session = await this.connected();
    const writing = run(this.sea, session, () => session.server.commit("orders", key, this.orders));
    await within(clock, this.habits.patienceMs, "Query read timeout", writing);
    const row = { key, server: session.server.id, atMs: clock.nowMs, client: this.name };
    this.acknowledged.push(row);
    this.log.tell("write", `${key} is acknowledged by ${row.server}`, row, true);
  }

  private async connected(): Promise<Session> {
    if (this.session?.open) return this.session;
    const { clock } = this.sea;
    if (!this.answer || clock.nowMs >= this.answer.untilMs) {
      const address = this.lookUp();
      if (!address) throw new Error("the name does not resolve");
      this.answer = { address, untilMs: clock.nowMs + this.habits.keepMs };
    }
    const opening = open(this.sea, CLIENTS, this.answer.address);
    let late = false;
    void opening.then(
      (session) => late && session.server.end(session),
      () => {},
    );
    try {
      this.session = await within(clock, CONNECT_PATIENCE_MS, "timeout expired", opening);
    } catch (error) {
      late = true;
      throw error;
    }
    return this.session;
  }

  /** Where the server cannot see it, a dropped connection stays open on its side. */
  private drop(): void {
    const { session } = this;
    this.session = undefined;
    if (!session?.open) return;
    session.ended = undefined;
    if (this.sea.network.reaches(CLIENTS, session.server.id)) session.server.end(session);
  }
}
