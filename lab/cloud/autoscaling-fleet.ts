// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Brings a group to its desired capacity: launches, takes into service, terminates, replaces what has died; tells each on the bus.
 * Desired is a wish: what serves is what stands InService.
 */
import type { ServiceError } from "../wire/errors.ts";
import { type ActivityRecord, type GroupRecord, groupsIn, type MemberRecord } from "./autoscaling-state.ts";
import { putServiceEvent } from "./ec2-events.ts";
import type { Place } from "./ec2-state.ts";
import { stockImageId } from "./ec2-stock.ts";
import { uuid } from "./ids.ts";
import type { World } from "./world.ts";

export interface FleetTimings {
  /** From EC2's `running` to InService. */
  readonly inServiceMs: number;
  /** After a launch that failed. */
  readonly retryMs: number;
}

export interface Fleet {
  /** Starts what is missing and ends what is too much. `why` is the first sentence of the activities' cause. */
  reconcile(place: Place, group: GroupRecord, why: string): void;
  terminate(place: Place, group: GroupRecord, member: MemberRecord, cause: string): void;
  /** EC2 says that a member's state is another. */
  moved(place: Place, group: GroupRecord, instanceId: string, state: string): void;
  /** After a restart of the lab. */
  resume(place: Place, group: GroupRecord): void;
}

const ACTIVITIES_KEPT = 200;
const moment = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

