/** Aurora global databases: a secondary in another region, the switchover that loses nothing, the failover that may, and their refusals. */
import { GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import * as api from "@aws-sdk/client-rds";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ClusterLab } from "./cluster-lab.ts";
import { ACCOUNT, AWAY, HOME, patient, RdsLab, refusal } from "./rds-lab.ts";

let lab: RdsLab;
let clusters: ClusterLab;
beforeAll(async () => {
  lab = await RdsLab.open({ alone: true });
  clusters = new ClusterLab(lab);
  await clusters.aurora("near", ["near-1"]);
  await clusters.sql("near", "CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)");
  await lab.send(new api.CreateGlobalClusterCommand({ GlobalClusterIdentifier: "world", SourceDBClusterIdentifier: clusters.arn("near") }));
  const secondary = {
    DBClusterIdentifier: "far",
    Engine: "aurora-postgresql",
    GlobalClusterIdentifier: "world",
    VpcSecurityGroupIds: ["sg-open"],
  };
  await lab.send(new api.CreateDBClusterCommand(secondary), AWAY);
  await clusters.available("far", AWAY);
  await clusters.member("far-1", "far", {}, AWAY);
  await lab.available("far-1", AWAY);
});
afterAll(async () => {
  await lab?.close();
});

const NEAR = `arn:aws:rds:${HOME}:${ACCOUNT}:cluster:near`;
const FAR = `arn:aws:rds:${AWAY}:${ACCOUNT}:cluster:far`;
const globalNow = async (): Promise<api.GlobalCluster> =>
  (await lab.send(new api.DescribeGlobalClustersCommand({ GlobalClusterIdentifier: "world" }), AWAY)).GlobalClusters[0];
const failOver = (target: string, more: object = {}) =>
  lab.send(new api.FailoverGlobalClusterCommand({ GlobalClusterIdentifier: "world", TargetDbClusterIdentifier: target, ...more }), AWAY);
const switchOver = (target: string) =>
  lab.send(new api.SwitchoverGlobalClusterCommand({ GlobalClusterIdentifier: "world", TargetDbClusterIdentifier: target }), AWAY);
const settled = (writer: string) =>
  vi.waitFor(async () => {
    const now = await globalNow();
    const members = now.GlobalClusterMembers?.map(({ DBClusterArn, IsWriter }) => [DBClusterArn, IsWriter]);
    expect([now.Status, members?.[0]]).toEqual(["available", [writer, true]]);
    expect([(await clusters.describe("near")).Status, (await clusters.describe("far", AWAY)).Status]).toEqual(["available", "available"]);
    return now;
  }, patient);
const rows = async (id: string, region: string): Promise<number[]> =>
  (await clusters.sql(id, "SELECT id FROM orders ORDER BY id", { region, reader: true })).map((row) => row.id);
const byGlobalName = async (text: string) => {
  const client = await clusters.connectTo((await globalNow()).Endpoint);
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
};

test("a secondary cluster follows from another region, reads and does not write; one name leads to the writer", async () => {
  const now = await globalNow();
  expect(now).toMatchObject({
    GlobalClusterArn: `arn:aws:rds::${ACCOUNT}:global-cluster:world`,
    Engine: "aurora-postgresql",
    Endpoint: expect.stringMatching(/^world\.global-[a-z0-9]{12}\.global\.rds\.amazonaws\.com$/),
    GlobalClusterMembers: [
      { DBClusterArn: NEAR, IsWriter: true, Readers: [FAR] },
      { DBClusterArn: FAR, IsWriter: false, Readers: [] },
    ],
  });
  await byGlobalName("INSERT INTO orders VALUES (2)");
  await vi.waitFor(async () => expect(await rows("far", AWAY)).toEqual([1, 2]), patient);
  await expect(lab.sql("far-1", "INSERT INTO orders VALUES (3)", AWAY)).rejects.toThrow(/read-only/);
  const far = await clusters.describe("far", AWAY);
  expect([far.GlobalClusterIdentifier, far.DBClusterMembers?.map((each) => each.IsClusterWriter)]).toEqual(["world", [false]]);
  expect(clusters.addresses(far.Endpoint)).toEqual([]);
});

