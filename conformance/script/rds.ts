/** RDS: instances, snapshots and their copies, replicas, parameter groups. Each instance in the lab is a real server. */
import type { Json } from "../json.ts";
import type { Call, Story } from "../story.ts";

const available = (DBInstanceIdentifier: string, more: Call[2] = {}): Call => [
  "DescribeDBInstances",
  { DBInstanceIdentifier },
  { until: ["DBInstances[0].DBInstanceStatus", "available"], ...more },
];
const whole = (DBSnapshotIdentifier: string, more: Call[2] = {}): Call => [
  "DescribeDBSnapshots",
  { DBSnapshotIdentifier },
  { until: ["DBSnapshots[0].Status", "available"], ...more },
];
const instance = (more: { readonly [name: string]: Json } = {}): Json => ({
  DBInstanceIdentifier: "shop-a",
  DBInstanceClass: "db.t4g.micro",
  Engine: "postgres",
  AllocatedStorage: 20,
  MasterUsername: "shop",
  MasterUserPassword: "correct-horse",
  EngineVersion: "18",
  PreferredBackupWindow: "03:00-03:30",
  PreferredMaintenanceWindow: "sun:04:30-sun:05:00",
  ...more,
});
/** Where RDS puts an instance when nobody says. */
const network: readonly Call[] = [
  ["DescribeVpcs", {}, { service: "ec2", keep: { vpc: "Vpcs[0].VpcId", association: "Vpcs[0].CidrBlockAssociationSet[0].AssociationId" } }],
  [
    "DescribeSecurityGroups",
    { Filters: [{ Name: "group-name", Values: ["default"] }] },
    { service: "ec2", keep: { "default group": "SecurityGroups[0].GroupId" } },
  ],
];
const IDS = { endpoint: "DBInstances[0].Endpoint.Address", resource: "DBInstances[0].DbiResourceId" };

const instances: Story = {
  title: "an instance from creation to deletion",
  service: "rds",
  region: "eu-central-1",
  calls: [
    ...network,
    ["DescribeDBInstances", { DBInstanceIdentifier: "nobody" }],
    [
      "CreateDBInstance",
      instance({
        DBName: "orders",
        BackupRetentionPeriod: 1,
        PreferredBackupWindow: "03:00-03:30",
        Tags: [{ Key: "plan", Value: "corner-shop" }],
      }),
      { keep: { resource: "DBInstance.DbiResourceId" } },
    ],
    ["CreateDBInstance", instance({ DBInstanceIdentifier: "SHOP-A" }), { as: "an instance twice" }],
    available("shop-a", { keep: IDS }),
    ["DescribeDBInstances", { Filters: [{ Name: "db-instance-id", Values: ["shop-a"] }] }],
    ["DescribeDBInstances", { DBInstanceIdentifier: "Shop-A" }, { as: "an identifier in capitals" }],
    ["DescribeDBInstances", { Filters: [{ Name: "colour", Values: ["blue"] }] }, { as: "an unknown filter" }],
    ["DescribeDBInstances", { MaxRecords: 5 }, { as: "pages of five" }],
    ["CreateDBInstance", instance({ DBInstanceIdentifier: "shop--a" }), { as: "an identifier with two hyphens" }],
    ["CreateDBInstance", instance({ DBInstanceIdentifier: "1shop" }), { as: "an identifier with a digit first" }],
    ["CreateDBInstance", instance({ DBInstanceIdentifier: "shop-c", Engine: "filingcabinet" }), { as: "an unknown engine" }],
    ["ListTagsForResource", { ResourceName: "arn:aws:rds:eu-central-1:${account}:db:shop-a" }],
    ["AddTagsToResource", { ResourceName: "arn:aws:rds:eu-central-1:${account}:db:shop-a", Tags: [{ Key: "generation", Value: "2" }] }],
    ["RemoveTagsFromResource", { ResourceName: "arn:aws:rds:eu-central-1:${account}:db:shop-a", TagKeys: ["plan"] }],
    ["ListTagsForResource", { ResourceName: "arn:aws:rds:eu-central-1:${account}:db:shop-a" }],
    ["ListTagsForResource", { ResourceName: "arn:aws:rds:eu-central-1:${account}:db:nobody" }, { as: "tags of nobody" }],

    ["ModifyDBInstance", { DBInstanceIdentifier: "shop-a", DeletionProtection: true, ApplyImmediately: true }],
    ["ModifyDBInstance", { DBInstanceIdentifier: "nobody", DeletionProtection: true }],
    available("shop-a"),
    ["DeleteDBInstance", { DBInstanceIdentifier: "shop-a", SkipFinalSnapshot: true }, { as: "a protected instance deleted" }],
    ["ModifyDBInstance", { DBInstanceIdentifier: "shop-a", DeletionProtection: false, ApplyImmediately: true }],
    available("shop-a"),
    ["RebootDBInstance", { DBInstanceIdentifier: "shop-a" }],
    ["RebootDBInstance", { DBInstanceIdentifier: "nobody" }],
    available("shop-a"),
    ["StartDBInstance", { DBInstanceIdentifier: "shop-a" }, { as: "a running instance started" }],
    ["StopDBInstance", { DBInstanceIdentifier: "shop-a" }],
    ["DescribeDBInstances", { DBInstanceIdentifier: "shop-a" }, { until: ["DBInstances[0].DBInstanceStatus", "stopped"] }],
    ["StopDBInstance", { DBInstanceIdentifier: "shop-a" }, { as: "a stopped instance stopped" }],
    ["StartDBInstance", { DBInstanceIdentifier: "shop-a" }],
    available("shop-a"),
    ["DeleteDBInstance", { DBInstanceIdentifier: "shop-a", FinalDBSnapshotIdentifier: "shop-a-last" }],
    ["DescribeDBInstances", { DBInstanceIdentifier: "shop-a" }, { until: "gone" }],
    ["DeleteDBInstance", { DBInstanceIdentifier: "shop-a", SkipFinalSnapshot: true }],
    whole("shop-a-last"),
  ],
};

