// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** Tags of instances, volumes, snapshots and images, all together, and the regions and zones there are. No other resource has tags here. */
import { checkedTags, matching, paged, refuse, type Tag, withTags } from "./ec2-request.ts";
import { computeIn, type Place, zoneId, zonesOf } from "./ec2-state.ts";
import type { Operation, World } from "./world.ts";

const REGIONS = [
  ...["ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1"],
  ...["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"],
  ...["us-east-1", "us-east-2", "us-west-1", "us-west-2"],
];

const KINDS = [
  ["instance", "i", "instances", "InvalidInstanceID.NotFound"],
  ["volume", "vol", "volumes", "InvalidVolume.NotFound"],
  ["snapshot", "snap", "snapshots", "InvalidSnapshot.NotFound"],
  ["image", "ami", "images", "InvalidAMIID.NotFound"],
] as const;

interface TagRow {
  readonly ResourceId: string;
  readonly ResourceType: string;
  readonly Key: string;
  readonly Value: string;
  readonly tags: readonly Tag[];
}

export function tagOperations(world: World): Record<string, Operation> {
  /** All resources are found, or none is changed. */
  function resources(input: any, place: Place): { tags: Tag[] }[] {
    return (input.Resources as string[]).map((id) => {
      const kind = KINDS.find(([, prefix]) => id.startsWith(`${prefix}-`));
      if (!kind) throw refuse("InvalidID", `The ID '${id}' is not valid: the lab tags instances, volumes, snapshots and images.`);
      const found = computeIn(world, place)[kind[2]][id];
      if (!found) throw refuse(kind[3], `The ${kind[0]} ID '${id}' does not exist`);
      return found;
    });
  }

  return {
    CreateTags(input, caller) {
      const tags = checkedTags(input.Tags);
      const merged = resources(input, caller).map((resource) => ({ resource, tags: withTags(resource.tags, tags) }));
      for (const each of merged) each.resource.tags = each.tags;
      return {};
    },
    DeleteTags(input, caller) {
      const given: Partial<Tag>[] | undefined = input.Tags;
      const named = ({ Key, Value }: Tag) =>
        !given || given.some((tag) => tag.Key === Key && (tag.Value === undefined || tag.Value === Value));
      for (const resource of resources(input, caller))
        resource.tags = resource.tags.filter((tag) => tag.Key.startsWith("aws:") || !named(tag));
      return {};
    },
    DescribeTags(input, caller) {
      const region = computeIn(world, caller);
      const rows = KINDS.flatMap(([ResourceType, , list]) =>
        Object.values<{ id: string; tags: Tag[] }>(region[list]).flatMap(({ id, tags }) =>
          tags.map(
            ({ Key, Value }: { Key: string; Value: string }): TagRow => ({
              ResourceId: id,
              ResourceType,
              Key,
              Value,
              tags: [{ Key, Value }],
            }),
          ),
        ),
      );
      const fields = {
        "resource-id": ({ ResourceId }: TagRow) => ResourceId,
        "resource-type": ({ ResourceType }: TagRow) => ResourceType,
        key: ({ Key }: TagRow) => Key,
        value: ({ Value }: TagRow) => Value,
      };
      const { page, NextToken } = paged(rows.filter(matching<TagRow>(input.Filters, fields)), input, "resourceSet", undefined);
      return { Tags: page.map(({ tags, ...row }) => row), NextToken };
    },
    DescribeRegions(input) {
      for (const name of input.RegionNames ?? [])
        if (!REGIONS.includes(name)) throw refuse("InvalidParameterValue", `Invalid region names: [${name}]`);
      const rows = REGIONS.filter((name) => !input.RegionNames?.length || input.RegionNames.includes(name)).map((name) => ({
        name,
        tags: [],
      }));
      const kept = rows.filter(
        matching<{ name: string; tags: Tag[] }>(input.Filters, {
          "region-name": ({ name }) => name,
          endpoint: ({ name }) => `ec2.${name}.amazonaws.com`,
          "opt-in-status": () => "opt-in-not-required",
        }),
      );
      return {
        Regions: kept.map(({ name }) => ({ RegionName: name, Endpoint: `ec2.${name}.amazonaws.com`, OptInStatus: "opt-in-not-required" })),
      };
    },
    DescribeAvailabilityZones(input, { region }) {
      const zones = zonesOf(region).map((name) => ({ name, id: zoneId(name), tags: [] }));
      for (const name of input.ZoneNames ?? [])
        if (!zones.some((zone) => zone.name === name)) throw refuse("InvalidParameterValue", `Invalid availability zone: [${name}]`);
      const kept = zones
        .filter(
          ({ name, id }) =>
            (!input.ZoneNames?.length || input.ZoneNames.includes(name)) && (!input.ZoneIds?.length || input.ZoneIds.includes(id)),
        )
        .filter(
          matching<(typeof zones)[number]>(input.Filters, {
            "zone-name": ({ name }) => name,
            "zone-id": ({ id }) => id,
            "region-name": () => region,
            state: () => "available",
            "zone-type": () => "availability-zone",
          }),
        );
      return {
        AvailabilityZones: kept.map(({ name, id }) => ({
          ZoneName: name,
          ZoneId: id,
          RegionName: region,
          GroupName: region,
          NetworkBorderGroup: region,
          State: "available",
          OptInStatus: "opt-in-not-required",
          ZoneType: "availability-zone",
          Messages: [],
        })),
      };
    },
  };
}
