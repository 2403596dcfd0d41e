/** Aurora global databases: made, described, taken apart. Moves of the primary are in global-moves.ts, how a new cluster joins in global-members.ts. */
import type { Operation } from "../world.ts";
import { clusterMustBe, setClusterStatus } from "./cluster-life.ts";
import { clusterEngine } from "./cluster-making.ts";
import type { GlobalRecord } from "./cluster-records.ts";
import { toGlobal } from "./cluster-shapes.ts";
import { clusterByArn, findCluster, isAurora, leadOf } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { chooseVersion, flavour } from "./flavours.ts";
import { findGlobal } from "./global-members.ts";
import { startMove, withdraw } from "./global-moves.ts";
import { globalEndpoint } from "./global-names.ts";
import { filters, identifier, only, page, required, tags } from "./input.ts";
import type { Rds } from "./lifecycle.ts";
import { digest, parseArn, rdsState } from "./state.ts";

export function globalOperations(rds: Rds): Record<string, Operation> {
  const { world, fleet } = rds;
  const answer = (global: GlobalRecord) => ({ GlobalCluster: toGlobal(world, global) });

  return {
    async CreateGlobalCluster(input, { region }) {
      const settings = ["Engine", "EngineVersion", "DatabaseName", "StorageEncrypted"];
      only(input, "CreateGlobalCluster", "GlobalClusterIdentifier", "SourceDBClusterIdentifier", "DeletionProtection", "Tags", ...settings);
      const id = identifier(input, "GlobalClusterIdentifier", 63);
      const { globals } = rdsState(world);
      if (id in globals) throw refuse("GlobalClusterAlreadyExistsFault", `Global cluster ${id} already exists.`);
      const from = input.SourceDBClusterIdentifier as string | undefined;
      if (from && !parseArn(from)) throw refuse("InvalidParameterValue", `Malformed db cluster arn ${from}`);
      const source = from ? findCluster(world, region, from) : undefined;
      if (source) {
        const given = settings.find((member) => input[member] !== undefined);
        if (given)
          throw refuse(
            "InvalidParameterCombination",
            `When creating global cluster from existing db cluster, value for ${given} should not be specified since it will be inherited from source cluster`,
          );
        if (!isAurora(source)) throw refuse("InvalidParameterCombination", `${source.id} is not an Aurora cluster.`);
        if (source.global) throw refuse("InvalidDBClusterStateFault", `${source.id} is in the global cluster ${source.global} already.`);
        clusterMustBe(source, ["available"], "become a primary cluster");
      } else if (!input.Engine)
        throw refuse("InvalidParameterValue", "When creating standalone global cluster, value for engineName should be specified");
      const engine = source?.engine ?? clusterEngine(input.Engine);
      if (engine === "postgres")
        throw refuse("InvalidParameterValue", `Invalid DB engine: ${engine}. A global cluster is of aurora-postgresql.`);
      const engineVersion = source?.engineVersion ?? (await chooseVersion(flavour(engine), input.EngineVersion));
      const global: GlobalRecord = {
        id,
        arn: `arn:aws:rds::${world.account}:global-cluster:${id}`,
        resourceId: `cluster-${digest(16, world.account, id, world.id())}`,
        engine,
        engineVersion,
        dbName: source?.dbName ?? input.DatabaseName,
        encrypted: source ? source.kmsKeyId !== undefined : input.StorageEncrypted === true,
        deletionProtection: input.DeletionProtection === true,
        tags: tags(input.Tags),
        status: "available",
        primary: source?.arn,
        secondaries: [],
      };
      globals[id] = global;
      if (source) {
        source.global = id;
        fleet.lead(globalEndpoint(world, global), [leadOf(world, source)?.address]);
      }
      return answer(global);
    },

    DescribeGlobalClusters(input) {
      const id = input.GlobalClusterIdentifier as string | undefined;
      const matches = filters<GlobalRecord>(input.Filters, {
        "db-cluster-id": (each) => [each.primary, ...each.secondaries].flatMap((arn) => [arn, parseArn(arn ?? "")?.id]),
      });
      const all = id ? [findGlobal(world, id)] : Object.values(rdsState(world).globals);
      const { page: shown, marker } = page(all.filter(matches), (each) => each.id, input);
      return { Marker: marker, GlobalClusters: shown.map((each) => toGlobal(world, each)) };
    },

    ModifyGlobalCluster(input) {
      only(input, "ModifyGlobalCluster", "GlobalClusterIdentifier", "DeletionProtection");
      const global = findGlobal(world, required(input, "GlobalClusterIdentifier"));
      global.deletionProtection = input.DeletionProtection ?? global.deletionProtection;
      return answer(global);
    },

    DeleteGlobalCluster(input) {
      only(input, "DeleteGlobalCluster", "GlobalClusterIdentifier");
      const global = findGlobal(world, required(input, "GlobalClusterIdentifier"));
      if (global.deletionProtection)
        throw refuse(
          "InvalidParameterCombination",
          "Cannot delete protected Global Cluster, please disable deletion protection and try again.",
        );
      if (global.primary || global.secondaries.length > 0)
        throw refuse("InvalidGlobalClusterStateFault", `Global Cluster ${global.arn} is not empty`);
      delete rdsState(world).globals[global.id];
      fleet.lead(globalEndpoint(world, global), []);
      return { GlobalCluster: { ...toGlobal(world, global), Status: "deleting" } };
    },

    RemoveFromGlobalCluster(input, { region }) {
      only(input, "RemoveFromGlobalCluster", "GlobalClusterIdentifier", "DbClusterIdentifier");
      const global = findGlobal(world, required(input, "GlobalClusterIdentifier"));
      const wanted = required(input, "DbClusterIdentifier");
      const cluster = findCluster(world, parseArn(wanted)?.region ?? region, wanted);
      if (cluster.global !== global.id)
        throw refuse("DBClusterNotFoundFault", `DBCluster ${cluster.id} is not in the global cluster ${global.id}.`);
      if (global.move) throw refuse("InvalidGlobalClusterStateFault", `Global cluster ${global.id} is ${global.status}.`);
      if (global.primary === cluster.arn) {
        if (global.secondaries.length > 0)
          throw refuse(
            "InvalidGlobalClusterStateFault",
            `${cluster.id} is the primary cluster of ${global.id}: remove its secondary clusters first.`,
          );
        global.primary = undefined;
        cluster.global = undefined;
        fleet.lead(globalEndpoint(world, global), []);
        return answer(global);
      }
      clusterMustBe(cluster, ["available"], "be removed from its global cluster");
      if (!leadOf(world, cluster))
        throw refuse("InvalidDBClusterStateFault", `${cluster.id} has no instances: the lab's RDS cannot make it a cluster of its own.`);
      setClusterStatus(world, cluster, "promoting");
      withdraw(rds, global, cluster);
      return answer(global);
    },

    SwitchoverGlobalCluster(input, { region }) {
      only(input, "SwitchoverGlobalCluster", "GlobalClusterIdentifier", "TargetDbClusterIdentifier");
      return move(input, region, false);
    },

    /** Without AllowDataLoss this is a switchover, and needs a primary that is well. */
    FailoverGlobalCluster(input, { region }) {
      only(input, "FailoverGlobalCluster", "GlobalClusterIdentifier", "TargetDbClusterIdentifier", "AllowDataLoss", "Switchover");
      if (input.AllowDataLoss !== undefined && input.Switchover !== undefined)
        throw refuse("InvalidParameterCombination", "AllowDataLoss and Switchover cannot be specified together.");
      return move(input, region, input.AllowDataLoss === true);
    },
  };

  function move(input: { GlobalClusterIdentifier?: string; TargetDbClusterIdentifier?: string }, region: string, dataLossAllowed: boolean) {
    const global = findGlobal(world, required(input, "GlobalClusterIdentifier"));
    const wanted = required(input, "TargetDbClusterIdentifier");
    const target = findCluster(world, parseArn(wanted)?.region ?? region, wanted);
    const primary = clusterByArn(world, global.primary);
    if (target.global !== global.id || !primary)
      throw refuse("DBClusterNotFoundFault", `DBCluster ${target.id} is not in the global cluster ${global.id}.`);
    if (target === primary) throw refuse("InvalidGlobalClusterStateFault", `${target.id} is the primary cluster of ${global.id} already.`);
    if (global.move) throw refuse("InvalidGlobalClusterStateFault", `Global cluster ${global.id} is ${global.status}.`);
    clusterMustBe(target, ["available", "backing-up"], "become the primary cluster");
    if (!leadOf(world, target) || !target.hasData)
      throw refuse("InvalidDBClusterStateFault", `${target.id} has no instances: add one before it can become the primary cluster.`);
    if (target.resync)
      throw refuse("InvalidGlobalClusterStateFault", `${target.id} is being resynchronized: it cannot become the primary cluster yet.`);
    if (!dataLossAllowed) clusterMustBe(primary, ["available"], "be switched over");
    startMove(rds, global, primary, target, dataLossAllowed);
    return answer(global);
  }
}
