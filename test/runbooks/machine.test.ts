import { expect, test } from "vitest";
import type { SetNote } from "../../core/machine-note.ts";
import { volumeOf } from "../../core/machine-set.ts";
import { waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { instead } from "./bench.ts";
import { AWAY, ec2, HOME, machineBench, members, note, runMachine, volumes, WEB } from "./machine-bench.ts";

const open = machineBench();

test("a machine's volumes are taken together, copied to the other region, noted with what it takes to build it anew, and told (R7)", async () => {
  const slot = "20261121t0600";
  const { status, result, steps } = await runMachine(slot);
  expect(status).toBe("SUCCEEDED");
  expect(result, result.sentence).toMatchObject({ outcome: "completed", snapshot: `web-1-${slot}` });
  expect(steps).toEqual([
    "see the machine",
    "the snapshots have started",
    "note the set",
    "every snapshot is completed",
    "every copy has started",
    "note the copies",
    "every copy is completed",
    "note that it is whole",
    "tell of the backup",
  ]);
  const own = Object.values(await volumes(open()));
  expect(own).toHaveLength(2);
  const [here, there] = [await members(slot), await members(slot, AWAY)];
  for (const found of [here, there]) {
    expect(found.map(({ status: state }) => state)).toEqual(["completed", "completed"]);
    expect(found.map(volumeOf).sort()).toEqual(own.toSorted());
    for (const { tags } of found)
      expect(tags).toMatchObject({ Name: "web-1", "understudy:plan": "corner-shop", "understudy:machine": "web-1" });
  }
  expect(there.every(({ encrypted }) => encrypted)).toBe(true);
  const kept = await note<SetNote>(open(), slot);
  expect(kept).toMatchObject({
    whole: true,
    shape: {
      instance: WEB,
      type: "t4g.small",
      imageId: expect.stringMatching(/^ami-/),
      subnetId: expect.stringMatching(/^subnet-/),
      securityGroups: [expect.stringMatching(/^sg-/)],
      profileArn: expect.stringContaining("instance-profile/web-1"),
      disks: [
        { device: "/dev/sdf", sizeGiB: 40, type: "gp3" },
        { device: "/dev/xvda", sizeGiB: 8, type: "gp3" },
      ],
    },
  });
  expect(kept?.places[AWAY]?.map(({ id }) => id).sort()).toEqual(there.map(({ id }) => id).sort());
  expect(open().news.at(-1)).toMatchObject({ kind: "Backup Completed", database: "web-1" });
});

test("the same slot started twice makes one set (R3)", async () => {
  const slot = "20261121t0600";
  const before = await members();
  const { result } = await runMachine(slot);
  expect(result.outcome).toBe("completed");
  expect((await members()).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
});

test("the reply to CreateSnapshots is lost: there is one set", async () => {
  const slot = "20261121t0700";
  let calls = 0;
  const restore = instead(open().lab, "ec2", "CreateSnapshots", (before) => async (input) => {
    calls++;
    await before(input);
    throw new ServiceError("InternalError", "the reply never came", 500);
  });
  const { result } = await runMachine(slot);
  restore();
  expect(result.outcome, result.sentence).toBe("completed");
  expect({ calls, snapshots: (await members(slot)).length }).toEqual({ calls: 1, snapshots: 2 });
});

test("the reply is lost, and EBS lists what it made only later: nobody asks a second time meanwhile", async () => {
  const slot = "20261121t0800";
  let calls = 0;
  let unseen = 4;
  const { lab } = open();
  const lost = instead(lab, "ec2", "CreateSnapshots", (before) => async (input) => {
    calls++;
    await before(input);
    throw new ServiceError("InternalError", "the reply never came", 500);
  });
  const later = instead(
    lab,
    "ec2",
    "DescribeSnapshots",
    (before) => (input) => (calls > 0 && unseen-- > 0 ? { Snapshots: [] } : before(input)),
  );
  const { result } = await runMachine(slot);
  later();
  lost();
  expect(result.outcome, result.sentence).toBe("completed");
  expect({ calls, snapshots: (await members(slot)).length }).toEqual({ calls: 1, snapshots: 2 });
});

test("the replies to CopySnapshot are lost: there is one copy of each", async () => {
  const slot = "20261121t0900";
  const restore = instead(open().lab, "ec2", "CopySnapshot", (before) => async (input) => {
    await before(input);
    throw new ServiceError("InternalError", "the reply never came", 500);
  });
  const { result } = await runMachine(slot);
  restore();
  expect(result.outcome, result.sentence).toBe("completed");
  expect(await members(slot, AWAY)).toHaveLength(2);
});

test("too many copies are in flight: it waits its turn, and is no failure (R10)", async () => {
  let refusals = 3;
  const restore = instead(open().lab, "ec2", "CopySnapshot", (before) => (input) => {
    if (refusals-- > 0) throw new ServiceError("ResourceLimitExceeded", "Too many snapshot copies in progress.", 400);
    return before(input);
  });
  const { result } = await runMachine("20261121t1000");
  restore();
  expect(result.outcome, result.sentence).toBe("completed");
  expect(refusals).toBeLessThan(0);
});

test("one volume's snapshot fails: the whole set counts as failed, nothing of it is copied, and people are told (R7)", async () => {
  const slot = "20261121t1100";
  const { "/dev/sdf": data } = await volumes(open());
  await ec2(open(), "LabFailVolume", { VolumeId: data });
  const { result } = await runMachine(slot);
  await ec2(open(), "LabFailVolume", { VolumeId: data, failing: false });
  expect(result).toMatchObject({
    outcome: "failed",
    sentence: expect.stringContaining("in eu-central-1 the set counts as failed, for EBS reports"),
  });
  expect(await members(slot, AWAY)).toEqual([]);
  expect(open().news.at(-1)).toMatchObject({ kind: "Backup Failed", database: "web-1" });
  // It is noted all the same, so that it can be deleted one day.
  expect(await note(open(), slot)).toMatchObject({ whole: false, places: { [HOME]: [{}, {}] } });
});

test("somebody deletes one member while the set is being made: it is short of a volume, and has failed (R7)", async () => {
  const restore = instead(open().lab, "ec2", "CreateSnapshots", (before) => async (input) => {
    const made = (await before(input)) as { Snapshots: { SnapshotId: string; VolumeId: string }[] };
    await ec2(open(), "DeleteSnapshot", { SnapshotId: made.Snapshots[0]?.SnapshotId });
    return made;
  });
  const { result } = await runMachine("20261121t1200");
  restore();
  const own = Object.values(await volumes(open()));
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("there is no snapshot of vol-") });
  expect(own.some((volume) => result.sentence.includes(volume))).toBe(true);
});

