/** What a user already has of a site: its names, a small group in the recovery region behind a target group, a CDN. The hooks are the user's own. */
import type { Plan } from "../core/plan/schema.ts";
import type { World } from "./cloud/world.ts";
import { createHostedZone } from "./given.ts";

export async function buildSites(world: World, plan: Plan): Promise<void> {
  for (const { records, recovery, cdn } of plan.sites ?? []) {
    const { group, region, targetGroupArn } = recovery;
    for (const { name, zone, ttlSeconds, primary } of records) {
      await createHostedZone(world, zone, name.split(".").slice(1).join("."));
      const set = { Name: name, Type: "CNAME", TTL: ttlSeconds, ResourceRecords: [{ Value: primary }] };
      const ChangeBatch = { Changes: [{ Action: "UPSERT", ResourceRecordSet: set }] };
      await world.call("route53", "ChangeResourceRecordSets", { HostedZoneId: zone, ChangeBatch }, { region: "us-east-1" });
    }
    if (targetGroupArn)
      await world.call("elasticloadbalancing", "LabPutTargetGroup", { TargetGroupArn: targetGroupArn, Name: group }, { region });
    if (cdn) await world.call("cloudfront", "LabPutDistribution", { DistributionId: cdn.distributionId }, { region: "us-east-1" });
    await world.call(
      "autoscaling",
      "CreateAutoScalingGroup",
      {
        AutoScalingGroupName: group,
        MinSize: 0,
        MaxSize: 1,
        DesiredCapacity: 0,
        AvailabilityZones: [`${region}a`, `${region}b`],
        LaunchTemplate: { LaunchTemplateName: group, Version: "1" },
        ...(targetGroupArn ? { TargetGroupARNs: [targetGroupArn] } : {}),
      },
      { region },
    );
  }
}
