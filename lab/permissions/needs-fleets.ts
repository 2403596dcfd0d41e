// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** What the operations of Auto Scaling and Scheduler need: groups and schedules by ARN, and the right to hand a role to a service. */
import { groupsIn } from "../cloud/autoscaling-state.ts";
import { type At, EVERY, type Need, type Needs } from "./need.ts";

const everything =
  (action: string): Needs =>
  () => [{ action, resource: "*" }];

/** Whoever makes a service act in a role's name needs to be let to pass that role to it. */
export const passing = (roleArn: string | undefined, service: string): Need[] =>
  roleArn ? [{ action: "iam:PassRole", resource: roleArn, context: { "iam:PassedToService": service } }] : [];

/** The group by its name; one that does not exist has an id nobody knows. */
function group(at: At, action: string, name: string): Need {
  const unknown = `arn:aws:autoscaling:${at.region}:${at.account}:autoScalingGroup:${EVERY}:autoScalingGroupName/${name}`;
  return { action: `autoscaling:${action}`, resource: groupsIn(at.world, at)[name]?.arn ?? unknown };
}

const onGroup =
  (action: string): Needs =>
  (input, at) => [group(at, action, input.AutoScalingGroupName)];

export const autoscaling: Record<string, Needs> = {
  ...Object.fromEntries(
    ["CreateAutoScalingGroup", "UpdateAutoScalingGroup", "SetDesiredCapacity", "DeleteAutoScalingGroup"].map((action) => [
      action,
      onGroup(action),
    ]),
  ),
  TerminateInstanceInAutoScalingGroup(input, at) {
    const holding = Object.values(groupsIn(at.world, at)).find(({ members }) => members.some(({ id }) => id === input.InstanceId));
    return [group(at, "TerminateInstanceInAutoScalingGroup", holding?.name ?? EVERY)];
  },
  DescribeAutoScalingGroups: everything("autoscaling:DescribeAutoScalingGroups"),
  DescribeAutoScalingInstances: everything("autoscaling:DescribeAutoScalingInstances"),
  DescribeScalingActivities: everything("autoscaling:DescribeScalingActivities"),
};

const schedule = (at: At, action: string, { GroupName = "default", Name }: any): Need => ({
  action: `scheduler:${action}`,
  resource: `arn:aws:scheduler:${at.region}:${at.account}:schedule/${GroupName}/${Name}`,
});

const scheduleGroup =
  (action: string): Needs =>
  (input, at) => [{ action: `scheduler:${action}`, resource: `arn:aws:scheduler:${at.region}:${at.account}:schedule-group/${input.Name}` }];

export const scheduler: Record<string, Needs> = {
  ...Object.fromEntries(
    ["CreateSchedule", "UpdateSchedule"].map((action): [string, Needs] => [
      action,
      (input, at) => [schedule(at, action, input), ...passing(input.Target?.RoleArn, "scheduler.amazonaws.com")],
    ]),
  ),
  GetSchedule: (input, at) => [schedule(at, "GetSchedule", input)],
  DeleteSchedule: (input, at) => [schedule(at, "DeleteSchedule", input)],
  ListSchedules: everything("scheduler:ListSchedules"),
  CreateScheduleGroup: scheduleGroup("CreateScheduleGroup"),
  DeleteScheduleGroup: scheduleGroup("DeleteScheduleGroup"),
  ListScheduleGroups: everything("scheduler:ListScheduleGroups"),
};
