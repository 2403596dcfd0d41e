// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * RDS over simulated servers: instances, replicas and snapshots with statuses that change in AWS's own durations (minutes, drawn from
 * the seed). What it answers to calls is in rds-service.ts, what RDS moves by itself in rds-native.ts. Restoring is the lab's RDS's.
 */
import type { World } from "../cloud/world.ts";
import { ServiceError } from "../wire/errors.ts";
import type { Chance } from "./chance.ts";
import type { VirtualClock } from "./clock.ts";
import type { EventLog } from "./log.ts";
import type { Network } from "./network.ts";
import { failsOverSoon, type GlobalDatabase, makeMultiAz, type Native } from "./rds-native.ts";
import { Server } from "./server.ts";

export interface Instance {
  readonly id: string;
  readonly region: string;
  readonly server: Server;
  /** What its name leads to. */
  address: string;
  readonly host: string;
  readonly port: number;
  status: string;
  groups: { id: string; status: "adding" | "active" | "removing" }[];
  source: string | undefined;
  promoting: boolean;
  /** Until then its host is dead. */
  hostBackAtMs: number;
  retentionDays: number;
  deletionProtection: boolean;
  parameterGroup: { name: string; status: "in-sync" | "pending-reboot" };
  tags: Record<string, string>;
  /** Whether there is a server behind it yet: it has an endpoint from then on. */
  made: boolean;
  stoppedAtMs: number;
  /** What RDS fails over by itself: a Multi-AZ instance, or a cluster. */
  native: Native | undefined;
}

/** The plan's groups that close an instance: a fence to everybody, a drain to everybody but the functions. */
export interface ClosingGroups {
  readonly fences: readonly string[];
  readonly drains: readonly string[];
  /** By instance, the parameter group it alone has. */
  readonly parameterGroups?: Readonly<Record<string, string>> | undefined;
}

/** Who the clients are called in the network. */
export const CLIENTS = "shop";
const PARAMETERS = "shop-parameters";

export interface Snapshot {
  readonly id: string;
  readonly region: string;
  readonly instance: string;
  readonly tags: any[];
  readonly takenAtMs: number;
  /** The ARN of what it is a copy of. */
  readonly copyOf: string | undefined;
  status: string;
}

export class SimulatedRds {
  readonly instances = new Map<string, Instance>();
  readonly snapshots = new Map<string, Snapshot>();
  /** The plan's global database. */
  global: GlobalDatabase | undefined;
  /** The parameter groups there are. */
  readonly groups: Set<string>;
  /** Parameters that are set, by group. */
  private readonly parameters = new Map<string, Map<string, string>>();
  /** After so long AWS starts what was stopped. */
  stoppedForMs = 7 * 86_400_000;
  readonly world: World;
  readonly clock: VirtualClock;
  readonly network: Network;
  private readonly log: EventLog;
  readonly chance: Chance;
  private readonly closing: ClosingGroups;

  constructor(world: World, clock: VirtualClock, network: Network, log: EventLog, chance: Chance, closing: ClosingGroups) {
    this.world = world;
    this.clock = clock;
    this.network = network;
    this.log = log;
    this.chance = chance;
    this.closing = closing;
    this.groups = new Set([PARAMETERS, ...Object.values(closing.parameterGroups ?? {})]);
  }

  newServer(id: string): Server {
    return new Server(id, this.clock, this.network);
  }

  /** A primary of the plan, or a standby of it that has followed its source for long. */
  add(id: string, region: string, port: number, groups: readonly string[], source?: Instance): Instance {
    const instance = this.newInstance(id, region, port, groups, source);
    instance.made = true;
    instance.status = "available";
    if (!source) Object.assign(instance, { retentionDays: 14, deletionProtection: true });
    instance.parameterGroup.name = this.closing.parameterGroups?.[id] ?? PARAMETERS;
    if (source) this.pair(instance, source);
    return instance;
  }

