/** A read replica in another region: its key, its lag, its events and its promotion, all where it lives. */
import { GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import * as api from "@aws-sdk/client-rds";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ACCOUNT, AWAY, HOME, patient, RdsLab, refusal } from "./rds-lab.ts";

let lab: RdsLab;
beforeAll(async () => {
  lab = await RdsLab.open({ alone: true });
  await lab.create("sealed", { StorageEncrypted: true });
  await lab.available("sealed");
  await lab.sql("sealed", "CREATE TABLE orders (id int)");
});
afterAll(async () => {
  await lab?.close();
});

const SOURCE = `arn:aws:rds:${HOME}:${ACCOUNT}:db:sealed`;
const replica = (more: object = {}) => {
  const input = { DBInstanceIdentifier: "far", SourceDBInstanceIdentifier: SOURCE, VpcSecurityGroupIds: ["sg-open"] };
  return lab.send(new api.CreateDBInstanceReadReplicaCommand({ ...input, ...more }), AWAY);
};

test("of an encrypted source it needs a key of its own region", async () => {
  await expect(replica()).rejects.toEqual(refusal("InvalidParameterCombination", 400, /KmsKeyId/));
  const { KmsKeyId } = await lab.instance("sealed");
  await expect(replica({ KmsKeyId })).rejects.toEqual(refusal("KMSKeyNotAccessibleFault", 400));
  await expect(lab.instance("far", AWAY)).rejects.toEqual(refusal("DBInstanceNotFound", 404));
  await replica({ KmsKeyId: "alias/aws/rds" });
  await lab.available("far", AWAY);
  const far = await lab.instance("far", AWAY);
  expect(far).toMatchObject({ StorageEncrypted: true, ReadReplicaSourceDBInstanceIdentifier: SOURCE, BackupRetentionPeriod: 0 });
  expect(far.KmsKeyId?.split(":")[3]).toBe(AWAY);
});

test("its lag and its events are in its region", async () => {
  const client = lab.cloudWatch(AWAY);
  const ask = new GetMetricStatisticsCommand({
    Namespace: "AWS/RDS",
    MetricName: "ReplicaLag",
    Dimensions: [{ Name: "DBInstanceIdentifier", Value: "far" }],
    StartTime: new Date(Date.now() - 3_600_000),
    EndTime: new Date(Date.now() + 60_000),
    Period: 60,
    Statistics: ["Maximum", "Minimum"],
  });
  await lab.sql("sealed", "INSERT INTO orders VALUES (1)");
  await vi.waitFor(async () => expect((await client.send(ask)).Datapoints?.at(-1)?.Maximum).toBeGreaterThan(0), patient);
  await lab.rds.faults.stopReplication(AWAY, "far");
  await vi.waitFor(async () => expect((await client.send(ask)).Datapoints?.at(-1)?.Minimum).toBe(-1), patient);
  await lab.rds.faults.resumeReplication(AWAY, "far");
  client.destroy();
  const told = lab.events.filter(({ detail }) => detail.SourceIdentifier === "far");
  expect(told.map(({ region, detail }) => [region, detail.EventID])).toEqual([
    [AWAY, "RDS-EVENT-0005"],
    [AWAY, "RDS-EVENT-0046"],
  ]);
});

test("it is promoted by its own region's endpoint, with the source's region dead", async () => {
  await vi.waitFor(async () => expect(await lab.sql("far", "SELECT id FROM orders", AWAY)).toEqual([{ id: 1 }]), patient);
  await lab.rds.faults.kill(HOME, "sealed");
  await expect(lab.send(new api.PromoteReadReplicaCommand({ DBInstanceIdentifier: "far" }), HOME)).rejects.toEqual(
    refusal("DBInstanceNotFound", 404),
  );
  await lab.send(new api.PromoteReadReplicaCommand({ DBInstanceIdentifier: "far", BackupRetentionPeriod: 2 }), AWAY);
  await vi.waitFor(async () => {
    const { DBInstanceStatus, ReadReplicaSourceDBInstanceIdentifier, BackupRetentionPeriod } = await lab.instance("far", AWAY);
    expect([DBInstanceStatus, ReadReplicaSourceDBInstanceIdentifier, BackupRetentionPeriod]).toEqual(["available", undefined, 2]);
  }, patient);
  await lab.sql("far", "INSERT INTO orders VALUES (2)", AWAY);
  expect((await lab.instance("sealed")).ReadReplicaDBInstanceIdentifiers).toEqual([]);
});
