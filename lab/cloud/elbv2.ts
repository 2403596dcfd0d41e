// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Elastic Load Balancing v2, as far as target groups go: groups, their targets, and how healthy these are. No load balancers, listeners or
 * rules: nothing is balanced, and what a health check would find is said by whoever runs the lab (LabSetTargetHealth).
 */
import { ServiceError } from "../wire/errors.ts";
import {
  findTargetGroup,
  healthOf,
  type Place,
  type TargetGroupRecord,
  type TargetRecord,
  targetGroupsIn,
  toTargetGroup,
} from "./elbv2-state.ts";
import type { Caller, Service, World } from "./world.ts";

export interface TargetTimings {
  /** From a target's registration to its first healthy check. */
  readonly healthyMs: number;
}

export function createElbV2(world: World, timings: Partial<TargetTimings> = {}): Service {
  const { healthyMs } = { healthyMs: 200, ...timings };

  function runs(place: Place, group: TargetGroupRecord, target: TargetRecord): boolean {
    if (group.targetType !== "instance") return true;
    const describe = world.services.get("ec2")?.operations.DescribeInstances;
    if (!describe) return true;
    const caller: Caller = { ...place, principal: "service:elasticloadbalancing", requestId: world.id(32) };
    try {
      const { Reservations } = describe({ InstanceIds: [target.id] }, caller) as any;
      return Reservations[0]?.Instances[0]?.State.Name === "running";
    } catch {
      return false;
    }
  }

  const asked = (group: TargetGroupRecord, given: any[]) =>
    (given ?? []).map(({ Id, Port = group.port }: any): { id: string; port: number } => ({ id: Id, port: Port }));

  const same = (a: { id: string; port: number }, b: { id: string; port: number }) => a.id === b.id && a.port === b.port;

  const told = (caller: Caller, group: TargetGroupRecord, what: string) =>
    world.tell({
      kind: "state",
      region: caller.region,
      service: "elasticloadbalancing",
      what: `the target group ${group.name} ${what}`,
      detail: { arn: group.arn },
    });

  function make(caller: Caller, arn: string, input: any): TargetGroupRecord {
    const group: TargetGroupRecord = {
      arn,
      name: input.Name,
      protocol: input.Protocol ?? "HTTP",
      port: input.Port ?? 80,
      vpcId: input.VpcId,
      targetType: input.TargetType ?? "instance",
      healthCheckPath: input.HealthCheckPath ?? "/",
      targets: [],
    };
    targetGroupsIn(world, caller)[arn] = group;
    return group;
  }

  return {
    name: "elasticloadbalancing",
    operations: {
      CreateTargetGroup(input, caller) {
        if (!["instance", "ip"].includes(input.TargetType ?? "instance"))
          throw new ServiceError("ValidationError", `The lab's target groups hold instances and addresses, no ${input.TargetType}.`, 400);
        const there = Object.values(targetGroupsIn(world, caller)).find(({ name }) => name === input.Name);
        if (there && (there.port !== (input.Port ?? 80) || there.protocol !== (input.Protocol ?? "HTTP")))
          throw new ServiceError(
            "DuplicateTargetGroupName",
            `A target group with the same name '${input.Name}' exists, but with different settings`,
            400,
          );
        const arn = `arn:aws:elasticloadbalancing:${caller.region}:${caller.account}:targetgroup/${input.Name}/${world.id(16)}`;
        return { TargetGroups: [toTargetGroup(there ?? make(caller, arn, input))] };
      },
      DescribeTargetGroups(input, caller) {
        const all = Object.values(targetGroupsIn(world, caller));
        for (const arn of input.TargetGroupArns ?? []) findTargetGroup(world, caller, arn);
        const missing = (input.Names ?? []).find((name: string) => !all.some((group) => group.name === name));
        if (missing) throw new ServiceError("TargetGroupNotFound", "One or more target groups not found", 400);
        const chosen = all.filter(
          ({ arn, name }) =>
            (!input.TargetGroupArns?.length || input.TargetGroupArns.includes(arn)) && (!input.Names?.length || input.Names.includes(name)),
        );
        return { TargetGroups: chosen.map(toTargetGroup) };
      },
      DeleteTargetGroup(input, caller) {
        // Deleting what is not there succeeds.
        delete targetGroupsIn(world, caller)[input.TargetGroupArn];
        return {};
      },
      RegisterTargets(input, caller) {
        const group = findTargetGroup(world, caller, input.TargetGroupArn);
        for (const target of asked(group, input.Targets)) {
          if (group.targets.some((each) => same(each, target))) continue;
          if (group.targetType === "instance" && !target.id.startsWith("i-"))
            throw new ServiceError("InvalidTarget", `Instance ID '${target.id}' is not valid`, 400);
          group.targets.push({ ...target, registeredAt: world.now(), trouble: null });
          told(caller, group, `has the target ${target.id}`);
        }
        return {};
      },
      DeregisterTargets(input, caller) {
        const group = findTargetGroup(world, caller, input.TargetGroupArn);
        const gone = asked(group, input.Targets);
        group.targets = group.targets.filter((each) => !gone.some((target) => same(each, target)));
        return {};
      },
      DescribeTargetHealth(input, caller) {
        const group = findTargetGroup(world, caller, input.TargetGroupArn);
        const only = input.Targets ? asked(group, input.Targets) : undefined;
        const registered = group.targets.filter((target) => !only || only.some((each) => same(each, target)));
        const strangers = (only ?? []).filter((target) => !group.targets.some((each) => same(each, target)));
        return {
          TargetHealthDescriptions: [
            ...registered.map((target) => ({
              Target: { Id: target.id, Port: target.port },
              HealthCheckPort: String(target.port),
              TargetHealth: healthOf(target, runs(caller, group, target), healthyMs, world.now()),
            })),
            ...strangers.map(({ id, port }) => ({
              Target: { Id: id, Port: port },
              TargetHealth: {
                State: "unused",
                Reason: "Target.NotRegistered",
                Description: "Target is not registered to the target group",
              },
            })),
          ],
        };
      },
      /** Lab-internal: a target group by the ARN a plan has for it. */
      LabPutTargetGroup(input, caller) {
        if (!targetGroupsIn(world, caller)[input.TargetGroupArn]) make(caller, input.TargetGroupArn, input);
        return {};
      },
      /** Lab-internal: what its health checks find of every target there is. `Trouble` null: all is well. */
      LabSetTargetHealth(input, caller) {
        const group = findTargetGroup(world, caller, input.TargetGroupArn);
        for (const target of group.targets) target.trouble = input.Trouble ?? null;
        told(caller, group, input.Trouble ? `finds its targets unhealthy: ${input.Trouble}` : "finds its targets healthy");
        return {};
      },
    },
  };
}
