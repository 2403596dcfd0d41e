/** The clusters of a plan, as their owner has made them: Aurora with a writer and a reader, and the other clusters of a global database. */
import type { DatabasePlan } from "../core/plan/schema.ts";
import type { World } from "./cloud/world.ts";

const ENGINES: Record<DatabasePlan["engine"], string> = { postgres: "aurora-postgresql", mariadb: "aurora-mysql" };

/** Where clients find the writer, once every member is available. */
export async function buildClusters(
  world: World,
  database: DatabasePlan,
  credentials: { MasterUsername: string; MasterUserPassword: string },
  group: string,
): Promise<{ Address: string; Port: number }> {
  const Engine = ENGINES[database.engine];
  const { primary, standbys, port: Port } = database;
  const { globalCluster: GlobalClusterIdentifier } = primary;
  const shared = { Engine, VpcSecurityGroupIds: [group] };
  const own = { ...credentials, DatabaseName: database.database, Port };
  await make(world, primary.region, { ...shared, ...own, DBClusterIdentifier: primary.instance }, 2);
  if (GlobalClusterIdentifier) {
    const SourceDBClusterIdentifier = `arn:aws:rds:${primary.region}:${world.account}:cluster:${primary.instance}`;
    await world.call("rds", "CreateGlobalCluster", { GlobalClusterIdentifier, SourceDBClusterIdentifier }, { region: primary.region });
    for (const { instance, region } of standbys)
      await make(world, region, { ...shared, GlobalClusterIdentifier, Port, DBClusterIdentifier: instance }, 1);
  }
  const { Endpoint: Address } = await describe(world, primary.region, primary.instance);
  return { Address, Port };
}

async function make(
  world: World,
  region: string,
  cluster: { Engine: string; DBClusterIdentifier: string; [field: string]: unknown },
  members: number,
): Promise<void> {
  const rds = (operation: string, input: object) => world.call("rds", operation, input, { region });
  const { Engine, DBClusterIdentifier } = cluster;
  await rds("CreateDBCluster", cluster);
  while ((await describe(world, region, DBClusterIdentifier)).Status !== "available") await world.sleep(50);
  const ids = Array.from({ length: members }, (_, at) => `${DBClusterIdentifier}-${at + 1}`);
  for (const DBInstanceIdentifier of ids)
    await rds("CreateDBInstance", { DBInstanceIdentifier, DBClusterIdentifier, Engine, DBInstanceClass: "db.r6g.large" });
  for (const DBInstanceIdentifier of ids)
    while ((await rds("DescribeDBInstances", { DBInstanceIdentifier })).DBInstances[0].DBInstanceStatus !== "available")
      await world.sleep(50);
}

const describe = async (world: World, region: string, DBClusterIdentifier: string) =>
  (await world.call("rds", "DescribeDBClusters", { DBClusterIdentifier }, { region })).DBClusters[0];
