/**
 * The fence's first rung: an old primary's own parameter group makes it read-only while the others are being climbed, and is given back
 * once they hold or the move is called off. It is a help in time and proves nothing that a move waits for: a session may set the
 * parameter back, and a silent primary says nothing. Whatever keeps it from being done is an answer, never a failure.
 */

import { isCode } from "../aws/errors.ts";
import { describeShape, resetParameter, setParameter } from "../aws/rds.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { DatabaseRecord } from "../core/facts.ts";
import { type Climbed, hasRung } from "../core/ladder.ts";
import type { DatabasePlan } from "../core/plan/schema.ts";
import type { Protected } from "./settings.ts";
import { reasonOf } from "./until.ts";

/** Both are dynamic; they bind new transactions of sessions that are open, too. */
const PARAMETERS: Readonly<Record<DatabasePlan["engine"], readonly [name: string, value: string]>> = {
  postgres: ["default_transaction_read_only", "1"],
  mariadb: ["read_only", "1"],
};

/** The group that this instance alone has, by the plan; null: it has none, or the plan has no such rung. */
export const readOnlyGroup = ({ plan }: Protected, id: string): string | null =>
  hasRung(plan.failover, "read-only") ? (plan.fenceParameterGroups?.[id] ?? null) : null;

/** `refusal` tells how a write is refused, and null when it is not. */
export async function makeReadOnly(
  database: Protected,
  { regions, standbys }: DatabaseRecord,
  id: string,
  refusal: () => Promise<string | null>,
): Promise<Climbed> {
  const startedMs = storeNowMs();
  const ended = (holds: boolean, seen: string): Climbed => {
    const atMs = storeNowMs();
    return { rung: "read-only", holds, seen, atMs, tookMs: atMs - startedMs };
  };
  try {
    const region = regions[id] as string;
    const group = readOnlyGroup(database, id);
    if (group === null) return ended(false, `the plan names no parameter group that ${id} alone has`);
    const [own, ...others] = await Promise.all([id, ...standbys].map((each) => describeShape(regions[each] as string, each)));
    if (own?.parameterGroup !== group) return ended(false, `${id} has the parameter group ${own?.parameterGroup}, not ${group}`);
    const sharing = others.find((other) => other?.parameterGroup === group);
    if (sharing) return ended(false, `${sharing.id} has the parameter group ${group} too: it would become read-only with it`);
    const [name, value] = PARAMETERS[database.plan.engine];
    await setParameter(region, group, name, value);
    const refused = await refusal();
    if (refused === null) return ended(false, `${name} is set in ${group}, and ${id} still took a write`);
    return /read.only/i.test(refused)
      ? ended(true, `a write to ${id} is refused: ${refused}`)
      : ended(false, `${name} is set in ${group}; whether it holds cannot be seen: ${refused}`);
  } catch (error) {
    return ended(false, reasonOf(error));
  }
}

/** Given back in any case: a new primary or a new standby may take this group over. A group that is gone binds nobody. */
export async function endReadOnly(database: Protected, { regions }: Pick<DatabaseRecord, "regions">, id: string): Promise<void> {
  const group = readOnlyGroup(database, id);
  if (group === null) return;
  try {
    await resetParameter(regions[id] as string, group, PARAMETERS[database.plan.engine][0]);
  } catch (error) {
    if (!isCode(error, "DBParameterGroupNotFound")) throw error;
  }
}
