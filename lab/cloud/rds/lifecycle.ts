/** What every change of an instance shares: new records, statuses and their story, coming up, going down. */
import type { World } from "../world.ts";
import { refuse } from "./errors.ts";
import { instanceEvent } from "./events.ts";
import { defaultParameterGroupOf } from "./flavours.ts";
import type { Fleet } from "./fleet.ts";
import { backupWindow, between, identifier, tags } from "./input.ts";
import { findParameterGroup, parameterGroupFor, settingsOf } from "./parameters.ts";
import { chooseGroups } from "./security.ts";
import { arnOf, digest, type InstanceRecord, regionState } from "./state.ts";

export interface Rds {
  world: World;
  fleet: Fleet;
}

/** AWS's usual quota of instances in a region. */
const INSTANCES_PER_REGION = 40;

/** Members of a request that describe the new instance itself, whichever operation makes it. */
export const NEW_INSTANCE = [
  "DBInstanceIdentifier",
  "DBInstanceClass",
  "AvailabilityZone",
  "Port",
  "MultiAZ",
  "AutoMinorVersionUpgrade",
  "PubliclyAccessible",
  "Tags",
  "DBSubnetGroupName",
  "VpcSecurityGroupIds",
  "DBParameterGroupName",
  "StorageType",
  "AllocatedStorage",
  "BackupRetentionPeriod",
  "PreferredBackupWindow",
  "PreferredMaintenanceWindow",
  "CopyTagsToSnapshot",
  "DeletionProtection",
];

type Inherited = Pick<
  InstanceRecord,
  | "engine"
  | "engineVersion"
  | "masterUser"
  | "dbName"
  | "instanceClass"
  | "storageGb"
  | "storageType"
  | "kmsKeyId"
  | "port"
  | "retentionDays"
  | "backupWindow"
  | "maintenanceWindow"
> & {
  parameterGroup?: string;
  groups?: string[];
};

/** Checks the request, makes the record (status `creating`) and keeps it. `usual` is what the request may leave out. */
// biome-ignore lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
export function addInstance({ world }: Rds, region: string, input: any, usual: Inherited): InstanceRecord {
  const id = identifier(input, "DBInstanceIdentifier", 63);
  const { instances } = regionState(world, region);
  if (id in instances) throw refuse("DBInstanceAlreadyExists", "DB instance already exists");
  if (Object.keys(instances).length >= INSTANCES_PER_REGION)
    throw refuse("InstanceQuotaExceeded", `DB Instance quota exceeded: ${INSTANCES_PER_REGION} in ${region}`);
  const instanceClass = checkClass(input.DBInstanceClass ?? usual.instanceClass);
  const port = between(input.Port, "Port", 1150, 65_535) ?? usual.port;
  if (input.DBSubnetGroupName && input.DBSubnetGroupName !== "default")
    throw refuse("DBSubnetGroupNotFoundFault", `DBSubnetGroup ${input.DBSubnetGroupName} not found.`);
  const groupName = input.DBParameterGroupName ?? usual.parameterGroup ?? defaultParameterGroupOf(usual);
  const group = parameterGroupFor(world, region, groupName, usual);
  const groups = input.VpcSecurityGroupIds?.length
    ? chooseGroups(world, region, input.VpcSecurityGroupIds)
    : (usual.groups ?? chooseGroups(world, region, undefined));
  if (input.MultiAZ && input.AvailabilityZone)
    throw refuse("InvalidParameterCombination", "Requesting a specific availability zone is not valid for Multi-AZ instances.");
  const zone = input.AvailabilityZone ?? `${region}a`;
  if (!zone.startsWith(region)) throw refuse("InvalidParameterValue", `Invalid availability zone: ${zone} is not in ${region}.`);
  const createdAt = world.now();
  const record: InstanceRecord = {
    id,
    arn: arnOf(world, region, "db", id),
    region,
    resourceId: `db-${digest(26, world.account, region, id, String(createdAt), world.id()).toUpperCase()}`,
    status: "",
    createdAt,
    engine: usual.engine,
    engineVersion: usual.engineVersion,
    instanceClass,
    storageGb: between(input.AllocatedStorage, "AllocatedStorage", usual.storageGb, 65_536) ?? usual.storageGb,
    storageType: input.StorageType ?? usual.storageType,
    kmsKeyId: usual.kmsKeyId,
    masterUser: usual.masterUser,
    dbName: usual.dbName,
    port,
    zone,
    secondZone: input.MultiAZ ? otherZone(zone) : undefined,
    retentionDays: between(input.BackupRetentionPeriod, "BackupRetentionPeriod", 0, 35) ?? usual.retentionDays,
    backupWindow: backupWindow(input.PreferredBackupWindow) ?? usual.backupWindow,
    maintenanceWindow: input.PreferredMaintenanceWindow ?? usual.maintenanceWindow,
    groups: groups.map((each) => ({ id: each, status: "active" })),
    parameterGroup: { name: group.name, status: "in-sync" },
    settings: settingsOf(group),
    pending: {},
    deletionProtection: input.DeletionProtection === true,
    copyTagsToSnapshot: input.CopyTagsToSnapshot === true,
    publiclyAccessible: input.PubliclyAccessible === true,
    tags: tags(input.Tags),
    replicas: [],
    hasData: false,
    partitions: {},
  };
  instances[id] = record;
  setStatus(world, record, "creating");
  return record;
}

