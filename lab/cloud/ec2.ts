// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * EC2, and of it the network side: one default VPC with three subnets in each region, and security groups with ingress rules. No routes.
 * What a group lets through is read by others from this state. Instances, disks and snapshots are in ec2-compute.ts.
 */
import { ServiceError } from "../wire/errors.ts";
import { createCompute } from "./ec2-compute.ts";
import { dryRunnable } from "./ec2-request.ts";
import { checkNetworks, membersOnly, merged, permissionsOf, ruleShape, ruleText, sameSource, shortHash, singles } from "./ec2-rules.ts";
import { zoneId } from "./ec2-state.ts";
import type { Ec2Timings } from "./ec2-timings.ts";
import type { Caller, Service, World } from "./world.ts";

export interface SecurityGroup {
  GroupId: string;
  GroupName: string;
  Description: string;
  VpcId: string;
  /** One entry for each protocol and port range, with its sources merged. */
  IpPermissions: any[];
}

interface Ec2State {
  regions: Record<string, { securityGroups: Record<string, SecurityGroup> }>;
}

export function createEc2(world: World, timings: Partial<Ec2Timings> = {}): Service {
  const vpcOf = (region: string) => `vpc-${shortHash(region)}`;

  function groupsIn(caller: Caller): Record<string, SecurityGroup> {
    const { regions } = world.state<Ec2State>("ec2", () => ({ regions: {} }));
    if (!regions[caller.region]) {
      const GroupId = `sg-${shortHash(`default ${caller.region}`)}`;
      const group = {
        GroupId,
        GroupName: "default",
        Description: "default VPC security group",
        VpcId: vpcOf(caller.region),
        IpPermissions: membersOnly(GroupId, caller.account),
      };
      regions[caller.region] = { securityGroups: { [GroupId]: group } };
    }
    return regions[caller.region]!.securityGroups;
  }

  function find(input: any, caller: Caller): SecurityGroup {
    const groups = groupsIn(caller);
    const found = input.GroupId ? groups[input.GroupId] : Object.values(groups).find((group) => group.GroupName === input.GroupName);
    if (!found) throw notFound(input.GroupId ?? input.GroupName);
    return found;
  }

  const told = (caller: Caller, group: SecurityGroup, what: string, detail: Record<string, unknown> = {}) =>
    world.tell({
      kind: "state",
      region: caller.region,
      service: "ec2",
      what: `the security group ${group.GroupName} ${what}`,
      detail: { id: group.GroupId, ...detail },
    });

  /** Rules as single sources, to compare one by one. */
  function change(input: any, caller: Caller, apply: (rules: string[], rule: string, text: string) => string[], what: string): any {
    const group = find(input, caller);
    let rules = singles(group.IpPermissions);
    const given = singles(permissionsOf(input), caller.account);
    checkNetworks(given);
    if (given.length === 0)
      throw new ServiceError("MissingParameter", "The request must contain the parameter ipPermissions or a CidrIp with its ports", 400);
    for (const rule of given) rules = apply(rules, rule, ruleText(rule));
    group.IpPermissions = merged(rules);
    told(caller, group, what, { rules: given.map(ruleText) });
    return { Return: true, SecurityGroupRules: given.map((rule) => ruleShape(caller, group, rule)) };
  }

  const compute = createCompute(
    world,
    {
      subnet: (region, zone) => ({ subnetId: `subnet-${shortHash(zone)}`, vpcId: vpcOf(region) }),
      securityGroups: (caller, ids) => {
        const groups = groupsIn(caller);
        for (const id of ids ?? []) if (!groups[id]) throw notFound(id);
        return ids?.length ? ids : [`sg-${shortHash(`default ${caller.region}`)}`];
      },
    },
    timings,
  );

  return {
    name: "ec2",
    start: () => compute.resume(),
    operations: dryRunnable({
      ...compute.operations,
      CreateSecurityGroup(input, caller) {
        const groups = groupsIn(caller);
        const VpcId = input.VpcId ?? vpcOf(caller.region);
        if (/^sg-/i.test(input.GroupName))
          throw new ServiceError("InvalidParameterValue", "Invalid group name: it may not begin with sg-", 400);
        if (VpcId !== vpcOf(caller.region)) throw new ServiceError("InvalidVpcID.NotFound", `The vpc ID '${VpcId}' does not exist`, 400);
        if (Object.values(groups).some((group) => group.GroupName === input.GroupName)) {
          throw new ServiceError(
            "InvalidGroup.Duplicate",
            `The security group '${input.GroupName}' already exists for VPC '${VpcId}'`,
            400,
          );
        }
        const GroupId = `sg-${world.id(17)}`;
        groups[GroupId] = { GroupId, GroupName: input.GroupName, Description: input.Description, VpcId, IpPermissions: [] };
        told(caller, groups[GroupId], "exists");
        return { GroupId, SecurityGroupArn: groupArn(caller, GroupId) };
      },
      DeleteSecurityGroup(input, caller) {
        const group = find(input, caller);
        if (group.GroupName === "default") {
          const text = `the specified group: "${group.GroupId}" name: "default" cannot be deleted by a user`;
          throw new ServiceError("CannotDelete", text, 400);
        }
        delete groupsIn(caller)[group.GroupId];
        told(caller, group, "is deleted");
        return { Return: true, GroupId: group.GroupId };
      },
      DescribeSecurityGroups(input, caller) {
        const groups = groupsIn(caller);
        for (const id of input.GroupIds ?? []) if (!groups[id]) throw notFound(id);
        for (const name of input.GroupNames ?? [])
          if (!Object.values(groups).some((group) => group.GroupName === name)) throw notFound(name);
        const SecurityGroups = Object.values(groups)
          .filter((group) => !input.GroupIds || input.GroupIds.includes(group.GroupId))
          .filter((group) => !input.GroupNames || input.GroupNames.includes(group.GroupName))
          .filter((group) => passes(input.Filters, { "group-id": group.GroupId, "group-name": group.GroupName, "vpc-id": group.VpcId }))
          .map((group) => ({
            ...group,
            IpPermissionsEgress: merged(singles([{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }])),
            OwnerId: caller.account,
            SecurityGroupArn: groupArn(caller, group.GroupId),
          }));
        return { SecurityGroups };
      },
      AuthorizeSecurityGroupIngress: (input, caller) =>
        change(
          input,
          caller,
          (rules, rule, text) => {
            if (rules.some((each) => sameSource(each, rule))) {
              throw new ServiceError("InvalidPermission.Duplicate", `the specified rule "${text}" already exists`, 400);
            }
            return [...rules, rule];
          },
          "lets more in",
        ),
      RevokeSecurityGroupIngress: (input, caller) =>
        change(
          input,
          caller,
          (rules, rule) => {
            if (!rules.some((each) => sameSource(each, rule))) {
              throw new ServiceError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.", 400);
            }
            return rules.filter((each) => !sameSource(each, rule));
          },
          "lets less in",
        ),
      DescribeVpcs: (input, caller) => ({
        Vpcs: chosen(
          [
            {
              VpcId: vpcOf(caller.region),
              CidrBlock: "172.31.0.0/16",
              CidrBlockAssociationSet: [
                {
                  AssociationId: `vpc-cidr-assoc-${shortHash(`${caller.region} cidr`)}`,
                  CidrBlock: "172.31.0.0/16",
                  CidrBlockState: { State: "associated" },
                },
              ],
              DhcpOptionsId: `dopt-${shortHash(`${caller.region} dhcp`)}`,
              InstanceTenancy: "default",
              IsDefault: true,
              State: "available",
              OwnerId: caller.account,
            },
          ],
          input.VpcIds,
          (vpc) => vpc.VpcId,
          (id) => new ServiceError("InvalidVpcID.NotFound", `The vpc ID '${id}' does not exist`, 400),
        ).filter((vpc) => passes(input.Filters, { "vpc-id": vpc.VpcId, "is-default": "true", isDefault: "true" })),
      }),
      DescribeSubnets: (input, caller) => ({
        Subnets: chosen(
          ["a", "b", "c"].map((zone, at) => subnet(caller, vpcOf(caller.region), zone, at)),
          input.SubnetIds,
          (each) => each.SubnetId,
          (id) => new ServiceError("InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`, 400),
        ).filter((each) =>
          passes(input.Filters, { "vpc-id": each.VpcId, "subnet-id": each.SubnetId, "availability-zone": each.AvailabilityZone }),
        ),
      }),
      /** Lab-internal: a group with a given id, in place of any before it. */
      LabPutSecurityGroup(input, caller) {
        const { GroupId, GroupName, IpPermissions = [] } = input;
        groupsIn(caller)[GroupId] = {
          GroupId,
          GroupName: GroupName ?? GroupId,
          Description: input.Description ?? GroupName ?? GroupId,
          VpcId: input.VpcId ?? vpcOf(caller.region),
          IpPermissions: merged(singles(IpPermissions)),
        };
        return { GroupId };
      },
    }),
  };
}

/** Those asked for by id, each of which must be there; all of them when none is. */
function chosen<T>(all: T[], ids: string[] | undefined, idOf: (each: T) => string, missing: (id: string) => ServiceError): T[] {
  if (!ids?.length) return all;
  for (const id of ids) if (!all.some((each) => idOf(each) === id)) throw missing(id);
  return all.filter((each) => ids.includes(idOf(each)));
}

function subnet(caller: Caller, VpcId: string, zone: string, at: number) {
  const SubnetId = `subnet-${shortHash(`${caller.region}${zone}`)}`;
  return {
    SubnetId,
    SubnetArn: `arn:aws:ec2:${caller.region}:${caller.account}:subnet/${SubnetId}`,
    VpcId,
    OwnerId: caller.account,
    AvailabilityZone: `${caller.region}${zone}`,
    AvailabilityZoneId: zoneId(`${caller.region}${zone}`),
    CidrBlock: `172.31.${at * 16}.0/20`,
    AvailableIpAddressCount: 4091,
    AssignIpv6AddressOnCreation: false,
    Ipv6Native: false,
    MapPublicIpOnLaunch: true,
    PrivateDnsNameOptionsOnLaunch: {
      HostnameType: "ip-name",
      EnableResourceNameDnsARecord: false,
      EnableResourceNameDnsAAAARecord: false,
    },
    DefaultForAz: true,
    State: "available",
  };
}

function groupArn(caller: Caller, id: string): string {
  return `arn:aws:ec2:${caller.region}:${caller.account}:security-group/${id}`;
}

function notFound(id: string): ServiceError {
  return new ServiceError("InvalidGroup.NotFound", `The security group '${id}' does not exist`, 400);
}

function passes(filters: any[] | undefined, values: Record<string, string>): boolean {
  return (filters ?? []).every((filter) => {
    const value = values[filter.Name];
    if (value === undefined) throw new ServiceError("InvalidParameterValue", `The filter '${filter.Name}' is invalid`, 400);
    return (filter.Values ?? []).some((wanted: string) => asPattern(wanted).test(value));
  });
}

/** `*` stands for any characters, `?` for one. */
function asPattern(wanted: string): RegExp {
  const source = wanted
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`);
}
