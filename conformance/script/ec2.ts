/** EC2: the default network and security groups. */
import type { Json } from "../json.ts";
import type { Story } from "../story.ts";

const postgres = (cidr: string): Json => [{ IpProtocol: "tcp", FromPort: 5432, ToPort: 5432, IpRanges: [{ CidrIp: cidr }] }];

const groups: Story = {
  title: "the fence's security group",
  service: "ec2",
  // A region of its own: at the end one of the two loses its default group.
  region: "eu-north-1",
  calls: [
    ["DescribeVpcs", {}, { keep: { vpc: "Vpcs[0].VpcId", association: "Vpcs[0].CidrBlockAssociationSet[0].AssociationId" } }],
    ["DescribeVpcs", { VpcIds: ["vpc-00000000000000000"] }, { as: "a VPC of nobody" }],
    [
      "DescribeSubnets",
      { Filters: [{ Name: "vpc-id", Values: ["${vpc}"] }] },
      { keep: { "subnet a": "Subnets[0].SubnetId", "subnet b": "Subnets[1].SubnetId", "subnet c": "Subnets[2].SubnetId" } },
    ],
    ["DescribeSubnets", { SubnetIds: ["subnet-00000000000000000"] }, { as: "a subnet of nobody" }],
    [
      "DescribeSecurityGroups",
      {
        Filters: [
          { Name: "group-name", Values: ["default"] },
          { Name: "vpc-id", Values: ["${vpc}"] },
        ],
      },
      { keep: { default: "SecurityGroups[0].GroupId" } },
    ],
    ["CreateSecurityGroup", { GroupName: "fence", Description: "lets nobody in", VpcId: "${vpc}" }, { keep: { fence: "GroupId" } }],
    ["CreateSecurityGroup", { GroupName: "fence", Description: "lets nobody in", VpcId: "${vpc}" }, { as: "a group twice" }],
    ["CreateSecurityGroup", { GroupName: "default", Description: "x", VpcId: "${vpc}" }],
    ["DescribeSecurityGroups", { GroupIds: ["${fence}"] }],
    ["DescribeSecurityGroups", { GroupIds: ["sg-00000000000000000"] }],
    ["DescribeSecurityGroups", { GroupNames: ["fence"] }],
    ["DescribeSecurityGroups", { GroupNames: ["nobody"] }, { as: "a group's name of nobody" }],
    ["DescribeSecurityGroups", { Filters: [{ Name: "group-name", Values: ["nobody"] }] }],
    ["DescribeSecurityGroups", { Filters: [{ Name: "group-name", Values: ["fen*"] }] }, { as: "a filter with a star" }],

    [
      "AuthorizeSecurityGroupIngress",
      { GroupId: "${fence}", IpPermissions: postgres("10.0.0.0/16") },
      { keep: { rule: "SecurityGroupRules[0].SecurityGroupRuleId" } },
    ],
    ["AuthorizeSecurityGroupIngress", { GroupId: "${fence}", IpPermissions: postgres("10.0.0.0/16") }, { as: "a rule twice" }],
    [
      "AuthorizeSecurityGroupIngress",
      { GroupId: "${fence}", IpProtocol: "tcp", FromPort: 443, ToPort: 443, CidrIp: "10.1.0.0/16" },
      { as: "a rule in the older form", keep: { "older rule": "SecurityGroupRules[0].SecurityGroupRuleId" } },
    ],
    ["AuthorizeSecurityGroupIngress", { GroupId: "sg-00000000000000000", IpPermissions: postgres("10.0.0.0/16") }],
    [
      "AuthorizeSecurityGroupIngress",
      { GroupId: "${fence}", IpPermissions: [{ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: "${default}" }] }] },
      { as: "a rule for a group", keep: { "group rule": "SecurityGroupRules[0].SecurityGroupRuleId" } },
    ],
    ["DescribeSecurityGroups", { GroupIds: ["${fence}"] }],
    ["RevokeSecurityGroupIngress", { GroupId: "${fence}", IpPermissions: postgres("10.0.0.0/16") }],
    ["RevokeSecurityGroupIngress", { GroupId: "${fence}", IpPermissions: postgres("10.0.0.0/16") }, { as: "a rule taken twice" }],
    ["DescribeSecurityGroups", { GroupIds: ["${fence}"] }],
    // What one of the two takes comes late, so that it is in nobody's way.
    ["CreateSecurityGroup", { GroupName: "elsewhere", Description: "x", VpcId: "vpc-00000000000000000" }],
    ["CreateSecurityGroup", { GroupName: "sg-fence", Description: "x", VpcId: "${vpc}" }, { as: "a group named like an id" }],
    ["AuthorizeSecurityGroupIngress", { GroupId: "${fence}" }, { as: "a change without a rule" }],
    ["AuthorizeSecurityGroupIngress", { GroupId: "${fence}", IpPermissions: postgres("300.0.0.0/16") }, { as: "a rule for no network" }],
    ["DeleteSecurityGroup", { GroupId: "${fence}" }],
    ["DeleteSecurityGroup", { GroupId: "${fence}" }],
    ["DeleteSecurityGroup", { GroupId: "${default}" }, { as: "the default group deleted" }],
  ],
};

export const EC2: readonly Story[] = [groups];
