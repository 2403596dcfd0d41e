/**
 * What goes wrong in a month: drawn from the seed before it starts, over well before its end. Single calls, wakes and processes are the
 * weather's (weather.ts).
 */

import type { Plan } from "../../../core/plan/schema.ts";
import { keyRing } from "../../cloud/kms-keys.ts";
import { stateOf } from "../../cloud/lambda/functions.ts";
import { addSnapshot } from "../../cloud/rds/snapshots.ts";
import { type InstanceRecord, regionState, type SnapshotRecord } from "../../cloud/rds/state.ts";
import type { World } from "../../cloud/world.ts";
import { Chance } from "../chance.ts";
import type { VirtualClock } from "../clock.ts";
import type { EventLog } from "../log.ts";
import { BUCKET, SNAPSHOT_RULE } from "./deployment.ts";
import { type Keys, keysOf } from "./scene.ts";

const HOUR_MS = 3_600_000;

export interface Month {
  readonly world: World;
  readonly clock: VirtualClock;
  readonly log: EventLog;
  readonly plan: Plan;
  /** Regions whose APIs do not answer: a region's name, or "recovery". */
  readonly dark: Set<string>;
  /** Told of every snapshot that somebody deletes by hand, or takes the tags of. */
  meddled(how: "deleted" | "stripped", snapshot: SnapshotRecord): void;
}

interface Trouble {
  readonly words: string;
  /** How long it lasts, in hours, from and to; 0: a moment. */
  readonly hours: readonly [number, number];
  readonly weight: number;
  strike(month: Month, chance: Chance): () => void;
}

const nothing = () => {};

/** Somebody else's snapshots fill a region: no other can be made in it. */
function fill({ world, plan }: Month, region: string): () => void {
  const [owner] = Object.values(regionState(world, plan.regions.primary).instances) as [InstanceRecord];
  const ids: string[] = [];
  const { snapshots } = regionState(world, region);
  for (let n = 0; Object.values(snapshots).filter(({ type }) => type === "manual").length < 100; n++) {
    const id = `somebody-else-${n}`;
    if (id in snapshots) continue;
    addSnapshot(world, { ...owner, region }, id, "manual", []).status = "available";
    ids.push(id);
  }
  return () => {
    for (const id of ids) delete snapshots[id];
  };
}

const disable = ({ world }: Month, arn: string): (() => void) => {
  const [, , , region = "", account = "", resource = ""] = arn.split(":");
  const key = keyRing(world, account, region).keys[resource.slice("key/".length)];
  if (!key) throw new Error(`there is no key ${arn}`);
  key.state = "Disabled";
  return () => {
    key.state = "Enabled";
  };
};

const keyTrouble = (which: keyof Keys, words: string): Trouble => ({
  words,
  hours: [24, 24],
  weight: 2,
  strike: (month) => disable(month, keysOf(month.plan)[which]),
});

const darken = (words: string, of: (month: Month) => string): Trouble => ({
  words,
  hours: [24, 24],
  weight: 2,
  strike(month) {
    const scope = of(month);
    month.dark.add(scope);
    return () => month.dark.delete(scope);
  },
});

const ours = ({ world, plan }: Month): SnapshotRecord[] =>
  [plan.regions.primary, plan.regions.recovery]
    .flatMap((region) => Object.values(regionState(world, region).snapshots))
    .filter(({ status, tags }) => status === "available" && tags.some(({ Key }) => Key === "understudy:slot"));

