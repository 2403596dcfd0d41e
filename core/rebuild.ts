/** Which standbys a database lacks after a move, and what the new ones are called. Pure. */
import type { DatabaseRecord } from "./facts.ts";
import type { DatabasePlan } from "./plan/schema.ts";

export interface Missing {
  /** The plan's instance whose place it takes. */
  readonly slot: string;
  readonly region: string;
  /** Its name: the slot and the generation it is made in, like "shop-a-g2". */
  readonly name: string;
  /** Instances it may be modelled on, the best first. */
  readonly models: readonly string[];
}

/** A name has 63 characters; the generation needs a few of them. */
const SLOT_LENGTH = 52;

/** The part of the name that all instances made for a slot share. */
export const slotName = (slot: string): string => `${slot.slice(0, SLOT_LENGTH).replace(/-$/, "")}-g`;

/** The plan says how many instances each region has; the primary and the standbys there are fill their places. */
export function missingStandbys(plan: Pick<DatabasePlan, "primary" | "standbys">, record: DatabaseRecord): Missing[] {
  const filled = [record.primary, ...record.standbys].map((id) => ({ id, region: record.regions[id] }));
  return [plan.primary, ...plan.standbys].flatMap(({ instance: slot, region }): Missing[] => {
    // An instance takes its own slot before another of its region.
    const own = filled.findIndex(({ id }) => id === slot || id.startsWith(slotName(slot)));
    const other = filled.findIndex((each) => each.region === region && !isOfAnySlot(plan, each.id));
    const at = own >= 0 ? own : other;
    if (at >= 0) {
      filled.splice(at, 1);
      return [];
    }
    const name = `${slotName(slot)}${record.generation}`;
    const models = [slot, record.primary, ...record.retired.map(({ instance }) => instance)].filter((id) => record.regions[id] === region);
    return [{ slot, region, name, models: [...new Set(models)] }];
  });
}

const isOfAnySlot = (plan: Pick<DatabasePlan, "primary" | "standbys">, id: string): boolean =>
  [plan.primary, ...plan.standbys].some(({ instance }) => id === instance || id.startsWith(slotName(instance)));