  private newInstance(id: string, region: string, port: number, groups: readonly string[], source?: Instance): Instance {
    const server = new Server(id, this.clock, this.network);
    const instance: Instance = {
      id,
      region,
      server,
      port,
      address: `10.0.0.${10 + this.instances.size}`,
      host: `${id}.c9sim.${region}.rds.amazonaws.com`,
      status: "creating",
      groups: groups.map((each) => ({ id: each, status: "active" })),
      source: source?.id,
      promoting: false,
      hostBackAtMs: 0,
      retentionDays: 0,
      deletionProtection: false,
      // Across regions a replica gets that region's defaults (aws-facts A6).
      parameterGroup: { name: source?.region === region ? PARAMETERS : "default.postgres18", status: "in-sync" },
      tags: {},
      made: false,
      stoppedAtMs: 0,
      native: undefined,
    };
    const { fences, drains } = this.closing;
    server.admits = (from) => instance.groups.some((each) => !fences.includes(each.id) && (from !== CLIENTS || !drains.includes(each.id)));
    this.instances.set(id, instance);
    return instance;
  }

  /** What answers at an address now. */
  serverAt(address: string): Server | undefined {
    for (const { made, native, server, address: own } of this.instances.values()) {
      if (!made) continue;
      if ((native ? native.places[native.at] : own) === address) return server;
      if (native?.places.includes(address)) return native.reader;
    }
    return undefined;
  }

  /** RDS's own way between the two: no group of the plan closes it (RDS User Guide, working with read replicas). */
  private pair({ server }: Instance, source: Instance): void {
    server.log = source.server.log.slice();
    source.server.followers.push(server);
    server.follow(source.server);
  }

  byHost(host: string): Instance | undefined {
    for (const instance of this.instances.values())
      if (instance.made && (instance.host === host || instance.address === host)) return instance;
    return undefined;
  }

  isFence(groups: readonly string[]): boolean {
    return groups.length === 1 && this.closing.fences.includes(groups[0] as string);
  }

  /** No client gets in any more: it is fenced, or drained. */
  isClosed(instance: Instance): boolean {
    return !instance.server.admits(CLIENTS);
  }

  /** The host is gone; RDS brings the server back after a while, as its own monitoring does. */
  kill(instance: Instance, backAfterMs: number): void {
    instance.server.stop();
    instance.hostBackAtMs = this.clock.nowMs + backAfterMs;
    this.tell(instance, "its host dies");
    failsOverSoon(this, instance);
    this.clock.after(backAfterMs, () => {
      if (instance.server.up || instance.status !== "available" || instance.native?.failingOver) return;
      instance.server.start();
      this.tell(instance, "is recovered by RDS");
      this.event(instance, "0006", "availability", "DB instance restarted");
    });
  }

  /** A new replica of a running source. It takes a while, and longer while the source cannot be read. */
  async replicate(
    id: string,
    region: string,
    source: Instance,
    groups: readonly string[],
    tags: Record<string, string>,
  ): Promise<Instance> {
    const instance = this.newInstance(id, region, source.port, groups, source);
    instance.tags = tags;
    Object.assign(instance.server, { up: false, inRecovery: true });
    const far = source.region !== region;
    this.tell(instance, `is created as a replica of ${source.id}`);
    if (far) this.status(source, "modifying");
    const seconds = this.chance.whole(60, 480);
    void (async () => {
      await this.clock.sleep(seconds * 500);
      if (far && source.status === "modifying") this.status(source, "available");
      await this.clock.sleep(seconds * 500);
      while (!source.server.up || source.server.hung) await this.clock.sleep(10_000);
      this.pair(instance, source);
      instance.server.start();
      instance.made = true;
      this.status(instance, "available");
      this.event(instance, "0005", "creation", "DB instance created");
    })();
    return instance;
  }

