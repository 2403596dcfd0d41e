/**
 * What of an account's machines, volumes and buckets nobody looks after: what the plan neither names nor excuses. A thing that belongs to
 * another is told by that other: a volume by its instance, an instance of an Auto Scaling group by its group. Pure.
 */
import type { MachineSet } from "./machine-set.ts";
import type { Plan } from "./plan/schema.ts";
import type { Unclaimed } from "./unclaimed.ts";

/** An EC2 instance that is not about to end, as its region lists it. */
export interface ListedMachine {
  readonly id: string;
  readonly region: string;
  /** What people call it: its tag Name; null: nothing. */
  readonly called: string | null;
  /** Its Auto Scaling group; null: none. */
  readonly group: string | null;
}

export interface ListedVolume {
  readonly id: string;
  readonly region: string;
  readonly sizeGiB: number;
  /** The instance it is attached to; null: none. */
  readonly instance: string | null;
}

export interface ListedBucket {
  readonly name: string;
  readonly region: string;
  /** What is overwritten or deleted in it can be had back. */
  readonly versioned: boolean;
}

export interface Estate {
  readonly machines: readonly ListedMachine[];
  readonly volumes: readonly ListedVolume[];
  readonly buckets: readonly ListedBucket[];
}

/** Holds Understudy's own code, which every deployment brings anew; CloudFormation cuts its name short. */
const DEPLOYMENT = /^understudy-.*-serverlessdeploy/;

const HOW = "or say under unprotected why it needs nothing";

export function unprotectedEstate({ machines, volumes, buckets }: Estate, plan: Plan): Unclaimed[] {
  const excuses = plan.unprotected ?? [];
  const covered = new Set([...(plan.machines ?? []).map(({ region, instance }) => `${region}/${instance}`)]);
  // What was in it before is in the lists of other days.
  const carried = new Set((plan.buckets ?? []).map(({ bucket }) => bucket));
  // A site's own group is made anew from what the plan moves.
  const groups = new Set((plan.sites ?? []).map(({ recovery }) => `${recovery.region}/${recovery.group}`));
  const found = new Map<string, Unclaimed>();
  const tell = (region: string, name: string, sentence: string, next: string) =>
    found.set(`${region}/${name}`, { id: `unprotected-${region}-${name}`, kind: "unprotected", sentence, next });

  for (const { id, region, called, group } of machines) {
    const name = group ?? id;
    if (covered.has(`${region}/${id}`) || groups.has(`${region}/${name}`) || excuses.some(({ instance }) => instance === name)) continue;
    if (group === null)
      tell(
        region,
        id,
        `The EC2 instance ${id}${called === null ? "" : ` (${called})`} in ${region} is in no plan: nothing backs its volumes up here.`,
        `Add it under machines, ${HOW}:\n  - { instance: ${id}, because: "…" }`,
      );
    else
      tell(
        region,
        group,
        `The EC2 instances of the Auto Scaling group ${group} in ${region} are in no plan: what is on their volumes alone is nowhere else.`,
        `Say under unprotected that they hold nothing of their own, if it is so:\n  - { instance: ${group}, because: "…" }`,
      );
  }
  for (const { id, region, sizeGiB, instance } of volumes) {
    // One that is attached is its instance's: covered, excused or told with it.
    if (instance !== null || excuses.some(({ volume }) => volume === id)) continue;
    tell(
      region,
      id,
      `The EBS volume ${id} (${sizeGiB} GiB) in ${region} is attached to nothing: nothing backs it up here.`,
      `Delete it when nobody needs it, attach it to a machine of the plan, ${HOW}:\n  - { volume: ${id}, because: "…" }`,
    );
  }
  for (const { name, region, versioned } of buckets) {
    if (DEPLOYMENT.test(name)) continue;
    if (versioned || carried.has(name) || excuses.some(({ bucket }) => bucket === name)) continue;
    tell(
      region,
      name,
      `The S3 bucket ${name} in ${region} keeps no versions: what is overwritten or deleted in it is lost.`,
      `Switch its versioning on, ${HOW}:\n  - { bucket: ${name}, because: "…" }`,
    );
  }
  return [...found.values()];
}

/** Sets that bear the plan's tags, of machines it does not have (any more). */
export function orphanSets(sets: readonly MachineSet[], plan: Plan): Unclaimed[] {
  const known = new Set((plan.machines ?? []).map(({ name }) => name));
  const left = Map.groupBy(
    sets.filter(({ machine }) => !known.has(machine)),
    ({ machine }) => machine,
  );
  return [...left].map(([machine, all]) => {
    const snapshots = all.flatMap((set) => set.all.map(({ id }) => id));
    const places = [...new Set(all.map(({ region }) => region))].join(" and ");
    return {
      id: `orphan-machine-${machine}`,
      kind: "orphan" as const,
      sentence: `${snapshots.length} EBS snapshots in ${places} are of the machine ${machine}, which the plan does not have: nothing deletes them.`,
      next: "Give the plan its machine again, or delete them by hand.",
    };
  });
}
