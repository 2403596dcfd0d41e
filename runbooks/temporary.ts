/**
 * An instance that is there for a while: made out of the newest copy, for nobody but Understudy, and deleted again. Drills and offsite dumps
 * share it.
 */
import { isCode } from "../aws/errors.ts";
import { describeShape, describeSnapshot } from "../aws/rds.ts";
import type { Restored } from "../aws/restores.ts";
import { deleteTemporary } from "../aws/temporary.ts";
import { Problem } from "../core/problem.ts";
import type { RecoveryPoint } from "../core/restore.ts";
import { newestPoint } from "./last-resort.ts";
import { MADE_BY, verifyGroup } from "./restored.ts";
import type { Protected, Settings } from "./settings.ts";
import { notYet, type Proof, proven } from "./until.ts";

/** As the last backup noted it, and RDS still has it. Only the recovery region's: nothing that passes is anywhere else. */
export async function newestCopy(settings: Settings, database: Protected): Promise<RecoveryPoint> {
  const newest = await newestPoint(settings, database.name);
  const hint = "Look at the backups' mails.";
  if (!newest) throw new Problem("NoBackup", `there is no backup of ${database.name} on record`, { hint });
  const { snapshot, region } = newest;
  if (region !== settings.region)
    throw new Problem("Elsewhere", `the newest copy ${snapshot} is in ${region}, and it is needed in ${settings.region}`, { hint });
  const found = await describeSnapshot(region, snapshot);
  if (found?.status !== "available")
    throw new Problem("SnapshotGone", `the newest copy ${snapshot} is ${found?.status ?? "gone"} in ${region}`, { hint });
  return { kind: "snapshot", snapshot, region, atMs: found.takenAtMs ?? newest.takenAtMs };
}

export const temporaryLike = (
  settings: Settings,
  database: Protected,
  region: string,
  name: string,
  purpose: "drill" | "offsite",
): Restored => ({
  class: null,
  securityGroups: [verifyGroup(database, region)],
  subnetGroup: database.plan.restore?.[region]?.subnetGroup ?? null,
  parameterGroup: database.plan.restore?.[region]?.parameterGroup ?? null,
  publiclyAccessible: false,
  tags: {
    "understudy:plan": settings.plan.name,
    "understudy:database": database.name,
    "understudy:purpose": purpose,
    [MADE_BY]: name,
  },
});

/** Deletes what was made under this name; what has the name and is another's stays. One that is not there is gone. */
export async function gone(region: string, name: string): Promise<Proof> {
  const there = await describeShape(region, name);
  if (!there) return proven(`${name} is gone`);
  if (there.tags[MADE_BY] !== name)
    throw new Problem("NotOurs", `${name} does not carry the tag ${MADE_BY} of whoever makes such instances`, {
      hint: "It is left untouched: find out whose it is.",
    });
  try {
    await deleteTemporary(region, name);
  } catch (error) {
    if (!isCode(error, "InvalidDBInstanceState", "DBInstanceNotFound")) throw error;
  }
  return notYet(`${name} is being deleted`);
}
