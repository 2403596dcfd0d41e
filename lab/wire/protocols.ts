// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The services the wire can speak, by the name that stands in a signature's credential scope.
 * Only what a service speaks; what it does is registered with the World. A client's module is loaded when its service is first
 * spoken to: all of them take longer to load than everything else of the lab.
 */
import { createRequire } from "node:module";
import { Codec, type CodecOptions } from "./codec.ts";

const load = createRequire(import.meta.url);

interface Spoken extends Omit<CodecOptions, "module"> {
  /** The SDK's client for it. */
  readonly client: string;
}

const PROTOCOLS: Record<string, Spoken> = {
  rds: { client: "rds", protocol: "query", xmlNamespace: "http://rds.amazonaws.com/doc/2014-10-31/" },
  sns: { client: "sns", protocol: "query", xmlNamespace: "http://sns.amazonaws.com/doc/2010-03-31/" },
  sts: { client: "sts", protocol: "query", xmlNamespace: "https://sts.amazonaws.com/doc/2011-06-15/" },
  ec2: { client: "ec2", protocol: "ec2", xmlNamespace: "http://ec2.amazonaws.com/doc/2016-11-15/" },
  autoscaling: { client: "auto-scaling", protocol: "query", xmlNamespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/" },
  elasticloadbalancing: {
    client: "elastic-load-balancing-v2",
    protocol: "query",
    xmlNamespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
  },
  cloudfront: { client: "cloudfront", protocol: "restXml", xmlNamespace: "http://cloudfront.amazonaws.com/doc/2020-05-31/" },
  s3: { client: "s3", protocol: "restXml", xmlNamespace: "http://s3.amazonaws.com/doc/2006-03-01/", s3: true },
  route53: { client: "route-53", protocol: "restXml", xmlNamespace: "https://route53.amazonaws.com/doc/2013-04-01/" },
  monitoring: {
    client: "cloudwatch",
    protocol: "json1.0",
    xmlNamespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
    queryCompatible: true,
  },
  cloudformation: { client: "cloudformation", protocol: "query", xmlNamespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/" },
  events: { client: "eventbridge", protocol: "json1.1" },
  secretsmanager: { client: "secrets-manager", protocol: "json1.1" },
  kms: { client: "kms", protocol: "json1.1" },
  ssm: { client: "ssm", protocol: "json1.1" },
  lambda: { client: "lambda", protocol: "restJson" },
  scheduler: { client: "scheduler", protocol: "restJson" },
};

const built = new Map<string, Codec>();

/** The codec of a service, or undefined when the lab does not speak for it. */
export function codecFor(service: string): Codec | undefined {
  const spoken = PROTOCOLS[service];
  if (!spoken) return undefined;
  const codec = built.get(service) ?? new Codec({ ...spoken, module: load(`@aws-sdk/client-${spoken.client}`) as Record<string, any> });
  built.set(service, codec);
  return codec;
}