/** The zone after `zone`, of the three that each region of the lab has. */
export const otherZone = (zone: string): string => zone.slice(0, -1) + ({ a: "b", b: "c", c: "a" }[zone.slice(-1)] ?? "a");

export function checkClass(name: string): string {
  if (!/^db\.[a-z0-9]+\.[a-z0-9]+$/.test(name)) throw refuse("InvalidParameterValue", `Invalid DB Instance class: ${name}`);
  return name;
}

const WORDS: Record<string, string> = {
  creating: "being created",
  modifying: "being modified",
  deleting: "being deleted",
  "backing-up": "backing up",
  failed: "in status failed",
};

export function setStatus(world: World, record: InstanceRecord, status: string): void {
  if (record.status === status) return;
  record.status = status;
  world.tell({
    kind: "state",
    region: record.region,
    service: "rds",
    what: `${record.id} is ${WORDS[status] ?? status}`,
    detail: { instance: record.arn, status },
  });
}

/** `available` is what nearly every operation asks for. */
export function mustBe(record: InstanceRecord, allowed: string[], doing: string): void {
  if (record.failingOver)
    throw refuse("InvalidDBInstanceState", `Instance ${record.id} cannot currently ${doing}: a failover is in progress.`);
  if (!allowed.includes(record.status)) {
    throw refuse(
      "InvalidDBInstanceState",
      `Instance ${record.id} cannot currently ${doing}: its status is ${record.status}, not ${allowed.join(" or ")}.`,
    );
  }
}

/** Whether this very instance still stands: work that took a while asks before it goes on. */
export function exists(world: World, record: InstanceRecord): boolean {
  return regionState(world, record.region).instances[record.id] === record && record.status !== "deleting";
}

/** Stops the server, whatever state it is in, and starts it with every parameter of its group. */
export async function restart({ world, fleet }: Rds, record: InstanceRecord, downForMs = 0): Promise<void> {
  await fleet.cluster(record).stop(1500);
  await fleet.pause(downForMs);
  record.fault = undefined;
  record.settings = settingsOf(findParameterGroup(world, record.region, record.parameterGroup.name));
  record.parameterGroup.status = "in-sync";
  await fleet.launch(record);
}

/** The instance as failed for good: what creation and restore end in when the engine does not come up. */
export function failed({ world }: Rds, record: InstanceRecord, why: string): void {
  setStatus(world, record, "failed");
  instanceEvent(world, record, "0031", why.split("\n")[0] ?? "");
}

/** After a restart that did not come up: its parameters are to blame, unless it has none of its own. */
export function notRestarted(rds: Rds, record: InstanceRecord): void {
  if (Object.keys(record.settings).length > 0) setStatus(rds.world, record, "incompatible-parameters");
  else failed(rds, record, "the engine did not start");
}
