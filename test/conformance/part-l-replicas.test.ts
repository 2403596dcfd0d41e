/** Part L of the AWS facts, points 6 to 8: promotion, deletion of a source, replica lag. */
import { GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import * as api from "@aws-sdk/client-rds";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { elsewhere } from "./elsewhere.ts";
import { ACCOUNT, AWAY, HOME, patient, RdsLab, refusal } from "./rds-lab.ts";

let lab: RdsLab;
beforeAll(async () => {
  lab = await RdsLab.open();
});
afterAll(async () => {
  await lab?.close();
});

const promote = (id: string, more: object = {}, region = HOME) =>
  lab.send(new api.PromoteReadReplicaCommand({ DBInstanceIdentifier: id, ...more }), region);
const promoted = (id: string, region = HOME) =>
  vi.waitFor(async () => {
    const instance = await lab.instance(id, region);
    expect([instance.DBInstanceStatus, instance.ReadReplicaSourceDBInstanceIdentifier]).toEqual(["available", undefined]);
    return instance;
  }, patient);
const replicasOf = async (id: string) => (await lab.instance(id)).ReadReplicaDBInstanceIdentifiers;
const deleted = (id: string) => vi.waitFor(() => expect(lab.instance(id)).rejects.toEqual(refusal("DBInstanceNotFound", 404)), patient);

describe("L.6 a promotion", () => {
  test("is refused while the replica is backing up", async () => {
    lab.world.timings.snapshotMs = 60_000;
    await lab.replica("l6-busy", "shop-a");
    await lab.send(new api.CreateDBSnapshotCommand({ DBInstanceIdentifier: "l6-busy", DBSnapshotIdentifier: "l6-busy" }));
    expect((await lab.instance("l6-busy")).DBInstanceStatus).toBe("backing-up");
    await expect(promote("l6-busy")).rejects.toEqual(refusal("InvalidDBInstanceState", 400, /backing-up/));
    lab.world.timings.snapshotMs = 50;
  });

  test("leaves `available` and the source standing for a moment, then cuts connections, and ends as a primary with a day of backups", async () => {
    await lab.replica("l6", "shop-a");
    expect(await replicasOf("shop-a")).toContain("l6");
    const session = await lab.connect("l6");
    const before = lab.events.length;
    const { DBInstance } = await promote("l6");
    const lingering = { DBInstanceStatus: "available", ReadReplicaSourceDBInstanceIdentifier: "shop-a" };
    expect(DBInstance).toMatchObject(lingering);
    expect(await lab.instance("l6")).toMatchObject(lingering);
    await expect(promote("l6")).rejects.toEqual(refusal("InvalidDBInstanceState", 400));
    const seen = new Set<string | undefined>();
    const instance = await vi.waitFor(async () => {
      const now = await lab.instance("l6");
      seen.add(now.DBInstanceStatus);
      expect([now.DBInstanceStatus, now.ReadReplicaSourceDBInstanceIdentifier]).toEqual(["available", undefined]);
      return now;
    }, patient);
    expect([...seen]).toEqual(expect.arrayContaining(["available", "rebooting"]));
    await expect(session.query("SELECT 1")).rejects.toThrow();
    expect([instance.BackupRetentionPeriod, instance.StatusInfos ?? []]).toEqual([1, []]);
    expect(await replicasOf("shop-a")).not.toContain("l6");
    await lab.sql("l6", "CREATE TABLE written (id int)");
    const told = lab.events.slice(before).filter(({ detail }) => detail.SourceIdentifier === "l6");
    expect(told.map(({ detail }) => detail.EventID)).toEqual(["RDS-EVENT-0004", "RDS-EVENT-0006"]);
    await expect(promote("l6")).rejects.toEqual(refusal("InvalidDBInstanceState", 400, /not a read replica/));
  });

  test("keeps the retention it is given, and that is 35 days at most", async () => {
    await lab.replica("l6-kept", "shop-a");
    await expect(promote("l6-kept", { BackupRetentionPeriod: 36 })).rejects.toEqual(refusal("InvalidParameterValue", 400));
    await promote("l6-kept", { BackupRetentionPeriod: 9 });
    expect((await promoted("l6-kept")).BackupRetentionPeriod).toBe(9);
  });

  test("does not demote the source: both take writes", async () => {
    await lab.replica("l6-twin", "shop-a");
    await promote("l6-twin");
    await promoted("l6-twin");
    for (const id of ["shop-a", "l6-twin"]) await lab.sql(id, "CREATE TABLE both_write (id int)");
  });
});

describe("L.7 the deletion of a source", () => {
  test("promotes PostgreSQL's replicas beside it, and leaves those of other regions terminated until a person promotes them", async () => {
    await lab.create("l7");
    await lab.available("l7");
    await lab.replica("l7-near", "l7");
    await lab.replica("l7-far", `arn:aws:rds:${HOME}:${ACCOUNT}:db:l7`, AWAY);
    await lab.available("l7");
    await lab.send(new api.DeleteDBInstanceCommand({ DBInstanceIdentifier: "l7", SkipFinalSnapshot: true }));
    await promoted("l7-near");
    await deleted("l7");
    const far = await lab.instance("l7-far", AWAY);
    expect(far.ReadReplicaSourceDBInstanceIdentifier).toBe(`arn:aws:rds:${HOME}:${ACCOUNT}:db:l7`);
    expect(far.StatusInfos).toMatchObject([{ StatusType: "read replication", Normal: false, Status: "terminated" }]);
    await expect(lab.sql("l7-far", "CREATE TABLE written (id int)", AWAY)).rejects.toThrow(/read-only/);
    await promote("l7-far", {}, AWAY);
    await promoted("l7-far", AWAY);
    await lab.sql("l7-far", "CREATE TABLE written (id int)", AWAY);
  });

  elsewhere(
    "MySQL's and MariaDB's replicas promote themselves",
    "conformance/part-l-mariadb.test.ts",
    "its replicas promote themselves in every region: they take writes, and keep no source",
  );
});

describe("L.8 ReplicaLag", () => {
  /** The newest datapoints, read as a program reads them. */
  const lags = async (id: string): Promise<number[]> => {
    const client = lab.cloudWatch();
    const { Datapoints = [] } = await client.send(
      new GetMetricStatisticsCommand({
        Namespace: "AWS/RDS",
        MetricName: "ReplicaLag",
        Dimensions: [{ Name: "DBInstanceIdentifier", Value: id }],
        StartTime: new Date(Date.now() - 3_600_000),
        EndTime: new Date(Date.now() + 60_000),
        Period: 60,
        Statistics: ["Maximum", "Minimum", "SampleCount"],
      }),
    );
    client.destroy();
    const last = Datapoints.at(-1);
    return last ? [last.Minimum as number, last.Maximum as number, last.SampleCount as number] : [];
  };

  test("is -1 once replication has stopped, which a check for `lag < limit` takes for good", async () => {
    await lab.replica("l8-stopped", "shop-a");
    await lab.rds.faults.stopReplication(HOME, "l8-stopped");
    await vi.waitFor(async () => expect((await lags("l8-stopped"))[0]).toBe(-1), patient);
    expect((await lab.instance("l8-stopped")).StatusInfos).toMatchObject([{ Normal: false, Status: "stopped" }]);
  });

  test("grows on an idle primary although nothing is behind", async () => {
    await lab.replica("l8-idle", "shop-a");
    await lab.sql("shop-a", "CREATE TABLE IF NOT EXISTS last_write (id int); INSERT INTO last_write VALUES (1)");
    await vi.waitFor(async () => expect((await lags("l8-idle"))[1]).toBeGreaterThan(1.5), patient);
    expect(await lab.sql("l8-idle", "SELECT count(*)::int > 0 AS here FROM last_write")).toEqual([{ here: true }]);
    expect((await lab.instance("l8-idle")).StatusInfos).toMatchObject([{ Normal: true, Status: "replicating" }]);
  });

  test("has no datapoint from a replica that does not answer: missing is not 0", async () => {
    await lab.replica("l8-silent", "shop-a");
    await lab.sql("shop-a", "CREATE TABLE before_the_silence (id int)");
    await vi.waitFor(async () => expect((await lags("l8-silent")).length).toBe(3), patient);
    await lab.rds.faults.kill(HOME, "l8-silent");
    const [, , before] = await lags("l8-silent");
    const others = (await lags("shop-b"))[2] as number;
    // The other replica's reports show that time has passed.
    await vi.waitFor(async () => expect((await lags("shop-b"))[2]).toBeGreaterThan(others + 5), patient);
    expect(((await lags("l8-silent"))[2] as number) - (before as number)).toBeLessThanOrEqual(1);
  });
});
