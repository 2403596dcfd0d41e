// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** Instances as EC2 shows them, and what lists of them are filtered by. */
import { computeIn, type InstanceRecord, type Place, volumesOf } from "./ec2-state.ts";
import type { Caller, World } from "./world.ts";

const CODES = { pending: 0, running: 16, "shutting-down": 32, terminated: 48, stopping: 64, stopped: 80 } as const;
const TERMINATED_SHOWN_MS = 3_600_000;

/** Without those that ended an hour ago. */
export function remembered(world: World, place: Place): InstanceRecord[] {
  const { instances } = computeIn(world, place);
  for (const { id, state, changedAt } of Object.values(instances))
    if (state === "terminated" && world.now() - changedAt > TERMINATED_SHOWN_MS) delete instances[id];
  return Object.values(instances);
}

export const INSTANCE_FILTERS = {
  "instance-id": ({ id }: InstanceRecord) => id,
  "instance-state-name": ({ state }: InstanceRecord) => state,
  "instance-state-code": ({ state }: InstanceRecord) => String(CODES[state]),
  "instance-type": ({ type }: InstanceRecord) => type,
  "image-id": ({ imageId }: InstanceRecord) => imageId,
  "availability-zone": ({ zone }: InstanceRecord) => zone,
  "subnet-id": ({ subnetId }: InstanceRecord) => subnetId,
  "vpc-id": ({ vpcId }: InstanceRecord) => vpcId,
  "private-ip-address": ({ privateIp }: InstanceRecord) => privateIp,
  "reservation-id": ({ reservationId }: InstanceRecord) => reservationId,
  "instance.group-id": ({ securityGroupIds }: InstanceRecord) => securityGroupIds,
};

export function toState(state: InstanceRecord["state"]): any {
  return { Code: CODES[state], Name: state };
}

export function toReservation(world: World, caller: Caller, instances: readonly InstanceRecord[]): any {
  return {
    ReservationId: instances[0]?.reservationId,
    OwnerId: caller.account,
    Groups: [],
    Instances: instances.map((instance) => toInstance(world, caller, instance)),
  };
}

function toInstance(world: World, caller: Caller, instance: InstanceRecord): any {
  const gone = instance.state === "terminated";
  return {
    InstanceId: instance.id,
    ImageId: instance.imageId,
    InstanceType: instance.type,
    State: toState(instance.state),
    StateReason: instance.reason,
    StateTransitionReason: instance.reason ? `User initiated (${new Date(instance.changedAt).toISOString()})` : "",
    LaunchTime: new Date(instance.launchedAt),
    Placement: { AvailabilityZone: instance.zone, Tenancy: "default" },
    SubnetId: gone ? undefined : instance.subnetId,
    VpcId: gone ? undefined : instance.vpcId,
    PrivateIpAddress: gone ? undefined : instance.privateIp,
    Architecture: "arm64",
    RootDeviceName: instance.rootDevice,
    RootDeviceType: "ebs",
    IamInstanceProfile: instance.profileArn ? { Arn: instance.profileArn, Id: `AIPA${instance.id.slice(2).toUpperCase()}` } : undefined,
    SecurityGroups: gone ? [] : instance.securityGroupIds.map((GroupId) => ({ GroupId })),
    BlockDeviceMappings: volumesOf(world, caller, instance.id).map(({ id, attachment }) => ({
      DeviceName: attachment?.device,
      Ebs: {
        VolumeId: id,
        Status: "attached",
        AttachTime: new Date(attachment?.at ?? 0),
        DeleteOnTermination: attachment?.deleteOnTermination,
      },
    })),
    Tags: instance.tags.length > 0 ? instance.tags : undefined,
  };
}
