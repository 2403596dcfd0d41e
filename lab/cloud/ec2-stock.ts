/**
 * The one image Amazon offers in every region, so that there is something to start from, and how images are found.
 */
import { createHash } from "node:crypto";
import { idOf, refuse } from "./ec2-request.ts";
import { AMAZON, allAccounts, computeIn, type ImageRecord, type Place } from "./ec2-state.ts";
import type { World } from "./world.ts";

const NAME = "al2023-ami-2023.12.20261101.0-kernel-6.12-arm64";
const CREATED_AT = Date.UTC(2026, 10, 1);

/** Its id is the same in every lab. */
export function stockImageId(region: string): string {
  return `ami-0${createHash("sha256").update(region).digest("hex").slice(0, 16)}`;
}

/** Puts the region's stock image and its snapshot in place. */
export function stock(world: World, region: string): void {
  const { images, snapshots } = computeIn(world, { account: AMAZON, region });
  const id = stockImageId(region);
  if (images[id]) return;
  const snapshotId = id.replace("ami-", "snap-");
  snapshots[snapshotId] = {
    id: snapshotId,
    arn: `arn:aws:ec2:${region}::snapshot/${snapshotId}`,
    owner: AMAZON,
    region,
    volumeId: "vol-ffffffff",
    lineage: "amazon",
    sizeGiB: 8,
    description: "",
    startedAt: CREATED_AT,
    takesMs: 0,
    completedAt: CREATED_AT,
    content: NAME,
    state: "completed",
    sharedWith: ["all"],
    tags: [],
  };
  images[id] = {
    id,
    name: NAME,
    owner: AMAZON,
    description: "Amazon Linux 2023 AMI, as the lab has it",
    createdAt: CREATED_AT,
    rootDevice: "/dev/xvda",
    disks: [{ device: "/dev/xvda", snapshotId, sizeGiB: 8, volumeType: "gp3", deleteOnTermination: true }],
    public: true,
    state: "available",
    tags: [],
  };
}

/** The account's own images and everybody's public ones. */
export function visibleImages(world: World, { account, region }: Place): ImageRecord[] {
  stock(world, region);
  return Object.values(allAccounts(world))
    .flatMap((regions) => Object.values(regions[region]?.images ?? {}))
    .filter((image) => image.public || image.owner === account);
}

export function findImage(world: World, place: Place, id: unknown): ImageRecord {
  if (!id) throw refuse("MissingParameter", "The request must contain the parameter ImageId");
  const wanted = idOf("ami", id, "imageId");
  const found = visibleImages(world, place).find((image) => image.id === wanted);
  if (!found) throw refuse("InvalidAMIID.NotFound", `The image id '[${id}]' does not exist`);
  return found;
}
