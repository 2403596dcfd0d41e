/** What an account has in a region: EC2 instances, EBS volumes, S3 buckets. For a look that nobody waits for. Nothing decides here. */
import { DescribeInstancesCommand, DescribeVolumesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { GetBucketVersioningCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import type { ListedBucket, ListedMachine, ListedVolume } from "../core/unprotected.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";
import { isCode } from "./errors.ts";
import { gently, pagesOf } from "./gently.ts";
import { tagsOf } from "./tags.ts";

const ec2 = perRegion((region) => new EC2Client({ region, ...CLIENT_SETTINGS }));
const s3 = perRegion((region) => new S3Client({ region, ...CLIENT_SETTINGS }));

const MaxResults = 1000;
const ALIVE = { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] };

/** One call a page of a thousand. */
export async function listMachines(region: string): Promise<ListedMachine[]> {
  const found: ListedMachine[] = [];
  const ask = (NextToken?: string) => ec2(region).send(new DescribeInstancesCommand({ Filters: [ALIVE], MaxResults, NextToken }));
  for await (const { Reservations = [] } of pagesOf(region, ask, ({ NextToken }) => NextToken))
    for (const { InstanceId = "", Tags } of Reservations.flatMap(({ Instances }) => Instances ?? [])) {
      const tags = tagsOf(Tags);
      found.push({ id: InstanceId, region, called: tags.Name || null, group: tags["aws:autoscaling:groupName"] ?? null });
    }
  return found;
}

/** One call a page of a thousand. */
export async function listVolumes(region: string): Promise<ListedVolume[]> {
  const found: ListedVolume[] = [];
  const ask = (NextToken?: string) => ec2(region).send(new DescribeVolumesCommand({ MaxResults, NextToken }));
  for await (const { Volumes = [] } of pagesOf(region, ask, ({ NextToken }) => NextToken))
    for (const { VolumeId = "", Size = 0, Attachments } of Volumes)
      found.push({ id: VolumeId, region, sizeGiB: Size, instance: Attachments?.[0]?.InstanceId ?? null });
  return found;
}

/** One call a page of a thousand, and one a bucket. */
export async function listBuckets(region: string): Promise<ListedBucket[]> {
  const names: string[] = [];
  const ask = (ContinuationToken?: string) =>
    s3(region).send(new ListBucketsCommand({ BucketRegion: region, MaxBuckets: MaxResults, ContinuationToken }));
  for await (const { Buckets = [] } of pagesOf(region, ask, ({ ContinuationToken }) => ContinuationToken))
    names.push(...Buckets.flatMap(({ Name }) => Name ?? []));
  const found: ListedBucket[] = [];
  for (const name of names) {
    const versioned = await gently(region, () => isVersioned(region, name));
    if (versioned !== null) found.push({ name, region, versioned });
  }
  return found;
}

/** null: it is gone by now, or its own policy lets nobody ask. */
async function isVersioned(region: string, Bucket: string): Promise<boolean | null> {
  try {
    return (await s3(region).send(new GetBucketVersioningCommand({ Bucket }))).Status === "Enabled";
  } catch (error) {
    if (!isCode(error, "NoSuchBucket", "AccessDenied")) throw error;
    console.error(JSON.stringify({ what: "bucket not looked at", bucket: Bucket, error: String(error) }));
    return null;
  }
}
