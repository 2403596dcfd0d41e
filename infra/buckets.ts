/** The function that carries buckets to another provider, and what its role may do: deployed and granted only where the plan has any. */
import type { Plan } from "../core/plan/schema.ts";
import { type Json, sub } from "./cloudformation.ts";
import { through } from "./keys.ts";
import { allow, type Statement } from "./statement.ts";

export const BUCKET_FUNCTION = "bucket";

export const hasBuckets = ({ buckets = [] }: Plan): boolean => buckets.length > 0;

/** As serverless.yml has functions. It speaks to S3 and to the provider alone, so it stands in no network of yours. */
export const bucketFunctions = (plan: Plan, stack: string, code: string): Record<string, Json> =>
  hasBuckets(plan)
    ? {
        [BUCKET_FUNCTION]: {
          name: `${stack}-${BUCKET_FUNCTION}`,
          description: "Durable; carries what is new in a bucket to another provider",
          handler: `${code}/${BUCKET_FUNCTION}/index.handler`,
          role: "BucketRole",
          // Lambda's longest: what is not carried by then is carried by the next run. CPU comes with memory.
          timeout: 900,
          memorySize: 1024,
          package: { patterns: [`${code}/${BUCKET_FUNCTION}/**`] },
          durableConfig: { executionTimeout: 172_800, retentionPeriodInDays: 30 },
        },
      }
    : {};

const s3Arn = (rest: string): Json => sub(`arn:\${AWS::Partition}:s3:::${rest}`);

/** It reads, and nothing else; what leaves AWS does so by the provider's own credentials. */
export function bucketStatements({ buckets = [] }: Plan, secretArn: (secret: string) => Json): Statement[] {
  const keys = buckets.flatMap(({ kmsKeyId }) => kmsKeyId ?? []);
  return [
    allow(
      "ListWhatIsCarried",
      ["s3:ListBucket"],
      buckets.map(({ bucket }) => s3Arn(bucket)),
    ),
    allow(
      "ReadWhatIsCarried",
      ["s3:GetObject"],
      buckets.map(({ bucket }) => s3Arn(`${bucket}/*`)),
    ),
    ...(keys.length > 0
      ? [allow("OpenWhatIsCarried", ["kms:Decrypt"], [...new Set(keys)], through("s3", ...new Set(buckets.map(({ region }) => region))))]
      : []),
    allow(
      "EnterTheSecondProvider",
      ["secretsmanager:GetSecretValue"],
      [...new Set(buckets.map(({ offsite }) => offsite.secret))].map(secretArn),
    ),
  ];
}
