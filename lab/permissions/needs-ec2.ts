// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What EC2's operations need (Service Authorization Reference, Amazon EC2): the resources they touch and those they make, and the
 * permission to tag what is made. Describe operations take no resource.
 */
import { computeIn } from "../cloud/ec2-state.ts";
import { type At, type Context, EVERY, type Need, type Needs } from "./need.ts";

type Kind = "instance" | "volume" | "snapshot" | "image" | "security-group" | "subnet" | "network-interface" | "vpc";

const PREFIXES: readonly (readonly [string, Kind])[] = [
  ["i-", "instance"],
  ["vol-", "volume"],
  ["snap-", "snapshot"],
  ["ami-", "image"],
  ["sg-", "security-group"],
  ["subnet-", "subnet"],
];
/** They belong to nobody in their ARNs: they can be shared. */
const OWNERLESS = new Set<Kind>(["snapshot", "image"]);

/** Without an id: one that is about to be made. */
const arn = ({ region, account }: At, kind: Kind, id: string = EVERY): string =>
  `arn:aws:ec2:${region}:${OWNERLESS.has(kind) ? "" : account}:${kind}/${id}`;

function need(at: At, action: string, kind: Kind, id?: string, context: Context = {}): Need {
  return { action: `ec2:${action}`, resource: arn(at, kind, id), context: { ...(id ? tagsOn(at, kind, id) : {}), ...context } };
}

function tagsOn(at: At, kind: Kind, id: string): Context {
  const lists = { instance: "instances", volume: "volumes", snapshot: "snapshots", image: "images" } as const;
  if (!(kind in lists)) return {};
  const record = computeIn(at.world, at)[lists[kind as keyof typeof lists]][id];
  return named("aws:ResourceTag", record?.tags);
}

function named(key: "aws:ResourceTag" | "aws:RequestTag", tags: { Key: string; Value?: string }[] | undefined): Context {
  return Object.fromEntries((tags ?? []).map(({ Key, Value }) => [`${key}/${Key}`, Value ?? ""]));
}

function tagsSent(tags: { Key: string; Value?: string }[]): Context {
  return tags.length > 0 ? { "aws:TagKeys": tags.map(({ Key }) => Key), ...named("aws:RequestTag", tags) } : {};
}

/** A creation: the needs of `make`, each told of the tags, and ec2:CreateTags for every kind of thing that is tagged. */
function making(action: string, make: (input: any, at: At) => Need[]): Needs {
  return (input, at) => {
    const specifications: any[] = (input.TagSpecifications ?? []).filter(({ Tags }: any) => Tags?.length > 0);
    const sent = (kind: string) => tagsSent(specifications.filter(({ ResourceType }) => ResourceType === kind).flatMap(({ Tags }) => Tags));
    const kindOf = ({ resource }: Need) => (resource.split(":")[5] ?? "").split("/")[0] ?? "";
    return [
      ...make(input, at).map((each) => ({ ...each, context: { ...each.context, ...sent(kindOf(each)) } })),
      ...specifications.map(({ ResourceType }) =>
        need(at, "CreateTags", ResourceType, undefined, { ...sent(ResourceType), "ec2:CreateAction": action }),
      ),
    ];
  };
}

const on =
  (action: string, kind: Kind, ids: (input: any) => (string | undefined)[]): Needs =>
  (input, at) =>
    ids(input).map((id) => need(at, action, kind, id));

const each = (actions: string[], of: (action: string) => Needs): Record<string, Needs> =>
  Object.fromEntries(actions.map((action) => [action, of(action)]));

const tagging =
  (action: string): Needs =>
  (input, at) =>
    (input.Resources ?? []).map((id: string) => {
      const kind = PREFIXES.find(([prefix]) => id.startsWith(prefix))?.[1] ?? "instance";
      return need(at, action, kind, id, tagsSent(input.Tags ?? []));
    });

export const ec2: Record<string, Needs> = {
  ...each(
    [
      "DescribeAvailabilityZones",
      "DescribeImages",
      "DescribeInstances",
      "DescribeInstanceStatus",
      "DescribeRegions",
      "DescribeSecurityGroups",
      "DescribeSnapshots",
      "DescribeSubnets",
      "DescribeTags",
      "DescribeVolumes",
      "DescribeVpcs",
    ],
    (action) => () => [{ action: `ec2:${action}`, resource: "*" }],
  ),
  ...each(["StartInstances", "StopInstances", "RebootInstances", "TerminateInstances"], (action) =>
    on(action, "instance", ({ InstanceIds }) => InstanceIds ?? []),
  ),
  RunInstances: making("RunInstances", (input, at) => [
    need(at, "RunInstances", "image", input.ImageId),
    ...(["instance", "network-interface", "volume"] as const).map((kind) => need(at, "RunInstances", kind)),
    ...(input.SecurityGroupIds ?? [undefined]).map((id?: string) => need(at, "RunInstances", "security-group", id)),
    need(at, "RunInstances", "subnet", input.SubnetId),
  ]),

  CreateVolume: making("CreateVolume", (input, at) => [
    need(at, "CreateVolume", "volume"),
    ...(input.SnapshotId ? [need(at, "CreateVolume", "snapshot", input.SnapshotId)] : []),
  ]),
  ...each(["AttachVolume", "DetachVolume"], (action) => (input, at) => [
    need(at, action, "volume", input.VolumeId),
    ...(input.InstanceId ? [need(at, action, "instance", input.InstanceId)] : []),
  ]),
  DeleteVolume: on("DeleteVolume", "volume", ({ VolumeId }) => [VolumeId]),

  CreateSnapshot: making("CreateSnapshot", (input, at) => [
    need(at, "CreateSnapshot", "volume", input.VolumeId),
    need(at, "CreateSnapshot", "snapshot"),
  ]),
  CreateSnapshots: making("CreateSnapshots", (input, at) => [
    need(at, "CreateSnapshots", "instance", input.InstanceSpecification?.InstanceId),
    need(at, "CreateSnapshots", "volume"),
    need(at, "CreateSnapshots", "snapshot"),
  ]),
  /** The new snapshot, and since 2025 the source too, where it is (AWS Storage Blog, resource-level permissions for copying EBS snapshots). */
  CopySnapshot: (input, at) => [
    ...making("CopySnapshot", () => [need(at, "CopySnapshot", "snapshot")])(input, at),
    need({ ...at, region: input.SourceRegion }, "CopySnapshot", "snapshot", input.SourceSnapshotId),
  ],
  ...each(["DeleteSnapshot", "ModifySnapshotAttribute", "DescribeSnapshotAttribute", "ResetSnapshotAttribute"], (action) =>
    on(action, "snapshot", ({ SnapshotId }) => [SnapshotId]),
  ),

  CreateImage: making("CreateImage", (input, at) => [
    need(at, "CreateImage", "instance", input.InstanceId),
    need(at, "CreateImage", "image"),
    need(at, "CreateImage", "snapshot"),
  ]),
  DeregisterImage: on("DeregisterImage", "image", ({ ImageId }) => [ImageId]),

  CreateSecurityGroup: making("CreateSecurityGroup", (input, at) => [
    need(at, "CreateSecurityGroup", "security-group"),
    ...(input.VpcId ? [need(at, "CreateSecurityGroup", "vpc", input.VpcId)] : []),
  ]),
  ...each(["DeleteSecurityGroup", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"], (action) =>
    on(action, "security-group", ({ GroupId }) => [GroupId]),
  ),

  CreateTags: tagging("CreateTags"),
  DeleteTags: tagging("DeleteTags"),
};
