/** What a load balancer's own health checks find of the targets in a target group. */
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Target } from "../core/site.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const balancing = perRegion((region) => new ElasticLoadBalancingV2Client({ region, ...CLIENT_SETTINGS }));

export async function targetsOf(region: string, targetGroupArn: string): Promise<Target[]> {
  const { TargetHealthDescriptions } = await balancing(region).send(new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn }));
  return (TargetHealthDescriptions ?? []).map(({ Target: target, TargetHealth }) => ({
    id: target?.Id ?? "",
    state: TargetHealth?.State ?? "unknown",
  }));
}
