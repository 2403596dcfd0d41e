/** RDS as its callers and its clients meet it, with real databases behind it: disasters, recoveries, refusals. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { DBInstance, DBSnapshot } from "@aws-sdk/client-rds";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createRds, type RdsService } from "../../lab/cloud/rds/index.ts";
import { World } from "../../lab/cloud/world.ts";
import { prepareDir } from "../../lab/engines/binaries.ts";
import { ServiceError } from "../../lab/wire/errors.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const PASSWORD = "correct-horse";
const PORT = 25_432;
const patient = { timeout: 20_000, interval: 20 };

interface Lab {
  world: World;
  rds: RdsService;
  dir: string;
  /** Envelopes that reached the bus. */
  // biome-ignore lint/suspicious/noExplicitAny: events are read by their members
  events: any[];
  // biome-ignore lint/suspicious/noExplicitAny: metrics are read by their members
  metrics: any[];
  // biome-ignore lint/suspicious/noExplicitAny: wire shapes
  call(operation: string, input?: object, region?: string): Promise<any>;
  close(): Promise<void>;
}

/** Automated backups have tests of their own: test/conformance/backups.test.ts. */
const byHand = ({ detail }: { detail: { EventID: string } }): boolean => !/00(01|02|90|91)$/.test(detail.EventID);

/** Two EC2 groups in the home region: one that lets clients in, one that lets nobody in. */
const ec2State = () => ({
  regions: {
    [HOME]: {
      securityGroups: {
        "sg-open": {
          GroupId: "sg-open",
          GroupName: "app",
          IpPermissions: [{ IpProtocol: "tcp", FromPort: PORT, ToPort: PORT, IpRanges: [{ CidrIp: "10.0.0.0/8" }] }],
        },
        "sg-fence": { GroupId: "sg-fence", GroupName: "fence", IpPermissions: [] },
        "sg-default": {
          GroupId: "sg-default",
          GroupName: "default",
          IpPermissions: [{ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: "sg-default" }] }],
        },
      },
    },
  },
});

async function openLab(
  dir = mkdtempSync(path.join(os.tmpdir(), "understudy-test-")),
  state: Record<string, unknown> = { ec2: ec2State() },
): Promise<Lab> {
  prepareDir(dir);
  const world = new World({
    dir,
    state,
    timings: { modifyInstanceMs: 20, rebootMs: 20, promoteLingerMs: 60, snapshotMs: 150, copyMs: 150, copyQueueMs: 30, restoreMs: 20 },
  });
  const rds = createRds(world, { metricsEveryMs: 50 });
  const events: unknown[] = [];
  const metrics: unknown[] = [];
  world.register({ name: "events", operations: { LabDeliver: ({ event }) => void events.push(event) } });
  world.register({ name: "monitoring", operations: { PutMetricData: (data) => void metrics.push(data) } });
  world.register({ name: "ec2", operations: {} });
  world.register(rds);
  await world.start();
  return {
    world,
    rds,
    dir,
    events,
    metrics,
    call: (operation, input = {}, region = HOME) => world.call("rds", operation, input, { region }),
    close: () => world.close(),
  };
}

const shop = (id: string, more: object = {}) => ({
  DBInstanceIdentifier: id,
  Engine: "postgres",
  DBInstanceClass: "db.t4g.micro",
  AllocatedStorage: 20,
  MasterUsername: "shop",
  MasterUserPassword: PASSWORD,
  DBName: "shop",
  Port: PORT,
  VpcSecurityGroupIds: ["sg-open"],
  ...more,
});

async function describeOne(lab: Lab, id: string, region = HOME): Promise<DBInstance> {
  return (await lab.call("DescribeDBInstances", { DBInstanceIdentifier: id }, region)).DBInstances[0];
}

async function until(lab: Lab, id: string, status: string, region = HOME): Promise<DBInstance> {
  return await vi.waitFor(async () => {
    const instance = await describeOne(lab, id, region);
    expect(instance.DBInstanceStatus).toBe(status);
    return instance;
  }, patient);
}

async function untilSnapshot(lab: Lab, id: string, status: string, region = HOME): Promise<DBSnapshot> {
  return await vi.waitFor(async () => {
    const snapshot = (await lab.call("DescribeDBSnapshots", { DBSnapshotIdentifier: id }, region)).DBSnapshots[0];
    expect(snapshot.Status).toBe(status);
    return snapshot;
  }, patient);
}

