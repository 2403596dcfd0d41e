/** DB clusters: Aurora's and Multi-AZ ones, their members and names, and every way the writer changes. Real servers and sessions. */
import * as api from "@aws-sdk/client-rds";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ClusterLab } from "./cluster-lab.ts";
import { HOME, patient, RdsLab, refusal } from "./rds-lab.ts";

let lab: RdsLab;
let clusters: ClusterLab;
beforeAll(async () => {
  lab = await RdsLab.open({ alone: true });
  clusters = new ClusterLab(lab);
  await clusters.aurora("shop", ["shop-1", "shop-2"]);
  await clusters.sql("shop", "CREATE TABLE orders (id int PRIMARY KEY)");
});
afterAll(async () => {
  await lab?.close();
});

const failOver = (id: string, target?: string) =>
  lab.send(new api.FailoverDBClusterCommand({ DBClusterIdentifier: id, TargetDBInstanceIdentifier: target }));
const other = (member: string | undefined): string => (member === "shop-1" ? "shop-2" : "shop-1");
const ownAddress = async (member: string): Promise<string[]> => clusters.addresses((await lab.instance(member)).Endpoint?.Address);
const completed = (id: string, from: number) => vi.waitFor(() => expect(clusters.told(id, from)).toContain("0071"), patient);

describe("an Aurora cluster", () => {
  test("has no instances at first, then a writer and readers with their tiers", async () => {
    const cluster = await clusters.describe("shop");
    expect(cluster).toMatchObject({
      DBClusterArn: clusters.arn("shop"),
      Engine: "aurora-postgresql",
      EngineMode: "provisioned",
      Endpoint: expect.stringMatching(/^shop\.cluster-[a-z0-9]{12}\.eu-central-1\.rds\.amazonaws\.com$/),
      ReaderEndpoint: expect.stringMatching(/^shop\.cluster-ro-[a-z0-9]{12}\.eu-central-1\.rds\.amazonaws\.com$/),
      MultiAZ: true,
    });
    expect(cluster.DBClusterMembers).toEqual([
      expect.objectContaining({ DBInstanceIdentifier: "shop-1", IsClusterWriter: true, PromotionTier: 1 }),
      expect.objectContaining({ DBInstanceIdentifier: "shop-2", IsClusterWriter: false, PromotionTier: 1 }),
    ]);
    expect(await lab.instance("shop-2")).toMatchObject({ DBClusterIdentifier: "shop", Engine: "aurora-postgresql", MultiAZ: false });
    const { DBInstances } = await lab.send(new api.DescribeDBInstancesCommand({ Filters: [{ Name: "db-cluster-id", Values: ["shop"] }] }));
    expect(DBInstances).toHaveLength(2);
  });

  test("writes by one name and reads by the other; readers refuse writes", async () => {
    const { Endpoint, ReaderEndpoint } = await clusters.describe("shop");
    expect(clusters.addresses(Endpoint)).toEqual(await ownAddress("shop-1"));
    expect(clusters.addresses(ReaderEndpoint)).toEqual(await ownAddress("shop-2"));
    await clusters.sql("shop", "INSERT INTO orders VALUES (1)");
    await vi.waitFor(
      async () => expect(await clusters.sql("shop", "SELECT id FROM orders", { reader: true })).toEqual([{ id: 1 }]),
      patient,
    );
    await expect(clusters.sql("shop", "INSERT INTO orders VALUES (2)", { reader: true })).rejects.toThrow(/read-only/);
  });
});

describe("the writer of a cluster dies", () => {
  test.each(["kill", "hang"] as const)(
    "(%s): a reader takes over, the writer's name follows, no acknowledged row is lost",
    async (fault) => {
      const old = (await clusters.writer("shop")) as string;
      const from = lab.events.length;
      const first = fault === "kill" ? 1000 : 1_000_000;
      const writing = clusters.writeUntilCut("shop", first);
      const written = () => clusters.sql("shop", `SELECT count(*)::int AS n FROM orders WHERE id >= ${first}`);
      await vi.waitFor(async () => expect((await written())[0]?.n).toBeGreaterThan(5), patient);
      await lab.rds.faults[fault](HOME, old);
      const acknowledged = await writing;
      await clusters.writes("shop", other(old));
      const { Endpoint } = await clusters.describe("shop");
      expect(clusters.addresses(Endpoint)).toEqual(await ownAddress(other(old)));
      const kept = new Set((await clusters.sql("shop", "SELECT id FROM orders")).map(({ id }) => id));
      expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
      expect(acknowledged.length).toBeGreaterThanOrEqual(5);
      await completed("shop", from);
      expect(clusters.told("shop", from)).toEqual(["0073", "0071"]);
      // The old writer comes back as a reader, with all that was written.
      await clusters.sql("shop", `INSERT INTO orders VALUES (${first - 1})`);
      await vi.waitFor(async () => {
        expect(clusters.addresses((await clusters.describe("shop")).ReaderEndpoint)).toEqual(await ownAddress(old));
        const [found] = await clusters.sql("shop", `SELECT id FROM orders WHERE id = ${first - 1}`, { reader: true });
        expect(found).toEqual({ id: first - 1 });
      }, patient);
    },
  );

  test("with no reader to take over, the writer is made again in its place", async () => {
    await clusters.aurora("alone", ["alone-1"]);
    await clusters.sql("alone", "CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)");
    await lab.rds.faults.kill(HOME, "alone-1");
    await expect(failOver("alone")).rejects.toEqual(refusal("InvalidDBClusterStateFault", 400, /at least two/));
    await vi.waitFor(async () => expect(await clusters.sql("alone", "SELECT id FROM orders")).toEqual([{ id: 7 }]), patient);
    expect(await clusters.writer("alone")).toBe("alone-1");
  });

  test("a reader that dies leaves the readers' name, and comes back", async () => {
    const writer = (await clusters.writer("shop")) as string;
    const { ReaderEndpoint } = await clusters.describe("shop");
    const own = await ownAddress(other(writer));
    await lab.rds.faults.kill(HOME, other(writer));
    await vi.waitFor(() => expect(clusters.addresses(ReaderEndpoint)).not.toEqual(own), patient);
    await vi.waitFor(async () => {
      expect(clusters.addresses(ReaderEndpoint)).toEqual(own);
      await clusters.sql("shop", "SELECT 1", { reader: true });
    }, patient);
    expect(await clusters.writer("shop")).toBe(writer);
  });
});

