/** Things a plan names by an id that AWS itself would have chosen: the lab gives them that id. */
import type { World } from "./cloud/world.ts";

export async function createHostedZone(world: World, id: string, name: string): Promise<void> {
  const { zones } = world.state<{ zones: Record<string, { id: string }> }>("route53", () => ({ zones: {} }));
  if (zones[id]) return;
  const { HostedZone } = await world.call("route53", "CreateHostedZone", { Name: name, CallerReference: id }, { region: "us-east-1" });
  const chosen = HostedZone.Id.split("/").at(-1);
  zones[id] = { ...zones[chosen], id } as { id: string };
  delete zones[chosen];
}

/** A security group that lets these ports in from a range, usually anywhere in its network; no ports: nobody gets in. */
export async function createSecurityGroup(
  world: World,
  region: string,
  id: string,
  name: string,
  ports: readonly number[],
  CidrIp = "10.0.0.0/8",
): Promise<void> {
  const IpPermissions = ports.map((port) => ({ IpProtocol: "tcp", FromPort: port, ToPort: port, IpRanges: [{ CidrIp }] }));
  await world.call("ec2", "LabPutSecurityGroup", { GroupId: id, GroupName: name, IpPermissions }, { region });
}
