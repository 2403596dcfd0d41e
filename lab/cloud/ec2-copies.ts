// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Copies of EBS snapshots, asked for where they shall be. Unlike RDS, an encrypted source needs no key named, and a key that cannot be used,
 * or not in the caller's name, is not refused: the copy ends in error, with the reason in StateMessage.
 */
import { snapshotEvent } from "./ec2-events.ts";
import { refuse, specifiedTags } from "./ec2-request.ts";
import { settle, stands, told } from "./ec2-snapshots.ts";
import { computeIn, type Place, restorableSnapshot, restorableSnapshots, type SnapshotRecord } from "./ec2-state.ts";
import { keyFor } from "./ec2-volumes.ts";
import { refusalOf } from "./kms-callers.ts";
import { keyUsable } from "./kms-keys.ts";
import type { Caller, Operation, World } from "./world.ts";

/** Copies that one region takes at a time. */
const AT_A_TIME = 20;
const NO_VOLUME = "vol-ffffffff";
/** What the caller needs on a customer's key (EBS User Guide, permissions for encryption): where it is read, and where it is written. */
const ON_BOTH = ["kms:DescribeKey", "kms:CreateGrant"];
const TO_READ = [...ON_BOTH, "kms:Decrypt", "kms:ReEncryptFrom"];
const TO_WRITE = [...ON_BOTH, "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptTo"];

export function copyOperations(world: World): Record<string, Operation> {
  return {
    async CopySnapshot(input, caller) {
      const { SourceRegion, SourceSnapshotId, DestinationRegion, CompletionDurationMinutes } = input;
      if (DestinationRegion && DestinationRegion !== caller.region)
        throw refuse(
          "InvalidParameterValue",
          `Invalid destination region: ${DestinationRegion}. A copy is asked for in its own region; this is ${caller.region}.`,
        );
      if (CompletionDurationMinutes !== undefined && !isDuration(CompletionDurationMinutes))
        throw refuse(
          "InvalidParameterValue",
          `Invalid completion duration ${CompletionDurationMinutes}: expected 15 to 2880 minutes, in steps of 15.`,
        );
      const source = restorableSnapshot(world, { ...caller, region: SourceRegion }, SourceSnapshotId, "sourceSnapshotId");
      if (source.kmsKeyArn && input.Encrypted === false)
        throw refuse(
          "InvalidParameterValue",
          `${source.id} is encrypted: its copy cannot be unencrypted. Leave Encrypted out or set it to true.`,
        );
      // Not the source's key: that one belongs to the source's region.
      const Encrypted = input.Encrypted === true || source.kmsKeyArn !== undefined;
      const kmsKeyArn = keyFor(world, caller, { Encrypted, KmsKeyId: input.KmsKeyId });
      const closed =
        (await isClosed(world, caller, SourceRegion, source.kmsKeyArn, TO_READ)) ||
        (await isClosed(world, caller, caller.region, kmsKeyArn, TO_WRITE));
      const { snapshots } = computeIn(world, caller);
      if (Object.values(snapshots).filter((each) => each.copy && each.state === "pending").length >= AT_A_TIME)
        throw refuse(
          "ResourceLimitExceeded",
          `Too many snapshot copies in progress. The limit is ${AT_A_TIME} for this destination region.`,
        );
      const tags = specifiedTags(input, "snapshot");
      const id = `snap-0${world.id(16)}`;
      const copy: SnapshotRecord = {
        id,
        arn: `arn:aws:ec2:${caller.region}::snapshot/${id}`,
        owner: caller.account,
        region: caller.region,
        volumeId: NO_VOLUME,
        lineage: source.lineage,
        sizeGiB: source.sizeGiB,
        description: input.Description ?? "",
        startedAt: world.now(),
        takesMs: world.timings.copyMs,
        content: source.content,
        copy: {
          fromRegion: SourceRegion,
          fromId: source.id,
          incremental: isIncremental(world, caller, source, kmsKeyArn),
          durationMinutes: CompletionDurationMinutes,
          closed,
        },
        kmsKeyArn,
        state: "pending",
        sharedWith: [],
        tags,
      };
      snapshots[id] = copy;
      lastCopies(world, caller)[source.lineage] = { id, kmsKeyArn };
      told(world, copy, `is a copy of ${source.id} (${SourceRegion}) under way`);
      finishCopyLater(world, copy);
      return { SnapshotId: id, Tags: tags.length > 0 ? tags : undefined };
    },
  };
}

export function finishCopyLater(world: World, copy: SnapshotRecord): void {
  world.later(copy.startedAt + copy.takesMs - world.now(), `the copy ${copy.id}`, () => {
    if (!stands(world, copy)) return;
    const failure = whyItFails(world, copy);
    settle(world, copy, failure);
    snapshotEvent(world, copy, failure);
  });
}

/** Only now are the source and the keys of both sides looked at: the call that asked for the copy has long been answered. */
function whyItFails(world: World, { owner, region, copy, kmsKeyArn }: SnapshotRecord): string | undefined {
  if (!copy) return undefined;
  const NOT_ACCESSIBLE = "Given key ID is not accessible";
  if (copy.closed) return NOT_ACCESSIBLE;
  const source = restorableSnapshots(world, { account: owner, region: copy.fromRegion }).find(({ id }) => id === copy.fromId);
  if (!source) return "Source snapshot ID is not valid";
  const keys = [
    [copy.fromRegion, source.kmsKeyArn],
    [region, kmsKeyArn],
  ] as const;
  const closed = keys.some(([where, arn]) => arn !== undefined && !keyUsable(world, where, arn, owner).usable);
  return closed ? NOT_ACCESSIBLE : undefined;
}

/** A key that is there, and that the caller may not use. */
async function isClosed(world: World, caller: Caller, region: string, arn: string | undefined, actions: string[]): Promise<boolean> {
  if (!arn || !keyUsable(world, region, arn, caller.account).usable) return false;
  return (await refusalOf(world, caller, { service: "ec2", region, arn, actions })) !== null;
}

function isDuration(minutes: number): boolean {
  return Number.isInteger(minutes / 15) && minutes >= 15 && minutes <= 2880;
}

type LastCopies = Record<string, { id: string; kmsKeyArn?: string }>;

/** By lineage: the newest copy a region was given, deleted or not. */
function lastCopies(world: World, { account, region }: Place): LastCopies {
  const all = world.state<Record<string, LastCopies>>("ec2-last-copies", () => ({}));
  all[`${account} ${region}`] ??= {};
  return all[`${account} ${region}`] as LastCopies;
}

/** The first copy to a region is full, and so is one with another key, and one after the newest copy was deleted. */
function isIncremental(world: World, place: Place, source: SnapshotRecord, kmsKeyArn: string | undefined): boolean {
  if (source.region === place.region && source.kmsKeyArn === kmsKeyArn) return true;
  const last = lastCopies(world, place)[source.lineage];
  return last !== undefined && last.kmsKeyArn === kmsKeyArn && computeIn(world, place).snapshots[last.id]?.state === "completed";
}
