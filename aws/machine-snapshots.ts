/**
 * The EBS snapshots of a machine's volumes: listed by their tags, taken together, copied, deleted. Nothing decides here. EBS takes no token
 * that would make a call count once, so what makes something is sent once and never tried again by itself: whoever had no reply looks first.
 */
import {
  CopySnapshotCommand,
  CreateSnapshotsCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  type Snapshot,
} from "@aws-sdk/client-ec2";
import type { Member } from "../core/machine-set.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";
import { isCode } from "./errors.ts";
import { gently, pagesOf } from "./gently.ts";
import { tagList, tagsOf } from "./tags.ts";

const ec2 = perRegion((region) => new EC2Client({ region, ...CLIENT_SETTINGS }));
const once = perRegion((region) => new EC2Client({ region, ...CLIENT_SETTINGS, maxAttempts: 1 }));

/** The account's own snapshots that bear all of these tags: one call a page of a thousand, which may be empty and not the last. */
export async function listMembers(region: string, tags: Readonly<Record<string, string>>): Promise<Member[]> {
  const Filters = Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
  const found: Member[] = [];
  const ask = (NextToken?: string) =>
    ec2(region).send(new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters, MaxResults: 1000, NextToken }));
  for await (const { Snapshots = [] } of pagesOf(region, ask, ({ NextToken }) => NextToken))
    found.push(...Snapshots.map((snapshot) => memberOf(region, snapshot)));
  return found;
}

const memberOf = (region: string, snapshot: Snapshot): Member => ({
  id: snapshot.SnapshotId ?? "",
  region,
  status: snapshot.State ?? "unknown",
  reason: snapshot.StateMessage ?? null,
  startedAtMs: snapshot.StartTime?.getTime() ?? 0,
  volumeId: snapshot.VolumeId ?? "",
  sizeGiB: snapshot.VolumeSize ?? 0,
  encrypted: snapshot.Encrypted ?? false,
  kmsKeyId: snapshot.KmsKeyId ?? null,
  tags: tagsOf(snapshot.Tags),
});

/** Of all volumes of the instance, as they are at one moment; each snapshot gets its volume's tags and these. */
export async function createSet(region: string, instance: string, description: string, tags: Record<string, string>): Promise<void> {
  await once(region).send(
    new CreateSnapshotsCommand({
      InstanceSpecification: { InstanceId: instance, ExcludeBootVolume: false },
      Description: description,
      CopyTagsFromSource: "volume",
      TagSpecifications: [{ ResourceType: "snapshot", Tags: tagList(tags) }],
    }),
  );
}

/** Runs in the destination region. Always encrypted: under the key, or under EBS's own of that region (CopySnapshot). */
export async function copyMember(
  toRegion: string,
  { id, region }: Pick<Member, "id" | "region">,
  tags: Record<string, string>,
  kmsKeyId?: string,
): Promise<void> {
  await once(toRegion).send(
    new CopySnapshotCommand({
      SourceRegion: region,
      SourceSnapshotId: id,
      Description: `Copy of ${id} from ${region}`,
      Encrypted: true,
      KmsKeyId: kmsKeyId,
      TagSpecifications: [{ ResourceType: "snapshot", Tags: tagList(tags) }],
    }),
  );
}

/** false: EBS does not take it now, as an image is made of it. One that is gone already is deleted. */
export async function deleteMember(region: string, id: string): Promise<boolean> {
  try {
    await gently(region, () => ec2(region).send(new DeleteSnapshotCommand({ SnapshotId: id })));
    return true;
  } catch (error) {
    if (isCode(error, "InvalidSnapshot.NotFound")) return true;
    if (isCode(error, "InvalidSnapshot.InUse", "IncorrectState")) return false;
    throw error;
  }
}