const SNAPSHOT = "arn:aws:rds:eu-central-1:${account}:snapshot:before-drill";
const west = { region: "eu-west-1" };

const snapshots: Story = {
  title: "a snapshot, its copy elsewhere, a restore",
  service: "rds",
  region: "eu-central-1",
  calls: [
    ...network,
    ["CreateDBInstance", instance({ DBInstanceIdentifier: "orders" }), { keep: { resource: "DBInstance.DbiResourceId" } }],
    available("orders", { keep: IDS }),
    ["DescribeDBSnapshots", { DBInstanceIdentifier: "orders", SnapshotType: "manual" }],
    ["DescribeDBSnapshots", { DBSnapshotIdentifier: "nobody" }],
    [
      "CreateDBSnapshot",
      { DBInstanceIdentifier: "orders", DBSnapshotIdentifier: "before-drill", Tags: [{ Key: "plan", Value: "corner-shop" }] },
    ],
    ["CreateDBSnapshot", { DBInstanceIdentifier: "orders", DBSnapshotIdentifier: "before-drill" }, { as: "a snapshot twice" }],
    whole("before-drill"),
    available("orders"),
    ["CreateDBSnapshot", { DBInstanceIdentifier: "orders", DBSnapshotIdentifier: "before-drill" }, { as: "a snapshot twice" }],
    ["CreateDBSnapshot", { DBInstanceIdentifier: "nobody", DBSnapshotIdentifier: "of-nobody" }],
    ["CreateDBSnapshot", { DBInstanceIdentifier: "orders", DBSnapshotIdentifier: "rds:mine" }, { as: "a snapshot in RDS's name" }],
    [
      "CreateDBSnapshot",
      { DBInstanceIdentifier: "orders", DBSnapshotIdentifier: "ends-with-" },
      { as: "a snapshot that ends with a hyphen" },
    ],
    ["DescribeDBSnapshots", { DBInstanceIdentifier: "orders", SnapshotType: "manual" }],
    ["DescribeDBSnapshots", { SnapshotType: "imaginary" }, { as: "snapshots of no known type" }],
    ["ListTagsForResource", { ResourceName: SNAPSHOT }],

    ["CopyDBSnapshot", { SourceDBSnapshotIdentifier: "before-drill", TargetDBSnapshotIdentifier: "copy-here", CopyTags: true }],
    whole("copy-here"),
    [
      "CopyDBSnapshot",
      { SourceDBSnapshotIdentifier: "before-drill", TargetDBSnapshotIdentifier: "copy-here" },
      { as: "a copy over a snapshot" },
    ],
    ["CopyDBSnapshot", { SourceDBSnapshotIdentifier: "nobody", TargetDBSnapshotIdentifier: "copy-of-nobody" }],
    [
      "CopyDBSnapshot",
      { SourceDBSnapshotIdentifier: SNAPSHOT, TargetDBSnapshotIdentifier: "copy-there", SourceRegion: "eu-central-1" },
      west,
    ],
    whole("copy-there", west),
    ["DescribeDBSnapshots", { DBSnapshotIdentifier: "before-drill" }, { ...west, as: "a snapshot of the other region" }],
    ["DeleteDBSnapshot", { DBSnapshotIdentifier: "copy-there" }, west],
    ["DeleteDBSnapshot", { DBSnapshotIdentifier: "copy-there" }, west],

    [
      "RestoreDBInstanceFromDBSnapshot",
      { DBInstanceIdentifier: "restored", DBSnapshotIdentifier: "before-drill", DBInstanceClass: "db.t4g.micro" },
      { keep: { "restored resource": "DBInstance.DbiResourceId" } },
    ],
    [
      "RestoreDBInstanceFromDBSnapshot",
      { DBInstanceIdentifier: "orders", DBSnapshotIdentifier: "before-drill" },
      { as: "a restore over an instance" },
    ],
    ["RestoreDBInstanceFromDBSnapshot", { DBInstanceIdentifier: "restored-2", DBSnapshotIdentifier: "nobody" }],
    available("restored", { keep: { "restored endpoint": "DBInstances[0].Endpoint.Address" } }),
    ["DeleteDBInstance", { DBInstanceIdentifier: "restored", SkipFinalSnapshot: true }],
    ["DeleteDBSnapshot", { DBSnapshotIdentifier: "before-drill" }],
    ["DeleteDBSnapshot", { DBSnapshotIdentifier: "copy-here" }],
    ["DeleteDBInstance", { DBInstanceIdentifier: "orders", SkipFinalSnapshot: true }],
  ],
};