export const TROUBLES: readonly Trouble[] = [
  {
    words: "the recovery region is full of snapshots",
    hours: [3, 40],
    weight: 2,
    strike: (month) => fill(month, month.plan.regions.recovery),
  },
  {
    words: "the primary region is full of snapshots",
    hours: [3, 40],
    weight: 2,
    strike: (month) => fill(month, month.plan.regions.primary),
  },
  keyTrouble("copies", "the copies' key is disabled for a day"),
  keyTrouble("home", "the primary region's key is disabled for a day"),
  darken("the primary region is dark for a day", ({ plan }) => plan.regions.primary),
  darken("the recovery region is dark for a day", () => "recovery"),
  {
    words: "somebody switches the schedule off",
    hours: [3, 30],
    weight: 2,
    strike({ world, plan }) {
      const call = (operation: string) => world.call("events", operation, { Name: SNAPSHOT_RULE }, { region: plan.regions.recovery });
      void call("DisableRule");
      return () => void call("EnableRule");
    },
  },
  {
    words: "somebody deletes the function backup",
    hours: [3, 30],
    weight: 2,
    strike({ world, plan }) {
      const { functions } = stateOf(world);
      const name = `${plan.regions.recovery}/backup`;
      const gone = functions[name];
      delete functions[name];
      return () => {
        if (gone) functions[name] = gone;
      };
    },
  },
  {
    words: "a primary is in a state in between for hours",
    hours: [1, 12],
    weight: 2,
    strike({ world, plan }, chance) {
      const instance = chance.pick(Object.values(regionState(world, plan.regions.primary).instances));
      instance.status = "modifying";
      return () => {
        instance.status = "available";
      };
    },
  },
  {
    words: "copies crawl",
    hours: [6, 48],
    weight: 2,
    strike({ world }, chance) {
      const before = world.timings.copyMs;
      world.timings.copyMs = before * chance.whole(5, 25);
      return () => {
        world.timings.copyMs = before;
      };
    },
  },
  {
    words: "somebody deletes a backup by hand",
    hours: [0, 0],
    weight: 3,
    strike(month, chance) {
      const all = ours(month);
      if (all.length === 0) return nothing;
      const victim = chance.pick(all);
      delete regionState(month.world, victim.region).snapshots[victim.id];
      month.meddled("deleted", victim);
      return nothing;
    },
  },
  {
    words: "somebody takes a backup's tags away",
    hours: [0, 0],
    weight: 1,
    strike(month, chance) {
      const all = ours(month);
      if (all.length === 0) return nothing;
      const victim = chance.pick(all);
      victim.tags = [];
      month.meddled("stripped", victim);
      return nothing;
    },
  },
  {
    words: "the catalogue is lost",
    hours: [0, 0],
    weight: 1,
    strike({ world, plan }, chance) {
      const [database] = Object.keys(plan.databases).sort(() => chance.next() - 0.5);
      void world.call("s3", "DeleteObject", { Bucket: BUCKET, Key: `catalogue/${database}.json` }, { region: plan.regions.recovery });
      return nothing;
    },
  },
];

/** Plans them on the clock, but for those named "trouble N" in `without`. The returned function ends what still lasts. */
export function unleash(month: Month, seed: number, without: ReadonlySet<string>, fromMs: number, untilMs: number): () => void {
  const lasting = new Map<string, () => void>();
  const drawn = new Chance(seed, "troubles");
  const bag = TROUBLES.flatMap((trouble) => Array<Trouble>(trouble.weight).fill(trouble));
  // One in two days or so.
  const count = Math.max(1, Math.round(((untilMs - fromMs) / (48 * HOUR_MS)) * (0.5 + drawn.next())));
  for (let n = 1; n <= count; n++) {
    const name = `trouble ${n}`;
    const trouble = drawn.pick(bag);
    const lastsMs = drawn.whole(...trouble.hours) * HOUR_MS;
    const atMs = drawn.whole(fromMs, untilMs - 1);
    if (without.has(name)) continue;
    month.clock.after(atMs - month.clock.nowMs, () => {
      // The same twice at once is the same.
      if (lasting.has(trouble.words)) return;
      month.log.tell("fault", `${trouble.words}${lastsMs > 0 ? `, for ${lastsMs / HOUR_MS} h` : ""} (${name})`, { trouble: trouble.words });
      const undo = trouble.strike(month, new Chance(seed, name));
      if (lastsMs === 0) return undo();
      const end = () => {
        if (!lasting.delete(trouble.words)) return;
        undo();
        month.log.tell("fault", `over: ${trouble.words} (${name})`);
      };
      lasting.set(trouble.words, end);
      month.clock.after(lastsMs, end);
    });
  }
  return () => {
    for (const end of [...lasting.values()]) end();
  };
}
