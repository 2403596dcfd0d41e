/**
 * The running side of RDS: for each instance its cluster, the gate clients pass, and, for a replica, the gate its replication passes.
 * Turns a record into processes and back. Decides nothing; statuses are not its business.
 */
import path from "node:path";
import { prepareDir } from "../../engines/binaries.ts";
import type { Cluster } from "../../engines/engine.ts";
import { copyTree, databaseUser, removeTree, saveTo } from "../../engines/folders.ts";
import { openGateSomewhere } from "../../network/addresses.ts";
import { type Gate, openGate } from "../../network/gate.ts";
import type { World } from "../world.ts";
import type { ClusterSnapshotRecord } from "./cluster-records.ts";
import { feederOf } from "./cluster-state.ts";
import { flavour } from "./flavours.ts";
import { admits } from "./security.ts";
import { endpointName, hex, type InstanceRecord, parseArn, type SnapshotRecord } from "./state.ts";

type AnySnapshot = Pick<SnapshotRecord | ClusterSnapshotRecord, "id" | "arn" | "region" | "engine">;

interface Host {
  cluster: Cluster;
  gate?: Gate;
  upstream?: Gate;
}

/** Work that ends because the lab is closing: not an error. */
export class Closing extends Error {}

export class Fleet {
  private readonly world: World;
  private readonly hosts = new Map<string, Host>();
  private readonly working = new Set<Promise<unknown>>();
  private readonly waiting = new Set<(reason: Closing) => void>();
  private closing = false;

  constructor(world: World) {
    this.world = world;
  }

  /** The lab is ending: what fails now fails because of that. */
  get isClosing(): boolean {
    return this.closing;
  }

  /** Does `then` in the background after `ms`. What goes wrong is handed to `otherwise`, and becomes a line of the story. */
  work(ms: number, what: string, region: string, then: () => Promise<void>, otherwise?: (error: Error) => void): void {
    this.world.later(ms, what, () => {
      const done = then().catch((error: Error) => {
        if (this.closing || error instanceof Closing) return;
        this.world.tell({ kind: "lab", region, service: "rds", what: `${what} failed: ${error.message}`, detail: { stack: error.stack } });
        otherwise?.(error);
      });
      this.working.add(done);
      void done.finally(() => this.working.delete(done));
    });
  }

  /** Waits inside such work; rejects with Closing when the lab closes meanwhile. */
  async pause(ms: number): Promise<void> {
    if (this.closing) throw new Closing();
    await new Promise<void>((resolve, reject) => {
      this.waiting.add(reject);
      this.world.later(ms, "pause", () => {
        this.waiting.delete(reject);
        resolve();
      });
    });
  }

  host(record: InstanceRecord): Host {
    let host = this.hosts.get(record.arn);
    if (!host) {
      host = { cluster: flavour(record.engine).engine.cluster(this.folder(record, "instances", record.folder ?? record.id)) };
      this.hosts.set(record.arn, host);
    }
    return host;
  }

  cluster(record: InstanceRecord): Cluster {
    return this.host(record).cluster;
  }

  /** Connections of clients that pass the instance's gate now. */
  connections(record: InstanceRecord): number {
    return this.hosts.get(record.arn)?.gate?.connections ?? 0;
  }

  /** A DB cluster's storage, for the time when no member has it open. */
  volume(record: { arn: string; region: string; volume: string; engine: InstanceRecord["engine"] }): Cluster {
    return flavour(record.engine).engine.cluster(this.folder(record, "instances", record.volume));
  }

  /** Two members change data folders, both servers being down. */
  exchange(one: InstanceRecord, other: InstanceRecord): void {
    const [mine, theirs] = [this.host(one), this.host(other)];
    [mine.cluster, theirs.cluster] = [theirs.cluster, mine.cluster];
    [one.folder, other.folder] = [other.folder, one.folder];
  }

  /** In the folder of the record's account. */
  private folder(
    { arn, region }: { arn: string; region: string },
    kind: "instances" | "snapshots" | "cluster-snapshots",
    id: string,
  ): string {
    const owner = this.world.accounts.get(parseArn(arn)?.account ?? "") ?? this.world;
    return path.join(owner.dir, "rds", region, kind, id);
  }

  /** An identifier of 255 characters fits RDS and no file system's names together with an ending. */
  snapshotFolder(record: AnySnapshot): string {
    const name = record.id.length <= 100 ? record.id : `${record.id.slice(0, 80)}-${hex(16, record.id)}`;
    const folder = this.folder(record, "clusterId" in record ? "cluster-snapshots" : "snapshots", name);
    prepareDir(path.dirname(folder));
    return folder;
  }

  /** A snapshot's data: the instance's, as it is now. */
  async keepBackup(instance: InstanceRecord, snapshot: SnapshotRecord): Promise<void> {
    await saveTo(this.snapshotFolder(snapshot), (draft) => this.cluster(instance).takeBackup(draft));
  }

