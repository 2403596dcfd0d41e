/**
 * How an instance's states follow each other, and what this does to its disks. Tells the bus, and the Auto Scaling group it belongs to.
 */
import { instanceEvent } from "./ec2-events.ts";
import { type InstanceRecord, type Place, volumesOf } from "./ec2-state.ts";
import type { Ec2Timings } from "./ec2-timings.ts";
import { detach, flush, remove } from "./ec2-volumes.ts";
import type { World } from "./world.ts";

/** What a state on its way ends in. */
const NEXT = { pending: "running", stopping: "stopped", "shutting-down": "terminated" } as const;

/** Into a state that ends by itself. */
export function go(
  world: World,
  place: Place,
  instance: InstanceRecord,
  state: "pending" | "stopping" | "shutting-down",
  timings: Ec2Timings,
): void {
  instance.state = state;
  instance.changedAt = world.now();
  instance.reason =
    state === "pending"
      ? undefined
      : { Code: "Client.UserInitiatedShutdown", Message: "Client.UserInitiatedShutdown: User initiated shutdown" };
  moved(world, place, instance);
  settleLater(world, place, instance, timings);
}

/** Ends a state on its way when its time has passed; also after a restart of the lab. */
export function settleLater(world: World, place: Place, instance: InstanceRecord, timings: Ec2Timings): void {
  const { state, changedAt } = instance;
  const next = NEXT[state as keyof typeof NEXT];
  if (!next) return;
  world.later(changedAt + timings.instanceMs - world.now(), `the instance ${instance.id}`, () => {
    if (instance.state !== state || instance.changedAt !== changedAt) return;
    instance.state = next;
    instance.changedAt = world.now();
    if (next === "terminated") release(world, place, instance);
    moved(world, place, instance);
  });
}

function release(world: World, place: Place, { id }: InstanceRecord): void {
  for (const volume of volumesOf(world, place, id)) {
    const goes = volume.attachment?.deleteOnTermination;
    detach(volume);
    if (goes) remove(world, place, volume);
  }
}

/** In order: what sits in memory goes to the disks first. The state stays running, as DescribeInstances shows it. */
export function reboot(world: World, place: Place, instance: InstanceRecord): void {
  for (const volume of volumesOf(world, place, instance.id)) flush(volume);
  instance.bootedAt = world.now();
  world.tell({
    kind: "state",
    region: place.region,
    service: "ec2",
    what: `the instance ${instance.id} reboots`,
    detail: { id: instance.id },
  });
}

export function moved(world: World, place: Place, instance: InstanceRecord): void {
  const { id, state, tags } = instance;
  world.tell({ kind: "state", region: place.region, service: "ec2", what: `the instance ${id} is ${state}`, detail: { id, state } });
  instanceEvent(world, place, instance);
  const group = tags.find(({ Key }) => Key === "aws:autoscaling:groupName")?.Value;
  const tellGroup = world.services.get("autoscaling")?.operations.LabInstanceMoved;
  if (!group || !tellGroup) return;
  const moved = { AutoScalingGroupName: group, InstanceId: id, state };
  world.later(0, `telling ${group} of ${id}`, () =>
    tellGroup(moved, { ...place, principal: "ec2.amazonaws.com", requestId: world.id(32) }),
  );
}