test("its lag is a metric in milliseconds, in the secondary's region", async () => {
  const client = lab.cloudWatch(AWAY);
  const ask = new GetMetricStatisticsCommand({
    Namespace: "AWS/RDS",
    MetricName: "AuroraGlobalDBReplicationLag",
    Dimensions: [{ Name: "DBClusterIdentifier", Value: "far" }],
    StartTime: new Date(Date.now() - 3_600_000),
    EndTime: new Date(Date.now() + 60_000),
    Period: 60,
    Statistics: ["Maximum", "Minimum"],
  });
  const newest = async () => (await client.send(ask)).Datapoints?.at(-1);
  await vi.waitFor(async () => expect((await newest())?.Minimum).toBe(0), patient);
  await lab.rds.faults.partition(AWAY, "far-1", { from: "replica" });
  await byGlobalName("INSERT INTO orders VALUES (3)");
  await vi.waitFor(async () => expect((await newest())?.Maximum).toBeGreaterThan(200), patient);
  await lab.rds.faults.mend(AWAY, "far-1", { from: "replica" });
  await vi.waitFor(async () => expect(await rows("far", AWAY)).toEqual([1, 2, 3]), patient);
  client.destroy();
});

describe("what is refused", () => {
  const refused: [string, () => Promise<unknown>, string, RegExp][] = [
    ["both words at once", () => failOver(FAR, { AllowDataLoss: true, Switchover: true }), "InvalidParameterCombination", /together/],
    ["a move to the primary", () => switchOver(NEAR), "InvalidGlobalClusterStateFault", /primary/],
    ["a move to nobody", () => switchOver(`${FAR}-away`), "DBClusterNotFoundFault", /far-away/],
    [
      "a second secondary in a region",
      () =>
        clusters.create(
          "far-2",
          { GlobalClusterIdentifier: "world", MasterUsername: undefined, MasterUserPassword: undefined, DatabaseName: undefined },
          AWAY,
        ),
      "InvalidGlobalClusterStateFault",
      /eu-west-1/,
    ],
    [
      "a secondary with a user of its own",
      () => clusters.create("far-2", { GlobalClusterIdentifier: "world" }, "us-west-2"),
      "InvalidParameterCombination",
      /user name/,
    ],
    [
      "the deletion of one that has clusters",
      () => lab.send(new api.DeleteGlobalClusterCommand({ GlobalClusterIdentifier: "world" })),
      "InvalidGlobalClusterStateFault",
      /not empty/,
    ],
    [
      "a name twice",
      () => lab.send(new api.CreateGlobalClusterCommand({ GlobalClusterIdentifier: "World", Engine: "aurora-postgresql" })),
      "GlobalClusterAlreadyExistsFault",
      /exists/,
    ],
    [
      "an unknown name",
      () => lab.send(new api.DescribeGlobalClustersCommand({ GlobalClusterIdentifier: "nobody" })),
      "GlobalClusterNotFoundFault",
      /nobody/,
    ],
    [
      "the deletion of a cluster in it",
      () => lab.send(new api.DeleteDBClusterCommand({ DBClusterIdentifier: "near", SkipFinalSnapshot: true })),
      "InvalidDBClusterStateFault",
      /global/,
    ],
    [
      "the removal of a primary that has secondaries",
      () => lab.send(new api.RemoveFromGlobalClusterCommand({ GlobalClusterIdentifier: "world", DbClusterIdentifier: NEAR })),
      "InvalidGlobalClusterStateFault",
      /secondary/,
    ],
  ];
  test.each(refused)("%s", async (_title, call, code, message) => {
    await expect(call()).rejects.toEqual(refusal(code, code.includes("NotFound") ? 404 : 400, message));
  });
});

