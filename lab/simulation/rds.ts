// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * RDS over simulated servers: the operations Understudy calls, with statuses that change in AWS's own durations (minutes, drawn from
 * the seed) and AWS's refusals in between. Creating, restoring, parameters and Multi-AZ are the lab's RDS, not this one's.
 */
import type { Caller, Operation, Service, World } from "../cloud/world.ts";
import { ServiceError } from "../wire/errors.ts";
import type { Chance } from "./chance.ts";
import type { VirtualClock } from "./clock.ts";
import type { EventLog } from "./log.ts";
import type { Server } from "./server.ts";

export interface Instance {
  readonly id: string;
  readonly region: string;
  readonly server: Server;
  readonly address: string;
  readonly host: string;
  readonly port: number;
  status: string;
  groups: { id: string; status: "adding" | "active" | "removing" }[];
  source: string | undefined;
  promoting: boolean;
}

interface Snapshot {
  readonly id: string;
  readonly region: string;
  readonly instance: string;
  readonly tags: any[];
  readonly takenAtMs: number;
  status: string;
}

export class SimulatedRds {
  readonly instances = new Map<string, Instance>();
  private readonly snapshots = new Map<string, Snapshot>();
  private readonly world: World;
  private readonly clock: VirtualClock;
  private readonly log: EventLog;
  private readonly chance: Chance;
  private readonly fenceGroup: string;

  constructor(world: World, clock: VirtualClock, log: EventLog, chance: Chance, fenceGroup: string) {
    this.world = world;
    this.clock = clock;
    this.log = log;
    this.chance = chance;
    this.fenceGroup = fenceGroup;
  }

  add(id: string, region: string, server: Server, port: number, group: string, source?: string): Instance {
    const instance: Instance = {
      id,
      region,
      server,
      port,
      address: `10.0.0.${10 + this.instances.size}`,
      host: `${id}.c9sim.${region}.rds.amazonaws.com`,
      status: "available",
      groups: [{ id: group, status: "active" }],
      source,
      promoting: false,
    };
    server.admits = () => instance.groups.some((each) => each.id !== this.fenceGroup);
    this.instances.set(id, instance);
    return instance;
  }

  byHost(host: string): Instance | undefined {
    for (const instance of this.instances.values()) if (instance.host === host || instance.address === host) return instance;
    return undefined;
  }

  isFence(groups: readonly string[]): boolean {
    return groups.length === 1 && groups[0] === this.fenceGroup;
  }

  /** Nobody new gets in. */
  isFenced(instance: Instance): boolean {
    return !instance.server.admits();
  }

  /** The host is gone; RDS brings the server back after a while, as its own monitoring does. */
  kill(instance: Instance, backAfterMs: number): void {
    instance.server.stop();
    this.tell(instance, "its host dies");
    this.clock.after(backAfterMs, () => {
      if (instance.server.up || instance.status !== "available") return;
      instance.server.start();
      this.tell(instance, "is recovered by RDS");
      this.event(instance, "0006", "availability", "DB instance restarted");
    });
  }

  service(): Service {
    const find = (input: any, caller: Caller): Instance => {
      const found = this.instances.get(String(input.DBInstanceIdentifier ?? "").toLowerCase());
      if (!found || found.region !== caller.region)
        throw new ServiceError("DBInstanceNotFound", `DBInstance ${input.DBInstanceIdentifier} not found.`, 404);
      return found;
    };
    const operations: Record<string, Operation> = {
      DescribeDBInstances: (input, caller) => ({ DBInstances: [this.shape(find(input, caller))] }),
      ModifyDBInstance: (input, caller) => {
        const instance = find(input, caller);
        mustBeAvailable(instance, "be modified");
        this.moveToGroups(instance, input.VpcSecurityGroupIds);
        return { DBInstance: this.shape(instance) };
      },
      RebootDBInstance: (input, caller) => {
        const instance = find(input, caller);
        mustBeAvailable(instance, "reboot");
        void this.reboot(instance);
        return { DBInstance: this.shape(instance) };
      },
      PromoteReadReplica: (input, caller) => {
        const instance = find(input, caller);
        if (!instance.source) throw new ServiceError("InvalidDBInstanceState", `DB Instance ${instance.id} is not a read replica.`, 400);
        mustBeAvailable(instance, "be promoted");
        if (instance.promoting)
          throw new ServiceError("InvalidDBInstanceState", `DB Instance ${instance.id} is already being promoted.`, 400);
        void this.promote(instance);
        return { DBInstance: this.shape(instance) };
      },
      CreateDBSnapshot: (input, caller) => {
        const instance = find(input, caller);
        mustBeAvailable(instance, "be snapshotted");
        void this.takeSnapshot(instance, this.newSnapshot(input.DBSnapshotIdentifier, caller.region, instance.id, input.Tags));
        return {};
      },
      CopyDBSnapshot: (input, caller) => {
        const [, , , from, , , id] = String(input.SourceDBSnapshotIdentifier).split(":");
        const source = this.snapshots.get(`${from}/${id}`);
        if (source?.status !== "available") throw new ServiceError("DBSnapshotNotFound", `DBSnapshot ${id} not found.`, 404);
        const copy = this.newSnapshot(input.TargetDBSnapshotIdentifier, caller.region, source.instance, input.Tags, source.takenAtMs);
        this.clock.after(this.chance.whole(60, 900) * 1000, () => {
          copy.status = "available";
        });
        return {};
      },
      DescribeDBSnapshots: (input, caller) => {
        const found = [...this.snapshots.values()].filter(
          (each) =>
            each.region === caller.region &&
            (!input.DBSnapshotIdentifier || each.id === input.DBSnapshotIdentifier) &&
            (!input.DBInstanceIdentifier || each.instance === input.DBInstanceIdentifier),
        );
        if (input.DBSnapshotIdentifier && found.length === 0)
          throw new ServiceError("DBSnapshotNotFound", `DBSnapshot ${input.DBSnapshotIdentifier} not found.`, 404);
        return { DBSnapshots: found.map((each) => this.snapshotShape(each)) };
      },
    };
    return { name: "rds", operations };
  }

