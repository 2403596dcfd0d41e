/** One EC2 instance with its volumes, as it must be known to be built anew. Nothing decides here. */
import { DescribeInstancesCommand, DescribeVolumesCommand, EC2Client, type Instance, type Volume } from "@aws-sdk/client-ec2";
import type { MachineDisk, MachineShape } from "../core/machine-note.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";
import { isCode } from "./errors.ts";
import { tagsOf } from "./tags.ts";

const ec2 = perRegion((region) => new EC2Client({ region, ...CLIENT_SETTINGS }));

/** null: EC2 knows no such instance. One that was terminated is shown for an hour more, without its volumes. */
export async function describeMachine(region: string, id: string): Promise<MachineShape | null> {
  try {
    const { Reservations } = await ec2(region).send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    const instance = Reservations?.[0]?.Instances?.[0];
    if (!instance) return null;
    const attached = { Name: "attachment.instance-id", Values: [id] };
    const { Volumes } = await ec2(region).send(new DescribeVolumesCommand({ Filters: [attached] }));
    return shapeOf(region, instance, Volumes ?? []);
  } catch (error) {
    if (isCode(error, "InvalidInstanceID.NotFound")) return null;
    throw error;
  }
}

const shapeOf = (region: string, instance: Instance, volumes: readonly Volume[]): MachineShape => ({
  instance: instance.InstanceId ?? "",
  region,
  state: instance.State?.Name ?? "unknown",
  type: instance.InstanceType ?? "",
  imageId: instance.ImageId ?? "",
  zone: instance.Placement?.AvailabilityZone ?? "",
  subnetId: instance.SubnetId ?? null,
  privateIp: instance.PrivateIpAddress ?? null,
  securityGroups: (instance.SecurityGroups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
  profileArn: instance.IamInstanceProfile?.Arn ?? null,
  keyName: instance.KeyName ?? null,
  rootDevice: instance.RootDeviceName ?? "",
  disks: volumes.map((volume) => diskOf(instance.InstanceId, volume)).sort((one, other) => (one.device < other.device ? -1 : 1)),
  tags: tagsOf(instance.Tags),
});

function diskOf(instanceId: string | undefined, volume: Volume): MachineDisk {
  const attachment = volume.Attachments?.find(({ InstanceId }) => InstanceId === instanceId);
  return {
    device: attachment?.Device ?? "",
    volumeId: volume.VolumeId ?? "",
    sizeGiB: volume.Size ?? 0,
    type: volume.VolumeType ?? "",
    iops: volume.Iops ?? null,
    throughput: volume.Throughput ?? null,
    kmsKeyId: volume.KmsKeyId ?? null,
    deleteOnTermination: attachment?.DeleteOnTermination ?? false,
  };
}
