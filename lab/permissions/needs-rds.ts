// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What RDS's operations need (Service Authorization Reference, Amazon RDS): instances, snapshots and groups by ARN, and the
 * permission to tag where a request brings tags. The permissions on KMS keys that encryption needs are RDS's own to ask for (rds/keys.ts).
 */
import { parseArn, rdsState, type Tag } from "../cloud/rds/state.ts";
import { type At, type Context, EVERY, type Need, type Needs } from "./need.ts";

type Kind = "db" | "snapshot" | "pg" | "og" | "subgrp" | "cluster" | "cluster-snapshot";

/** An identifier or an ARN as the ARN that is judged; none stands for all of its kind. */
export function arn(at: At, kind: Kind, given: string | undefined): string {
  if (given?.startsWith("arn:")) return given;
  return given === undefined
    ? `arn:aws:rds:${at.region}:${at.account}:${kind}:${EVERY}`
    : `arn:aws:rds:${at.region}:${at.account}:${kind}:${given.toLowerCase()}`;
}

export const need = (at: At, operation: string, resource: string, context: Context = {}): Need => ({
  action: `rds:${operation}`,
  resource,
  context: { ...tagsOn(at, resource), ...context },
});

/** The resource's own tags, which a policy may ask for. */
function tagsOn({ world }: At, resource: string): Context {
  const parsed = parseArn(resource);
  const region = parsed && rdsState(world).regions[parsed.region];
  const kind = parsed?.kind;
  const kept: Partial<Record<string, Record<string, { tags: Tag[] }>>> = {
    db: region?.instances,
    snapshot: region?.snapshots,
    cluster: region?.clusters,
    "cluster-snapshot": region?.clusterSnapshots,
  };
  const record = kept[kind ?? ""]?.[parsed?.id ?? ""];
  const context: Context = {};
  for (const { Key, Value } of record?.tags ?? []) {
    context[`aws:ResourceTag/${Key}`] = Value;
    context[`rds:${kind}-tag/${Key}`] = Value;
  }
  return context;
}

export function tagsSent(tags: Tag[] | undefined): Context {
  if (!tags?.length) return {};
  const context: Context = { "aws:TagKeys": tags.map(({ Key }) => Key) };
  for (const { Key, Value = "" } of tags) {
    context[`aws:RequestTag/${Key}`] = Value;
    context[`rds:req-tag/${Key}`] = Value;
  }
  return context;
}

/** Tags at creation are a permission of their own. */
export const tagging = (at: At, resource: string, tags: Tag[] | undefined, copied = false): Need[] =>
  tags?.length || copied ? [need(at, "AddTagsToResource", resource, tagsSent(tags))] : [];

/** The groups a request names beside the instance. */
const groups = (at: At, operation: string, input: any): Need[] =>
  (
    [
      ["pg", input.DBParameterGroupName],
      ["og", input.OptionGroupName],
      ["subgrp", input.DBSubnetGroupName],
    ] as const
  ).flatMap(([kind, name]) => (name ? [need(at, operation, arn(at, kind, name))] : []));

/** One instance, or the list of all. */
const onInstance =
  (operation: string): Needs =>
  (input, at) => [need(at, operation, arn(at, "db", input.DBInstanceIdentifier))];

const onSnapshot =
  (operation: string): Needs =>
  (input, at) => [need(at, operation, arn(at, "snapshot", input.DBSnapshotIdentifier))];

const onTagged =
  (operation: string): Needs =>
  (input, at) => [need(at, operation, input.ResourceName ?? "*", tagsSent(input.Tags))];

const onGroup =
  (operation: string): Needs =>
  (input, at) => [
    need(at, operation, arn(at, "pg", input.DBParameterGroupName)),
    ...tagging(at, arn(at, "pg", input.DBParameterGroupName), input.Tags),
  ];

const onEverything =
  (operation: string): Needs =>
  () => [{ action: `rds:${operation}`, resource: "*" }];

/** A snapshot taken on the way out asks for the right to take one. */
function withFinalSnapshot(operation: string, field: string): Needs {
  return (input, at) => {
    const instance = arn(at, "db", input.DBInstanceIdentifier);
    const last = input[field] ? arn(at, "snapshot", input[field]) : undefined;
    return [need(at, operation, instance), ...(last ? [need(at, "CreateDBSnapshot", instance), need(at, "CreateDBSnapshot", last)] : [])];
  };
}

function creating(operation: string, sources: (input: any, at: At) => string[]): Needs {
  return (input, at) => {
    const made = arn(at, "db", input.TargetDBInstanceIdentifier ?? input.DBInstanceIdentifier);
    const resources = [made, ...sources(input, at)];
    return [
      ...resources.map((resource) => need(at, operation, resource, tagsSent(input.Tags))),
      ...groups(at, operation, input),
      ...tagging(at, made, input.Tags),
    ];
  };
}