  /** `mustStand` throws when what is copied is gone meanwhile. */
  async copyBackup(from: SnapshotRecord, to: SnapshotRecord, mustStand: () => void): Promise<void> {
    await saveTo(this.snapshotFolder(to), async (draft) => {
      await copyTree(this.snapshotFolder(from), draft, { owner: databaseUser(), linked: true });
      mustStand();
    });
  }

  async dropBackup(snapshot: SnapshotRecord): Promise<void> {
    await removeTree(this.snapshotFolder(snapshot));
  }

  hasSnapshot(record: AnySnapshot): boolean {
    return flavour(record.engine).engine.isBackup(this.snapshotFolder(record));
  }

  /** An empty folder for a new instance: what an earlier one of that name left is gone. */
  async fresh(record: InstanceRecord): Promise<Cluster> {
    const cluster = this.cluster(record);
    await removeTree(cluster.dir);
    return cluster;
  }

  /** The port of 127.0.0.1 behind which what the replica streams from is reached. Opened once, it outlives restarts of either side. */
  async upstreamPort(replica: InstanceRecord): Promise<number> {
    const host = this.host(replica);
    const target = () => this.hosts.get(feederOf(this.world, replica)?.arn ?? "")?.cluster.port;
    host.upstream ??= await openGate({ address: "127.0.0.1", port: 0, target });
    return host.upstream.port;
  }

  /** Its host is gone from the network: sessions are cut, and nobody answers at its address until it is connected again. */
  async disconnect(record: InstanceRecord): Promise<void> {
    const host = this.host(record);
    await host.gate?.close();
    host.gate = undefined;
  }

  /** Opens the instance to its clients: its address (a new one when it moves to another host), its name, its gate. */
  async connect(record: InstanceRecord, { elsewhere = false } = {}): Promise<void> {
    const host = this.host(record);
    host.gate ??= await openGateSomewhere(
      { port: record.port, target: () => host.cluster.port, admits: (from) => admits(this.world, record, from) },
      elsewhere ? undefined : record.address,
    );
    record.address = host.gate.address;
    this.names()[endpointName(this.world, record)] = host.gate.address;
    this.applyPartitions(record);
  }

  applyPartitions(record: InstanceRecord): void {
    const host = this.host(record);
    host.gate?.partition(record.partitions.clients === true);
    host.upstream?.partition(record.partitions.replica === true);
  }

  /** Starts the instance's server with its settings and, for a replica, its link. */
  async launch(record: InstanceRecord): Promise<void> {
    if (this.closing) throw new Closing();
    const { cluster } = this.host(record);
    await cluster.configure(record.settings);
    await cluster.follow(await this.linkOf(record));
    await cluster.start();
    if (this.closing) await cluster.kill();
  }

  /** Where a replica streams from; undefined when it has no source, or its link is stopped. */
  async linkOf(record: InstanceRecord): Promise<number | undefined> {
    if (!feederOf(this.world, record) || record.replication) return undefined;
    const port = await this.upstreamPort(record);
    this.applyPartitions(record);
    return port;
  }

  /** Closes the replication gate: the instance is nobody's replica any more. */
  async detach(record: InstanceRecord): Promise<void> {
    const host = this.host(record);
    await host.upstream?.close();
    host.upstream = undefined;
  }

  /** `keep`: the data stays, as a DB cluster's does when its last member goes. */
  async remove(record: InstanceRecord, { keep = false } = {}): Promise<void> {
    const host = this.host(record);
    delete this.names()[endpointName(this.world, record)];
    await host.gate?.close();
    await host.upstream?.close();
    if (keep) await host.cluster.stop(1500);
    else await host.cluster.destroy();
    this.hosts.delete(record.arn);
  }

  /** What a name leads to: one of these addresses, in turn; without any, it is no name. */
  lead(name: string, addresses: (string | undefined)[]): void {
    const known = addresses.filter((address) => address !== undefined);
    if (known.length > 0) this.names()[name] = known.join(" ");
    else delete this.names()[name];
  }

  private names(): Record<string, string> {
    return this.world.state<Record<string, string>>("hosts", () => ({}));
  }

  /** Stops every server in good order, standbys too, and every gate. Nothing runs when this resolves. */
  async close(): Promise<void> {
    this.closing = true;
    for (const reject of this.waiting) reject(new Closing());
    this.waiting.clear();
    const hosts = [...this.hosts.values()];
    await Promise.all(hosts.map(({ cluster }) => cluster.stop(1500)));
    await Promise.all(this.working);
    await Promise.all(hosts.map(({ cluster }) => cluster.kill()));
    await Promise.all(hosts.flatMap(({ gate, upstream }) => [gate?.close(), upstream?.close()]));
    this.hosts.clear();
  }
}
