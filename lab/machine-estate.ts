/** What a user already has of the plan's machines: each a running instance with a root volume and a larger one for its data, and the keys it names. */
import type { Plan } from "../core/plan/schema.ts";
import { stockImageId } from "./cloud/ec2-stock.ts";
import type { World } from "./cloud/world.ts";
import { createKey } from "./given.ts";

const OWN_KEY = "00000000-0000-4000-8000-00000000d15c";

export async function buildMachines(world: World, plan: Plan): Promise<void> {
  for (const { name, instance, region, copyTo, kmsKeyId } of plan.machines ?? []) {
    if (kmsKeyId) createKey(world, copyTo, kmsKeyId);
    // What a plan names a key for is the copy of a volume under a key of one's own.
    if (kmsKeyId) createKey(world, region, OWN_KEY);
    const sealed = kmsKeyId ? { Encrypted: true, KmsKeyId: OWN_KEY } : {};
    const disk = { DeviceName: "/dev/sdf", Ebs: { VolumeSize: 40, VolumeType: "gp3", DeleteOnTermination: false, ...sealed } };
    const tags = [{ Key: "Name", Value: name }];
    await world.call(
      "ec2",
      "LabPutInstance",
      {
        InstanceId: instance,
        ImageId: stockImageId(region),
        InstanceType: "t4g.small",
        IamInstanceProfile: { Arn: `arn:aws:iam::${world.account}:instance-profile/${name}` },
        BlockDeviceMappings: [disk],
        TagSpecifications: ["instance", "volume"].map((ResourceType) => ({ ResourceType, Tags: tags })),
      },
      { region },
    );
  }
}
