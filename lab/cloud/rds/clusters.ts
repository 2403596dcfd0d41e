// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** DB clusters as they are made and described: Aurora's, and Multi-AZ DB clusters with their three instances. Changes of running ones are in cluster-changes.ts. */
import type { Operation } from "../world.ts";
import { addCluster, clusterEngine, makeLater, NEW_CLUSTER } from "./cluster-making.ts";
import type { ClusterRecord } from "./cluster-records.ts";
import { toCluster } from "./cluster-shapes.ts";
import { findCluster } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { chooseVersion, flavour } from "./flavours.ts";
import { joinGlobal, newMemberOf } from "./global-members.ts";
import { checkPassword, filters, only, page, required } from "./input.ts";
import { keyFor } from "./keys.ts";
import type { Rds } from "./lifecycle.ts";
import { meetNetwork } from "./security.ts";
import { regionState } from "./state.ts";

export function clusterOperations(rds: Rds): Record<string, Operation> {
  const { world, fleet } = rds;

  return {
    async CreateDBCluster(input, caller) {
      const { region } = caller;
      const more = [
        "AllocatedStorage",
        "MasterUsername",
        "MasterUserPassword",
        "StorageEncrypted",
        "GlobalClusterIdentifier",
        "PreSignedUrl",
      ];
      only(input, "CreateDBCluster", ...NEW_CLUSTER, ...more);
      await meetNetwork(world, region);
      const engine = clusterEngine(required(input, "Engine"));
      const chosen = flavour(engine);
      const engineVersion = await chooseVersion(chosen, input.EngineVersion);
      const shared = input.GlobalClusterIdentifier ? newMemberOf(world, region, input, engine) : undefined;
      if (shared?.primary) return { DBCluster: toCluster(world, await joinGlobal(rds, caller, input, shared.global, shared.primary)) };
      const masterUser = required(input, "MasterUsername");
      if (!/^[a-z][a-z0-9_]*$/i.test(masterUser) || masterUser.length > chosen.longestUser)
        throw refuse(
          "InvalidParameterValue",
          `The parameter MasterUsername is not valid: 1 to ${chosen.longestUser} letters, digits or underscores, a letter first.`,
        );
      if (chosen.reservedUsers.test(masterUser))
        throw refuse("InvalidParameterValue", `MasterUsername ${masterUser} cannot be used as it is a reserved word used by the engine`);
      const password = checkPassword(required(input, "MasterUserPassword"), chosen.longestPassword);
      const dbName = input.DatabaseName as string | undefined;
      if (dbName !== undefined && !/^[a-z][a-z0-9_]{0,62}$/i.test(dbName))
        throw refuse(
          "InvalidParameterValue",
          `DatabaseName must begin with a letter and contain only letters, digits and underscores: ${dbName}`,
        );
      const kmsKeyId = input.StorageEncrypted ? await keyFor(world, caller, input.KmsKeyId) : undefined;
      const cluster = addCluster(rds, region, input, {
        ...{ engine, engineVersion, masterUser, dbName, kmsKeyId },
        ...{ storageGb: 1, port: chosen.port, retentionDays: 1, backupWindow: "03:00-03:30" },
      });
      if (shared) {
        shared.global.primary = cluster.arn;
        cluster.global = shared.global.id;
      }
      makeLater(rds, cluster, async () => {
        // The storage is made whole by a server of its own, before any member is there.
        const volume = fleet.volume(cluster);
        await volume.init();
        await volume.start();
        await volume.provision({ user: masterUser, password, database: dbName });
        await volume.stop();
      });
      return { DBCluster: toCluster(world, cluster) };
    },

    DescribeDBClusters(input, { region }) {
      const id = input.DBClusterIdentifier as string | undefined;
      const matches = filters<ClusterRecord>(input.Filters, {
        "db-cluster-id": (each) => [each.id, each.arn],
        "db-cluster-resource-id": (each) => [each.resourceId],
        engine: (each) => [each.engine],
      });
      const all = id ? [findCluster(world, region, id)] : Object.values(regionState(world, region).clusters);
      const { page: shown, marker } = page(all.filter(matches), (each) => each.id, input);
      return { Marker: marker, DBClusters: shown.map((each) => toCluster(world, each)) };
    },
  };
}
