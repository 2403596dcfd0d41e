// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * EC2 instances as far as recovery needs them: their states and the time these take, their disks, their boots. Nothing runs on them and
 * nothing answers at their addresses.
 */
import { go, moved, reboot, settleLater } from "./ec2-instance-life.ts";
import { INSTANCE_FILTERS, remembered, toReservation, toState } from "./ec2-instance-shapes.ts";
import { matching, once, paged, refuse, specifiedTags } from "./ec2-request.ts";
import { computeIn, findInstance, type ImageRecord, type InstanceRecord, type Place, volumesOf, zonesOf } from "./ec2-state.ts";
import { findImage } from "./ec2-stock.ts";
import type { Ec2Timings } from "./ec2-timings.ts";
import { attach, flush, newVolume, ready } from "./ec2-volumes.ts";
import type { Caller, Operation, World } from "./world.ts";

const TAGGED = ["instance", "volume", "network-interface", "spot-instances-request"];

export interface Network {
  /** The subnet of a zone, and its VPC. */
  subnet(region: string, zone: string): { subnetId: string; vpcId: string };
  /** Existing groups for the given ids, or the default one. */
  securityGroups(caller: Caller, ids: string[] | undefined): string[];
}

export function instanceOperations(world: World, timings: Ec2Timings, network: Network): Record<string, Operation> {
  return {
    RunInstances(input, caller) {
      const reservation = once(computeIn(world, caller).tokens, "RunInstances", input, () => {
        const { MinCount = 1, MaxCount = MinCount } = input;
        if (!(MinCount >= 1 && MaxCount >= MinCount))
          throw refuse(
            "InvalidParameterValue",
            `Value (${MinCount}) for parameter minCount is invalid. Expected: 1 or more, and no more than maxCount (${MaxCount}).`,
          );
        const image = findImage(world, caller, input.ImageId);
        if (image.state !== "available") throw refuse("InvalidAMIID.Unavailable", `The image ID '${image.id}' is not available`);
        const zone = zoneOf(input, caller.region, network);
        if (computeIn(world, caller).exhausted?.includes(zone))
          throw refuse(
            "InsufficientInstanceCapacity",
            `We currently do not have sufficient ${input.InstanceType ?? "m1.small"} capacity in the Availability Zone you requested (${zone}). Our system will be working on provisioning additional capacity.`,
            500,
          );
        const internal = caller.principal.startsWith("service:");
        const tags = specifiedTags(input, "instance", TAGGED, internal);
        const diskTags = specifiedTags(input, "volume", TAGGED, internal);
        const { subnetId, vpcId } = network.subnet(caller.region, zone);
        const securityGroupIds = network.securityGroups(caller, input.SecurityGroupIds ?? input.NetworkInterfaces?.[0]?.Groups);
        const disks = disksOf(image, input.BlockDeviceMappings);
        const reservationId = `r-0${world.id(16)}`;
        for (let count = 0; count < MaxCount; count++) {
          const now = world.now();
          const instance: InstanceRecord = {
            id: `i-0${world.id(16)}`,
            reservationId,
            imageId: image.id,
            type: input.InstanceType ?? "m1.small",
            zone,
            subnetId,
            vpcId,
            privateIp: addressIn(world, caller, zone),
            securityGroupIds,
            launchedAt: now,
            rootDevice: image.rootDevice,
            profileArn: input.IamInstanceProfile?.Arn,
            state: "pending",
            changedAt: now,
            bootedAt: now,
            tags,
          };
          computeIn(world, caller).instances[instance.id] = instance;
          for (const disk of disks) {
            const volume = newVolume(world, caller, { ...disk, zone, tags: diskTags });
            attach(volume, instance.id, disk.device, now, disk.deleteOnTermination);
            volume.state = "creating";
            ready(world, caller, volume);
          }
          moved(world, caller, instance);
          settleLater(world, caller, instance, timings);
        }
        return reservationId;
      });
      const made = Object.values(computeIn(world, caller).instances).filter(({ reservationId }) => reservationId === reservation);
      return toReservation(world, caller, made);
    },
    DescribeInstances(input, caller) {
      for (const id of input.InstanceIds ?? []) findInstance(world, caller, id);
      const found = remembered(world, caller)
        .filter(({ id }) => !input.InstanceIds?.length || input.InstanceIds.includes(id))
        .filter(matching<InstanceRecord>(input.Filters, INSTANCE_FILTERS));
      const { page, NextToken } = paged(found, input, "instancesSet", input.InstanceIds);
      const reservations = Map.groupBy(page, ({ reservationId }) => reservationId);
      return { Reservations: [...reservations.values()].map((each) => toReservation(world, caller, each)), NextToken };
    },
    DescribeInstanceStatus(input, caller) {
      for (const id of input.InstanceIds ?? []) findInstance(world, caller, id);
      const found = remembered(world, caller)
        .filter(({ id }) => !input.InstanceIds?.length || input.InstanceIds.includes(id))
        .filter(({ state }) => input.IncludeAllInstances || state === "running")
        .filter(matching<InstanceRecord>(input.Filters, INSTANCE_FILTERS));
      const { page, NextToken } = paged(found, input, "instancesSet", input.InstanceIds);
      const InstanceStatuses = page.map((instance) => {
        const Status =
          instance.state !== "running"
            ? "not-applicable"
            : world.now() - instance.bootedAt < timings.instanceMs * 2
              ? "initializing"
              : "ok";
        return {
          InstanceId: instance.id,
          AvailabilityZone: instance.zone,
          InstanceState: toState(instance.state),
          InstanceStatus: { Status },
          SystemStatus: { Status },
        };
      });
      return { InstanceStatuses, NextToken };
    },
    StartInstances: (input, caller) => ({
      StartingInstances: change(input, caller, "started", (instance) => {
        if (instance.state === "running" || instance.state === "pending") return;
        if (instance.state !== "stopped") return "refuse";
        go(world, caller, instance, "pending", timings);
        instance.launchedAt = instance.bootedAt = world.now();
        return;
      }),
    }),
    StopInstances: (input, caller) => ({
      StoppingInstances: change(input, caller, "stopped", (instance) => {
        if (instance.state === "stopped" || instance.state === "stopping") return;
        if (instance.state === "shutting-down" || instance.state === "terminated") return "refuse";
        // A forced stop gives nobody the time to write down what sits in memory.
        for (const volume of volumesOf(world, caller, instance.id)) {
          if (input.Force) volume.unflushed = undefined;
          flush(volume);
        }
        go(world, caller, instance, "stopping", timings);
        return;
      }),
    }),
    /** Lab-internal: from now on the zones have no room for new instances; an empty list gives it back. */
    LabExhaustZones(input, caller) {
      computeIn(world, caller).exhausted = input.Zones ?? [];
    },
    RebootInstances(input, caller) {
      for (const id of input.InstanceIds) {
        const instance = findInstance(world, caller, id);
        if (instance.state !== "running") throw refuse("IncorrectState", `The instance '${id}' is not in the 'running' state.`);
      }
      for (const id of input.InstanceIds) reboot(world, caller, findInstance(world, caller, id));
      return {};
    },
    TerminateInstances: (input, caller) => ({
      TerminatingInstances: change(input, caller, "terminated", (instance) => {
        if (instance.state === "shutting-down" || instance.state === "terminated") return;
        go(world, caller, instance, "shutting-down", timings);
        return;
      }),
    }),
  };

  /** All instances are found and may change, or none changes. */
  function change(input: any, caller: Caller, done: string, apply: (instance: InstanceRecord) => "refuse" | undefined): any[] {
    const instances = (input.InstanceIds ?? []).map((id: string) => findInstance(world, caller, id)) as InstanceRecord[];
    if (instances.length === 0) throw refuse("MissingParameter", "The request must contain the parameter InstanceId");
    return instances.map((instance) => {
      const PreviousState = toState(instance.state);
      if (apply(instance) === "refuse")
        throw refuse("IncorrectInstanceState", `The instance '${instance.id}' is not in a state from which it can be ${done}.`);
      return { InstanceId: instance.id, PreviousState, CurrentState: toState(instance.state) };
    });
  }
}

