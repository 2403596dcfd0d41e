/**
 * The third engine: the simulation's server behind the interface of real ones, so that the same tests judge it. Rows in memory with a
 * position in a log; no processes, no ports, no SQL. A cluster lives as long as its object; only backups are files.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Gate, GateOptions } from "../network/gate.ts";
import { VirtualClock } from "../simulation/clock.ts";
import { Network } from "../simulation/network.ts";
import { type Row as LogRow, Server } from "../simulation/server.ts";
import type { Cluster, Engine, Master, Parameter, Replication, Row } from "./engine.ts";
import { removeTree } from "./folders.ts";

const BACKUP = "simulated.json";

/** One clock and one network for all: time stands still unless somebody moves it. */
const clock = new VirtualClock(0);
const network = new Network();

/** What a number that looks like a port leads to: a running cluster, or a gate in front of one. */
const listening = new Map<number, SimulatedCluster | SimulatedGate>();
let lastPort = 0;

export interface SimulatedSession {
  /** Throws what the server says. */
  write(id: number): void;
  ids(): number[];
}

export class SimulatedCluster implements Cluster {
  readonly dir: string;
  readonly data: string;
  readonly log: string;
  port: number | undefined;
  private server: Server | undefined;
  private master: Master | undefined;
  private settings: Record<string, string> = {};
  private upstreamPort: number | undefined;
  private heal: (() => void) | undefined;

  constructor(dir: string) {
    this.dir = dir;
    this.data = path.join(dir, "data");
    this.log = path.join(dir, "simulated.log");
  }

  private get there(): Server {
    if (!this.server) throw new Error(`There is no simulated database in ${this.dir}: make one with init first.`);
    return this.server;
  }

  get hung(): boolean {
    return this.server?.hung ?? false;
  }

  exists(): boolean {
    return this.server !== undefined;
  }

  async init(): Promise<void> {
    this.server = new Server(this.dir, clock, network);
    this.server.lagMs = 0;
    this.server.up = false;
  }

  async initFrom(backup: string): Promise<void> {
    await this.init();
    const { rows, master } = JSON.parse(await readFile(path.join(backup, BACKUP), "utf8")) as { rows: LogRow[]; master: Master };
    this.there.log = rows;
    this.master = master;
  }

  async initAsStandby(primary: Cluster, port: number): Promise<void> {
    await primary.takeBackup(this.data);
    await this.initFrom(this.data);
    await removeTree(this.data);
    this.there.inRecovery = true;
    this.upstreamPort = port;
  }

  async provision(master: Master): Promise<void> {
    this.master = { ...master };
  }

  async setPassword(user: string, password: string): Promise<void> {
    if (this.master?.user === user) this.master.password = password;
  }

  async start(): Promise<void> {
    if (this.port !== undefined) throw new Error(`The cluster in ${this.dir} is running already.`);
    this.there.start();
    this.port = ++lastPort;
    listening.set(this.port, this);
    this.link();
    this.there.settle();
  }

  stop(): Promise<void> {
    return this.kill();
  }

  async kill(): Promise<void> {
    this.server?.stop();
    if (this.port !== undefined) listening.delete(this.port);
    this.port = undefined;
  }

  hang(): void {
    this.there.hang();
  }

  resume(): void {
    this.there.wake();
  }

  alive(): boolean {
    return this.port !== undefined && !this.hung;
  }

  /** Knows `SHOW name` of a parameter, and nothing else. */
  async query<R extends Row = Row>(sql: string): Promise<R[]> {
    const [, name] = /^SHOW (\w+)$/.exec(sql) ?? [];
    if (!name) throw new Error(`The simulated engine has no SQL, so it cannot do this: ${sql}`);
    return [{ [name]: this.settings[name] ?? "default" } as R];
  }

  /** What a client does. A frozen server is met as the client's own timeout, at once: whoever wants time to pass lets it pass. */
  session(user: string, password: string): SimulatedSession {
    const answering = (): Server => {
      if (this.port === undefined) throw new Error("connect ECONNREFUSED");
      if (this.hung) throw new Error("the database did not answer in time");
      this.catchUp();
      return this.there;
    };
    answering();
    if (user !== this.master?.user || password !== this.master.password) throw new Error(`password authentication failed for ${user}`);
    return {
      write: (id) => answering().commit("orders", String(id), id),
      ids: () => {
        const server = answering();
        return server.log.slice(0, server.applied).flatMap((row) => (row.table === "orders" ? [row.value] : []));
      },
    };
  }

