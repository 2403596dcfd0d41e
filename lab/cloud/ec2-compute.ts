/**
 * EC2's instances, disks, snapshots and images, put together; after a restart of the lab, what was under way goes on.
 */
import { copyOperations, finishCopyLater } from "./ec2-copies.ts";
import { givenOperations } from "./ec2-given.ts";
import { imageOperations, settleImages } from "./ec2-images.ts";
import { settleLater } from "./ec2-instance-life.ts";
import { instanceOperations, type Network } from "./ec2-instances.ts";
import { sharingOperations } from "./ec2-sharing.ts";
import { finishLater, finishSet, snapshotOperations } from "./ec2-snapshots.ts";
import { allAccounts, type SnapshotRecord } from "./ec2-state.ts";
import { tagOperations } from "./ec2-tags.ts";
import { EC2_TIMINGS, type Ec2Timings } from "./ec2-timings.ts";
import { ready, volumeOperations } from "./ec2-volumes.ts";
import type { Operation, World } from "./world.ts";

export interface Compute {
  readonly operations: Record<string, Operation>;
  resume(): void;
}

export function createCompute(world: World, network: Network, given: Partial<Ec2Timings> = {}): Compute {
  const timings = { ...EC2_TIMINGS, ...given };
  const instances = instanceOperations(world, timings, network);
  return {
    operations: {
      ...instances,
      ...givenOperations(world, instances.RunInstances as Operation),
      ...volumeOperations(world, timings),
      ...snapshotOperations(world, timings),
      ...copyOperations(world),
      ...sharingOperations(world),
      ...imageOperations(world, timings),
      ...tagOperations(world),
    },
    resume() {
      for (const [account, regions] of Object.entries(allAccounts(world)).filter(([account]) => account === world.account))
        for (const [region, { instances, volumes, snapshots }] of Object.entries(regions)) {
          const place = { account, region };
          for (const instance of Object.values(instances)) settleLater(world, place, instance, timings);
          for (const volume of Object.values(volumes)) ready(world, place, volume);
          resumeSnapshots(world, Object.values(snapshots));
        }
    },
  };
}

function resumeSnapshots(world: World, snapshots: readonly SnapshotRecord[]): void {
  const pending = snapshots.filter(({ state }) => state === "pending");
  for (const [set, members] of Map.groupBy(pending, (snapshot) => snapshot.set)) {
    if (set) world.later(0, "snapshots of one instance", () => finishSet(world, members));
    else
      for (const snapshot of members)
        if (snapshot.copy) finishCopyLater(world, snapshot);
        else finishLater(world, snapshot, () => settleImages(world, snapshot));
  }
}
