// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What RDS's operations on clusters need (Service Authorization Reference, Amazon RDS): clusters, their snapshots and global databases
 * by ARN. A global database's ARN has no region, and the moves of one need the cluster's ARN as well.
 */
import { type At, EVERY, type Need, type Needs } from "./need.ts";
import { arn, need, tagging, tagsSent } from "./needs-rds.ts";

const globalArn = (at: At, given: string | undefined): string =>
  given?.startsWith("arn:") ? given : `arn:aws:rds::${at.account}:global-cluster:${given?.toLowerCase() ?? EVERY}`;

const onCluster =
  (operation: string): Needs =>
  (input, at) => [need(at, operation, arn(at, "cluster", input.DBClusterIdentifier))];

const onSnapshot =
  (operation: string): Needs =>
  (input, at) => [need(at, operation, arn(at, "cluster-snapshot", input.DBClusterSnapshotIdentifier))];

const onGlobal =
  (operation: string): Needs =>
  (input, at) => [need(at, operation, globalArn(at, input.GlobalClusterIdentifier), tagsSent(input.Tags))];

/** A move names its cluster in one of two spellings. */
const onGlobalAndCluster =
  (operation: string): Needs =>
  (input, at) => [
    need(at, operation, globalArn(at, input.GlobalClusterIdentifier)),
    need(at, operation, arn(at, "cluster", input.TargetDbClusterIdentifier ?? input.DbClusterIdentifier)),
  ];

function creating(operation: string, sources: (input: any, at: At) => string[]): Needs {
  return (input, at) => {
    const made = arn(at, "cluster", input.DBClusterIdentifier);
    const resources = [made, ...sources(input, at), ...(input.DBSubnetGroupName ? [arn(at, "subgrp", input.DBSubnetGroupName)] : [])];
    return [...resources.map((resource) => need(at, operation, resource, tagsSent(input.Tags))), ...tagging(at, made, input.Tags)];
  };
}

function deletion(input: any, at: At): Need[] {
  const last = input.FinalDBSnapshotIdentifier;
  const cluster = arn(at, "cluster", input.DBClusterIdentifier);
  const snapshot = last
    ? [need(at, "CreateDBClusterSnapshot", cluster), need(at, "CreateDBClusterSnapshot", arn(at, "cluster-snapshot", last))]
    : [];
  return [need(at, "DeleteDBCluster", cluster), ...snapshot];
}

export const rdsClusters: Record<string, Needs> = {
  DescribeDBClusters: onCluster("DescribeDBClusters"),
  ModifyDBCluster: onCluster("ModifyDBCluster"),
  RebootDBCluster: onCluster("RebootDBCluster"),
  StartDBCluster: onCluster("StartDBCluster"),
  StopDBCluster: onCluster("StopDBCluster"),
  DeleteDBCluster: deletion,
  CreateDBCluster: creating("CreateDBCluster", (input, at) =>
    input.GlobalClusterIdentifier ? [globalArn(at, input.GlobalClusterIdentifier)] : [],
  ),
  RestoreDBClusterFromSnapshot: creating("RestoreDBClusterFromSnapshot", (input, at) => [
    arn(at, "cluster-snapshot", input.SnapshotIdentifier),
  ]),
  FailoverDBCluster: (input, at) => [
    need(at, "FailoverDBCluster", arn(at, "cluster", input.DBClusterIdentifier)),
    ...(input.TargetDBInstanceIdentifier ? [need(at, "FailoverDBCluster", arn(at, "db", input.TargetDBInstanceIdentifier))] : []),
  ],

  CreateDBClusterSnapshot(input, at) {
    const made = arn(at, "cluster-snapshot", input.DBClusterSnapshotIdentifier);
    return [
      need(at, "CreateDBClusterSnapshot", arn(at, "cluster", input.DBClusterIdentifier), tagsSent(input.Tags)),
      need(at, "CreateDBClusterSnapshot", made, tagsSent(input.Tags)),
      ...tagging(at, made, input.Tags),
    ];
  },
  CopyDBClusterSnapshot(input, at) {
    const made = arn(at, "cluster-snapshot", input.TargetDBClusterSnapshotIdentifier);
    return [
      need(at, "CopyDBClusterSnapshot", arn(at, "cluster-snapshot", input.SourceDBClusterSnapshotIdentifier), tagsSent(input.Tags)),
      need(at, "CopyDBClusterSnapshot", made, tagsSent(input.Tags)),
      ...tagging(at, made, input.Tags, Boolean(input.CopyTags)),
    ];
  },
  DeleteDBClusterSnapshot: onSnapshot("DeleteDBClusterSnapshot"),
  DescribeDBClusterSnapshots(input, at) {
    const { DBClusterSnapshotIdentifier: snapshot, DBClusterIdentifier: cluster } = input;
    const asked = [...(snapshot ? [arn(at, "cluster-snapshot", snapshot)] : []), ...(cluster ? [arn(at, "cluster", cluster)] : [])];
    return (asked.length > 0 ? asked : [arn(at, "cluster-snapshot", undefined)]).map((each) =>
      need(at, "DescribeDBClusterSnapshots", each),
    );
  },

  CreateGlobalCluster: (input, at) => [
    need(at, "CreateGlobalCluster", globalArn(at, input.GlobalClusterIdentifier), tagsSent(input.Tags)),
    ...(input.SourceDBClusterIdentifier ? [need(at, "CreateGlobalCluster", arn(at, "cluster", input.SourceDBClusterIdentifier))] : []),
    ...tagging(at, globalArn(at, input.GlobalClusterIdentifier), input.Tags),
  ],
  DescribeGlobalClusters: onGlobal("DescribeGlobalClusters"),
  ModifyGlobalCluster: onGlobal("ModifyGlobalCluster"),
  DeleteGlobalCluster: onGlobal("DeleteGlobalCluster"),
  RemoveFromGlobalCluster: onGlobalAndCluster("RemoveFromGlobalCluster"),
  SwitchoverGlobalCluster: onGlobalAndCluster("SwitchoverGlobalCluster"),
  FailoverGlobalCluster: onGlobalAndCluster("FailoverGlobalCluster"),
};