  private shape(instance: Instance): any {
    return {
      DBInstanceIdentifier: instance.id,
      DBInstanceStatus: instance.status,
      EngineVersion: "18.4",
      ReadReplicaSourceDBInstanceIdentifier: instance.source,
      VpcSecurityGroups: instance.groups.map(({ id, status }) => ({ VpcSecurityGroupId: id, Status: status })),
      Endpoint: { Address: instance.host, Port: instance.port },
    };
  }

  private moveToGroups(instance: Instance, wanted: string[]): void {
    if (!wanted?.length) return;
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

  private async reboot(instance: Instance, seconds: readonly [number, number] = [10, 90]): Promise<void> {
    this.status(instance, "rebooting");
    this.event(instance, "0004", "availability", "DB instance shutdown");
    instance.server.stop();
    await this.clock.sleep(this.chance.whole(...seconds) * 1000);
    instance.server.start();
    this.event(instance, "0006", "availability", "DB instance restarted");
    this.status(instance, "available");
  }

  private async promote(instance: Instance): Promise<void> {
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
    this.tell(instance, "is no replica any more", { promoted: instance.id, from: source });
    await this.reboot(instance, [5, 30]);
    instance.promoting = false;
    this.tell(instance, "is a primary");
  }

  private newSnapshot(id: string, region: string, instance: string, tags: any[], takenAtMs = this.clock.nowMs): Snapshot {
    const key = `${region}/${id}`;
    if (this.snapshots.has(key)) throw new ServiceError("DBSnapshotAlreadyExists", `Cannot create the snapshot ${id}: it exists.`, 400);
    const snapshot: Snapshot = { id, region, instance, tags, takenAtMs, status: "creating" };
    this.snapshots.set(key, snapshot);
    return snapshot;
  }

  private async takeSnapshot(instance: Instance, snapshot: Snapshot): Promise<void> {
    this.status(instance, "backing-up");
    await this.clock.sleep(this.chance.whole(20, 120) * 1000);
    if (instance.status === "backing-up") this.status(instance, "available");
    await this.clock.sleep(this.chance.whole(20, 300) * 1000);
    snapshot.status = "available";
  }

  private snapshotShape(snapshot: Snapshot): any {
    return {
      DBSnapshotIdentifier: snapshot.id,
      DBSnapshotArn: `arn:aws:rds:${snapshot.region}:${this.world.account}:snapshot:${snapshot.id}`,
      DBInstanceIdentifier: snapshot.instance,
      Status: snapshot.status,
      PercentProgress: snapshot.status === "available" ? 100 : 0,
      Encrypted: false,
      SnapshotCreateTime: new Date(snapshot.takenAtMs),
      OriginalSnapshotCreateTime: new Date(snapshot.takenAtMs),
      TagList: snapshot.tags,
    };
  }

  private status(instance: Instance, status: string): void {
    instance.status = status;
    this.tell(instance, `is ${status}`);
  }

  private tell(instance: Instance, what: string, data: Record<string, unknown> = {}): void {
    this.log.tell("instance", `${instance.id} ${what}`, { instance: instance.id, ...data });
  }

  /** Best effort, as RDS says: what a run does to the bus may lose, double or delay it. */
  private event(instance: Instance, number: string, category: string, message: string): void {
    const arn = `arn:aws:rds:${instance.region}:${this.world.account}:db:${instance.id}`;
    const event = {
      version: "0",
      id: this.world.id(32),
      "detail-type": "RDS DB Instance Event",
      source: "aws.rds",
      account: this.world.account,
      time: new Date(this.clock.nowMs).toISOString(),
      region: instance.region,
      resources: [arn],
      detail: {
        EventCategories: [category],
        SourceType: "DB_INSTANCE",
        SourceArn: arn,
        Message: message,
        SourceIdentifier: instance.id,
        EventID: `RDS-EVENT-${number}`,
      },
    };
    void this.world.call("events", "LabDeliver", { event }, { region: instance.region, principal: "rds.amazonaws.com" });
  }
}

function mustBeAvailable(instance: Instance, doing: string): void {
  if (instance.status !== "available") {
    const text = `Instance ${instance.id} cannot currently ${doing}: its status is ${instance.status}, not available.`;
    throw new ServiceError("InvalidDBInstanceState", text, 400);
  }
}
