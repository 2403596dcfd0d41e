// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What the simulated RDS answers: the operations Understudy calls, in AWS's shapes, with AWS's refusals. What becomes of an instance is
 * in rds.ts.
 */
import type { Caller, Operation, Service } from "../cloud/world.ts";
import { ServiceError } from "../wire/errors.ts";
import type { Instance, SimulatedRds, Snapshot } from "./rds.ts";
import { failOverOnRequest } from "./rds-native.ts";
import { nativeOperations } from "./rds-service-native.ts";

export function rdsService(rds: SimulatedRds): Service {
  const { account } = rds.world;
  const find = (id: unknown, region: string): Instance => {
    const found = rds.instances.get(String(id ?? "").toLowerCase());
    if (found?.region !== region || found.native?.kind === "cluster")
      throw new ServiceError("DBInstanceNotFound", `DBInstance ${id} not found.`, 404);
    return found;
  };
  const named = (input: any, caller: Caller): Instance => find(input.DBInstanceIdentifier, caller.region);
  const answer = (instance: Instance) => ({ DBInstance: shape(rds, instance) });
  const operations: Record<string, Operation> = {
    DescribeDBInstances: (input, caller) => ({ DBInstances: [shape(rds, named(input, caller))] }),
    CreateDBInstanceReadReplica: async (input, caller) => {
      const id = String(input.DBInstanceIdentifier);
      const [, , , from = caller.region, , , far] = String(input.SourceDBInstanceIdentifier).split(":");
      const source = find(far ?? input.SourceDBInstanceIdentifier, from);
      if (rds.instances.has(id)) throw new ServiceError("DBInstanceAlreadyExists", "DB instance already exists", 400);
      if (source.retentionDays === 0)
        throw new ServiceError("InvalidDBInstanceState", `Automated backups are not enabled for ${source.id}.`, 400);
      mustBeAvailable(source, "be replicated");
      const tags = Object.fromEntries((input.Tags ?? []).map(({ Key, Value }: any) => [Key, Value]));
      return answer(await rds.replicate(id, caller.region, source, input.VpcSecurityGroupIds, tags));
    },
    ModifyDBInstance: (input, caller) => {
      const instance = named(input, caller);
      mustBeAvailable(instance, "be modified");
      if (instance.promoting)
        throw new ServiceError(
          "InvalidDBInstanceState",
          `Instance ${instance.id} cannot currently be modified: it is being promoted.`,
          400,
        );
      rds.modify(instance, input);
      return answer(instance);
    },
    AddTagsToResource: (input, caller) => {
      const instance = find(String(input.ResourceName).split(":").at(-1), caller.region);
      for (const { Key, Value } of input.Tags) instance.tags[Key] = Value;
      return {};
    },
    RebootDBInstance: (input, caller) => {
      const instance = named(input, caller);
      mustBeAvailable(instance, "reboot");
      if (instance.promoting)
        throw new ServiceError(
          "InvalidDBInstanceState",
          "Instance cannot currently reboot due to an in-progress management operation.",
          400,
        );
      if (input.ForceFailover && !instance.native)
        throw new ServiceError("InvalidParameterCombination", `Cannot force failover: ${instance.id} is not Multi-AZ.`, 400);
      if (input.ForceFailover) void failOverOnRequest(rds, instance);
      else void rds.reboot(instance);
      return answer(instance);
    },
    PromoteReadReplica: (input, caller) => {
      const instance = named(input, caller);
      if (!instance.source) throw new ServiceError("InvalidDBInstanceState", `DB Instance ${instance.id} is not a read replica.`, 400);
      mustBeAvailable(instance, "be promoted");
      if (instance.promoting)
        throw new ServiceError("InvalidDBInstanceState", `DB Instance ${instance.id} is already being promoted.`, 400);
      void rds.promote(instance, input.BackupRetentionPeriod ?? 1);
      return answer(instance);
    },
    StopDBInstance: (input, caller) => {
      const instance = named(input, caller);
      mustBeAvailable(instance, "be stopped");
      const replicas = [...rds.instances.values()].filter(({ source }) => source === instance.id);
      if (instance.source || replicas.length > 0)
        throw new ServiceError("InvalidDBInstanceState", `Cannot stop ${instance.id}: it is a read replica, or has one.`, 400);
      void rds.stop(instance);
      return answer(instance);
    },
    StartDBInstance: (input, caller) => {
      const instance = named(input, caller);
      if (instance.status !== "stopped")
        throw new ServiceError("InvalidDBInstanceState", `Instance ${instance.id} is ${instance.status}, not stopped.`, 400);
      void rds.startStopped(instance);
      return answer(instance);
    },
    ModifyDBParameterGroup: ({ DBParameterGroupName: group, Parameters }, caller) => {
      const values = Parameters.map((each: any) => [each.ParameterName, each.ParameterValue]);
      rds.setParameters(caller.region, group, values);
      return { DBParameterGroupName: group };
    },
    ResetDBParameterGroup: ({ DBParameterGroupName: group, Parameters }, caller) => {
      rds.setParameters(
        caller.region,
        group,
        Parameters.map((each: any) => [each.ParameterName, ""]),
      );
      return { DBParameterGroupName: group };
    },
    ...nativeOperations(rds),
    CreateDBSnapshot: (input, caller) => {
      const instance = named(input, caller);
      mustBeAvailable(instance, "be snapshotted");
      void rds.takeSnapshot(instance, rds.newSnapshot(input.DBSnapshotIdentifier, caller.region, instance.id, input.Tags));
      return {};
    },
    CopyDBSnapshot: (input, caller) => {
      const arn = String(input.SourceDBSnapshotIdentifier);
      const [, , , from, , , id] = arn.split(":");
      const source = rds.snapshots.get(`${from}/${id}`);
      if (source?.status !== "available") throw new ServiceError("DBSnapshotNotFound", `DBSnapshot ${id} not found.`, 404);
      rds.copyLater(rds.newSnapshot(input.TargetDBSnapshotIdentifier, caller.region, source.instance, input.Tags, source.takenAtMs, arn));
      return {};
    },
    DescribeDBSnapshots: (input, caller) => {
      const found = [...rds.snapshots.values()].filter(
        (each) =>
          each.region === caller.region &&
          (!input.DBSnapshotIdentifier || each.id === input.DBSnapshotIdentifier) &&
          (!input.DBInstanceIdentifier || each.instance === input.DBInstanceIdentifier),
      );
      if (input.DBSnapshotIdentifier && found.length === 0)
        throw new ServiceError("DBSnapshotNotFound", `DBSnapshot ${input.DBSnapshotIdentifier} not found.`, 404);
      return { DBSnapshots: found.map((each) => snapshotShape(account, each)) };
    },
  };
  return { name: "rds", operations };
}

