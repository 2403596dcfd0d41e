/** Things a plan names by an id that AWS itself would have chosen: the lab gives them that id. */
import { findKey, keyRing, newKey } from "./cloud/kms-keys.ts";
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

/** A customer's key by the id, ARN or alias a plan has for it. One of another account lets the lab's use it. */
export function createKey(world: World, region: string, given: string): void {
  const named = /^arn:aws:kms:[^:]+:(\d{12}):(.+)$/.exec(given);
  const account = named?.[1] ?? world.account;
  const resource = (named?.[2] ?? given).replace(/^key\//, "");
  if (findKey(world, account, region, resource)) return;
  const alias = resource.startsWith("alias/") ? resource : undefined;
  const key = newKey(world, account, region, "Copies of snapshots", undefined, alias ? undefined : resource);
  if (alias) keyRing(world, account, region).aliases[alias] = key.id;
  if (account === world.account) return;
  const policy = JSON.parse(key.policy);
  policy.Statement[0].Principal.AWS = [account, world.account].map((each) => `arn:aws:iam::${each}:root`);
  key.policy = JSON.stringify(policy);
}
