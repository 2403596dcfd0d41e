// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** What the simulated RDS answers about clusters and global databases, in AWS's shapes, with AWS's refusals. */
import type { Operation } from "../cloud/world.ts";
import { ServiceError } from "../wire/errors.ts";
import type { Instance, SimulatedRds } from "./rds.ts";
import { failOver, failOverGlobal, type GlobalDatabase, hasStandby, switchOverGlobal } from "./rds-native.ts";

export function nativeOperations(rds: SimulatedRds): Record<string, Operation> {
  const arn = ({ region, id }: Instance): string => `arn:aws:rds:${region}:${rds.world.account}:cluster:${id}`;
  const cluster = (id: unknown, region: string): Instance => {
    const found = rds.instances.get(String(id).split(":").at(-1) ?? "");
    if (found?.region !== (String(id).split(":")[3] ?? region) || found.native?.kind !== "cluster")
      throw new ServiceError("DBClusterNotFoundFault", `DBCluster ${id} not found.`, 404);
    return found;
  };
  const global = (id: unknown): GlobalDatabase => {
    if (rds.global?.id !== id || !rds.global) throw new ServiceError("GlobalClusterNotFoundFault", `Global cluster ${id} not found.`, 404);
    return rds.global;
  };
  const busy = (words: string) => new ServiceError("InvalidGlobalClusterStateFault", words, 400);
  const mustBeAvailable = ({ id, status }: Instance) => {
    if (status !== "available") throw new ServiceError("InvalidDBClusterStateFault", `DBCluster ${id} is ${status}, not available.`, 400);
  };
  const clusterShape = (each: Instance): any => {
    const { native, id } = each;
    const writes = !rds.global?.clusters.includes(each) || rds.global.writer === each;
    return {
      DBClusterIdentifier: id,
      DBClusterArn: arn(each),
      Status: native?.failingOver ? "failing-over" : each.status,
      Engine: "aurora-postgresql",
      EngineVersion: "17.7",
      Endpoint: each.host,
      Port: each.port,
      DBClusterMembers: native?.places.map((_, at) => ({
        DBInstanceIdentifier: `${id}-${at + 1}`,
        IsClusterWriter: writes && at === native.at,
      })),
      VpcSecurityGroups: each.groups.map((group) => ({ VpcSecurityGroupId: group.id, Status: group.status })),
      GlobalClusterIdentifier: rds.global?.clusters.includes(each) ? rds.global.id : undefined,
    };
  };
  const globalShape = (each: GlobalDatabase): any => ({
    GlobalClusterIdentifier: each.id,
    Status: each.status,
    GlobalClusterMembers: each.clusters.map((member) => ({ DBClusterArn: arn(member), IsWriter: member === each.writer })),
    FailoverState: each.move
      ? {
          Status: each.move.status,
          FromDbClusterArn: arn(each.move.from),
          ToDbClusterArn: arn(each.move.to),
          IsDataLossAllowed: each.move.loss,
        }
      : undefined,
  });
  const move = (input: any, region: string, loss: boolean) => {
    const found = global(input.GlobalClusterIdentifier);
    const target = cluster(input.TargetDbClusterIdentifier, region);
    if (target === found.writer) throw busy(`${target.id} is the primary cluster of ${found.id} already.`);
    if (found.move) throw busy(`Global cluster ${found.id} is ${found.status}.`);
    if (found.resync.has(target)) throw busy(`${target.id} is being resynchronized.`);
    mustBeAvailable(target);
    if (!loss) mustBeAvailable(found.writer);
    void (loss ? failOverGlobal : switchOverGlobal)(rds, found, target);
    return { GlobalCluster: globalShape(found) };
  };
  return {
    DescribeDBClusters: (input, { region }) => ({ DBClusters: [clusterShape(cluster(input.DBClusterIdentifier, region))] }),
    FailoverDBCluster: (input, { region }) => {
      const found = cluster(input.DBClusterIdentifier, region);
      mustBeAvailable(found);
      if (!hasStandby(rds, found))
        throw new ServiceError("InvalidDBClusterStateFault", `${found.id} has no reader in a valid state for failover.`, 400);
      void failOver(rds, found, [5, 60]);
      return { DBCluster: clusterShape(found) };
    },
    DescribeGlobalClusters: (input) => ({ GlobalClusters: [globalShape(global(input.GlobalClusterIdentifier))] }),
    SwitchoverGlobalCluster: (input, { region }) => move(input, region, false),
    /** Without AllowDataLoss this is a switchover, and needs a primary that is well. */
    FailoverGlobalCluster: (input, { region }) => move(input, region, input.AllowDataLoss === true),
  };
}