/** A client as the shop is one: it knows the endpoint and the password. */
async function client(lab: Lab, id: string, region = HOME, timeoutMs = 3000): Promise<pg.Client> {
  const { Endpoint } = await describeOne(lab, id, region);
  const host = lab.world.state<Record<string, string>>("hosts", () => ({}))[Endpoint?.Address ?? ""];
  expect(host).toMatch(/^127\./);
  const made = new pg.Client({
    host,
    port: Endpoint?.Port,
    user: "shop",
    password: PASSWORD,
    database: "shop",
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  made.on("error", () => {});
  await made.connect();
  return made;
}

async function sql(lab: Lab, id: string, text: string, region = HOME): Promise<pg.QueryResultRow[]> {
  const connected = await client(lab, id, region);
  try {
    return (await connected.query(text)).rows;
  } finally {
    await connected.end().catch(() => {});
  }
}

const refusal = (code: string, message: RegExp = /./) =>
  expect.objectContaining({ name: "ServiceError", code, message: expect.stringMatching(message) });

/** Processes whose working folder is in the lab's. */
function processesOf(lab: Lab): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(lab.dir);
    } catch {
      return false;
    }
  });
}

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  lab.world.on("story", (l) => process.env.STORY && console.log(l.at % 100000, l.region, l.kind, l.what));
});
afterAll(async () => {
  await lab.close();
  rmSync(lab.dir, { recursive: true, force: true });
});

