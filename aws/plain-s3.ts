/**
 * Where a plain bucket is: stands in for the S3 client's own endpoint rules in the bundles (infra/slim-sdk.ts), whose 18 KB are for access
 * points, Outposts, directory buckets and acceleration. Refuses those by name. test/unit/plain-s3.test.ts holds it against the SDK's.
 */
import { awsEndpointFunctions } from "@aws-sdk/core/client";

export interface S3Place {
  readonly Bucket?: string | undefined;
  readonly Region?: string | undefined;
  readonly Endpoint?: string | undefined;
  readonly UseFIPS?: boolean | undefined;
  readonly UseDualStack?: boolean | undefined;
  readonly ForcePathStyle?: boolean | undefined;
}

/** Lower case, one label, and none of the endings S3 keeps for other kinds (S3 User Guide, bucket naming rules). */
const PLAIN = /^(?!.*(--x-s3|--op-s3|-s3alias|--ol-s3|--table-s3)$)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const ADDRESS = /^(\d+\.\d+\.\d+\.\d+|\[.*\])$/;

export function defaultEndpointResolver({ Bucket, Region, Endpoint, UseFIPS, UseDualStack, ForcePathStyle }: S3Place) {
  if (!Bucket || !PLAIN.test(Bucket) || !Region)
    throw new Error(`"${Bucket}" in "${Region}" is no plain bucket: what reaches others is left out of this bundle (aws/plain-s3.ts)`);
  const partition = awsEndpointFunctions.partition?.(Region) as { dnsSuffix: string };
  const suffix = `${UseDualStack ? "dualstack." : ""}${Region}.${partition.dnsSuffix}`;
  const base = new URL(Endpoint ?? `https://s3${UseFIPS ? "-fips" : ""}.${suffix}`);
  if (ForcePathStyle || ADDRESS.test(base.hostname)) base.pathname = `${base.pathname.replace(/\/?$/, "/")}${Bucket}`;
  else base.hostname = `${Bucket}.${base.hostname}`;
  const authSchemes = [{ disableDoubleEncoding: true, name: "sigv4", signingName: "s3", signingRegion: Region }];
  return { url: base, properties: { authSchemes }, headers: {} };
}
