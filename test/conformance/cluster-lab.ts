/** What the tests of clusters share: making them, waiting for them, talking to the writer and the readers by the cluster's own names. */
import * as api from "@aws-sdk/client-rds";
import pg from "pg";
import { expect, vi } from "vitest";
import { ACCOUNT, AWAY, HOME, patient, type RdsLab } from "./rds-lab.ts";

const PASSWORD = "correct-horse";
const PORT = 25_433;

export class ClusterLab {
  readonly lab: RdsLab;

  constructor(lab: RdsLab) {
    this.lab = lab;
    lab.world.timings.clusterFailoverMs = 160;
  }

  arn = (id: string, region = HOME): string => `arn:aws:rds:${region}:${ACCOUNT}:cluster:${id}`;
  snapshotArn = (id: string, region = HOME): string => `arn:aws:rds:${region}:${ACCOUNT}:cluster-snapshot:${id}`;

  /** Asks for an Aurora cluster; it has no instances yet. */
  create(id: string, more: object = {}, region = HOME): Promise<{ DBCluster: api.DBCluster }> {
    const input = {
      ...{ DBClusterIdentifier: id, Engine: "aurora-postgresql", MasterUsername: "shop", MasterUserPassword: PASSWORD },
      ...{ DatabaseName: "shop", Port: PORT, VpcSecurityGroupIds: ["sg-open"] },
    };
    return this.lab.send(new api.CreateDBClusterCommand({ ...input, ...more }), region);
  }

  member(id: string, cluster: string, more: object = {}, region = HOME): Promise<unknown> {
    const input = { DBInstanceIdentifier: id, DBClusterIdentifier: cluster, Engine: "aurora-postgresql", DBInstanceClass: "db.r6g.large" };
    return this.lab.send(new api.CreateDBInstanceCommand({ ...input, ...more }), region);
  }

  /** An Aurora cluster with its instances, all available: the first one writes. */
  async aurora(id: string, members: string[], region = HOME): Promise<void> {
    await this.create(id, {}, region);
    await this.available(id, region);
    for (const member of members) await this.member(member, id, {}, region);
    for (const member of members) await this.lab.available(member, region);
  }

  async describe(id: string, region = HOME): Promise<api.DBCluster> {
    return (await this.lab.send(new api.DescribeDBClustersCommand({ DBClusterIdentifier: id }), region)).DBClusters[0];
  }

  async available(id: string, region = HOME): Promise<api.DBCluster> {
    return await vi.waitFor(async () => {
      const cluster = await this.describe(id, region);
      expect(cluster.Status).toBe("available");
      return cluster;
    }, patient);
  }

  async writer(id: string, region = HOME): Promise<string | undefined> {
    return (await this.describe(id, region)).DBClusterMembers?.find((each) => each.IsClusterWriter)?.DBInstanceIdentifier;
  }

  /** Waits until this member writes and the cluster is settled. */
  async writes(id: string, member: string, region = HOME): Promise<void> {
    await vi.waitFor(
      async () => expect([await this.writer(id, region), (await this.describe(id, region)).Status]).toEqual([member, "available"]),
      patient,
    );
  }

  /** Addresses a name leads to. */
  addresses = (name = ""): string[] => this.lab.world.state<Record<string, string>>("hosts", () => ({}))[name]?.split(" ") ?? [];

  async connectTo(name: string | undefined): Promise<pg.Client> {
    const login = { user: "shop", password: PASSWORD, database: "shop", connectionTimeoutMillis: 3000, query_timeout: 3000 };
    const client = new pg.Client({ host: this.addresses(name)[0] ?? "127.0.0.1", port: PORT, ...login });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  /** Runs a statement where the cluster's writer's name leads to. */
  async sql(id: string, text: string, { region = HOME, reader = false } = {}): Promise<pg.QueryResultRow[]> {
    const { Endpoint, ReaderEndpoint } = await this.describe(id, region);
    const client = await this.connectTo(reader ? ReaderEndpoint : Endpoint);
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Writes rows by the writer's name until the session ends; gives what was acknowledged. */
  async writeUntilCut(id: string, first: number): Promise<number[]> {
    const session = await this.connectTo((await this.describe(id)).Endpoint);
    const acknowledged: number[] = [];
    try {
      for (let row = first; ; row++) {
        await session.query("INSERT INTO orders VALUES ($1)", [row]);
        acknowledged.push(row);
      }
    } catch {
      return acknowledged;
    } finally {
      await session.end().catch(() => {});
    }
  }

  /** Events of one source since a place in the list, by their last four digits. */
  told(id: string, from: number): string[] {
    return this.lab.events.slice(from).flatMap(({ detail }) => (detail.SourceIdentifier === id ? [detail.EventID.slice(-4)] : []));
  }

  async snapshot(id: string, cluster = "shop", more: object = {}): Promise<api.DBClusterSnapshot> {
    const input = { DBClusterSnapshotIdentifier: id, DBClusterIdentifier: cluster };
    return (await this.lab.send(new api.CreateDBClusterSnapshotCommand({ ...input, ...more }))).DBClusterSnapshot;
  }

  /** Asks the destination for a copy of a cluster snapshot of the home region. */
  async copy(target: string, more: object = {}, region = AWAY, source = "daily"): Promise<api.DBClusterSnapshot> {
    const ids = { SourceDBClusterSnapshotIdentifier: this.snapshotArn(source), TargetDBClusterSnapshotIdentifier: target };
    return (await this.lab.send(new api.CopyDBClusterSnapshotCommand({ ...ids, ...more }), region)).DBClusterSnapshot;
  }

  /** A cluster snapshot as it is now. */
  async lookAt(id: string, region = HOME): Promise<api.DBClusterSnapshot> {
    const ask = new api.DescribeDBClusterSnapshotsCommand({ DBClusterSnapshotIdentifier: id });
    return (await this.lab.send(ask, region)).DBClusterSnapshots[0];
  }

  async snapshotIs(id: string, status: string, region = HOME): Promise<api.DBClusterSnapshot> {
    return await vi.waitFor(async () => {
      const snapshot = await this.lookAt(id, region);
      expect(snapshot.Status).toBe(status);
      return snapshot;
    }, patient);
  }
}
