/**
 * What a user of Understudy already has on AWS: the databases of the plan with their network, name, credentials and data. Made
 * through the same operations a user would call; only given ids (a zone, a security group) are set by the lab.
 */
import { randomBytes } from "node:crypto";
import type { DatabasePlan, Plan } from "../core/plan/schema.ts";
import type { World } from "./cloud/world.ts";
import { buildClusters } from "./estate-clusters.ts";
import { createHostedZone, createKey, createSecurityGroup } from "./given.ts";
import { buildMachines } from "./machine-estate.ts";
import { FUNCTION_RANGE } from "./network/addresses.ts";
import { makeTables } from "./shop/session.ts";
import { buildSites } from "./site-estate.ts";

export interface ShopDatabase {
  readonly name: string;
  readonly engine: DatabasePlan["engine"];
  readonly username: string;
  readonly password: string;
}

const MASTER = "shopkeeper";
/** The setting by which a standby notices a silent primary within three seconds. */
const QUICK_WITNESS: Record<DatabasePlan["engine"], [name: string, value: string]> = {
  postgres: ["wal_receiver_timeout", "3000"],
  mariadb: ["slave_net_timeout", "3"],
};

export const APP_GROUP = "sg-0a1b2c3d4e5f6a990";

/** Makes everything and waits until both instances of every database are available. */
export async function buildEstate(world: World, plan: Plan): Promise<ShopDatabase[]> {
  for (const record of plan.records) await createHostedZone(world, record.zone, record.name.split(".").slice(1).join("."));
  for (const id of plan.network.securityGroupIds) await createSecurityGroup(world, plan.regions.recovery, id, "understudy-functions", []);
  for (const id of plan.network.primary?.securityGroupIds ?? [])
    await createSecurityGroup(world, plan.regions.primary, id, "understudy-near-probe", []);
  // In both regions: what is restored in the recovery region needs a way in too.
  for (const region of [plan.regions.primary, plan.regions.recovery])
    await createSecurityGroup(
      world,
      region,
      APP_GROUP,
      "shop-databases",
      Object.values(plan.databases).map((database) => database.port),
    );
  await buildSites(world, plan);
  await buildMachines(world, plan);
  for (const { kmsKeyId, copyTo } of plan.backups) if (kmsKeyId) createKey(world, copyTo, kmsKeyId);
  return await Promise.all(Object.entries(plan.databases).map(([name, database]) => buildDatabase(world, plan, name, database)));
}

