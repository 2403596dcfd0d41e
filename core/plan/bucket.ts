/** The plan's section about buckets whose objects are carried to another provider. */
import * as z from "zod/mini";
import { databaseKey, described, matching, region, section } from "./forms.ts";
import { provider } from "./provider.ts";

const bucket = section({
  name: described(databaseKey, "What people call it, and what its mails are headed by: no database's and no machine's name."),
  bucket: described(
    matching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of an S3 bucket, like "corner-shop-uploads"'),
    "The S3 bucket of this account. The newest version of each object is carried.",
  ),
  region: described(region, "The region it lies in."),
  kmsKeyId: z.optional(
    described(
      matching(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/.+$/, "expected the ARN of a KMS key"),
      "Key its objects are encrypted under, when that is one of your own: whoever reads them must be let use it.",
    ),
  ),
  offsite: described(section(provider), "Where its objects go. What is there already is not sent again."),
});

export const buckets = z.optional(
  described(
    z.array(bucket, { error: "expected a list of buckets" }),
    "S3 buckets (of uploads, of configuration, of deployment artefacts, of repositories' bundles) whose objects are carried to another provider, sealed.",
  ),
);

export type BucketPlan = z.infer<typeof bucket>;
