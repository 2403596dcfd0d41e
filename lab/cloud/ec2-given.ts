// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** Lab-internal: an instance with a given id, so that a plan can name it before there is a lab. All else is as RunInstances makes it. */
import { computeIn, type InstanceRecord, volumesOf } from "./ec2-state.ts";
import type { Operation, World } from "./world.ts";

export function givenOperations(world: World, run: Operation): Record<string, Operation> {
  return {
    async LabPutInstance({ InstanceId, ...input }: any, caller) {
      const { Instances } = (await run({ ...input, MinCount: 1, MaxCount: 1 }, caller)) as { Instances: { InstanceId: string }[] };
      const made = Instances[0]?.InstanceId ?? "";
      const { instances } = computeIn(world, caller);
      // What was begun for it goes on with the same record.
      const record = instances[made] as { -readonly [Field in keyof InstanceRecord]: InstanceRecord[Field] };
      delete instances[made];
      instances[InstanceId] = Object.assign(record, { id: InstanceId });
      for (const { attachment } of volumesOf(world, caller, made)) if (attachment) attachment.instanceId = InstanceId;
      return { InstanceId };
    },
  };
}
