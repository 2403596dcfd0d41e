/** Says in another region that the dead man's check has looked, as a metric there. */
import { CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { OVERDUE_METRIC, OVERDUE_NAMESPACE } from "../core/overdue.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const cloudwatch = perRegion((region) => new CloudWatchClient({ region, ...CLIENT_SETTINGS }));

export async function putLooked(region: string, plan: string, atMs: number): Promise<void> {
  const MetricData = [{ MetricName: OVERDUE_METRIC, Dimensions: [{ Name: "Plan", Value: plan }], Timestamp: new Date(atMs), Value: 1 }];
  await cloudwatch(region).send(new PutMetricDataCommand({ Namespace: OVERDUE_NAMESPACE, MetricData }));
}
