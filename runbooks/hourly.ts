/** All that is looked at once an hour: the backups of databases, those of machines, and what of buckets is offsite. What fails in one keeps the other from nothing. */
import { type Retained, retain } from "./retain.ts";
import { retainBuckets } from "./retain-buckets.ts";
import { retainMachines } from "./retain-machines.ts";
import type { Settings } from "./settings.ts";

export async function lookHourly(settings: Settings): Promise<Retained[]> {
  const looks = await Promise.allSettled([retain(settings), retainMachines(settings), retainBuckets(settings)]);
  const failed = looks.find((look) => look.status === "rejected");
  if (failed) throw failed.reason;
  return looks.flatMap((look) => (look.status === "fulfilled" ? look.value : []));
}
