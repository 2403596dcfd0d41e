/** Things a plan names by an id that AWS itself would have chosen: the lab gives them that id. */
import { stateOf } from "./cloud/route53-state.ts";
import type { World } from "./cloud/world.ts";

export async function createHostedZone(world: World, id: string, name: string): Promise<void> {
  const { zones } = stateOf(world);
  if (zones[id]) return;
  const { HostedZone } = await world.call("route53", "CreateHostedZone", { Name: name, CallerReference: id }, { region: "us-east-1" });
  const chosen = HostedZone.Id.split("/").at(-1);
  zones[id] = { ...zones[chosen], id } as (typeof zones)[string];
  delete zones[chosen];
}

/** A security group that lets these ports in from anywhere in its network; none: nobody gets in. */
export async function createSecurityGroup(world: World, region: string, id: string, name: string, ports: readonly number[]): Promise<void> {
  const IpPermissions = ports.map((port) => ({ IpProtocol: "tcp", FromPort: port, ToPort: port, IpRanges: [{ CidrIp: "10.0.0.0/8" }] }));
  await world.call("ec2", "LabPutSecurityGroup", { GroupId: id, GroupName: name, IpPermissions }, { region });
}
