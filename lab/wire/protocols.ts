/**
 * The services the wire can speak, by the name that stands in a signature's credential scope.
 * Only what a service speaks; what it does is registered with the World.
 */
import * as autoscaling from "@aws-sdk/client-auto-scaling";
import * as cloudformation from "@aws-sdk/client-cloudformation";
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import * as ec2 from "@aws-sdk/client-ec2";
import * as eventbridge from "@aws-sdk/client-eventbridge";
import * as kms from "@aws-sdk/client-kms";
import * as lambda from "@aws-sdk/client-lambda";
import * as rds from "@aws-sdk/client-rds";
import * as route53 from "@aws-sdk/client-route-53";
import * as s3 from "@aws-sdk/client-s3";
import * as scheduler from "@aws-sdk/client-scheduler";
import * as secretsmanager from "@aws-sdk/client-secrets-manager";
import * as sns from "@aws-sdk/client-sns";
import * as ssm from "@aws-sdk/client-ssm";
import * as sts from "@aws-sdk/client-sts";
import { Codec, type CodecOptions } from "./codec.ts";

const PROTOCOLS: Record<string, CodecOptions> = {
  rds: { module: rds, protocol: "query", xmlNamespace: "http://rds.amazonaws.com/doc/2014-10-31/" },
  sns: { module: sns, protocol: "query", xmlNamespace: "http://sns.amazonaws.com/doc/2010-03-31/" },
  sts: { module: sts, protocol: "query", xmlNamespace: "https://sts.amazonaws.com/doc/2011-06-15/" },
  ec2: { module: ec2, protocol: "ec2", xmlNamespace: "http://ec2.amazonaws.com/doc/2016-11-15/" },
  autoscaling: { module: autoscaling, protocol: "query", xmlNamespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/" },
  s3: { module: s3, protocol: "restXml", xmlNamespace: "http://s3.amazonaws.com/doc/2006-03-01/", s3: true },
  route53: { module: route53, protocol: "restXml", xmlNamespace: "https://route53.amazonaws.com/doc/2013-04-01/" },
  monitoring: {
    module: cloudwatch,
    protocol: "json1.0",
    xmlNamespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
    queryCompatible: true,
  },
  cloudformation: { module: cloudformation, protocol: "query", xmlNamespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/" },
  events: { module: eventbridge, protocol: "json1.1" },
  secretsmanager: { module: secretsmanager, protocol: "json1.1" },
  kms: { module: kms, protocol: "json1.1" },
  ssm: { module: ssm, protocol: "json1.1" },
  lambda: { module: lambda, protocol: "restJson" },
  scheduler: { module: scheduler, protocol: "restJson" },
};

const built = new Map<string, Codec>();

/** The codec of a service, or undefined when the lab does not speak for it. */
export function codecFor(service: string): Codec | undefined {
  const options = PROTOCOLS[service];
  if (!options) return undefined;
  const codec = built.get(service) ?? new Codec(options);
  built.set(service, codec);
  return codec;
}
