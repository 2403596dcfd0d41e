import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { expect, test } from "vitest";
import { ServiceError } from "../../lab/wire/errors.ts";
import { instead } from "./bench.ts";
import { AWAY, ec2, HOME, machineBench, members, runMachine, slotsIn, volumes } from "./machine-bench.ts";

const open = machineBench(", keep: { last: 2, floor: 1 }");

async function retained() {
  const { retainMachines } = await import("../../runbooks/retain-machines.ts");
  const { readSettings } = await import("../../runbooks/settings.ts");
  const [web] = await retainMachines(readSettings());
  if (!web) throw new Error("nobody looked at the machine's sets");
  return web;
}

const troubles = () => open().news.filter(({ kind, database }) => kind === "Backup Trouble" && database === "web-1");

test("a third set comes: the oldest goes whole from both regions, and what Understudy did not make or note stays (R7, R29)", async () => {
  for (const slot of ["20261121t0000", "20261121t0100"]) await runMachine(slot);
  expect(await retained()).toMatchObject({ points: 2, deleted: { [HOME]: [], [AWAY]: [] }, findings: [] });
  const { "/dev/sdf": VolumeId } = await volumes(open());
  const byHand = await ec2(open(), "CreateSnapshot", { VolumeId });
  // Somebody's script gives its own the tags of a set.
  const [like] = await members("20261121t0000");
  const Tags = Object.entries(like?.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  const strange = await ec2(open(), "CopySnapshot", {
    SourceRegion: HOME,
    SourceSnapshotId: like?.id,
    TagSpecifications: [{ ResourceType: "snapshot", Tags }],
  });
  await runMachine("20261121t0200");
  const { deleted, findings } = await retained();
  expect(findings).toEqual([]);
  expect([deleted[HOME]?.length, deleted[AWAY]?.length]).toEqual([2, 2]);
  expect((await members()).map(({ id }) => id)).toEqual(expect.arrayContaining([byHand.SnapshotId, strange.SnapshotId]));
  expect(await slotsIn(AWAY)).toEqual(["20261121t0100", "20261121t0200"]);
  await ec2(open(), "DeleteSnapshot", { SnapshotId: strange.SnapshotId });
  await ec2(open(), "DeleteSnapshot", { SnapshotId: byHand.SnapshotId });
  await retained();
});

test("a prune is killed in the middle of a set: the next look deletes the rest, and calls nothing missing or incomplete", async () => {
  const { lab } = open();
  await runMachine("20261121t0300");
  let left = 1;
  const dies = instead(lab, "ec2", "DeleteSnapshot", (call) => (input) => {
    if (left-- > 0) return call(input);
    throw new ServiceError("InternalError", "the process dies here", 500);
  });
  await expect(retained()).rejects.toThrow("the process dies here");
  dies();
  expect(await members("20261121t0100")).toHaveLength(1);
  expect((await retained()).findings).toEqual([]);
  expect([await slotsIn(HOME), await slotsIn(AWAY)]).toEqual([
    ["20261121t0200", "20261121t0300"],
    ["20261121t0200", "20261121t0300"],
  ]);
  expect(troubles()).toEqual([]);
});

test("a region is dark: nothing is deleted anywhere, and nothing in it is called missing (R13)", async () => {
  const { lab } = open();
  await runMachine("20261121t0400");
  const dark = instead(lab, "ec2", "DescribeSnapshots", (call) => (input, caller) => {
    if (caller.region === AWAY) throw new ServiceError("Unavailable", "The service is unavailable", 503);
    return call(input);
  });
  const { deleted, findings } = await retained();
  dark();
  expect({ deleted, findings }).toEqual({ deleted: {}, findings: [] });
  expect(await slotsIn(HOME)).toEqual(["20261121t0200", "20261121t0300", "20261121t0400"]);
  expect((await retained()).deleted[HOME]).toHaveLength(2);
});

test("a set in which a volume has failed counts for nothing: what stays are the good ones (R7, R23)", async () => {
  const { "/dev/sdf": VolumeId } = await volumes(open());
  await ec2(open(), "LabFailVolume", { VolumeId });
  await runMachine("20261121t0500");
  await runMachine("20261121t0600");
  await ec2(open(), "LabFailVolume", { VolumeId, failing: false });
  expect((await retained()).deleted).toEqual({ [HOME]: [], [AWAY]: [] });
  expect(await slotsIn(AWAY)).toEqual(["20261121t0300", "20261121t0400"]);
  expect(await slotsIn(HOME)).toEqual(["20261121t0300", "20261121t0400", "20261121t0500", "20261121t0600"]);
});

test("somebody deletes one member by hand: told within the hour, with its volume, and the set counts as failed (R7, R47)", async () => {
  const [member] = await members("20261121t0400", AWAY);
  await ec2(open(), "DeleteSnapshot", { SnapshotId: member?.id }, AWAY);
  const { findings } = await retained();
  expect(findings).toEqual([
    expect.stringMatching(
      /^The set web-1-20261121t0400 is incomplete in eu-west-1: 1 of its 2 snapshots are there \(that of vol-\w+ is gone\), and Understudy has not deleted the rest\. It counts as failed\.$/,
    ),
  ]);
  expect(findings[0]).toContain(member?.tags["understudy:volume"]);
  await retained();
  await retained();
  expect(new Set(troubles().map(({ id }) => id)).size).toBe(1);
  // The set before it is the newest good one there now, and stays.
  expect(await slotsIn(AWAY)).toContain("20261121t0300");
});

test("somebody deletes a whole set by hand: it is missing in that region (R47)", async () => {
  for (const { id } of await members("20261121t0300", HOME)) await ec2(open(), "DeleteSnapshot", { SnapshotId: id });
  const { findings } = await retained();
  expect(findings).toContainEqual(
    expect.stringMatching(
      /^The backup web-1-20261121t0300 of .* is gone from eu-central-1, and Understudy has not deleted it: it is still in eu-west-1\.$/,
    ),
  );
});

test("the schedule is gone: ten minutes after its time the machine's backup is told as missed, here and by the dead man's check (R44)", async () => {
  const { plan } = open();
  const { lookForOverdue } = await import("../../runbooks/overdue.ts");
  const { fakeClock } = LocalDurableTestRunner as unknown as { fakeClock: { setSystemTime(nowMs: number): void } };
  await runMachine("20261121t0700");
  const minutes = async () => (await lookForOverdue(plan, Date.now())).find(({ database }) => database === "web-1")?.minutes;
  expect(await minutes()).toBe(0);
  fakeClock.setSystemTime(Date.now() + 71 * 60_000);
  expect(await minutes()).toBeGreaterThanOrEqual(10);
  expect((await retained()).findings).toContainEqual(expect.stringMatching(/^The backup of web-1 that was due at .* has not begun/));
});
