/** What KMS says of a key. Nothing decides here. */
import { DescribeKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import type { KeyFacts } from "../core/key-findings.ts";
import { CLIENT_SETTINGS, perRegion, type Where } from "./clients.ts";
import { isCode } from "./errors.ts";

const kms = perRegion<KMSClient, Where>((region, leave) => new KMSClient({ region, ...CLIENT_SETTINGS, ...leave }));

/** By id, ARN or alias; null: there is none there. */
export async function describeKey(where: Where, key: string): Promise<KeyFacts | null> {
  try {
    const { KeyMetadata } = await kms(where).send(new DescribeKeyCommand({ KeyId: key }));
    return { arn: KeyMetadata?.Arn ?? key, state: KeyMetadata?.KeyState ?? "unknown", managedByAws: KeyMetadata?.KeyManager === "AWS" };
  } catch (error) {
    if (isCode(error, "NotFoundException")) return null;
    throw error;
  }
}
