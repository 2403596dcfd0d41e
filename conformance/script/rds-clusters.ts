/** RDS's clusters: Aurora's without instances, their snapshots, a global database. What needs several servers is told by the lab's own tests. */
import type { Json } from "../json.ts";
import type { Call, Story } from "../story.ts";

const cluster = (more: { readonly [name: string]: Json } = {}): Json => ({
  DBClusterIdentifier: "shop",
  Engine: "aurora-postgresql",
  MasterUsername: "shop",
  MasterUserPassword: "correct-horse",
  PreferredBackupWindow: "03:00-03:30",
  PreferredMaintenanceWindow: "sun:04:30-sun:05:00",
  ...more,
});
/** Each side makes its own; a snapshot repeats the first. */
const IDS = {
  resource: "DBCluster.DbClusterResourceId",
  writer: "DBCluster.Endpoint",
  readers: "DBCluster.ReaderEndpoint",
  zone: "DBCluster.HostedZoneId",
};
const available = (DBClusterIdentifier: string, more: Call[2] = {}): Call => [
  "DescribeDBClusters",
  { DBClusterIdentifier },
  { until: ["DBClusters[0].Status", "available"], ...more },
];

const refusals: Story = {
  title: "what RDS refuses of clusters",
  service: "rds",
  region: "us-east-2",
  calls: [
    [
      "DescribeVpcs",
      {},
      { service: "ec2", keep: { vpc: "Vpcs[0].VpcId", association: "Vpcs[0].CidrBlockAssociationSet[0].AssociationId" } },
    ],
    ["DescribeDBClusters", { DBClusterIdentifier: "nobody" }],
    ["FailoverDBCluster", { DBClusterIdentifier: "nobody" }],
    ["StartDBCluster", { DBClusterIdentifier: "nobody" }],
    ["StopDBCluster", { DBClusterIdentifier: "nobody" }],
    ["DeleteDBCluster", { DBClusterIdentifier: "nobody", SkipFinalSnapshot: true }],
    ["CreateDBClusterSnapshot", { DBClusterIdentifier: "nobody", DBClusterSnapshotIdentifier: "of-nobody" }],
    ["DescribeDBClusterSnapshots", { DBClusterSnapshotIdentifier: "nobody" }],
    ["DeleteDBClusterSnapshot", { DBClusterSnapshotIdentifier: "nobody" }],
    ["CopyDBClusterSnapshot", { SourceDBClusterSnapshotIdentifier: "nobody", TargetDBClusterSnapshotIdentifier: "copy" }],
    ["RestoreDBClusterFromSnapshot", { DBClusterIdentifier: "restored", SnapshotIdentifier: "nobody", Engine: "aurora-postgresql" }],
    ["CreateGlobalCluster", { GlobalClusterIdentifier: "empty" }, { as: "a global database of no engine" }],
    ["CreateDBCluster", cluster(), { keep: IDS }],
    available("shop"),
    ["FailoverDBCluster", { DBClusterIdentifier: "shop" }, { as: "a failover without a reader" }],
    ["StartDBCluster", { DBClusterIdentifier: "shop" }, { as: "a running cluster started" }],
    ["CreateDBClusterSnapshot", { DBClusterIdentifier: "shop", DBClusterSnapshotIdentifier: "daily" }],
    ["DescribeDBClusterSnapshots", { DBClusterSnapshotIdentifier: "daily" }, { until: ["DBClusterSnapshots[0].Status", "available"] }],
    available("shop"),
    ["CreateDBClusterSnapshot", { DBClusterIdentifier: "shop", DBClusterSnapshotIdentifier: "daily" }, { as: "a cluster snapshot twice" }],
    ["DeleteDBClusterSnapshot", { DBClusterSnapshotIdentifier: "daily" }],
    ["ModifyDBCluster", { DBClusterIdentifier: "shop", DeletionProtection: true, ApplyImmediately: true }],
    ["DeleteDBCluster", { DBClusterIdentifier: "shop", SkipFinalSnapshot: true }, { as: "a protected cluster deleted" }],
    ["ModifyDBCluster", { DBClusterIdentifier: "shop", DeletionProtection: false, ApplyImmediately: true }],
    ["DeleteDBCluster", { DBClusterIdentifier: "shop", SkipFinalSnapshot: true }],
  ],
};

export const RDS_CLUSTERS: readonly Story[] = [refusals];
