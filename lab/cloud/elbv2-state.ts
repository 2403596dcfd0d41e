// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** Target groups by account and region, their targets, and how healthy each is found. Changes nothing. */
import { ServiceError } from "../wire/errors.ts";
import type { World } from "./world.ts";

export interface TargetRecord {
  readonly id: string;
  readonly port: number;
  readonly registeredAt: number;
  /** Why health checks find it so; null: they find it healthy. */
  trouble: string | null;
}

export interface TargetGroupRecord {
  readonly arn: string;
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly vpcId: string | undefined;
  readonly targetType: "instance" | "ip";
  readonly healthCheckPath: string;
  targets: TargetRecord[];
}

export interface Place {
  readonly account: string;
  readonly region: string;
}

export type TargetGroups = Record<string, TargetGroupRecord>;

/** By ARN. */
export function targetGroupsIn(world: World, { account, region }: Place): TargetGroups {
  const { accounts } = world.state<{ accounts: Record<string, Record<string, TargetGroups>> }>("elasticloadbalancing", () => ({
    accounts: {},
  }));
  accounts[account] ??= {};
  accounts[account][region] ??= {};
  return accounts[account][region];
}

export function findTargetGroup(world: World, place: Place, arn: string): TargetGroupRecord {
  const group = targetGroupsIn(world, place)[arn];
  if (!group) throw new ServiceError("TargetGroupNotFound", "One or more target groups not found", 400);
  return group;
}

export const toTargetGroup = (group: TargetGroupRecord): any => ({
  TargetGroupArn: group.arn,
  TargetGroupName: group.name,
  Protocol: group.protocol,
  Port: group.port,
  VpcId: group.vpcId,
  TargetType: group.targetType,
  HealthCheckProtocol: group.protocol,
  HealthCheckPort: "traffic-port",
  HealthCheckEnabled: true,
  HealthCheckIntervalSeconds: 30,
  HealthCheckTimeoutSeconds: 5,
  HealthyThresholdCount: 5,
  UnhealthyThresholdCount: 2,
  HealthCheckPath: group.healthCheckPath,
  Matcher: { HttpCode: "200" },
  LoadBalancerArns: [],
});

/** `initial` until the first checks have passed; what is no running instance is not asked at all. */
export function healthOf(target: TargetRecord, running: boolean, checkedAfterMs: number, now: number): any {
  if (!running) return { State: "unused", Reason: "Target.InvalidState", Description: "Target is in the stopped state" };
  if (target.trouble !== null) return { State: "unhealthy", Reason: "Target.FailedHealthChecks", Description: target.trouble };
  if (now < target.registeredAt + checkedAfterMs)
    return { State: "initial", Reason: "Elb.InitialHealthChecking", Description: "Initial health checks in progress" };
  return { State: "healthy" };
}