  /** What of it interrupts nothing comes at once; backups from or to none take a while (ModifyDBInstance). */
  modify(instance: Instance, input: any): void {
    instance.deletionProtection = input.DeletionProtection ?? instance.deletionProtection;
    if (input.DBParameterGroupName && input.DBParameterGroupName !== instance.parameterGroup.name)
      instance.parameterGroup = { name: input.DBParameterGroupName, status: "pending-reboot" };
    if (input.MultiAZ === true && !instance.native) makeMultiAz(this, instance);
    const days: number = input.BackupRetentionPeriod ?? instance.retentionDays;
    const interrupts = days !== instance.retentionDays && (days === 0 || instance.retentionDays === 0);
    if (interrupts) {
      this.status(instance, "modifying");
      this.clock.after(this.chance.whole(10, 120) * 1000, () => {
        instance.retentionDays = days;
        if (instance.status === "modifying" && !instance.promoting) this.status(instance, "available");
      });
    } else instance.retentionDays = days;
    if (input.MasterUserPassword && !interrupts) {
      this.status(instance, "resetting-master-credentials");
      this.clock.after(this.chance.whole(5, 60) * 1000, () => {
        if (instance.status === "resetting-master-credentials") this.status(instance, "available");
      });
    }
    if (input.VpcSecurityGroupIds?.length) this.moveToGroups(instance, input.VpcSecurityGroupIds);
  }

  private moveToGroups(instance: Instance, wanted: string[]): void {
    const before = instance.groups.filter((group) => group.status !== "removing").map((group) => group.id);
    if (before.join() === wanted.join()) return;
    instance.groups = [
      ...wanted.map((id) => ({ id, status: before.includes(id) ? ("active" as const) : ("adding" as const) })),
      ...before.filter((id) => !wanted.includes(id)).map((id) => ({ id, status: "removing" as const })),
    ];
    const change = instance.groups;
    this.tell(instance, `its security groups change to ${wanted.join()}`);
    this.clock.after(this.chance.whole(2, 30) * 1000, () => {
      if (instance.groups !== change) return;
      instance.groups = wanted.map((id) => ({ id, status: "active" as const }));
      this.tell(instance, `its security groups are ${wanted.join()}`);
    });
  }

  async reboot(instance: Instance, seconds: readonly [number, number] = [10, 90]): Promise<void> {
    this.status(instance, "rebooting");
    this.event(instance, "0004", "availability", "DB instance shutdown");
    instance.server.stop();
    await this.clock.sleep(this.chance.whole(...seconds) * 1000);
    // Now and then RDS has no other host for it.
    if (instance.hostBackAtMs > this.clock.nowMs && this.chance.happens(0.5))
      await this.clock.sleep(instance.hostBackAtMs - this.clock.nowMs);
    while (instance.native?.failingOver) await this.clock.sleep(1000);
    instance.server.start();
    instance.parameterGroup.status = "in-sync";
    this.heed(instance);
    this.event(instance, "0006", "availability", "DB instance restarted");
    this.status(instance, "available");
  }

  /** Parameters of a group, at once; an empty value gives one back. */
  setParameters(region: string, group: string, values: readonly (readonly [name: string, value: string])[]): void {
    const known = [...this.instances.values()].filter((each) => each.region === region && each.parameterGroup.name === group);
    if (!this.groups.has(group)) throw new ServiceError("DBParameterGroupNotFound", `DBParameterGroup not found: ${group}`, 404);
    const set = this.parameters.get(`${region}/${group}`) ?? new Map<string, string>();
    this.parameters.set(`${region}/${group}`, set);
    for (const [name, value] of values) value === "" ? set.delete(name) : set.set(name, value);
    for (const each of known) if (each.parameterGroup.status === "in-sync") this.heed(each);
  }

  private heed({ region, parameterGroup, server }: Instance): void {
    const set = this.parameters.get(`${region}/${parameterGroup.name}`);
    if (set?.get("default_transaction_read_only") === "1") server.blockedBy.add("parameters");
    else server.blockedBy.delete("parameters");
  }

