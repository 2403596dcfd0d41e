/**
 * What becomes of a primary whose planned move died on the way: it is opened to its clients again, unless its successor has been
 * promoted or may be about to be. Knows nothing of the move itself; `watch` calls it when it ends the claim.
 */
import { describeInstance, setSecurityGroups } from "../aws/rds.ts";
import type { DatabaseRecord, InstanceFacts } from "../core/facts.ts";
import { engineOf } from "../databases/engines.ts";
import { endpointOf, LOOK_MS, targetOf } from "./observe.ts";
import type { Protected, Settings } from "./settings.ts";
import { notYet, type Proof, proven } from "./until.ts";

/** Whether a promotion that may have been asked for is under way or done. Until the API shows it some time may pass. */
export async function promotionBegan(settings: Settings, database: Protected, instance: InstanceFacts): Promise<Proof> {
  const { id, sourceId, status } = instance;
  if (sourceId === null) return proven(`${id} is no replica any more`);
  if (["modifying", "rebooting"].includes(status)) return proven(`${id} is ${status}`);
  const target = await targetOf(settings, database, endpointOf(instance));
  if (!target) return notYet(`RDS names no endpoint for ${id}`);
  const { inRecovery } = await engineOf(database.plan.engine).askStandby(target, database.name, LOOK_MS);
  return inRecovery ? notYet(`${id} is ${status} and still a replica`) : proven(`${id} has left recovery`);
}

/** Says what it did; null: there was nothing to do. What goes wrong is said too, and stops nothing. */
export async function reopenAfter(settings: Settings, database: Protected, record: DatabaseRecord): Promise<string | null> {
  const { claim, primary, regions } = record;
  const open = record.networks?.[primary];
  if (!claim || claim.kind === "failover" || !open) return null;
  try {
    const target = await describeInstance(regions[claim.target] as string, claim.target);
    if (!target) return `${primary} stays closed: RDS does not know ${claim.target}`;
    const began = await promotionBegan(settings, database, target);
    if (began.holds) return `${primary} stays closed: ${began.seen}`;
    await setSecurityGroups(regions[primary] as string, primary, open);
    return `${primary} gets its network back: ${open.join(", ")}`;
  } catch (error) {
    return `${primary} COULD NOT BE OPENED AGAIN: ${(error as Error).message}`;
  }
}