  async takeBackup(to: string): Promise<void> {
    this.catchUp();
    const { log, applied } = this.there;
    await mkdir(to, { recursive: true });
    await writeFile(path.join(to, BACKUP), JSON.stringify({ rows: log.slice(0, applied), master: this.master }));
  }

  isStandby(): boolean {
    return this.server?.inRecovery ?? false;
  }

  async follow(port: number | undefined): Promise<void> {
    this.catchUp();
    this.upstreamPort = port;
    this.there.receiverStopped = port === undefined;
    this.link();
  }

  /** Joins the server to whoever is behind its port now: a source that has started again is behind another one. */
  private link(): void {
    const upstream = this.upstreamPort === undefined ? undefined : behind(this.upstreamPort);
    if (!upstream?.server || !this.isStandby() || this.there.upstream === upstream.server) return;
    if (!upstream.server.followers.includes(this.there)) upstream.server.followers.push(this.there);
    this.there.follow(upstream.server);
  }

  private catchUp(): void {
    if (this.port !== undefined) this.link();
    this.server?.settle();
  }

  /** What has been sent before a partition has arrived. */
  partition(on: boolean): void {
    this.catchUp();
    this.heal?.();
    this.heal = undefined;
    const upstream = this.there.upstream;
    if (on && upstream) this.heal = network.cut(this.there.id, upstream.id);
  }

  followsThrough(port: number): boolean {
    return this.upstreamPort === port && this.isStandby();
  }

  async promote(): Promise<void> {
    this.catchUp();
    this.there.promote();
    this.upstreamPort = undefined;
  }

  async replication(): Promise<Replication> {
    if (!this.alive()) throw new Error(`The database in ${this.dir} does not answer.`);
    this.catchUp();
    const { inRecovery, replayPaused, receiverStopped } = this.there;
    const receiver = inRecovery && this.there.streaming() ? "streaming" : null;
    return { inRecovery, receiver, replayPaused, stopped: receiverStopped, trouble: null, replayLagSeconds: inRecovery ? 0 : null };
  }

  async pauseReplay(): Promise<void> {
    this.catchUp();
    this.there.replayPaused = true;
  }

  async resumeReplay(): Promise<void> {
    this.there.replayPaused = false;
    this.catchUp();
  }

  async configure(settings: Record<string, string>): Promise<void> {
    this.settings = { ...settings };
  }

  async destroy(): Promise<void> {
    await this.kill();
    this.server = undefined;
    await removeTree(this.dir);
  }
}

/** The network in front of a simulated cluster. What a slow or rewriting one would do needs bytes, and there are none. */
class SimulatedGate implements Gate {
  readonly address: string;
  readonly port: number;
  readonly connections = 0;
  partitioned = false;
  readonly target: GateOptions["target"];

  constructor({ address, port, target }: GateOptions) {
    this.address = address;
    this.port = port || ++lastPort;
    this.target = target;
    listening.set(this.port, this);
  }

  partition(on: boolean): void {
    this.partitioned = on;
    for (const each of listening.values()) if (each instanceof SimulatedCluster && each.followsThrough(this.port)) each.partition(on);
  }

  slow(): void {
    throw new Error("The simulated engine's network has no slowness: the simulation's own server has one.");
  }

  rewrite(): void {
    throw new Error("The simulated engine's network has no bytes to rewrite.");
  }

  async close(): Promise<void> {
    listening.delete(this.port);
  }
}

/** The running cluster a port leads to, through however many gates. */
function behind(port: number | undefined): SimulatedCluster | undefined {
  const found = port === undefined ? undefined : listening.get(port);
  return found instanceof SimulatedGate ? behind(found.target()) : found;
}

/** Connects as a client does; throws as its driver would. */
export function connectSimulated(port: number, user: string, password: string): SimulatedSession {
  const cluster = behind(port);
  if (!cluster) throw new Error("connect ECONNREFUSED");
  return cluster.session(user, password);
}

const number: Parameter = {
  dynamic: true,
  modifiable: true,
  type: "integer",
  low: "1",
  high: "1000",
  description: "How many clients may connect",
};

export const simulated: Engine = {
  name: "simulated",
  version: async () => "1.0",
  cluster: (dir) => new SimulatedCluster(dir),
  isBackup: (folder) => existsSync(path.join(folder, BACKUP)),
  parameters: async () =>
    new Map([
      ["max_connections", number],
      ["port", { ...number, dynamic: false, modifiable: false, description: "Where it listens" }],
    ]),
  openGate: async (options) => new SimulatedGate(options),
};