const replicas: Story = {
  title: "a replica and its promotion",
  service: "rds",
  region: "eu-west-1",
  calls: [
    ...network,
    [
      "CreateDBInstance",
      instance({ DBInstanceIdentifier: "primary", BackupRetentionPeriod: 1 }),
      { keep: { resource: "DBInstance.DbiResourceId" } },
    ],
    available("primary", { keep: IDS }),
    ["CreateDBInstanceReadReplica", { DBInstanceIdentifier: "standby", SourceDBInstanceIdentifier: "nobody" }],
    [
      "CreateDBInstanceReadReplica",
      { DBInstanceIdentifier: "standby", SourceDBInstanceIdentifier: "primary" },
      { keep: { "standby resource": "DBInstance.DbiResourceId" } },
    ],
    available("standby", { keep: { "standby endpoint": "DBInstances[0].Endpoint.Address" } }),
    available("primary"),
    ["StopDBInstance", { DBInstanceIdentifier: "standby" }, { as: "a replica stopped" }],
    ["PromoteReadReplica", { DBInstanceIdentifier: "standby", BackupRetentionPeriod: 3 }],
    ["DescribeDBInstances", { DBInstanceIdentifier: "standby" }, { until: ["DBInstances[0].BackupRetentionPeriod", 3] }],
    available("standby"),
    available("primary"),
    ["PromoteReadReplica", { DBInstanceIdentifier: "standby" }, { as: "a promotion twice" }],
    ["CreateDBInstanceReadReplica", { DBInstanceIdentifier: "standby", SourceDBInstanceIdentifier: "primary" }, { as: "a replica twice" }],
    ["DeleteDBInstance", { DBInstanceIdentifier: "primary", SkipFinalSnapshot: true }],
    ["DeleteDBInstance", { DBInstanceIdentifier: "standby", SkipFinalSnapshot: true }],
  ],
};