export const rds: Record<string, Needs> = {
  DescribeDBInstances: onInstance("DescribeDBInstances"),
  RebootDBInstance: onInstance("RebootDBInstance"),
  PromoteReadReplica: onInstance("PromoteReadReplica"),
  StartDBInstance: onInstance("StartDBInstance"),
  StopDBInstance: withFinalSnapshot("StopDBInstance", "DBSnapshotIdentifier"),
  DeleteDBInstance: withFinalSnapshot("DeleteDBInstance", "FinalDBSnapshotIdentifier"),
  ModifyDBInstance: (input, at) => [
    need(at, "ModifyDBInstance", arn(at, "db", input.DBInstanceIdentifier)),
    ...groups(at, "ModifyDBInstance", input),
  ],
  CreateDBInstance: creating("CreateDBInstance", (input, at) =>
    input.DBClusterIdentifier ? [arn(at, "cluster", input.DBClusterIdentifier)] : [],
  ),
  CreateDBInstanceReadReplica: creating("CreateDBInstanceReadReplica", (input, at) => [arn(at, "db", input.SourceDBInstanceIdentifier)]),
  RestoreDBInstanceFromDBSnapshot: creating("RestoreDBInstanceFromDBSnapshot", (input, at) => [
    arn(at, "snapshot", input.DBSnapshotIdentifier),
  ]),
  RestoreDBInstanceToPointInTime: creating("RestoreDBInstanceToPointInTime", (input, at) => [
    arn(at, "db", input.SourceDBInstanceIdentifier),
  ]),

  /** Both kinds are optional for AWS: a list of one instance's snapshots is judged on the instance. */
  DescribeDBSnapshots(input, at) {
    const { DBSnapshotIdentifier: snapshot, DBInstanceIdentifier: instance } = input;
    const asked = [...(snapshot ? [arn(at, "snapshot", snapshot)] : []), ...(instance ? [arn(at, "db", instance)] : [])];
    return (asked.length > 0 ? asked : [arn(at, "snapshot", undefined)]).map((resource) => need(at, "DescribeDBSnapshots", resource));
  },
  CreateDBSnapshot(input, at) {
    const made = arn(at, "snapshot", input.DBSnapshotIdentifier);
    return [
      need(at, "CreateDBSnapshot", arn(at, "db", input.DBInstanceIdentifier), tagsSent(input.Tags)),
      need(at, "CreateDBSnapshot", made, tagsSent(input.Tags)),
      ...tagging(at, made, input.Tags),
    ];
  },
  /** Both snapshots, each in its own region. */
  CopyDBSnapshot(input, at) {
    const made = arn(at, "snapshot", input.TargetDBSnapshotIdentifier);
    return [
      need(at, "CopyDBSnapshot", arn(at, "snapshot", input.SourceDBSnapshotIdentifier), tagsSent(input.Tags)),
      need(at, "CopyDBSnapshot", made, tagsSent(input.Tags)),
      ...tagging(at, made, input.Tags, Boolean(input.CopyTags)),
    ];
  },
  DeleteDBSnapshot: onSnapshot("DeleteDBSnapshot"),
  DescribeDBSnapshotAttributes: onSnapshot("DescribeDBSnapshotAttributes"),
  ModifyDBSnapshotAttribute: onSnapshot("ModifyDBSnapshotAttribute"),

  AddTagsToResource: onTagged("AddTagsToResource"),
  RemoveTagsFromResource: onTagged("RemoveTagsFromResource"),
  ListTagsForResource: onTagged("ListTagsForResource"),

  CreateDBParameterGroup: onGroup("CreateDBParameterGroup"),
  ModifyDBParameterGroup: onGroup("ModifyDBParameterGroup"),
  DeleteDBParameterGroup: onGroup("DeleteDBParameterGroup"),
  ResetDBParameterGroup: onGroup("ResetDBParameterGroup"),
  DescribeDBSubnetGroups: (input, at) => [need(at, "DescribeDBSubnetGroups", arn(at, "subgrp", input.DBSubnetGroupName))],
  DescribeDBParameterGroups: onGroup("DescribeDBParameterGroups"),
  DescribeDBParameters: onGroup("DescribeDBParameters"),
  DescribeEvents: onEverything("DescribeEvents"),
  DescribeAccountAttributes: onEverything("DescribeAccountAttributes"),
  DescribeDBEngineVersions: onEverything("DescribeDBEngineVersions"),
};
