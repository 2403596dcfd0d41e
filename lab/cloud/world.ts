/**
 * What every service of the lab shares: the clock, chance, the state that survives a restart, the call log,
 * and the way services reach each other. Knows no service by name.
 */
import { EventEmitter } from "node:events";
import path from "node:path";
import { ServiceError } from "../wire/errors.ts";

/** Who is calling, and where. Made from the request's signature scope; internal calls say who they act for. */
export interface Caller {
  readonly region: string;
  readonly account: string;
  /** ARN of the caller: a role session of a deployed function, the account's root user, or `service:<name>` inside the lab. */
  readonly principal: string;
  readonly requestId: string;
}

/** One operation: decoded input in, output to encode out. Throws ServiceError for AWS errors. */
// biome-ignore lint/suspicious/noExplicitAny: inputs and outputs are typed by the SDK's schemas at run time
export type Operation = (input: any, caller: Caller) => unknown;

/** A service: its operations by name. `name` is the one that stands in a signature's credential scope. */
export interface Service {
  readonly name: string;
  readonly operations: Record<string, Operation>;
  /** Starts what the service runs by itself (schedules, alarms, servers). Called once, after `state` is loaded. */
  start?(): Promise<void> | void;
  /** Stops processes and servers. Timers made with `world.later` stop by themselves. */
  stop?(): Promise<void> | void;
}

/** One line of the lab's story: what happened, where, when. The page, the timeline and the tests read these. */
export interface LabEvent {
  readonly at: number;
  readonly kind: "call" | "state" | "invoke" | "event" | "mail" | "dns" | "fault" | "durable" | "log" | "lab";
  readonly region: string;
  readonly service: string;
  /** The account it happened in, when that is not the lab's first. */
  readonly account?: string;
  /** Words a person can read. */
  readonly what: string;
  readonly detail?: Record<string, unknown>;
}

/** Modelled durations, in milliseconds. AWS takes minutes for most of these; the lab keeps their order and the states between. */
export interface Timings {
  createInstanceMs: number;
  modifyInstanceMs: number;
  rebootMs: number;
  /** A Multi-AZ failover takes this long at least and twice as long at most, as 60 to 120 s on AWS; noticing the failure is part of it. */
  failoverMs: number;
  /** A DB cluster's failover takes at most this long and at least half of it: 35 s on AWS, 30 to 60 s in Aurora. */
  clusterFailoverMs: number;
  /** After a failover the other zone has no standby to fail over to for this long. */
  standbyMs: number;
  promoteLingerMs: number;
  snapshotMs: number;
  copyMs: number;
  copyQueueMs: number;
  restoreMs: number;
  dnsInsyncMs: number;
  /** The minute of metrics of standard resolution, as Route 53's health checks read them: a real one unless a test is in a hurry (1, 5, 10 or 30 s). */
  metricMinuteMs: number;
  /** Every rate() schedule fires first after this long, then at its own rate: the phase, which AWS does not promise. */
  firstTickMs: number;
}

export const DEFAULT_TIMINGS: Timings = {
  createInstanceMs: 0,
  modifyInstanceMs: 150,
  rebootMs: 400,
  failoverMs: 900,
  clusterFailoverMs: 500,
  standbyMs: 3000,
  promoteLingerMs: 80,
  snapshotMs: 700,
  copyMs: 900,
  copyQueueMs: 300,
  restoreMs: 300,
  dnsInsyncMs: 250,
  metricMinuteMs: 60_000,
  firstTickMs: 1000,
};

export interface WorldOptions {
  account?: string;
  /** Absolute folder for the lab's files (database clusters, snapshots). Exists, and can be entered by the databases' user. */
  dir: string;
  timings?: Partial<Timings>;
  seed?: number;
  /** JSON-able state of an earlier lab, by service name. */
  state?: Record<string, unknown>;
}

/**
 * State that all accounts look at: ids and chance, the names of running databases, mails, and what services keep for every account in
 * one place because it is shared across them (bucket names, keys, EBS snapshots).
 */
const COMMON = new Set(["chance", "hosts", "mail", "s3", "kms", "ec2-compute", "ec2-last-copies"]);