async function buildDatabase(world: World, plan: Plan, name: string, database: DatabasePlan): Promise<ShopDatabase> {
  const region = plan.regions.primary;
  const rds = (operation: string, input: unknown) => world.call("rds", operation, input, { region });
  const password = randomBytes(12).toString("base64url");
  for (const [where, fence] of Object.entries(database.fenceSecurityGroups))
    await createSecurityGroup(world, where, fence, `${name}-fence`, []);
  for (const [where, drain] of Object.entries(database.drainSecurityGroups ?? {}))
    await createSecurityGroup(world, where, drain, `${name}-drain`, [database.port], FUNCTION_RANGE);
  await world.call(
    "secretsmanager",
    "CreateSecret",
    { Name: database.secret, SecretString: JSON.stringify({ username: MASTER, password }) },
    { region: plan.regions.recovery },
  );

  if (database.primary.cluster !== undefined) {
    const credentials = { MasterUsername: MASTER, MasterUserPassword: password };
    await pointNames(world, plan, name, (await buildClusters(world, database, credentials, APP_GROUP)).Address);
    return { name, engine: database.engine, username: MASTER, password };
  }

  // A standby that takes a silent primary's word for a minute is no quick witness. A replica in the region shares its source's group.
  const { engine } = database;
  const group = `${name}-${engine}`;
  const [parameter, value] = QUICK_WITNESS[engine];
  const { DBEngineVersions } = await rds("DescribeDBEngineVersions", { Engine: engine, DefaultOnly: true });
  const members = [database.primary, ...database.standbys];
  for (const where of new Set(members.map((member) => member.region))) {
    const there = (operation: string, input: unknown) => world.call("rds", operation, input, { region: where });
    await there("CreateDBParameterGroup", {
      DBParameterGroupName: group,
      DBParameterGroupFamily: DBEngineVersions[0]?.DBParameterGroupFamily ?? engine,
      Description: "The standby notices a silent primary",
    });
    await there("ModifyDBParameterGroup", {
      DBParameterGroupName: group,
      Parameters: [{ ParameterName: parameter, ParameterValue: value, ApplyMethod: "immediate" }],
    });
  }
  // What a plan names a key for is the copy of an encrypted database.
  const encrypted = plan.backups.some((backup) => backup.database === name && backup.kmsKeyId !== undefined);
  await rds("CreateDBInstance", {
    DBInstanceIdentifier: database.primary.instance,
    Engine: engine,
    DBInstanceClass: "db.t4g.micro",
    AllocatedStorage: 20,
    DBName: database.database,
    MasterUsername: MASTER,
    MasterUserPassword: password,
    Port: database.port,
    DBParameterGroupName: group,
    VpcSecurityGroupIds: [APP_GROUP],
    BackupRetentionPeriod: 7,
    DeletionProtection: true,
    StorageEncrypted: encrypted,
  });
  await available(world, region, database.primary.instance);
  for (const standby of database.standbys) {
    const here = standby.region === region;
    await world.call(
      "rds",
      "CreateDBInstanceReadReplica",
      {
        DBInstanceIdentifier: standby.instance,
        SourceDBInstanceIdentifier: here
          ? database.primary.instance
          : `arn:aws:rds:${region}:${world.account}:db:${database.primary.instance}`,
        // From another region it gets that region's default group, unless the engine's replicas may choose (aws-facts A6), and needs
        // that region's key.
        ...(here || engine === "postgres" ? {} : { DBParameterGroupName: group }),
        ...(here || !encrypted ? {} : { KmsKeyId: "alias/aws/rds" }),
        DBInstanceClass: "db.t4g.micro",
        VpcSecurityGroupIds: [APP_GROUP],
      },
      { region: standby.region },
    );
  }
  const [endpoint] = await Promise.all(members.map((member) => available(world, member.region, member.instance)));
  if (!endpoint) throw new Error(`${name} has no primary`);
  await pointNames(world, plan, name, endpoint.Address);
  return { name, engine, username: MASTER, password };
}

async function pointNames(world: World, plan: Plan, name: string, address: string): Promise<void> {
  for (const record of plan.records.filter((entry) => entry.database === name)) {
    const set = { Name: record.name, Type: "CNAME", TTL: record.ttlSeconds, ResourceRecords: [{ Value: address }] };
    await world.call(
      "route53",
      "ChangeResourceRecordSets",
      { HostedZoneId: record.zone, ChangeBatch: { Changes: [{ Action: "UPSERT", ResourceRecordSet: set }] } },
      { region: "us-east-1" },
    );
  }
}

async function available(world: World, region: string, id: string): Promise<{ Address: string; Port: number }> {
  for (;;) {
    const { DBInstances } = await world.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: id }, { region });
    const [instance] = DBInstances;
    if (instance.DBInstanceStatus === "available" && instance.Endpoint) return instance.Endpoint;
    if (["failed", "incompatible-parameters"].includes(instance.DBInstanceStatus))
      throw new Error(`The lab could not make ${id}: ${reason(world, id) ?? `it is ${instance.DBInstanceStatus}`}`);
    await world.sleep(50);
  }
}

/** What the story says of an instance that did not come up. */
const reason = (world: World, id: string): string | undefined =>
  world.story.findLast((event) => event.kind === "lab" && event.what.includes(id))?.what;

/** The shop's tables and its first rows; how many. */
export async function seedShop(address: { host: string; port: number }, database: string, access: ShopDatabase): Promise<number> {
  return await makeTables({ ...address, database, engine: access.engine, username: access.username, password: access.password });
}
