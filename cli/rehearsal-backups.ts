/** Backups of a rehearsal that no function makes: one that has failed, so that there is something to delete; one that was never copied. */
import type { Kept } from "../core/catalogue.ts";
import type { Plan } from "../core/plan/schema.ts";
import { snapshotName } from "../core/slots.ts";
import { regionState } from "../lab/cloud/rds/state.ts";
import type { Lab } from "../lab/lab.ts";
import { readJson } from "../lab/look.ts";
import { catalogueKey, type KeptCatalogue } from "../runbooks/catalogue.ts";

const FAILED = "20260101t0300";
const UNCOPIED = "20260101t0400";
const DAYS_MS = 2 * 86_400_000;

/** Like a backup that is there, and failed; its name. */
export const failedBackup = (lab: Lab, plan: Plan, database: string, like: string): string =>
  another(lab, plan, database, like, FAILED, "failed");

/** Like a backup that is there, in the primary region alone; its name. */
export const uncopiedBackup = (lab: Lab, plan: Plan, database: string, like: string): string =>
  another(lab, plan, database, like, UNCOPIED, "available");

function another(lab: Lab, plan: Plan, database: string, like: string, slot: string, status: string): string {
  const { snapshots } = regionState(lab.world, plan.regions.primary);
  const model = snapshots[snapshotName(database, like)];
  if (!model) throw new Error(`there is no backup ${snapshotName(database, like)} to be like`);
  const id = snapshotName(database, slot);
  const tags = model.tags.map((tag) => (tag.Key === "understudy:slot" ? { ...tag, Value: slot } : tag));
  snapshots[id] = { ...model, id, arn: model.arn.replace(model.id, id), status, tags };
  return id;
}

/** As if the catalogue had known it for two days. */
export async function knownForDays(lab: Lab, region: string, bucket: string, database: string, id: string): Promise<void> {
  const Key = catalogueKey(database);
  const kept = await readJson<KeptCatalogue>(lab, region, bucket, Key);
  if (!kept) throw new Error(`there is no ${Key}`);
  const older = (place: Kept): Kept => ({ ...place, sinceMs: place.sinceMs - DAYS_MS });
  const points = kept.catalogue.points.map((point) =>
    point.id === id
      ? { ...point, places: Object.fromEntries(Object.entries(point.places).map(([place, its]) => [place, older(its)])) }
      : point,
  );
  const Body = JSON.stringify({ ...kept, catalogue: { ...kept.catalogue, points } });
  await lab.world.call("s3", "PutObject", { Bucket: bucket, Key, Body }, { region });
}

export async function lists(lab: Lab, region: string, id: string): Promise<boolean> {
  const { DBSnapshots } = await lab.world.call("rds", "DescribeDBSnapshots", { SnapshotType: "manual" }, { region });
  return DBSnapshots.some(({ DBSnapshotIdentifier }: { DBSnapshotIdentifier: string }) => DBSnapshotIdentifier === id);
}
