/** What the latch says to Route 53's health checks: a metric in the recovery region, put through CloudWatch's data plane there. */
import { CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { type Bit, LATCH_METRIC, LATCH_NAMESPACE, latchDimensions } from "../core/latch.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const cloudwatch = perRegion((region) => new CloudWatchClient({ region, ...CLIENT_SETTINGS }));

/** All nodes in one call. `asOfMs` dates the values: what was read earlier never counts for a later minute, however late it arrives. */
export async function putBits(region: string, plan: string, database: string, bits: readonly Bit[], asOfMs: number): Promise<void> {
  await cloudwatch(region).send(
    new PutMetricDataCommand({
      Namespace: LATCH_NAMESPACE,
      MetricData: bits.map((bit, node) => ({
        MetricName: LATCH_METRIC,
        Dimensions: latchDimensions(plan, database, node),
        Timestamp: new Date(asOfMs),
        Value: bit,
        StorageResolution: 60,
      })),
    }),
  );
}
