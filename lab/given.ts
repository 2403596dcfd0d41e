/** Things a plan names by an id that AWS itself would have chosen: the lab gives them that id. */
import { type KeyRecord, keyRing } from "./cloud/kms-keys.ts";
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

/** A KMS key by its id, its ARN, or an alias of either form. */
export async function createKey(world: World, region: string, given: string): Promise<void> {
  const name = given.replace(/^arn:.*?:(?=key\/|alias\/)/, "").replace(/^key\//, "");
  const { keys, aliases } = keyRing(world, world.account, region);
  if (keys[name] || aliases[name]) return;
  const { KeyMetadata } = await world.call("kms", "CreateKey", { Description: "Copies of snapshots" }, { region });
  if (name.startsWith("alias/")) {
    await world.call("kms", "CreateAlias", { AliasName: name, TargetKeyId: KeyMetadata.KeyId }, { region });
    return;
  }
  const made = keys[KeyMetadata.KeyId] as KeyRecord;
  keys[name] = { ...made, id: name, arn: made.arn.replace(made.id, name) };
  delete keys[KeyMetadata.KeyId];
}