/** From the subnet, the placement, or the region's first. */
function zoneOf(input: any, region: string, network: Network): string {
  const zones = zonesOf(region);
  const subnetId = input.SubnetId ?? input.NetworkInterfaces?.[0]?.SubnetId;
  const ofSubnet = zones.find((zone) => network.subnet(region, zone).subnetId === subnetId);
  if (subnetId && !ofSubnet) throw refuse("InvalidSubnetID.NotFound", `The subnet ID '${subnetId}' does not exist`);
  const zone = ofSubnet ?? input.Placement?.AvailabilityZone ?? zones[0];
  if (!zones.includes(zone)) throw refuse("InvalidParameterValue", `Invalid availability zone: [${zone}]`);
  return zone;
}

/** The next address of the zone's subnet. */
function addressIn(world: World, place: Place, zone: string): string {
  const inZone = Object.values(computeIn(world, place).instances).filter((each) => each.zone === zone).length;
  return `172.31.${zonesOf(place.region).indexOf(zone) * 16 + Math.floor(inZone / 200)}.${10 + (inZone % 200)}`;
}

/** The image's disks, with what the request says over them. */
function disksOf(image: ImageRecord, mappings: any[] = []): any[] {
  const disks = new Map<string, any>();
  for (const { device, snapshotId, sizeGiB, volumeType, deleteOnTermination } of image.disks)
    disks.set(device, { device, SnapshotId: snapshotId, Size: sizeGiB, VolumeType: volumeType, deleteOnTermination });
  for (const { DeviceName, Ebs } of mappings) {
    const usual = disks.get(DeviceName) ?? { device: DeviceName, deleteOnTermination: true };
    const given = Object.fromEntries(
      Object.entries({
        SnapshotId: Ebs?.SnapshotId,
        Size: Ebs?.VolumeSize,
        VolumeType: Ebs?.VolumeType,
        Iops: Ebs?.Iops,
        Throughput: Ebs?.Throughput,
        Encrypted: Ebs?.Encrypted,
        KmsKeyId: Ebs?.KmsKeyId,
        deleteOnTermination: Ebs?.DeleteOnTermination,
      }).filter(([, value]) => value !== undefined),
    );
    disks.set(DeviceName, { ...usual, ...given });
  }
  return [...disks.values()];
}
