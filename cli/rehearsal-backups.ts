/** Backups of a rehearsal that no function makes: one that has failed, so that there is something to delete. */
import type { Plan } from "../core/plan/schema.ts";
import { snapshotName } from "../core/slots.ts";
import { regionState } from "../lab/cloud/rds/state.ts";
import type { Lab } from "../lab/lab.ts";

const FAILED = "20260101t0300";

/** Like a backup that is there, and failed; its name. */
export function failedBackup(lab: Lab, plan: Plan, database: string, like: string): string {
  const { snapshots } = regionState(lab.world, plan.regions.primary);
  const model = snapshots[snapshotName(database, like)];
  if (!model) throw new Error(`there is no backup ${snapshotName(database, like)} to be like`);
  const id = snapshotName(database, FAILED);
  const tags = model.tags.map((tag) => (tag.Key === "understudy:slot" ? { ...tag, Value: FAILED } : tag));
  snapshots[id] = { ...model, id, arn: model.arn.replace(model.id, id), status: "failed", tags };
  return id;
}

export async function lists(lab: Lab, region: string, id: string): Promise<boolean> {
  const { DBSnapshots } = await lab.world.call("rds", "DescribeDBSnapshots", { SnapshotType: "manual" }, { region });
  return DBSnapshots.some(({ DBSnapshotIdentifier }: { DBSnapshotIdentifier: string }) => DBSnapshotIdentifier === id);
}