describe("a failover that was asked for", () => {
  test("goes to the lowest promotion tier, or to the reader it names; sessions of both are cut", async () => {
    const old = (await clusters.writer("shop")) as string;
    await clusters.member("shop-3", "shop", { PromotionTier: 0 });
    await lab.available("shop-3");
    const [session, reading] = [await lab.connect(old), await lab.connect("shop-3")];
    const from = lab.events.length;
    const { DBCluster } = await failOver("shop");
    expect(DBCluster.Status).toBe("available");
    expect((await clusters.describe("shop")).Status).toBe("failing-over");
    await expect(failOver("shop")).rejects.toEqual(refusal("InvalidDBClusterStateFault", 400));
    await clusters.writes("shop", "shop-3");
    for (const cut of [session, reading]) await expect(cut.query("SELECT 1")).rejects.toThrow();
    await completed("shop", from);
    await vi.waitFor(() => lab.sql(old, "SELECT 1"), patient);
    await failOver("shop", old);
    await clusters.writes("shop", old);
  });

  test("is refused with the right codes", async () => {
    const writer = await clusters.writer("shop");
    await expect(failOver("nobody")).rejects.toEqual(refusal("DBClusterNotFoundFault", 404));
    await expect(failOver("shop", "nobody")).rejects.toEqual(refusal("DBInstanceNotFound", 404));
    await expect(failOver("shop", writer)).rejects.toEqual(refusal("InvalidDBInstanceState", 400));
    await expect(failOver("shop", "shop-a")).rejects.toEqual(refusal("InvalidDBInstanceState", 400));
  });
});

describe("members of a cluster", () => {
  const refused: [string, () => Promise<unknown>, string, RegExp][] = [
    [
      "take the cluster's settings",
      () => clusters.member("x", "shop", { BackupRetentionPeriod: 3 }),
      "InvalidParameterCombination",
      /DB Cluster/,
    ],
    ["are of its engine", () => clusters.member("x", "shop", { Engine: "postgres" }), "InvalidParameterCombination", /engine/],
    ["belong to a cluster that is there", () => clusters.member("x", "nobody"), "DBClusterNotFoundFault", /nobody/],
    [
      "are not made without one",
      () => lab.create("x", { Engine: "aurora-postgresql" }),
      "InvalidParameterCombination",
      /DBClusterIdentifier/,
    ],
    [
      "are no source of instance snapshots",
      () => lab.send(new api.CreateDBSnapshotCommand({ DBInstanceIdentifier: "shop-1", DBSnapshotIdentifier: "x" })),
      "InvalidParameterValue",
      /CreateDBClusterSnapshot/,
    ],
    [
      "are not stopped alone",
      () => lab.send(new api.StopDBInstanceCommand({ DBInstanceIdentifier: "shop-1" })),
      "InvalidParameterCombination",
      /not eligible/,
    ],
    [
      "keep their cluster from being deleted",
      () => lab.send(new api.DeleteDBClusterCommand({ DBClusterIdentifier: "shop", SkipFinalSnapshot: true })),
      "InvalidDBClusterStateFault",
      /still contains DB instances/,
    ],
    ["of a cluster named twice", () => clusters.create("SHOP"), "DBClusterAlreadyExistsFault", /exists/],
    ["of a cluster with a long name", () => clusters.create("x".repeat(64)), "InvalidParameterValue", /63/],
  ];
  test.each(refused)("%s", async (_title, call, code, message) => {
    await expect(call()).rejects.toEqual(refusal(code, code.includes("NotFound") ? 404 : 400, message));
  });

  test("go one by one: a writer's place is taken first, and the storage outlives the last of them", async () => {
    await clusters.aurora("brief", ["brief-1", "brief-2"]);
    await clusters.sql("brief", "CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)");
    const remove = (id: string) => lab.send(new api.DeleteDBInstanceCommand({ DBInstanceIdentifier: id, SkipFinalSnapshot: true }));
    const gone = (id: string) => vi.waitFor(() => expect(lab.instance(id)).rejects.toEqual(refusal("DBInstanceNotFound", 404)), patient);
    await remove("brief-1");
    await gone("brief-1");
    expect(await clusters.writer("brief")).toBe("brief-2");
    expect(await clusters.sql("brief", "SELECT id FROM orders")).toEqual([{ id: 7 }]);
    await remove("brief-2");
    await gone("brief-2");
    expect((await clusters.describe("brief")).DBClusterMembers).toEqual([]);
    await clusters.member("brief-1", "brief");
    await lab.available("brief-1");
    expect(await clusters.sql("brief", "SELECT id FROM orders")).toEqual([{ id: 7 }]);
  });
});

