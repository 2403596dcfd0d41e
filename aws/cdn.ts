/** Invalidations of a CloudFront distribution. CloudFront is global; its API is signed for us-east-1. */
import { CloudFrontClient, CreateInvalidationCommand, GetInvalidationCommand } from "@aws-sdk/client-cloudfront";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const cloudfront = perRegion((region) => new CloudFrontClient({ region, ...CLIENT_SETTINGS }));
const REGION = "us-east-1";

/** The same reference and paths again is the same invalidation (CloudFront API reference, InvalidationBatch). Returns its id. */
export async function invalidate(distributionId: string, paths: readonly string[], reference: string): Promise<string> {
  const { Invalidation } = await cloudfront(REGION).send(
    new CreateInvalidationCommand({
      DistributionId: distributionId,
      InvalidationBatch: { CallerReference: reference, Paths: { Quantity: paths.length, Items: [...paths] } },
    }),
  );
  return Invalidation?.Id ?? "";
}

/** "InProgress" or "Completed". */
export async function invalidationStatus(distributionId: string, id: string): Promise<string> {
  const { Invalidation } = await cloudfront(REGION).send(new GetInvalidationCommand({ DistributionId: distributionId, Id: id }));
  return Invalidation?.Status ?? "unknown";
}
