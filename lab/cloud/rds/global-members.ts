// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** How a new cluster joins an Aurora global database: as its primary, or as a secondary that follows the primary from another region. */
import type { Caller, World } from "../world.ts";
import { clusterMustBe } from "./cluster-life.ts";
import { addCluster, makeLater } from "./cluster-making.ts";
import type { ClusterData, ClusterRecord, GlobalRecord } from "./cluster-records.ts";
import { clusterByArn } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { keyFor } from "./keys.ts";
import type { Rds } from "./lifecycle.ts";
import { parseArn, rdsState } from "./state.ts";

const SECONDARIES = 10;

export function findGlobal(world: World, id: string): GlobalRecord {
  const key = (id.startsWith("arn:") ? (id.split(":").at(-1) ?? "") : id).toLowerCase();
  const found = rdsState(world).globals[key];
  if (!found) throw refuse("GlobalClusterNotFoundFault", `Global cluster ${key} not found.`);
  return found;
}

/** The global database a new cluster asks to be in, and its primary, if it has one already. */
export function newMemberOf(
  world: World,
  region: string,
  input: any,
  engine: ClusterData["engine"],
): { global: GlobalRecord; primary?: ClusterRecord } {
  const global = findGlobal(world, input.GlobalClusterIdentifier);
  if (engine !== global.engine)
    throw refuse(
      "InvalidParameterCombination",
      `The global cluster ${global.id} is of ${global.engine}: a cluster of ${engine} cannot join it.`,
    );
  const primary = clusterByArn(world, global.primary);
  if (!primary) return { global };
  const misplaced = ["MasterUsername", "MasterUserPassword", "DatabaseName"].find((member) => input[member] !== undefined);
  if (misplaced === "MasterUsername")
    throw refuse("InvalidParameterCombination", "Cannot specify user name for cross region replication cluster");
  if (misplaced) throw refuse("InvalidParameterCombination", `Cannot specify ${misplaced} for cross region replication cluster`);
  if ([global.primary, ...global.secondaries].some((arn) => parseArn(arn ?? "")?.region === region))
    throw refuse("InvalidGlobalClusterStateFault", `The global cluster ${global.id} has a cluster in ${region} already.`);
  if (global.secondaries.length >= SECONDARIES)
    throw refuse("InvalidGlobalClusterStateFault", `The global cluster ${global.id} has ${SECONDARIES} secondary clusters already.`);
  if (primary.kmsKeyId && !input.KmsKeyId)
    throw refuse("InvalidParameterCombination", "For encrypted cross-region replica, kmsKeyId should be explicitly specified");
  clusterMustBe(primary, ["available", "backing-up"], "get a secondary cluster");
  return { global, primary };
}

/** A secondary cluster. Its storage is made from the primary's with its first instance. */
export async function joinGlobal(
  rds: Rds,
  caller: Caller,
  input: any,
  global: GlobalRecord,
  primary: ClusterRecord,
): Promise<ClusterRecord> {
  const { engine, engineVersion, masterUser, dbName, port, retentionDays, backupWindow } = primary;
  const kmsKeyId = primary.kmsKeyId && (await keyFor(rds.world, caller, input.KmsKeyId));
  const cluster = addCluster(rds, caller.region, input, {
    ...{ engine, engineVersion, masterUser, dbName, kmsKeyId, port, retentionDays, backupWindow },
    storageGb: 1,
  });
  cluster.global = global.id;
  global.secondaries.push(cluster.arn);
  makeLater(rds, cluster);
  return cluster;
}