describe("a Multi-AZ DB cluster", () => {
  const input = { Engine: "postgres", DBClusterInstanceClass: "db.m6gd.large", AllocatedStorage: 100, StorageType: "io1", Iops: 1000 };

  test("is made with a writer and two readers in three zones, fails over by itself, and goes with its instances", async () => {
    await clusters.create("trio", input);
    const cluster = await clusters.available("trio");
    expect(cluster).toMatchObject({ Engine: "postgres", MultiAZ: true, DBClusterInstanceClass: "db.m6gd.large", Iops: 1000 });
    const ids = ["trio-instance-1", "trio-instance-2", "trio-instance-3"];
    expect(cluster.DBClusterMembers?.map(({ DBInstanceIdentifier, IsClusterWriter }) => [DBInstanceIdentifier, IsClusterWriter])).toEqual(
      ids.map((id, at) => [id, at === 0]),
    );
    const zones = await Promise.all(ids.map(async (id) => (await lab.instance(id)).AvailabilityZone));
    expect(new Set(zones).size).toBe(3);
    expect(clusters.addresses(cluster.ReaderEndpoint)).toHaveLength(2);
    await clusters.sql("trio", "CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)");
    await lab.rds.faults.kill(HOME, "trio-instance-1");
    await clusters.writes("trio", "trio-instance-2");
    expect(await clusters.sql("trio", "SELECT id FROM orders")).toEqual([{ id: 7 }]);
    const alone = lab.send(new api.DeleteDBInstanceCommand({ DBInstanceIdentifier: "trio-instance-3", SkipFinalSnapshot: true }));
    await expect(alone).rejects.toEqual(refusal("InvalidDBInstanceState", 400));
    await vi.waitFor(() => lab.sql("trio-instance-1", "SELECT 1"), patient);
    await lab.send(new api.DeleteDBClusterCommand({ DBClusterIdentifier: "trio", SkipFinalSnapshot: true }));
    await vi.waitFor(() => expect(clusters.describe("trio")).rejects.toEqual(refusal("DBClusterNotFoundFault", 404)), patient);
    await expect(lab.instance("trio-instance-3")).rejects.toEqual(refusal("DBInstanceNotFound", 404));
  });

  test("needs its class and its IOPS, and a name of 52 characters at most", async () => {
    await expect(clusters.create("x", { ...input, DBClusterInstanceClass: undefined })).rejects.toMatchObject({ Code: "MissingParameter" });
    await expect(clusters.create("x".repeat(53), input)).rejects.toEqual(refusal("InvalidParameterValue", 400, /52/));
  });
});

test("a cluster's security groups and password are changed for all its members at once", async () => {
  const change = (more: object) => lab.send(new api.ModifyDBClusterCommand({ DBClusterIdentifier: "alone", ...more }));
  await change({ MasterUserPassword: "battery-staple" });
  await clusters.available("alone");
  await expect(clusters.sql("alone", "SELECT 1")).rejects.toThrow(/password/);
  await change({ DeletionProtection: true, BackupRetentionPeriod: 9 });
  expect(await lab.instance("alone-1")).toMatchObject({ BackupRetentionPeriod: 9 });
  const remove = lab.send(new api.DeleteDBClusterCommand({ DBClusterIdentifier: "alone", SkipFinalSnapshot: true }));
  await expect(remove).rejects.toEqual(refusal("InvalidParameterCombination", 400, /protect/));
});

test("a cluster is stopped and started whole", async () => {
  const { writer } = { writer: await clusters.writer("shop") };
  await lab.send(new api.StopDBClusterCommand({ DBClusterIdentifier: "shop" }));
  await vi.waitFor(async () => expect((await clusters.describe("shop")).Status).toBe("stopped"), patient);
  await expect(clusters.sql("shop", "SELECT 1")).rejects.toThrow();
  await lab.send(new api.StartDBClusterCommand({ DBClusterIdentifier: "shop" }));
  await clusters.available("shop");
  expect(await clusters.writer("shop")).toBe(writer);
  await clusters.sql("shop", "INSERT INTO orders VALUES (-1)");
});