const group = { DBParameterGroupName: "hot-standby" };

const parameterGroups: Story = {
  title: "the standby's parameter group",
  service: "rds",
  region: "eu-central-1",
  calls: [
    ["CreateDBParameterGroup", { ...group, DBParameterGroupFamily: "postgres18", Description: "short timeouts" }],
    ["CreateDBParameterGroup", { ...group, DBParameterGroupFamily: "postgres18", Description: "again" }],
    [
      "CreateDBParameterGroup",
      { DBParameterGroupName: "odd", DBParameterGroupFamily: "filingcabinet1", Description: "no such family" },
      { as: "a family of nobody" },
    ],
    ["DescribeDBParameterGroups", group],
    ["DescribeDBParameterGroups", { DBParameterGroupName: "nobody" }],
    [
      "ModifyDBParameterGroup",
      { ...group, Parameters: [{ ParameterName: "wal_receiver_timeout", ParameterValue: "3000", ApplyMethod: "immediate" }] },
    ],
    [
      "ModifyDBParameterGroup",
      {
        DBParameterGroupName: "nobody",
        Parameters: [{ ParameterName: "wal_receiver_timeout", ParameterValue: "3000", ApplyMethod: "immediate" }],
      },
    ],
    ["DescribeDBParameters", { ...group, Source: "user" }],
    ["DescribeDBParameters", { DBParameterGroupName: "nobody" }],
    ["DescribeDBSubnetGroups", { DBSubnetGroupName: "nobody" }],
    ["DescribeEvents", { SourceIdentifier: "nobody", SourceType: "db-instance" }, { as: "events of nobody" }],
    ["DeleteDBParameterGroup", group],
    ["DeleteDBParameterGroup", group],
  ],
};

/** Apart from the rest, because what one of the two takes would be in the way of what follows. */
const refusals: Story = {
  title: "what RDS refuses",
  service: "rds",
  region: "us-east-1",
  calls: [
    ...network,
    ["CreateDBInstance", instance({ DBInstanceIdentifier: "billing" }), { keep: { resource: "DBInstance.DbiResourceId" } }],
    available("billing", { keep: IDS }),
    ["PromoteReadReplica", { DBInstanceIdentifier: "billing" }, { as: "a promotion of no replica" }],
    ["PromoteReadReplica", { DBInstanceIdentifier: "nobody" }],
    ["RebootDBInstance", { DBInstanceIdentifier: "billing", ForceFailover: true }, { as: "a forced failover of one zone" }],
    available("billing"),
    ["StopDBInstance", { DBInstanceIdentifier: "billing" }],
    ["DescribeDBInstances", { DBInstanceIdentifier: "billing" }, { until: ["DBInstances[0].DBInstanceStatus", "stopped"] }],
    ["RebootDBInstance", { DBInstanceIdentifier: "billing" }, { as: "a stopped instance rebooted" }],
    [
      "CreateDBSnapshot",
      { DBInstanceIdentifier: "billing", DBSnapshotIdentifier: "of-stopped" },
      { as: "a snapshot of a stopped instance" },
    ],
    [
      "DeleteDBInstance",
      { DBInstanceIdentifier: "billing", SkipFinalSnapshot: true, FinalDBSnapshotIdentifier: "last" },
      { as: "a deletion with two words on it" },
    ],
    ["DeleteDBInstance", { DBInstanceIdentifier: "billing" }, { as: "a deletion without a word on the final snapshot" }],
    ["CreateDBInstance", instance({ DBInstanceIdentifier: "shop-c", MasterUserPassword: "short" }), { as: "a short password" }],
    [
      "CreateDBInstance",
      instance({ DBInstanceIdentifier: "shop-c", DBParameterGroupName: "nobody" }),
      { as: "a parameter group of nobody" },
    ],
    [
      "ModifyDBParameterGroup",
      {
        DBParameterGroupName: "default.postgres18",
        Parameters: [{ ParameterName: "no_such_thing", ParameterValue: "1", ApplyMethod: "immediate" }],
      },
      { as: "a parameter of nobody" },
    ],
  ],
};

export const RDS: readonly Story[] = [instances, snapshots, replicas, parameterGroups, refusals];
