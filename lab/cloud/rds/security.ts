// biome-ignore-all lint/suspicious/noExplicitAny: the shape of EC2's state belongs to EC2
/**
 * What security groups say about one instance's port. Reads EC2's state, writes none.
 *
 * The lab's clients all come from loopback, so a rule's source on AWS's side cannot be matched: a rule that covers the port admits
 * everyone, except one whose only source is the group itself (the default group's): no client of the lab is a member of a database's
 * group. A range inside loopback is matched as it stands: deployed functions call from FUNCTION_RANGE, everybody else does not.
 */
import { BlockList, isIPv4 } from "node:net";
import type { World } from "../world.ts";
import { refuse } from "./errors.ts";
import { hex, type InstanceRecord } from "./state.ts";

function groupsOf(world: World, region: string): Record<string, any> {
  // Read without creating it: the empty state is EC2's to make.
  return (world.save().ec2 as any)?.regions?.[region]?.securityGroups ?? {};
}

/** EC2 makes a region's default network when first asked for it; RDS asks before it places an instance there. */
export async function meetNetwork(world: World, region: string): Promise<void> {
  if (!world.services.get("ec2")?.operations.DescribeSecurityGroups) return;
  await world.call("ec2", "DescribeSecurityGroups", {}, { region, principal: "rds.amazonaws.com" });
}

function defaultGroup(world: World, region: string): any {
  return Object.values(groupsOf(world, region)).find((group) => group.GroupName === "default");
}

/** The region's default VPC: EC2's, or a made-up one while there is no EC2. */
export function vpcOf(world: World, region: string): string {
  return defaultGroup(world, region)?.VpcId ?? `vpc-0${hex(16, "vpc", world.account, region)}`;
}

/** Whether a new connection from there to the instance's port is let in. Groups EC2 does not know let everything in. */
export function admits(world: World, record: InstanceRecord, from: string): boolean {
  const known = groupsOf(world, record.region);
  const groups = record.groups.filter((group) => group.status !== "adding").map((group) => known[group.id]);
  if (groups.every((group) => group === undefined)) return true;
  return groups.some((group) =>
    (group?.IpPermissions ?? []).some((rule: any) => covers(rule, record.port) && hasSource(rule, group.GroupId, from)),
  );
}

function covers(rule: any, port: number): boolean {
  const protocol = String(rule.IpProtocol);
  if (protocol === "-1") return true;
  return (protocol === "tcp" || protocol === "6") && (rule.FromPort ?? 0) <= port && port <= (rule.ToPort ?? 65_535);
}

function hasSource(rule: any, self: string, from: string): boolean {
  const ranges = [...(rule.Ipv6Ranges ?? []), ...(rule.PrefixListIds ?? [])];
  return (
    ranges.length > 0 ||
    (rule.IpRanges ?? []).some(({ CidrIp }: any) => !CidrIp.startsWith("127.") || inRange(CidrIp, from)) ||
    (rule.UserIdGroupPairs ?? []).some((pair: any) => pair.GroupId !== self)
  );
}

function inRange(cidr: string, address: string): boolean {
  const [net = "", bits = "32"] = cidr.split("/");
  const list = new BlockList();
  list.addSubnet(net, Number(bits));
  return isIPv4(address) && list.check(address);
}

/** The groups a request names, checked, or the region's default one. */
export function chooseGroups(world: World, region: string, wanted: string[] | undefined): string[] {
  const known = groupsOf(world, region);
  if (!wanted?.length) return [defaultGroup(world, region)?.GroupId ?? `sg-0${hex(16, "default group", world.account, region)}`];
  const missing = wanted.find((id) => !(id in known));
  if (missing && world.services.has("ec2"))
    throw refuse("InvalidParameterValue", `Invalid security group , groupId= ${missing}, groupName=.`);
  return [...new Set(wanted)];
}
