// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** Auto Scaling groups by account and region, and how they are shown. Changes nothing. */
import { ServiceError } from "../wire/errors.ts";
import type { Place } from "./ec2-state.ts";
import type { World } from "./world.ts";

export interface MemberRecord {
  readonly id: string;
  readonly zone: string;
  /** Its launch, or its end once that has begun. */
  activityId: string;
  lifecycle: "Pending" | "InService" | "Terminating";
  healthy: boolean;
  /** EC2 has said that it runs: what is left is for the group to take it in. */
  runs: boolean;
}

export interface ActivityRecord {
  readonly id: string;
  readonly description: string;
  readonly cause: string;
  readonly startedAt: number;
  readonly details: Record<string, string>;
  endedAt?: number;
  status: "InProgress" | "Successful" | "Failed";
  message?: string;
}

export interface GroupRecord {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly launch: Record<string, unknown>;
  zones: string[];
  subnetIds: string[];
  min: number;
  max: number;
  desired: number;
  cooldownSeconds: number;
  healthCheckType: string;
  graceSeconds: number;
  targetGroupArns?: string[];
  members: MemberRecord[];
  /** Oldest first. */
  activities: ActivityRecord[];
  tags: { Key: string; Value: string; PropagateAtLaunch: boolean }[];
  deleting?: boolean;
}

export type Groups = Record<string, GroupRecord>;

export function invalid(message: string): ServiceError {
  return new ServiceError("ValidationError", message, 400);
}

export function groupsEverywhere(world: World): Record<string, Record<string, Groups>> {
  return world.state<{ accounts: Record<string, Record<string, Groups>> }>("autoscaling", () => ({ accounts: {} })).accounts;
}

export function groupsIn(world: World, { account, region }: Place): Groups {
  const accounts = groupsEverywhere(world);
  accounts[account] ??= {};
  accounts[account][region] ??= {};
  return accounts[account][region];
}

export function findGroup(world: World, place: Place, name: string): GroupRecord {
  const group = groupsIn(world, place)[name];
  if (!group) throw invalid(`AutoScalingGroup name not found - AutoScalingGroup '${name}' not found`);
  return group;
}

export function toGroup(group: GroupRecord): any {
  return {
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: group.arn,
    ...group.launch,
    MinSize: group.min,
    MaxSize: group.max,
    DesiredCapacity: group.desired,
    DefaultCooldown: group.cooldownSeconds,
    AvailabilityZones: group.zones,
    LoadBalancerNames: [],
    TargetGroupARNs: group.targetGroupArns ?? [],
    HealthCheckType: group.healthCheckType,
    HealthCheckGracePeriod: group.graceSeconds,
    Instances: group.members.map((member) => toMember(group, member)),
    CreatedTime: new Date(group.createdAt),
    SuspendedProcesses: [],
    VPCZoneIdentifier: group.subnetIds.join(","),
    EnabledMetrics: [],
    Status: group.deleting ? "Delete in progress" : undefined,
    Tags: group.tags.map((tag) => ({ ...tag, ResourceId: group.name, ResourceType: "auto-scaling-group" })),
    TerminationPolicies: ["Default"],
    NewInstancesProtectedFromScaleIn: false,
  };
}

export function toMember({ launch }: GroupRecord, { id, zone, lifecycle, healthy }: MemberRecord): any {
  return {
    InstanceId: id,
    AvailabilityZone: zone,
    LifecycleState: lifecycle,
    HealthStatus: healthy ? "Healthy" : "Unhealthy",
    LaunchTemplate: launch.LaunchTemplate,
    LaunchConfigurationName: launch.LaunchConfigurationName,
    ProtectedFromScaleIn: false,
  };
}

export function toActivity({ name, arn }: GroupRecord, activity: ActivityRecord): any {
  return {
    ActivityId: activity.id,
    AutoScalingGroupName: name,
    AutoScalingGroupARN: arn,
    Description: activity.description,
    Cause: activity.cause,
    StartTime: new Date(activity.startedAt),
    EndTime: activity.endedAt === undefined ? undefined : new Date(activity.endedAt),
    StatusCode: activity.status,
    StatusMessage: activity.message,
    Progress: activity.status === "InProgress" ? 50 : 100,
    Details: JSON.stringify(activity.details),
  };
}

export function paged<T>(items: readonly T[], input: any, usual: number, most: number): { page: readonly T[]; NextToken?: string } {
  const size = Math.min(input.MaxRecords ?? usual, most);
  const start = input.NextToken ? Number(Buffer.from(input.NextToken, "base64url").toString()) : 0;
  if (!Number.isInteger(start))
    throw new ServiceError("InvalidNextToken", "The NextToken is not one that this service has given out.", 400);
  const more = start + size < items.length;
  return {
    page: items.slice(start, start + size),
    ...(more ? { NextToken: Buffer.from(String(start + size)).toString("base64url") } : {}),
  };
}