test("the copy ends in error, for its key: the set is told to be in one region alone (R13)", async () => {
  const restore = instead(open().lab, "ec2", "CopySnapshot", (before) => (input) => {
    const KmsKeyId = `arn:aws:kms:${AWAY}:111122223333:key/00000000-0000-4000-8000-000000000000`;
    return before({ ...(input as object), KmsKeyId });
  });
  const { result } = await runMachine("20261121t1300");
  restore();
  expect(result).toMatchObject({
    outcome: "failed",
    sentence: expect.stringMatching(/is in eu-central-1 alone, for its copy to eu-west-1 failed: .*Given key ID is not accessible/),
  });
});

test("the role may not: told at once, with EC2's own words", async () => {
  const restore = instead(open().lab, "ec2", "CreateSnapshots", () => () => {
    throw new ServiceError("UnauthorizedOperation", "You are not authorized to perform this operation.", 403);
  });
  const { result } = await runMachine("20261121t1400");
  restore();
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("You are not authorized") });
});

test("the instance was terminated: people are told to name the one that took its place", async () => {
  await ec2(open(), "TerminateInstances", { InstanceIds: [WEB] });
  await waitFor("its end", 20_000, async () => Object.keys(await volumes(open())).length === 0);
  const { result } = await runMachine("20261121t1500");
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining(`${WEB}, the plan's machine web-1, is `) });
  expect(open().news.at(-1)?.kind).toBe("Backup Failed");
});
