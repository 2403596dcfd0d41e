// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * EC2 Auto Scaling: groups of a wished size between two limits. No policies, schedules, hooks or warm pools; members are
 * registered with the target groups named when the group is made. What a launch template says is recorded and every group launches the
 * lab's stock image.
 */
import { ServiceError } from "../wire/errors.ts";
import { createFleet, type FleetTimings } from "./autoscaling-fleet.ts";
import {
  findGroup,
  type GroupRecord,
  groupsEverywhere,
  groupsIn,
  invalid,
  paged,
  toActivity,
  toGroup,
  toMember,
} from "./autoscaling-state.ts";
import { zonesOf } from "./ec2-state.ts";
import { uuid } from "./ids.ts";
import type { Caller, Service, World } from "./world.ts";

const LAUNCH = ["LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy", "InstanceId"];

export function createAutoScaling(world: World, timings: Partial<FleetTimings> = {}): Service {
  const fleet = createFleet(world, { inServiceMs: 150, retryMs: 2000, ...timings });

  const request = (from: number, to: number) =>
    `At ${new Date(world.now()).toISOString().replace(/\.\d+Z$/, "Z")} a user request explicitly set group desired capacity changing the desired capacity from ${from} to ${to}.  `;

  const underWay = (group: GroupRecord) => group.activities.find(({ status }) => status === "InProgress");

  const blocked = (id: string) =>
    new ServiceError("ScalingActivityInProgress", `Scaling activity ${id} is in progress and blocks this action`, 400);

  function setDesired(caller: Caller, group: GroupRecord, desired: number): void {
    const from = group.desired;
    group.desired = desired;
    if (from !== desired)
      world.tell({
        kind: "state",
        region: caller.region,
        service: "autoscaling",
        what: `the group ${group.name} wants ${desired} instances`,
        detail: { from, desired, arn: group.arn },
      });
    fleet.reconcile(caller, group, from === desired ? "" : request(from, desired));
  }

  /** Zones and subnets, side by side. */
  function placesOf(input: any, caller: Caller): { zones: string[]; subnetIds: string[] } {
    const subnetIds: string[] = input.VPCZoneIdentifier ? input.VPCZoneIdentifier.split(",").map((id: string) => id.trim()) : [];
    const subnets: any[] =
      subnetIds.length > 0
        ? ((world.services.get("ec2")?.operations.DescribeSubnets?.({}, { ...caller, principal: "service:autoscaling" }) as any)?.Subnets ??
          [])
        : [];
    const zones: string[] = subnetIds.map((id) => {
      const zone = subnets.find(({ SubnetId }) => SubnetId === id)?.AvailabilityZone;
      if (!zone) throw invalid(`The subnet ID '${id}' does not exist`);
      return zone;
    });
    const given: string[] = zones.length > 0 ? zones : (input.AvailabilityZones ?? []);
    const strange = given.find((zone) => !zonesOf(caller.region).includes(zone));
    if (strange) throw invalid(`Invalid availability zone: [${strange}]`);
    return { zones: given, subnetIds };
  }

  const bounds = (min: number, max: number) => {
    if (min > max) throw invalid(`Max bound, ${max}, must be greater than or equal to min bound, ${min}`);
  };
  const between = (desired: number, min: number, max: number) => {
    if (desired < min || desired > max)
      throw invalid(`Desired capacity:${desired} must be between the specified min size:${min} and max size:${max}`);
  };

  return {
    name: "autoscaling",
    start() {
      for (const [account, regions] of Object.entries(groupsEverywhere(world)))
        for (const [region, groups] of Object.entries(regions))
          for (const group of Object.values(groups)) fleet.resume({ account, region }, group);
    },
    operations: {
      CreateAutoScalingGroup(input, caller) {
        const { AutoScalingGroupName: name, MinSize: min, MaxSize: max, DesiredCapacity: desired = min } = input;
        const groups = groupsIn(world, caller);
        if (groups[name])
          throw new ServiceError(
            "AlreadyExists",
            `AutoScalingGroup by this name already exists - A group with the name ${name} already exists`,
            400,
          );
        const launch = Object.fromEntries(LAUNCH.filter((key) => input[key] !== undefined).map((key) => [key, input[key]]));
        if (Object.keys(launch).length === 0)
          throw invalid(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.",
          );
        bounds(min, max);
        between(desired, min, max);
        const { zones, subnetIds } = placesOf(input, caller);
        if (zones.length === 0) throw invalid("At least one Availability Zone or VPC Subnet is required.");
        const group: GroupRecord = {
          name,
          arn: `arn:aws:autoscaling:${caller.region}:${caller.account}:autoScalingGroup:${uuid(world)}:autoScalingGroupName/${name}`,
          createdAt: world.now(),
          launch,
          zones,
          subnetIds,
          min,
          max,
          desired: 0,
          cooldownSeconds: input.DefaultCooldown ?? 300,
          healthCheckType: input.HealthCheckType ?? "EC2",
          graceSeconds: input.HealthCheckGracePeriod ?? 0,
          targetGroupArns: input.TargetGroupARNs ?? [],
          members: [],
          activities: [],
          tags: (input.Tags ?? []).map(({ Key, Value = "", PropagateAtLaunch = false }: any) => ({ Key, Value, PropagateAtLaunch })),
        };
        groups[name] = group;
        setDesired(caller, group, desired);
      },
      UpdateAutoScalingGroup(input, caller) {
        const group = findGroup(world, caller, input.AutoScalingGroupName);
        const { MinSize: min = group.min, MaxSize: max = group.max } = input;
        bounds(min, max);
        // A limit that moves past the desired capacity takes it along.
        const desired = input.DesiredCapacity ?? Math.min(max, Math.max(min, group.desired));
        between(desired, min, max);
        const { zones, subnetIds } = placesOf(input, caller);
        Object.assign(group, { min, max, ...(zones.length > 0 ? { zones, subnetIds } : {}) });
        for (const key of LAUNCH) if (input[key] !== undefined) group.launch[key] = input[key];
        group.cooldownSeconds = input.DefaultCooldown ?? group.cooldownSeconds;
        group.healthCheckType = input.HealthCheckType ?? group.healthCheckType;
        group.graceSeconds = input.HealthCheckGracePeriod ?? group.graceSeconds;
        setDesired(caller, group, desired);
      },
      SetDesiredCapacity(input, caller) {
        const group = findGroup(world, caller, input.AutoScalingGroupName);
        const { DesiredCapacity: desired } = input;
        if (desired > group.max)
          throw invalid(`New SetDesiredCapacity value ${desired} is above max value ${group.max} for the AutoScalingGroup.`);
        if (desired < group.min)
          throw invalid(`New SetDesiredCapacity value ${desired} is below min value ${group.min} for the AutoScalingGroup.`);
        if (input.HonorCooldown === true) {
          const last = underWay(group) ?? group.activities.at(-1);
          const cooling = last && (last.endedAt === undefined || world.now() - last.endedAt < group.cooldownSeconds * 1000);
          if (cooling) throw blocked(last.id);
        }
        setDesired(caller, group, desired);
      },
      DescribeAutoScalingGroups(input, caller) {
        const names: string[] | undefined = input.AutoScalingGroupNames?.length ? input.AutoScalingGroupNames : undefined;
        const tagged = (group: GroupRecord) =>
          (input.Filters ?? []).every(({ Name = "", Values = [] }: any) => {
            const values = Name.startsWith("tag:")
              ? group.tags.filter((tag) => tag.Key === Name.slice(4)).map((tag) => tag.Value)
              : Name === "tag-key"
                ? group.tags.map((tag) => tag.Key)
                : Name === "tag-value"
                  ? group.tags.map((tag) => tag.Value)
                  : undefined;
            if (!values) throw invalid(`Filter ${Name} is not one of tag:key, tag-key, tag-value.`);
            return values.some((value) => Values.includes(value));
          });
        // A name that no group has is no error here.
        const found = Object.values(groupsIn(world, caller)).filter((group) => (!names || names.includes(group.name)) && tagged(group));
        const { page, NextToken } = paged(found, input, 50, 100);
        return { AutoScalingGroups: page.map(toGroup), NextToken };
      },
      DescribeAutoScalingInstances(input, caller) {
        const all = Object.values(groupsIn(world, caller)).flatMap((group) =>
          group.members.map((member) => ({
            ...toMember(group, member),
            AutoScalingGroupName: group.name,
            HealthStatus: member.healthy ? "HEALTHY" : "UNHEALTHY",
          })),
        );
        const { page, NextToken } = paged(
          all.filter((each) => !input.InstanceIds?.length || input.InstanceIds.includes(each.InstanceId)),
          input,
          50,
          50,
        );
        return { AutoScalingInstances: page, NextToken };
      },
      DescribeScalingActivities(input, caller) {
        const groups = input.AutoScalingGroupName
          ? [findGroup(world, caller, input.AutoScalingGroupName)]
          : Object.values(groupsIn(world, caller));
        const all = groups
          .flatMap((group) => group.activities.map((activity) => ({ group, activity })))
          .filter(({ activity }) => !input.ActivityIds?.length || input.ActivityIds.includes(activity.id))
          .reverse()
          .sort((a, b) => b.activity.startedAt - a.activity.startedAt);
        const { page, NextToken } = paged(all, input, 100, 100);
        return { Activities: page.map(({ group, activity }) => toActivity(group, activity)), NextToken };
      },
      TerminateInstanceInAutoScalingGroup(input, caller) {
        const group = Object.values(groupsIn(world, caller)).find(({ members }) => members.some(({ id }) => id === input.InstanceId));
        const member = group?.members.find(({ id }) => id === input.InstanceId);
        if (!group || !member) throw invalid(`Instance Id not found - No managed instance found for instance ID: ${input.InstanceId}`);
        if (input.ShouldDecrementDesiredCapacity) {
          if (group.desired - 1 < group.min)
            throw invalid(
              `Currently, desiredSize equals minSize (${group.min}). Terminating instance without replacement will violate group's min size constraint.`,
            );
          group.desired -= 1;
        }
        fleet.terminate(
          caller,
          group,
          member,
          `At ${new Date(world.now()).toISOString()} instance ${member.id} was taken out of service in response to a user request.`,
        );
        fleet.reconcile(caller, group, "");
        return { Activity: toActivity(group, group.activities.findLast(({ description }) => description.endsWith(member.id))!) };
      },
      DeleteAutoScalingGroup(input, caller) {
        const group = findGroup(world, caller, input.AutoScalingGroupName);
        const busy = underWay(group);
        if (busy && !input.ForceDelete)
          throw new ServiceError(
            "ScalingActivityInProgress",
            `You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group. (${busy.id})`,
            400,
          );
        if (group.members.length > 0 && !input.ForceDelete)
          throw new ServiceError(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.",
            400,
          );
        Object.assign(group, { min: 0, desired: 0, deleting: true });
        if (group.members.length === 0) delete groupsIn(world, caller)[group.name];
        else fleet.reconcile(caller, group, "The group is deleted. ");
      },
      /** Lab-internal: EC2 says that an instance of a group is in another state. */
      LabInstanceMoved(input, caller) {
        const group = groupsIn(world, caller)[input.AutoScalingGroupName];
        if (group) fleet.moved(caller, group, input.InstanceId, input.state);
      },
    },
  };
}
