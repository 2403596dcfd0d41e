/** Things a plan names by an id that AWS itself would have chosen: the lab gives them that id. */
import type { World } from "./cloud/world.ts";

export async function createHostedZone(world: World, id: string, name: string): Promise<void> {
  await world.call("route53", "LabPutHostedZone", { Id: id, Name: name, PrivateZone: true }, { region: "us-east-1" });
}

/** A security group that lets these ports in from anywhere in its network; none: nobody gets in. */
export async function createSecurityGroup(world: World, region: string, id: string, name: string, ports: readonly number[]): Promise<void> {
  const IpPermissions = ports.map((port) => ({ IpProtocol: "tcp", FromPort: port, ToPort: port, IpRanges: [{ CidrIp: "10.0.0.0/8" }] }));
  await world.call("ec2", "LabPutSecurityGroup", { GroupId: id, GroupName: name, IpPermissions }, { region });
}