test("a primary and its replica come up; both are named, tagged and told of", async () => {
  const { DBInstance: asked } = await lab.call("CreateDBInstance", shop("Shop-A", { Tags: [{ Key: "understudy", Value: "shop" }] }));
  expect(asked).toMatchObject({ DBInstanceIdentifier: "shop-a", DBInstanceStatus: "creating", Endpoint: undefined });
  const primary = await until(lab, "shop-a", "available");
  expect(primary).toMatchObject({
    DBInstanceArn: "arn:aws:rds:eu-central-1:111122223333:db:shop-a",
    Engine: "postgres",
    EngineVersion: expect.stringMatching(/^18\./),
    Endpoint: { Address: expect.stringMatching(/^shop-a\.[a-z0-9]{12}\.eu-central-1\.rds\.amazonaws\.com$/), Port: PORT },
    MultiAZ: false,
    BackupRetentionPeriod: 1,
    VpcSecurityGroups: [{ VpcSecurityGroupId: "sg-open", Status: "active" }],
    TagList: [{ Key: "understudy", Value: "shop" }],
    StatusInfos: undefined,
  });
  await sql(lab, "shop-a", "CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2)");
  await lab.call("CreateDBInstanceReadReplica", { DBInstanceIdentifier: "shop-b", SourceDBInstanceIdentifier: "shop-a" });
  const replica = await until(lab, "shop-b", "available");
  expect(replica).toMatchObject({
    ReadReplicaSourceDBInstanceIdentifier: "shop-a",
    BackupRetentionPeriod: 0,
    VpcSecurityGroups: [{ VpcSecurityGroupId: "sg-open" }],
  });
  expect((await describeOne(lab, "shop-a")).ReadReplicaDBInstanceIdentifiers).toEqual(["shop-b"]);
  await vi.waitFor(
    async () =>
      expect((await describeOne(lab, "shop-b")).StatusInfos).toEqual([
        { StatusType: "read replication", Normal: true, Status: "replicating" },
      ]),
    patient,
  );
  await vi.waitFor(
    async () => expect(await sql(lab, "shop-b", "SELECT id FROM orders ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }]),
    patient,
  );
  await expect(sql(lab, "shop-b", "INSERT INTO orders VALUES (3)")).rejects.toThrow(/read-only transaction/);
  expect(lab.events.filter(byHand).map((event) => [event.detail.EventID, event.detail.SourceIdentifier])).toEqual([
    ["RDS-EVENT-0005", "shop-a"],
    ["RDS-EVENT-0005", "shop-b"],
    ["RDS-EVENT-0046", "shop-b"],
  ]);
  expect(lab.events[0]).toMatchObject({
    source: "aws.rds",
    "detail-type": "RDS DB Instance Event",
    region: HOME,
    resources: [primary.DBInstanceArn],
    detail: { SourceType: "DB_INSTANCE" },
  });
});

test("the network is closed by a security group: newcomers get no answer, sessions live on until a reboot", async () => {
  const inside = await client(lab, "shop-a");
  const { DBInstance: asked } = await lab.call("ModifyDBInstance", {
    DBInstanceIdentifier: "shop-a",
    VpcSecurityGroupIds: ["sg-fence"],
    ApplyImmediately: true,
  });
  expect(asked.VpcSecurityGroups).toEqual([
    { VpcSecurityGroupId: "sg-fence", Status: "adding" },
    { VpcSecurityGroupId: "sg-open", Status: "removing" },
  ]);
  await vi.waitFor(
    async () =>
      expect((await describeOne(lab, "shop-a")).VpcSecurityGroups).toEqual([{ VpcSecurityGroupId: "sg-fence", Status: "active" }]),
    patient,
  );
  await expect(client(lab, "shop-a", HOME, 200)).rejects.toThrow(/timeout/i);
  expect((await inside.query("SELECT count(*)::int AS n FROM orders")).rows).toEqual([{ n: 2 }]);
  const { DBInstance: rebooting } = await lab.call("RebootDBInstance", { DBInstanceIdentifier: "shop-a" });
  expect(rebooting.DBInstanceStatus).toBe("rebooting");
  await until(lab, "shop-a", "available");
  await expect(inside.query("SELECT 1")).rejects.toThrow();
  await expect(client(lab, "shop-a", HOME, 200)).rejects.toThrow(/timeout/i);
  await lab.call("ModifyDBInstance", { DBInstanceIdentifier: "shop-a", VpcSecurityGroupIds: ["sg-open"] });
  await vi.waitFor(
    async () => expect((await describeOne(lab, "shop-a")).VpcSecurityGroups).toEqual([{ VpcSecurityGroupId: "sg-open", Status: "active" }]),
    patient,
  );
  // Replication is no client: it went on, or came back by itself.
  await sql(lab, "shop-a", "INSERT INTO orders VALUES (3)");
  await vi.waitFor(async () => expect(await sql(lab, "shop-b", "SELECT max(id) AS id FROM orders")).toEqual([{ id: 3 }]), patient);
});

test("the primary hangs but is `available`: a reboot brings it back", async () => {
  await lab.rds.faults.hang(HOME, "shop-a");
  expect((await describeOne(lab, "shop-a")).DBInstanceStatus).toBe("available");
  await expect(client(lab, "shop-a", HOME, 200)).rejects.toThrow(/timeout/i);
  await lab.call("RebootDBInstance", { DBInstanceIdentifier: "shop-a" });
  await until(lab, "shop-a", "available");
  expect(await sql(lab, "shop-a", "SELECT count(*)::int AS n FROM orders")).toEqual([{ n: 3 }]);
});

test("replication is disturbed in each way, shows it, and heals", async () => {
  const status = async () => (await describeOne(lab, "shop-b")).StatusInfos?.[0]?.Status;
  const last = async () => (await sql(lab, "shop-b", "SELECT max(id) AS id FROM orders"))[0]?.id;
  await vi.waitFor(async () => expect(await status()).toBe("replicating"), patient);

  await lab.rds.faults.pauseReplay(HOME, "shop-b");
  await sql(lab, "shop-a", "INSERT INTO orders VALUES (4)");
  expect(await last()).toBe(3);
  await lab.rds.faults.resumeReplay(HOME, "shop-b");
  await vi.waitFor(async () => expect(await last()).toBe(4), patient);

  await lab.rds.faults.partition(HOME, "shop-a", { from: "replica" });
  await sql(lab, "shop-a", "INSERT INTO orders VALUES (5)");
  expect(await last()).toBe(4);
  await lab.rds.faults.heal(HOME, "shop-a");
  await vi.waitFor(async () => expect(await last()).toBe(5), patient);

  await lab.rds.faults.stopReplication(HOME, "shop-b");
  expect(await status()).toBe("stopped");
  await lab.rds.faults.heal(HOME, "shop-b");
  await vi.waitFor(async () => expect(await status()).toBe("replicating"), patient);
});

test("a snapshot is copied to the other region and restored there: the rows are in it", async () => {
  const { DBSnapshot: asked } = await lab.call("CreateDBSnapshot", {
    DBSnapshotIdentifier: "Shop-1",
    DBInstanceIdentifier: "shop-a",
    Tags: [{ Key: "kind", Value: "daily" }],
  });
  expect(asked).toMatchObject({
    DBSnapshotIdentifier: "shop-1",
    Status: "creating",
    SnapshotType: "manual",
    TagList: [{ Key: "kind", Value: "daily" }],
  });
  expect((await describeOne(lab, "shop-a")).DBInstanceStatus).toBe("backing-up");
  await expect(lab.call("CreateDBSnapshot", { DBSnapshotIdentifier: "shop-2", DBInstanceIdentifier: "shop-a" })).rejects.toEqual(
    refusal("InvalidDBInstanceState", /backing-up/),
  );
  await expect(
    lab.call("CopyDBSnapshot", { SourceDBSnapshotIdentifier: asked.DBSnapshotArn, TargetDBSnapshotIdentifier: "early" }, AWAY),
  ).rejects.toEqual(refusal("InvalidDBSnapshotState"));
  const original = await untilSnapshot(lab, "shop-1", "available");
  await until(lab, "shop-a", "available");
  await sql(lab, "shop-a", "INSERT INTO orders VALUES (6)");

  await lab.call("CopyDBSnapshot", { SourceDBSnapshotIdentifier: asked.DBSnapshotArn, TargetDBSnapshotIdentifier: "shop-1" }, AWAY);
  const { DBSnapshot: second } = await lab.call(
    "CopyDBSnapshot",
    { SourceDBSnapshotIdentifier: asked.DBSnapshotArn, TargetDBSnapshotIdentifier: "shop-1-again", CopyTags: true },
    AWAY,
  );
  expect(second).toMatchObject({ Status: "pending", PercentProgress: 0 });
  await untilSnapshot(lab, "shop-1", "creating", AWAY);
  // One after another: the second shows no progress while the first moves.
  expect((await lab.call("DescribeDBSnapshots", { DBSnapshotIdentifier: "shop-1-again" }, AWAY)).DBSnapshots[0]).toMatchObject({
    Status: "pending",
    PercentProgress: 0,
  });
  const copy = await untilSnapshot(lab, "shop-1", "available", AWAY);
  expect(copy).toMatchObject({
    DBSnapshotArn: "arn:aws:rds:eu-west-1:111122223333:snapshot:shop-1",
    SourceRegion: HOME,
    SourceDBSnapshotIdentifier: asked.DBSnapshotArn,
    OriginalSnapshotCreateTime: original.OriginalSnapshotCreateTime,
    TagList: [],
    PercentProgress: 100,
  });
  expect(copy.SnapshotCreateTime?.getTime()).toBeGreaterThan(original.SnapshotCreateTime?.getTime() ?? Number.POSITIVE_INFINITY);
  expect((await untilSnapshot(lab, "shop-1-again", "available", AWAY)).TagList).toEqual([{ Key: "kind", Value: "daily" }]);
  const copied = lab.events
    .filter((event) => event["detail-type"] === "RDS DB Snapshot Event" && byHand(event))
    .map((event) => [event.detail.EventID, event.region]);
  expect(copied).toEqual([
    ["RDS-EVENT-0040", HOME],
    ["RDS-EVENT-0042", HOME],
    ["RDS-EVENT-0059", AWAY],
    ["RDS-EVENT-0059", AWAY],
    ["RDS-EVENT-0060", AWAY],
    ["RDS-EVENT-0060", AWAY],
  ]);

  await lab.call("RestoreDBInstanceFromDBSnapshot", { DBInstanceIdentifier: "drill", DBSnapshotIdentifier: "shop-1" }, AWAY);
  await until(lab, "drill", "available", AWAY);
  expect(await sql(lab, "drill", "SELECT array_agg(id ORDER BY id) AS ids FROM orders", AWAY)).toEqual([{ ids: [1, 2, 3, 4, 5] }]);
  await sql(lab, "drill", "INSERT INTO orders VALUES (100)", AWAY);
});

test("a restore that forgets its security groups cannot be reached", async () => {
  await lab.call("RestoreDBInstanceFromDBSnapshot", { DBInstanceIdentifier: "forgetful", DBSnapshotIdentifier: "shop-1" });
  expect((await until(lab, "forgetful", "available")).VpcSecurityGroups).toEqual([{ VpcSecurityGroupId: "sg-default", Status: "active" }]);
  await expect(client(lab, "forgetful", HOME, 200)).rejects.toThrow(/timeout/i);
  await lab.call("DeleteDBInstance", { DBInstanceIdentifier: "forgetful", SkipFinalSnapshot: true });
  await vi.waitFor(() => expect(describeOne(lab, "forgetful")).rejects.toEqual(refusal("DBInstanceNotFound")), patient);
});

test("deleting the source of a copy under way fails the copy", async () => {
  await lab.call("CreateDBSnapshot", { DBSnapshotIdentifier: "short-lived", DBInstanceIdentifier: "drill" }, AWAY);
  const { DBSnapshotArn } = await untilSnapshot(lab, "short-lived", "available", AWAY);
  await lab.call("CopyDBSnapshot", { SourceDBSnapshotIdentifier: DBSnapshotArn, TargetDBSnapshotIdentifier: "never" });
  await lab.call("DeleteDBSnapshot", { DBSnapshotIdentifier: "short-lived" }, AWAY);
  await untilSnapshot(lab, "never", "failed");
  await lab.call("DeleteDBSnapshot", { DBSnapshotIdentifier: "never" });
});

test("quotas of copies and snapshots: one code, two messages", async () => {
  const { snapshots } = lab.world.state<{ regions: Record<string, { snapshots: Record<string, object> }> }>("rds", () => ({ regions: {} }))
    .regions[AWAY] ?? { snapshots: {} };
  const real = snapshots["shop-1"];
  const source = "arn:aws:rds:eu-central-1:111122223333:snapshot:shop-1";
  const pad = (from: number, to: number, more: object) => {
    for (let n = from; n < to; n++) snapshots[`pad-${n}`] = { ...real, id: `pad-${n}`, ...more };
  };
  pad(0, 20, { resourceId: "db-OTHER", status: "pending", copy: { from: source, queuedAt: 0, startedAt: 1 } });
  await expect(
    lab.call("CopyDBSnapshot", { SourceDBSnapshotIdentifier: source, TargetDBSnapshotIdentifier: "one-more" }, AWAY),
  ).rejects.toEqual(refusal("SnapshotQuotaExceeded", /^Cannot copy more than 20 snapshots across regions$/));
  pad(0, 98, { resourceId: "db-OTHER" });
  await expect(lab.call("CreateDBSnapshot", { DBInstanceIdentifier: "drill", DBSnapshotIdentifier: "one-more" }, AWAY)).rejects.toEqual(
    refusal("SnapshotQuotaExceeded", /^Cannot create more than 100 manual snapshots$/),
  );
  // Pages: a hundred at most, twenty at least, by marker.
  const first = await lab.call("DescribeDBSnapshots", { SnapshotType: "manual", MaxRecords: 60 }, AWAY);
  const second = await lab.call("DescribeDBSnapshots", { SnapshotType: "manual", MaxRecords: 60, Marker: first.Marker }, AWAY);
  expect([first.DBSnapshots.length, second.DBSnapshots.length, second.Marker]).toEqual([60, 40, undefined]);
  for (let n = 0; n < 98; n++) delete snapshots[`pad-${n}`];
});

test("the primary dies: it is still `available`, clients are refused, the replica is promoted and takes writes", async () => {
  await lab.rds.faults.kill(HOME, "shop-a");
  expect((await describeOne(lab, "shop-a")).DBInstanceStatus).toBe("available");
  await expect(client(lab, "shop-a")).rejects.toThrow(/ECONNRESET/);
  const before = lab.events.length;
  const session = await client(lab, "shop-b");
  const { DBInstance: asked } = await lab.call("PromoteReadReplica", { DBInstanceIdentifier: "shop-b" });
  // For a moment nothing shows.
  expect(asked).toMatchObject({ DBInstanceStatus: "available", ReadReplicaSourceDBInstanceIdentifier: "shop-a" });
  await expect(lab.call("PromoteReadReplica", { DBInstanceIdentifier: "shop-b" })).rejects.toEqual(refusal("InvalidDBInstanceState"));
  const promoted = await vi.waitFor(async () => {
    const instance = await describeOne(lab, "shop-b");
    expect(instance).toMatchObject({ DBInstanceStatus: "available", ReadReplicaSourceDBInstanceIdentifier: undefined });
    return instance;
  }, patient);
  expect(promoted).toMatchObject({ StatusInfos: undefined, BackupRetentionPeriod: 1, DeletionProtection: false });
  expect((await describeOne(lab, "shop-a")).ReadReplicaDBInstanceIdentifiers).toEqual([]);
  await expect(session.query("SELECT 1")).rejects.toThrow();
  await sql(lab, "shop-b", "INSERT INTO orders VALUES (7)");
  expect(await sql(lab, "shop-b", "SELECT array_agg(id ORDER BY id) AS ids FROM orders")).toEqual([{ ids: [1, 2, 3, 4, 5, 6, 7] }]);
  // A shutdown and a restart, and no event that says "promoted".
  expect(lab.events.slice(before).map((event) => event.detail.EventID)).toEqual(["RDS-EVENT-0004", "RDS-EVENT-0006"]);
  await expect(lab.call("PromoteReadReplica", { DBInstanceIdentifier: "shop-b" })).rejects.toEqual(
    refusal("InvalidDBInstanceState", /not a read replica/),
  );
});

test("a replica that is backing up is not promoted; its lag is a metric, -1 once replication is stopped", async () => {
  await lab.call("CreateDBInstanceReadReplica", { DBInstanceIdentifier: "shop-c", SourceDBInstanceIdentifier: "shop-b" });
  await until(lab, "shop-c", "available");
  await lab.call("CreateDBSnapshot", { DBInstanceIdentifier: "shop-c", DBSnapshotIdentifier: "of-a-replica" });
  await expect(lab.call("PromoteReadReplica", { DBInstanceIdentifier: "shop-c" })).rejects.toEqual(
    refusal("InvalidDBInstanceState", /backing-up/),
  );
  await until(lab, "shop-c", "available");
  const lags = () => lab.metrics.map((metric) => metric.MetricData[0]).filter((data) => data.Dimensions[0].Value === "shop-c");
  await sql(lab, "shop-b", "UPDATE orders SET id = id");
  await vi.waitFor(
    () => expect(lags().at(-1)).toMatchObject({ MetricName: "ReplicaLag", Unit: "Seconds", Value: expect.any(Number) }),
    patient,
  );
  expect(lags().at(-1).Value).toBeGreaterThanOrEqual(0);
  await lab.rds.faults.stopReplication(HOME, "shop-c");
  await vi.waitFor(() => expect(lags().at(-1).Value).toBe(-1), patient);
  await lab.call("DeleteDBInstance", { DBInstanceIdentifier: "shop-c", SkipFinalSnapshot: true });
  await vi.waitFor(() => expect(describeOne(lab, "shop-c")).rejects.toEqual(refusal("DBInstanceNotFound")), patient);
  expect((await describeOne(lab, "shop-b")).ReadReplicaDBInstanceIdentifiers).toEqual([]);
});

test("a promotion outlives the lab that began it", async () => {
  const other = await openLab();
  await other.call("CreateDBInstance", shop("one"));
  await until(other, "one", "available");
  await other.call("CreateDBInstanceReadReplica", { DBInstanceIdentifier: "two", SourceDBInstanceIdentifier: "one" });
  await until(other, "two", "available");
  await other.call("PromoteReadReplica", { DBInstanceIdentifier: "two" });
  await other.call("CreateDBInstance", shop("three"));
  await other.close();
  expect(processesOf(other)).toEqual([]);
  const again = await openLab(other.dir, JSON.parse(JSON.stringify(other.world.save())));
  await vi.waitFor(
    async () =>
      expect(await describeOne(again, "two")).toMatchObject({
        DBInstanceStatus: "available",
        ReadReplicaSourceDBInstanceIdentifier: undefined,
      }),
    patient,
  );
  await sql(again, "two", "CREATE TABLE written (id int)");
  // What had no data yet is lost, and says so; it can be deleted.
  expect(await describeOne(again, "three")).toMatchObject({ DBInstanceStatus: "failed" });
  await again.call("DeleteDBInstance", { DBInstanceIdentifier: "three", SkipFinalSnapshot: true });
  await vi.waitFor(() => expect(describeOne(again, "three")).rejects.toEqual(refusal("DBInstanceNotFound")), patient);
  await again.close();
  rmSync(again.dir, { recursive: true, force: true });
});

test("parameters: a dynamic one reaches the server at once, a static one at the reboot", async () => {
  await lab.call("CreateDBParameterGroup", {
    DBParameterGroupName: "shop",
    DBParameterGroupFamily: "postgres18",
    Description: "the shop's",
  });
  await lab.call("ModifyDBInstance", { DBInstanceIdentifier: "shop-b", DBParameterGroupName: "shop" });
  const setting = async (name: string) => (await sql(lab, "shop-b", `SHOW ${name}`))[0]?.[name];
  const parameter = (ParameterName: string, ParameterValue: string, ApplyMethod: string) => ({
    DBParameterGroupName: "shop",
    Parameters: [{ ParameterName, ParameterValue, ApplyMethod }],
  });
  await lab.call("ModifyDBParameterGroup", parameter("wal_receiver_timeout", "7000", "immediate"));
  await vi.waitFor(async () => expect(await setting("wal_receiver_timeout")).toBe("7s"), patient);
  await lab.call("ModifyDBParameterGroup", parameter("shared_buffers", "3072", "pending-reboot"));
  expect(await setting("shared_buffers")).toBe("16MB");
  expect((await describeOne(lab, "shop-b")).DBParameterGroups).toEqual([
    { DBParameterGroupName: "shop", ParameterApplyStatus: "pending-reboot" },
  ]);
  await lab.call("RebootDBInstance", { DBInstanceIdentifier: "shop-b" });
  await until(lab, "shop-b", "available");
  expect(await setting("shared_buffers")).toBe("24MB");
  const { Parameters } = await lab.call("DescribeDBParameters", { DBParameterGroupName: "shop", Source: "user" });
  expect(Parameters).toMatchObject([
    { ParameterName: "shared_buffers", ParameterValue: "3072", ApplyType: "static" },
    { ParameterName: "wal_receiver_timeout", ParameterValue: "7000", ApplyType: "dynamic" },
  ]);
  await expect(lab.call("ModifyDBParameterGroup", parameter("max_connections", "70", "immediate"))).rejects.toEqual(
    refusal("InvalidParameterCombination", /static/),
  );
  await expect(lab.call("ModifyDBParameterGroup", parameter("no_such_thing", "1", "immediate"))).rejects.toEqual(
    refusal("InvalidParameterValue", /no_such_thing/),
  );
  await expect(lab.call("ModifyDBParameterGroup", parameter("port", "1", "pending-reboot"))).rejects.toEqual(
    refusal("InvalidParameterValue", /cannot be modified/),
  );
  await lab.call("ResetDBParameterGroup", {
    DBParameterGroupName: "shop",
    Parameters: [{ ParameterName: "wal_receiver_timeout", ApplyMethod: "immediate" }],
  });
  await vi.waitFor(async () => expect(await setting("wal_receiver_timeout")).not.toBe("7s"), patient);
  const left = await lab.call("DescribeDBParameters", { DBParameterGroupName: "shop", Source: "user" });
  expect(left.Parameters).toMatchObject([{ ParameterName: "shared_buffers" }]);
});

test("a replica in another region stays behind, terminated, when its source is deleted; one beside it becomes a primary", async () => {
  await lab.call("CreateDBInstanceReadReplica", { DBInstanceIdentifier: "near", SourceDBInstanceIdentifier: "shop-b" });
  await until(lab, "near", "available");
  await lab.call(
    "CreateDBInstanceReadReplica",
    { DBInstanceIdentifier: "far", SourceDBInstanceIdentifier: "arn:aws:rds:eu-central-1:111122223333:db:shop-b" },
    AWAY,
  );
  expect((await describeOne(lab, "shop-b")).DBInstanceStatus).toBe("modifying");
  const far = await until(lab, "far", "available", AWAY);
  expect(far).toMatchObject({
    ReadReplicaSourceDBInstanceIdentifier: "arn:aws:rds:eu-central-1:111122223333:db:shop-b",
    DBParameterGroups: [{ DBParameterGroupName: "default.postgres18" }],
  });
  const source = await until(lab, "shop-b", "available");
  expect(source.ReadReplicaDBInstanceIdentifiers).toEqual(["near", "arn:aws:rds:eu-west-1:111122223333:db:far"]);
  await expect(lab.call("StopDBInstance", { DBInstanceIdentifier: "shop-b" })).rejects.toEqual(
    refusal("InvalidDBInstanceState", /read replicas/),
  );
  await lab.call("DeleteDBInstance", { DBInstanceIdentifier: "shop-b", FinalDBSnapshotIdentifier: "shop-b-final" });
  await vi.waitFor(
    async () =>
      expect(await describeOne(lab, "near")).toMatchObject({
        DBInstanceStatus: "available",
        ReadReplicaSourceDBInstanceIdentifier: undefined,
      }),
    patient,
  );
  await sql(lab, "near", "INSERT INTO orders VALUES (8)");
  await vi.waitFor(() => expect(describeOne(lab, "shop-b")).rejects.toEqual(refusal("DBInstanceNotFound")), patient);
  expect((await describeOne(lab, "far", AWAY)).StatusInfos).toMatchObject([{ Normal: false, Status: "terminated" }]);
  await expect(sql(lab, "far", "INSERT INTO orders VALUES (9)", AWAY)).rejects.toThrow(/read-only transaction/);
  await lab.call("PromoteReadReplica", { DBInstanceIdentifier: "far" }, AWAY);
  await vi.waitFor(
    async () => expect(await describeOne(lab, "far", AWAY)).toMatchObject({ DBInstanceStatus: "available", StatusInfos: undefined }),
    patient,
  );
  await sql(lab, "far", "INSERT INTO orders VALUES (9)", AWAY);
  expect(await untilSnapshot(lab, "shop-b-final", "available")).toMatchObject({ DBInstanceIdentifier: "shop-b" });
});

describe("refusals come before the first effect", () => {
  const cases: [string, string, object, string, RegExp][] = [
    ["a double hyphen", "CreateDBInstance", shop("shop--x"), "InvalidParameterValue", /hyphen/],
    ["an underscore", "CreateDBInstance", shop("shop_x"), "InvalidParameterValue", /identifier/],
    ["64 characters", "CreateDBInstance", shop("x".repeat(64)), "InvalidParameterValue", /63/],
    ["a name taken", "CreateDBInstance", shop("SHOP-A"), "DBInstanceAlreadyExists", /exists/],
    ["another engine", "CreateDBInstance", shop("x", { Engine: "oracle-ee" }), "InvalidParameterValue", /lab runs postgres/],
    ["another version", "CreateDBInstance", shop("x", { EngineVersion: "12.1" }), "InvalidParameterCombination", /12\.1.*18/],
    ["a short password", "CreateDBInstance", shop("x", { MasterUserPassword: "short" }), "InvalidParameterValue", /password/],
    ["a missing class", "CreateDBInstance", shop("x", { DBInstanceClass: undefined }), "MissingParameter", /DBInstanceClass/],
    ["an unknown group", "CreateDBInstance", shop("x", { VpcSecurityGroupIds: ["sg-none"] }), "InvalidParameterValue", /sg-none/],
    [
      "a zone of a Multi-AZ instance",
      "CreateDBInstance",
      shop("x", { MultiAZ: true, AvailabilityZone: "eu-central-1a" }),
      "InvalidParameterCombination",
      /availability zone/,
    ],
    [
      "what is not modelled",
      "CreateDBInstance",
      shop("x", { MonitoringInterval: 60 }),
      "InvalidParameterCombination",
      /MonitoringInterval/,
    ],
    ["no such instance", "RebootDBInstance", { DBInstanceIdentifier: "nobody" }, "DBInstanceNotFound", /nobody/],
    [
      "a forced failover",
      "RebootDBInstance",
      { DBInstanceIdentifier: "shop-a", ForceFailover: true },
      "InvalidParameterCombination",
      /Multi-AZ/,
    ],
    ["promotion of a primary", "PromoteReadReplica", { DBInstanceIdentifier: "shop-a" }, "InvalidDBInstanceState", /replica/],
    [
      "deletion without a word on a final snapshot",
      "DeleteDBInstance",
      { DBInstanceIdentifier: "shop-a" },
      "InvalidParameterCombination",
      /FinalDBSnapshotIdentifier/,
    ],
    [
      "a snapshot id with a colon",
      "CreateDBSnapshot",
      { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: "rds:x" },
      "InvalidParameterValue",
      /255/,
    ],
    [
      "a snapshot id taken",
      "CreateDBSnapshot",
      { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: "shop-1" },
      "DBSnapshotAlreadyExists",
      /shop-1/,
    ],
    [
      "a snapshot of another region's endpoint",
      "DeleteDBSnapshot",
      { DBSnapshotIdentifier: "shop-1-again" },
      "DBSnapshotNotFound",
      /not found/,
    ],
    [
      "a key of another region",
      "CopyDBSnapshot",
      { SourceDBSnapshotIdentifier: "shop-1", TargetDBSnapshotIdentifier: "c", KmsKeyId: "arn:aws:kms:us-east-1:1:key/k" },
      "KMSKeyNotAccessibleFault",
      /us-east-1/,
    ],
    ["pages of ten", "DescribeDBInstances", { MaxRecords: 10 }, "InvalidParameterValue", /20 and 100/],
    ["an unknown filter", "DescribeDBInstances", { Filters: [{ Name: "colour", Values: ["red"] }] }, "InvalidParameterValue", /colour/],
    ["tags of a strange ARN", "ListTagsForResource", { ResourceName: "arn:aws:s3:::bucket" }, "InvalidParameterValue", /ResourceName/],
  ];
  test.each(cases)("%s", async (_, operation, input, code, message) => {
    const before = JSON.stringify(lab.world.save().rds);
    await expect(lab.call(operation, input)).rejects.toEqual(refusal(code, message));
    expect(JSON.stringify(lab.world.save().rds)).toBe(before);
  });

  test("not found answers 404, the others 400", async () => {
    const error = await lab.call("DescribeDBInstances", { DBInstanceIdentifier: "nobody" }).catch((caught: ServiceError) => caught);
    expect(error).toBeInstanceOf(ServiceError);
    expect(error.status).toBe(404);
  });

  test("a source without backups has no replica", async () => {
    await lab.call("ModifyDBInstance", { DBInstanceIdentifier: "near", BackupRetentionPeriod: 0, ApplyImmediately: true });
    await vi.waitFor(
      async () => expect(await describeOne(lab, "near")).toMatchObject({ DBInstanceStatus: "available", BackupRetentionPeriod: 0 }),
      patient,
    );
    await expect(
      lab.call("CreateDBInstanceReadReplica", { DBInstanceIdentifier: "x", SourceDBInstanceIdentifier: "near" }),
    ).rejects.toEqual(refusal("InvalidDBInstanceState", /backups/i));
  });

  test("a protected instance is not deleted", async () => {
    await lab.call("ModifyDBInstance", { DBInstanceIdentifier: "shop-a", DeletionProtection: true });
    await expect(lab.call("DeleteDBInstance", { DBInstanceIdentifier: "shop-a", SkipFinalSnapshot: true })).rejects.toEqual(
      refusal("InvalidParameterCombination", /protected/),
    );
  });
});

test("the lab is closed and opened again on the same folder: what ran runs, what was killed stays dead until a reboot", async () => {
  // shop-a was killed above; near and far run. A stop in between is remembered too.
  await lab.call("StopDBInstance", { DBInstanceIdentifier: "drill" }, AWAY);
  await until(lab, "drill", "stopped", AWAY);
  await lab.close();
  expect(processesOf(lab)).toEqual([]);
  lab = await openLab(lab.dir, JSON.parse(JSON.stringify(lab.world.save())));
  expect(await sql(lab, "near", "SELECT max(id) AS id FROM orders")).toEqual([{ id: 8 }]);
  expect((await describeOne(lab, "drill", AWAY)).DBInstanceStatus).toBe("stopped");
  await expect(client(lab, "shop-a")).rejects.toThrow(/ECONNRESET/);
  await lab.call("RebootDBInstance", { DBInstanceIdentifier: "shop-a" });
  await until(lab, "shop-a", "available");
  expect(await sql(lab, "shop-a", "SELECT max(id) AS id FROM orders")).toEqual([{ id: 6 }]);
  await lab.call("StartDBInstance", { DBInstanceIdentifier: "drill" }, AWAY);
  await until(lab, "drill", "available", AWAY);
  expect(await sql(lab, "drill", "SELECT max(id) AS id FROM orders", AWAY)).toEqual([{ id: 100 }]);
  const { Events } = await lab.call("DescribeEvents", { SourceType: "db-instance", SourceIdentifier: "shop-a", Duration: 60 });
  expect(Events.at(-1)).toMatchObject({ Message: "DB instance restarted", EventCategories: ["availability"] });
});