export class World extends EventEmitter<{ story: [LabEvent] }> {
  readonly account: string;
  readonly dir: string;
  readonly timings: Timings;
  readonly seed: number;
  readonly services = new Map<string, Service>();
  /** Every line so far, oldest first, bounded; of all accounts. */
  readonly story: LabEvent[];
  /** Every account's world by account id, this one's too. */
  readonly accounts: Map<string, World>;
  closed = false;
  private readonly first: World;
  private readonly states: Record<string, unknown>;
  private readonly chance: { random: number; counter: number };
  private readonly timers = new Set<NodeJS.Timeout>();

  /** `first`: the world of the lab's first account, when this is another's. It has the clock, the story and the timings of both. */
  constructor(options: WorldOptions, first?: World) {
    super();
    this.setMaxListeners(0);
    this.account = options.account ?? "111122223333";
    this.dir = options.dir;
    this.first = first ?? this;
    this.story = first?.story ?? [];
    this.accounts = first?.accounts ?? new Map();
    this.accounts.set(this.account, this);
    this.timings = first?.timings ?? { ...DEFAULT_TIMINGS, ...options.timings };
    this.seed = first?.seed ?? options.seed ?? 1;
    this.states = options.state ?? {};
    // Saved with the rest, so that a lab that goes on gives nobody an id of an earlier one.
    this.chance = this.state("chance", () => ({ random: this.seed >>> 0 || 1, counter: 0 }));
  }

  /** The world of another account of the same lab, kept in this one's state and folder. */
  beside(account: string): World {
    const all = this.first.state<Record<string, Record<string, unknown>>>("accounts", () => ({}));
    all[account] ??= {};
    return new World({ account, dir: path.join(this.first.dir, "accounts", account), state: all[account] }, this.first);
  }

  now(): number {
    return this.first === this ? Date.now() : this.first.now();
  }

  /** Seeded chance in [0, 1): mulberry32. */
  random(): number {
    this.chance.random = (this.chance.random + 0x6d2b79f5) >>> 0;
    let t = this.chance.random;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A hex id of `length` characters, unique in this lab. */
  id(length = 17): string {
    let s = (++this.chance.counter).toString(16);
    while (s.length < length) s = Math.floor(this.random() * 0xffffffff).toString(16) + s;
    return s.slice(-length);
  }

  /** The service's own state, created by `empty` the first time. Everything in it is plain JSON: it is what `save` writes. */
  state<T>(service: string, empty: () => T): T {
    const states = COMMON.has(service) ? this.first.states : this.states;
    states[service] ??= empty();
    return states[service] as T;
  }

  save(): Record<string, unknown> {
    return this.states;
  }

  tell(line: Omit<LabEvent, "at">): void {
    if (this.first !== this) {
      this.first.tell({ account: this.account, ...line });
      return;
    }
    const full: LabEvent = { at: this.now(), ...line };
    this.story.push(full);
    if (this.story.length > 50_000) this.story.splice(0, 10_000);
    this.emit("story", full);
  }

  /** Runs `then` after `ms`, unless the lab closes first. An error becomes a line of the story, never a crash. */
  later(ms: number, what: string, then: () => unknown): () => void {
    const timer = setTimeout(
      async () => {
        this.timers.delete(timer);
        if (this.closed) return;
        try {
          await then();
        } catch (error) {
          this.tell({
            kind: "lab",
            region: "-",
            service: "lab",
            what: `${what} failed: ${(error as Error).message}`,
            detail: { stack: (error as Error).stack },
          });
        }
      },
      Math.max(0, ms),
    );
    this.timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.timers.delete(timer);
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.later(ms, "sleep", resolve));
  }

  register(service: Service): void {
    this.services.set(service.name, service);
  }

  /** One service calls another (an alarm invokes a function, a rule publishes to a topic): the same code a request reaches. */
  // biome-ignore lint/suspicious/noExplicitAny: outputs are typed by the SDK's schemas at run time
  async call(service: string, operation: string, input: unknown, from: { region: string; principal?: string }): Promise<any> {
    const found = this.services.get(service);
    const run = found?.operations[operation];
    if (!run) throw new ServiceError("UnknownOperationException", `The lab has no ${service}:${operation}.`, 400);
    return await run(input, {
      region: from.region,
      account: this.account,
      principal: from.principal ?? "service:lab",
      requestId: this.id(32),
    });
  }

  async start(): Promise<void> {
    for (const service of this.services.values()) await service.start?.();
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    for (const service of [...this.services.values()].reverse()) await service.stop?.();
  }
}