test("a switchover loses nothing: the old primary follows, and the name leads to the new one", async () => {
  const from = lab.events.length;
  const writing = clusters.writeUntilCut("near", 1000);
  await vi.waitFor(async () => expect((await rows("near", HOME)).length).toBeGreaterThan(8), patient);
  const { GlobalCluster } = await switchOver(FAR);
  expect(GlobalCluster.FailoverState).toMatchObject({
    Status: "pending",
    FromDbClusterArn: NEAR,
    ToDbClusterArn: FAR,
    IsDataLossAllowed: false,
  });
  await expect(switchOver(FAR)).rejects.toEqual(refusal("InvalidGlobalClusterStateFault", 400));
  const acknowledged = await writing;
  await settled(FAR);
  const kept = new Set(await rows("far", AWAY));
  expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
  await byGlobalName("INSERT INTO orders VALUES (4)");
  await vi.waitFor(async () => expect(await rows("near", HOME)).toContain(4), patient);
  await expect(lab.sql("near-1", "INSERT INTO orders VALUES (5)")).rejects.toThrow(/read-only/);
  for (const id of ["near", "far"]) expect(clusters.told(id, from)).toEqual(expect.arrayContaining(["0181", "0182", "0184", "0185"]));
  await switchOver(NEAR);
  await settled(NEAR);
  await byGlobalName("INSERT INTO orders VALUES (6)");
});

test("a switchover whose target cannot catch up is cancelled, and the primary goes on", async () => {
  await lab.rds.faults.partition(AWAY, "far-1", { from: "replica" });
  await byGlobalName("INSERT INTO orders VALUES (7)");
  const from = lab.events.length;
  await failOver(FAR);
  await vi.waitFor(() => expect(clusters.told("far", from)).toContain("0186"), patient);
  await settled(NEAR);
  await byGlobalName("INSERT INTO orders VALUES (8)");
  await lab.rds.faults.mend(AWAY, "far-1", { from: "replica" });
  await vi.waitFor(async () => expect(await rows("far", AWAY)).toContain(8), patient);
});

test("a failover takes what the target has; the old primary is made again from it once it is reached, and its lost rows are in a snapshot", async () => {
  await lab.rds.faults.partition(AWAY, "far-1", { from: "replica" });
  await byGlobalName("INSERT INTO orders VALUES (99)");
  const from = lab.events.length;
  await failOver(FAR, { AllowDataLoss: true });
  await vi.waitFor(() => expect(clusters.told("far", from)).toContain("0238"), patient);
  expect(clusters.told("far-1", from)).toContain("0391");
  expect(await rows("far", AWAY)).not.toContain(99);
  await byGlobalName("INSERT INTO orders VALUES (10)");
  // Cut off and not fenced, the old primary still takes writes: whoever reaches it writes into the void.
  await lab.sql("near-1", "INSERT INTO orders VALUES (100)");
  await lab.rds.faults.mend(AWAY, "far-1", { from: "replica" });
  await vi.waitFor(() => expect(clusters.told("near", from)).toContain("0241"), patient);
  await settled(FAR);
  await vi.waitFor(async () => expect(await rows("near", HOME)).toContain(10), patient);
  expect(await rows("near", HOME)).not.toContain(100);
  const { DBClusterSnapshots } = await lab.send(new api.DescribeDBClusterSnapshotsCommand({ SnapshotType: "automated" }));
  expect(DBClusterSnapshots).toMatchObject([
    { DBClusterSnapshotIdentifier: expect.stringMatching(/^rds:unplanned-global-failover-near-/), Status: "available" },
  ]);
  await lab.send(
    new api.RestoreDBClusterFromSnapshotCommand({
      ...{ DBClusterIdentifier: "rescue", SnapshotIdentifier: DBClusterSnapshots[0].DBClusterSnapshotIdentifier },
      ...{ Engine: "aurora-postgresql", VpcSecurityGroupIds: ["sg-open"] },
    }),
  );
  await clusters.available("rescue");
  await clusters.member("rescue-1", "rescue");
  await lab.available("rescue-1");
  expect(await rows("rescue", HOME)).toEqual(expect.arrayContaining([99, 100]));
});

test("a cluster that is taken out takes writes of its own, and the rest may be deleted", async () => {
  const remove = (DbClusterIdentifier: string) =>
    lab.send(new api.RemoveFromGlobalClusterCommand({ GlobalClusterIdentifier: "world", DbClusterIdentifier }), AWAY);
  await remove(NEAR);
  await clusters.available("near");
  await clusters.sql("near", "INSERT INTO orders VALUES (200)");
  await clusters.sql("far", "INSERT INTO orders VALUES (201)", { region: AWAY });
  await remove(FAR);
  await lab.send(new api.DeleteGlobalClusterCommand({ GlobalClusterIdentifier: "world" }));
  await expect(globalNow()).rejects.toEqual(refusal("GlobalClusterNotFoundFault", 404));
});