  /** Stopped, until AWS starts it again by itself. */
  async stop(instance: Instance): Promise<void> {
    this.status(instance, "stopping");
    instance.server.stop();
    await this.clock.sleep(this.chance.whole(20, 120) * 1000);
    this.status(instance, "stopped");
    this.event(instance, "0087", "notification", "DB instance stopped");
    const stoppedAtMs = this.clock.nowMs;
    instance.stoppedAtMs = stoppedAtMs;
    await this.clock.sleep(this.stoppedForMs);
    if (instance.status !== "stopped" || instance.stoppedAtMs !== stoppedAtMs) return;
    this.event(instance, "0154", "notification", "DB instance is being started due to it exceeding the maximum allowed time being stopped");
    await this.startStopped(instance);
  }

  async startStopped(instance: Instance): Promise<void> {
    this.status(instance, "starting");
    await this.clock.sleep(this.chance.whole(20, 120) * 1000);
    instance.server.start();
    this.status(instance, "available");
    this.event(instance, "0088", "notification", "DB instance started");
  }

  async promote(instance: Instance, retentionDays: number): Promise<void> {
    const { server, source } = instance;
    instance.promoting = true;
    this.tell(instance, "is asked to become a primary", { promotionOf: instance.id });
    // The API keeps saying what it said before for a while (aws-facts L6).
    await this.clock.sleep(this.chance.whole(500, 15_000));
    this.status(instance, "modifying");
    await this.clock.sleep(this.chance.whole(10, 120) * 1000);
    if (!server.up) server.start();
    server.promote();
    instance.source = undefined;
    instance.retentionDays = retentionDays;
    this.tell(instance, "is no replica any more", { promoted: instance.id, from: source });
    await this.reboot(instance, [5, 30]);
    instance.promoting = false;
    this.tell(instance, "is a primary");
  }

  newSnapshot(id: string, region: string, instance: string, tags: any[], takenAtMs = this.clock.nowMs, copyOf?: string): Snapshot {
    const key = `${region}/${id}`;
    if (this.snapshots.has(key)) throw new ServiceError("DBSnapshotAlreadyExists", `Cannot create the snapshot ${id}: it exists.`, 400);
    const snapshot: Snapshot = { id, region, instance, tags, takenAtMs, copyOf, status: "creating" };
    this.snapshots.set(key, snapshot);
    return snapshot;
  }

  async takeSnapshot(instance: Instance, snapshot: Snapshot): Promise<void> {
    this.status(instance, "backing-up");
    await this.clock.sleep(this.chance.whole(20, 120) * 1000);
    if (instance.status === "backing-up") this.status(instance, "available");
    await this.clock.sleep(this.chance.whole(20, 300) * 1000);
    snapshot.status = "available";
  }

  /** A copy is there after a while, as long as it is wanted. */
  copyLater(copy: Snapshot): void {
    this.clock.after(this.chance.whole(60, 900) * 1000, () => {
      copy.status = "available";
    });
  }

  status(instance: Instance, status: string): void {
    instance.status = status;
    this.tell(instance, `is ${status}`);
  }

  tell(instance: Instance, what: string, data: Record<string, unknown> = {}): void {
    this.log.tell("instance", `${instance.id} ${what}`, { instance: instance.id, ...data });
  }

  /** Best effort, as RDS says: what a run does to the bus may lose, double or delay it. */
  event(instance: Instance, number: string, category: string, message: string): void {
    const cluster = instance.native?.kind === "cluster";
    const arn = `arn:aws:rds:${instance.region}:${this.world.account}:${cluster ? "cluster" : "db"}:${instance.id}`;
    const event = {
      version: "0",
      id: this.world.id(32),
      "detail-type": cluster ? "RDS DB Cluster Event" : "RDS DB Instance Event",
      source: "aws.rds",
      account: this.world.account,
      time: new Date(this.clock.nowMs).toISOString(),
      region: instance.region,
      resources: [arn],
      detail: {
        EventCategories: [category],
        SourceType: cluster ? "CLUSTER" : "DB_INSTANCE",
        SourceArn: arn,
        Message: message,
        SourceIdentifier: instance.id,
        EventID: `RDS-EVENT-${number}`,
      },
    };
    void this.world.call("events", "LabDeliver", { event }, { region: instance.region, principal: "rds.amazonaws.com" });
  }
}
