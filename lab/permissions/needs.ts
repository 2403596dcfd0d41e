/**
 * What each operation of each service needs, by the service's name in a signature. An operation that does not stand here is
 * refused to every role: nothing slips through.
 */
import type { WireCall } from "../wire/server.ts";
import type { At, Need, Needs } from "./need.ts";
import { ec2 } from "./needs-ec2.ts";
import { autoscaling, scheduler } from "./needs-fleets.ts";
import { kms, secretsmanager, ssm } from "./needs-keys.ts";
import { lambda } from "./needs-lambda.ts";
import { events, monitoring, route53, sns, sts } from "./needs-others.ts";
import { rds } from "./needs-rds.ts";
import { rdsClusters } from "./needs-rds-clusters.ts";
import { s3 } from "./needs-s3.ts";
import { cloudfront, elasticloadbalancing } from "./needs-sites.ts";

export const NEEDS: Readonly<Record<string, Readonly<Record<string, Needs>>>> = {
  rds: { ...rds, ...rdsClusters },
  s3,
  lambda,
  route53,
  sns,
  events,
  secretsmanager,
  monitoring,
  ec2,
  autoscaling,
  elasticloadbalancing,
  cloudfront,
  kms,
  ssm,
  scheduler,
  sts,
};

/** Undefined when the lab does not know what the operation needs. */
export function needsOf(call: Omit<WireCall, "caller">, at: At): Need[] | undefined {
  return NEEDS[call.service]?.[call.operation]?.(call.input, at);
}
