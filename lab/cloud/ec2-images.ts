// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Images of instances: made of snapshots of all their disks, after a reboot unless NoReboot is said. What sat in an instance's memory is
 * in the image only after that reboot. Images are not copied or shared here.
 */
import { reboot } from "./ec2-instance-life.ts";
import { matching, paged, refuse, specifiedTags } from "./ec2-request.ts";
import { finishLater, mayBeTaken, take } from "./ec2-snapshots.ts";
import { AMAZON, computeIn, findInstance, type ImageRecord, type SnapshotRecord, volumesOf } from "./ec2-state.ts";
import { findImage, visibleImages } from "./ec2-stock.ts";
import type { Ec2Timings } from "./ec2-timings.ts";
import type { Operation, World } from "./world.ts";

export function imageOperations(world: World, timings: Ec2Timings): Record<string, Operation> {
  return {
    CreateImage(input, caller) {
      const instance = findInstance(world, caller, input.InstanceId);
      const { Name = "" } = input;
      if (!/^[\w ()[\]./'@-]{3,128}$/.test(Name))
        throw refuse(
          "InvalidAMIName.Malformed",
          "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'",
        );
      const { images } = computeIn(world, caller);
      const same = Object.values(images).find(({ name }) => name === Name);
      if (same) throw refuse("InvalidAMIName.Duplicate", `AMI name ${Name} is already in use by AMI ${same.id}`);
      if (instance.state !== "running" && instance.state !== "stopped" && instance.state !== "stopping")
        throw refuse(
          "IncorrectInstanceState",
          `The instance '${instance.id}' is '${instance.state}': an image is made of one that is running or stopped.`,
        );
      const volumes = volumesOf(world, caller, instance.id);
      for (const volume of volumes) mayBeTaken(world, caller, volume, timings);
      if (input.NoReboot !== true && instance.state === "running") reboot(world, caller, instance);
      const id = `ami-0${world.id(16)}`;
      const snapshotTags = specifiedTags(input, "snapshot", ["image", "snapshot"]);
      const taken = volumes.map((volume) => {
        const snapshot = take(world, caller, volume, {
          description: `Created by CreateImage(${instance.id}) for ${id}`,
          tags: snapshotTags,
        });
        return { volume, snapshot };
      });
      const image: ImageRecord = {
        id,
        name: Name,
        owner: caller.account,
        description: input.Description ?? "",
        createdAt: world.now(),
        rootDevice: instance.rootDevice,
        sourceInstanceId: instance.id,
        disks: taken.map(({ volume, snapshot }) => ({
          device: volume.attachment?.device ?? "",
          snapshotId: snapshot.id,
          sizeGiB: volume.sizeGiB,
          volumeType: volume.type,
          deleteOnTermination: volume.attachment?.deleteOnTermination ?? false,
        })),
        public: false,
        state: "pending",
        tags: specifiedTags(input, "image", ["image", "snapshot"]),
      };
      images[id] = image;
      told(image, caller.region, `of ${instance.id} is under way${input.NoReboot === true ? ", without a reboot" : ""}`);
      for (const { snapshot } of taken) finishLater(world, snapshot, () => settleImages(world, snapshot));
      return { ImageId: id };
    },
    DescribeImages(input, caller) {
      for (const id of input.ImageIds ?? []) findImage(world, caller, id);
      const owners = input.Owners?.map((owner: string) => (owner === "self" ? caller.account : owner === "amazon" ? AMAZON : owner));
      const found = visibleImages(world, caller)
        .filter(({ id }) => !input.ImageIds?.length || input.ImageIds.includes(id))
        .filter(({ owner }) => !owners?.length || owners.includes(owner))
        .filter(matching<ImageRecord>(input.Filters, FILTERS));
      const { page, NextToken } = paged(found, input, "imageIdsSet", input.ImageIds);
      return { Images: page.map(toImage), NextToken };
    },
    DeregisterImage(input, caller) {
      const image = findImage(world, caller, input.ImageId);
      if (image.owner !== caller.account) throw refuse("AuthFailure", `Not authorized for images: [${image.id}]`, 403);
      const { images, snapshots } = computeIn(world, caller);
      delete images[image.id];
      told(image, caller.region, "is deregistered");
      if (input.DeleteAssociatedSnapshots !== true) return { Return: true };
      const DeleteSnapshotResults = image.disks.map(({ snapshotId }) => {
        const inUse = Object.values(images).some(({ disks }) => disks.some((disk) => disk.snapshotId === snapshotId));
        if (!inUse) delete snapshots[snapshotId];
        return { SnapshotId: snapshotId, ReturnCode: inUse ? "skipped" : "success" };
      });
      return { Return: true, DeleteSnapshotResults };
    },
  };

  function told({ id, name }: ImageRecord, region: string, what: string): void {
    world.tell({ kind: "state", region, service: "ec2", what: `the image ${name} ${what}`, detail: { id } });
  }
}

/** Images that wait for this snapshot: available when all of theirs are completed, failed when one is not. */
export function settleImages(world: World, { owner, region, id }: SnapshotRecord): void {
  const { images, snapshots } = computeIn(world, { account: owner, region });
  for (const image of Object.values(images)) {
    if (image.state !== "pending" || !image.disks.some(({ snapshotId }) => snapshotId === id)) continue;
    const states = image.disks.map(({ snapshotId }) => snapshots[snapshotId]?.state ?? "error");
    if (states.includes("error")) image.state = "failed";
    else if (states.every((state) => state === "completed")) image.state = "available";
    else continue;
    world.tell({ kind: "state", region, service: "ec2", what: `the image ${image.name} is ${image.state}`, detail: { id: image.id } });
  }
}

const FILTERS = {
  "image-id": ({ id }: ImageRecord) => id,
  name: ({ name }: ImageRecord) => name,
  description: ({ description }: ImageRecord) => description,
  state: ({ state }: ImageRecord) => state,
  "owner-id": ({ owner }: ImageRecord) => owner,
  "owner-alias": ({ owner }: ImageRecord) => (owner === AMAZON ? "amazon" : undefined),
  "is-public": (image: ImageRecord) => String(image.public),
  architecture: () => "arm64",
  "root-device-type": () => "ebs",
  "virtualization-type": () => "hvm",
  "block-device-mapping.snapshot-id": ({ disks }: ImageRecord) => disks.map(({ snapshotId }) => snapshotId),
};

function toImage(image: ImageRecord): any {
  return {
    ImageId: image.id,
    Name: image.name,
    Description: image.description,
    State: image.state,
    StateReason: image.state === "failed" ? { Code: "Client.InternalError", Message: "A snapshot of the image failed." } : undefined,
    OwnerId: image.owner,
    ImageOwnerAlias: image.owner === AMAZON ? "amazon" : undefined,
    ImageLocation: `${image.owner === AMAZON ? "amazon" : image.owner}/${image.name}`,
    CreationDate: new Date(image.createdAt).toISOString(),
    Public: image.public,
    Architecture: "arm64",
    ImageType: "machine",
    Hypervisor: "xen",
    VirtualizationType: "hvm",
    EnaSupport: true,
    RootDeviceType: "ebs",
    RootDeviceName: image.rootDevice,
    SourceInstanceId: image.sourceInstanceId,
    BlockDeviceMappings: image.disks.map(({ device, snapshotId, sizeGiB, volumeType, deleteOnTermination }) => ({
      DeviceName: device,
      Ebs: {
        SnapshotId: snapshotId,
        VolumeSize: sizeGiB,
        VolumeType: volumeType,
        DeleteOnTermination: deleteOnTermination,
        Encrypted: false,
      },
    })),
    Tags: image.tags.length > 0 ? image.tags : undefined,
  };
}