export function createFleet(world: World, timings: FleetTimings): Fleet {
  /** Groups that will try a launch again. */
  const waiting = new Set<string>();

  const ec2 = (place: Place, operation: string, input: unknown): any => {
    const run = world.services.get("ec2")?.operations[operation];
    if (!run) throw new Error(`Auto Scaling needs the lab's EC2 for ${operation}.`);
    return run(input, { ...place, principal: "service:autoscaling", requestId: world.id(32) });
  };

  function begin(group: GroupRecord, description: string, cause: string, details: Record<string, string>): ActivityRecord {
    const activity: ActivityRecord = { id: uuid(world), description, cause, startedAt: world.now(), details, status: "InProgress" };
    group.activities = [...group.activities, activity].slice(-ACTIVITIES_KEPT);
    return activity;
  }

  function end(
    place: Place,
    group: GroupRecord,
    activityId: string,
    instanceId: string,
    what: "Launch" | "Terminate",
    failure?: string,
  ): void {
    const activity = group.activities.find(({ id }) => id === activityId);
    if (activity?.status !== "InProgress") return;
    activity.status = failure ? "Failed" : "Successful";
    activity.message = failure;
    activity.endedAt = world.now();
    putServiceEvent(world, place, {
      source: "aws.autoscaling",
      detailType: `EC2 Instance ${what} ${failure ? "Unsuccessful" : "Successful"}`,
      resources: [group.arn, ...(instanceId ? [`arn:aws:ec2:${place.region}:${place.account}:instance/${instanceId}`] : [])],
      detail: {
        // AWS sends InProgress with what has succeeded: it is the group's part that is over, not the activity's record.
        StatusCode: failure ? "Failed" : "InProgress",
        Description: activity.description,
        AutoScalingGroupName: group.name,
        ActivityId: activity.id,
        Details: activity.details,
        RequestId: activity.id,
        StatusMessage: failure ?? "",
        EndTime: new Date(activity.endedAt).toISOString(),
        EC2InstanceId: instanceId,
        StartTime: new Date(activity.startedAt).toISOString(),
        Cause: activity.cause,
      },
    });
  }

  /** Its target groups hear of a member that comes or goes; one that is gone itself is no reason to stop. */
  function register(place: Place, group: GroupRecord, operation: "RegisterTargets" | "DeregisterTargets", id: string): void {
    const run = world.services.get("elasticloadbalancing")?.operations[operation];
    for (const TargetGroupArn of group.targetGroupArns ?? []) {
      try {
        run?.({ TargetGroupArn, Targets: [{ Id: id }] }, { ...place, principal: "service:autoscaling", requestId: world.id(32) });
      } catch (error) {
        told(place, group, `could not reach ${TargetGroupArn}: ${(error as Error).message}`);
      }
    }
  }

  const told = (place: Place, group: GroupRecord, what: string) =>
    world.tell({
      kind: "state",
      region: place.region,
      service: "autoscaling",
      what: `the group ${group.name} ${what}`,
      detail: { arn: group.arn },
    });

  const serving = (group: GroupRecord) => group.members.filter(({ lifecycle }) => lifecycle !== "Terminating");

  /** The zone with the fewest members. */
  function nextZone(group: GroupRecord): string {
    const count = (zone: string) => serving(group).filter((member) => member.zone === zone).length;
    return [...group.zones].sort((a, b) => count(a) - count(b))[0] as string;
  }

  function launch(place: Place, group: GroupRecord, cause: string): boolean {
    const zone = nextZone(group);
    const subnetId = group.subnetIds[group.zones.indexOf(zone)];
    const details = { "Availability Zone": zone, ...(subnetId ? { "Subnet ID": subnetId } : {}) };
    const own = [
      { Key: "aws:autoscaling:groupName", Value: group.name },
      ...group.tags.filter((tag) => tag.PropagateAtLaunch).map(({ Key, Value }) => ({ Key, Value })),
    ];
    try {
      const { Instances } = ec2(place, "RunInstances", {
        ImageId: stockImageId(place.region),
        InstanceType: "t4g.small",
        MinCount: 1,
        MaxCount: 1,
        Placement: { AvailabilityZone: zone },
        TagSpecifications: [{ ResourceType: "instance", Tags: own }],
      });
      const id: string = Instances[0].InstanceId;
      const activity = begin(group, `Launching a new EC2 instance: ${id}`, cause, details);
      group.members.push({ id, zone, activityId: activity.id, lifecycle: "Pending", healthy: true, runs: false });
      told(place, group, `launches ${id}`);
      return true;
    } catch (error) {
      const activity = begin(group, "Launching a new EC2 instance", cause, details);
      const { code, message } = error as ServiceError;
      end(place, group, activity.id, "", "Launch", `${message} Launching EC2 instance failed.`);
      told(place, group, `could not launch in ${zone}: ${code}`);
      retryLater(place, group);
      return false;
    }
  }

  /** Until EC2 takes it, or knows it no more. */
  function shutDown(place: Place, group: GroupRecord, id: string): void {
    try {
      ec2(place, "TerminateInstances", { InstanceIds: [id] });
    } catch (error) {
      const { code, message } = error as ServiceError;
      if (code === "InvalidInstanceID.NotFound") {
        fleet.moved(place, group, id, "terminated");
        return;
      }
      told(place, group, `could not end ${id} (${message}): it tries again`);
      world.later(timings.retryMs, `the end of ${id}`, () => shutDown(place, group, id));
    }
  }

  function retryLater(place: Place, group: GroupRecord): void {
    if (waiting.has(group.arn)) return;
    waiting.add(group.arn);
    world.later(timings.retryMs, `the group ${group.name}`, () => {
      waiting.delete(group.arn);
      fleet.reconcile(place, group, "");
    });
  }

  /** Into service, when EC2 says that it runs and the group has looked at it. */
  function admit(place: Place, group: GroupRecord, member: MemberRecord): void {
    world.later(timings.inServiceMs, `${member.id} of ${group.name}`, () => {
      if (member.lifecycle !== "Pending" || !member.runs) return;
      member.lifecycle = "InService";
      register(place, group, "RegisterTargets", member.id);
      told(place, group, `has ${member.id} in service`);
      end(place, group, member.activityId, member.id, "Launch");
    });
  }

  const fleet: Fleet = {
    reconcile(place, group, why) {
      if (groupsIn(world, place)[group.name] !== group) return;
      const from = serving(group).length;
      const change = `the capacity from ${from} to ${group.desired}.`;
      for (let missing = group.desired - from; missing > 0; missing--) {
        const cause = `${why}At ${moment(world.now())} an instance was started in response to a difference between desired and actual capacity, increasing ${change}`;
        if (!launch(place, group, cause)) break;
      }
      for (let surplus = from - group.desired; surplus > 0; surplus--) {
        const cause = `${why}At ${moment(world.now())} an instance was taken out of service in response to a difference between desired and actual capacity, shrinking ${change}`;
        const count = (zone: string) => serving(group).filter((member) => member.zone === zone).length;
        const [oldest] = [...serving(group)].sort((a, b) => count(b.zone) - count(a.zone));
        if (oldest) fleet.terminate(place, group, oldest, cause);
      }
    },
    terminate(place, group, member, cause) {
      const activity = begin(group, `Terminating EC2 instance: ${member.id}`, cause, { "Availability Zone": member.zone });
      end(
        place,
        group,
        member.activityId,
        member.id,
        "Launch",
        member.lifecycle === "Pending" ? "The instance was terminated before it was in service." : undefined,
      );
      if (member.lifecycle === "InService") register(place, group, "DeregisterTargets", member.id);
      member.lifecycle = "Terminating";
      member.activityId = activity.id;
      told(place, group, `terminates ${member.id}`);
      shutDown(place, group, member.id);
    },
    moved(place, group, instanceId, state) {
      const member = group.members.find(({ id }) => id === instanceId);
      if (!member) return;
      if (state === "running") {
        member.runs = true;
        if (member.lifecycle === "Pending") admit(place, group, member);
      } else if (state === "terminated") {
        group.members = group.members.filter((each) => each !== member);
        end(place, group, member.activityId, instanceId, "Terminate");
        if (group.deleting && group.members.length === 0) delete groupsIn(world, place)[group.name];
        else fleet.reconcile(place, group, "");
      } else if (state !== "pending" && member.lifecycle !== "Terminating") {
        member.healthy = false;
        const cause = `At ${moment(world.now())} an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.`;
        fleet.terminate(place, group, member, cause);
        fleet.reconcile(place, group, "");
      }
    },
    resume(place, group) {
      for (const member of group.members) if (member.lifecycle === "Pending" && member.runs) admit(place, group, member);
      fleet.reconcile(place, group, "");
    },
  };
  return fleet;
}
