/** The whole script, in the order it is told: every story at once, each from top to bottom. */
import type { Story } from "../story.ts";
import { CLOUDWATCH } from "./cloudwatch.ts";
import { EC2 } from "./ec2.ts";
import { EVENTBRIDGE } from "./eventbridge.ts";
import { IDENTITY } from "./identity.ts";
import { RDS } from "./rds.ts";
import { RDS_CLUSTERS } from "./rds-clusters.ts";
import { ROUTE53 } from "./route53.ts";
import { S3 } from "./s3.ts";
import { SNS } from "./sns.ts";

export const STORIES: readonly Story[] = [
  ...RDS,
  ...RDS_CLUSTERS,
  ...S3,
  ...SNS,
  ...ROUTE53,
  ...CLOUDWATCH,
  ...EVENTBRIDGE,
  ...EC2,
  ...IDENTITY,
];