function shape(rds: SimulatedRds, instance: Instance): any {
  const { id, region } = instance;
  const arn = (of: Instance) => `arn:aws:rds:${of.region}:${rds.world.account}:db:${of.id}`;
  const source = rds.instances.get(instance.source ?? "");
  return {
    DBInstanceIdentifier: id,
    DBInstanceArn: arn(instance),
    DBInstanceClass: "db.t4g.small",
    DBInstanceStatus: instance.status,
    EngineVersion: "18.4",
    // An ARN where the source is in another region (aws-facts A6).
    ReadReplicaSourceDBInstanceIdentifier: source && (source.region === region ? source.id : arn(source)),
    VpcSecurityGroups: instance.groups.map((group) => ({ VpcSecurityGroupId: group.id, Status: group.status })),
    DBParameterGroups: [{ DBParameterGroupName: instance.parameterGroup.name, ParameterApplyStatus: instance.parameterGroup.status }],
    BackupRetentionPeriod: instance.retentionDays,
    DeletionProtection: instance.deletionProtection,
    MultiAZ: instance.native?.kind === "multi-az",
    AvailabilityZone: `${region}${"abc"[instance.native?.at ?? 0]}`,
    AllocatedStorage: 20,
    TagList: Object.entries(instance.tags).map(([Key, Value]) => ({ Key, Value })),
    Endpoint: instance.made ? { Address: instance.host, Port: instance.port } : undefined,
  };
}

function snapshotShape(account: string, snapshot: Snapshot): any {
  return {
    DBSnapshotIdentifier: snapshot.id,
    DBSnapshotArn: `arn:aws:rds:${snapshot.region}:${account}:snapshot:${snapshot.id}`,
    DBInstanceIdentifier: snapshot.instance,
    Status: snapshot.status,
    PercentProgress: snapshot.status === "available" ? 100 : 0,
    Encrypted: false,
    SnapshotCreateTime: new Date(snapshot.takenAtMs),
    OriginalSnapshotCreateTime: new Date(snapshot.takenAtMs),
    SourceDBSnapshotIdentifier: snapshot.copyOf,
    SourceRegion: snapshot.copyOf?.split(":")[3],
    TagList: snapshot.tags,
  };
}

function mustBeAvailable(instance: Instance, doing: string): void {
  if (instance.status === "available") return;
  const text = `Instance ${instance.id} cannot currently ${doing}: its status is ${instance.status}, not available.`;
  throw new ServiceError("InvalidDBInstanceState", text, 400);
}
