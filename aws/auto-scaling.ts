/** Auto Scaling groups: how large they are, who of them serves, and another size. Decides nothing. */
import { AutoScalingClient, DescribeAutoScalingGroupsCommand, UpdateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import type { GroupMember, GroupSizes } from "../core/site.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const scaling = perRegion((region) => new AutoScalingClient({ region, ...CLIENT_SETTINGS }));

export interface Group {
  readonly sizes: GroupSizes;
  readonly members: readonly GroupMember[];
}

/** null when there is no group of that name. */
export async function describeGroup(region: string, name: string): Promise<Group | null> {
  const { AutoScalingGroups } = await scaling(region).send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }));
  const group = AutoScalingGroups?.[0];
  if (!group) return null;
  return {
    sizes: { min: group.MinSize ?? 0, max: group.MaxSize ?? 0, desired: group.DesiredCapacity ?? 0 },
    members: (group.Instances ?? []).map(({ InstanceId, LifecycleState, HealthStatus }) => ({
      id: InstanceId ?? "",
      serves: LifecycleState === "InService" && HealthStatus === "Healthy",
    })),
  };
}

export async function resizeGroup(region: string, name: string, { min, max, desired }: GroupSizes): Promise<void> {
  await scaling(region).send(
    new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: name, MinSize: min, MaxSize: max, DesiredCapacity: desired }),
  );
}
