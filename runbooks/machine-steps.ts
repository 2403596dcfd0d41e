/** What is done and proven of one set of snapshots, a look at a time: that it was taken, that its copies have started, that either is whole. Waits for nothing. */
import { codeOf, isCode, isRefusal } from "../aws/errors.ts";
import { copyMember, createSet, listMembers } from "../aws/machine-snapshots.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { faultOf, isHeldUp } from "../core/copy-fault.ts";
import type { MachineShape } from "../core/machine-note.ts";
import { failedMember, isUnderWay, isWhole, type MachineSet, setsOf, sourceOf, tagsOfMember, volumeOf } from "../core/machine-set.ts";
import { Problem } from "../core/problem.ts";
import { mustStillBegin } from "./start-window.ts";
import { notYet, type Proof, proven } from "./until.ts";

/** A set that is wanted, or its copy: where, of what, and by which tags it is known. */
export interface Wanted {
  readonly name: string;
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What was asked of EBS and is not to be seen yet, by the snapshot it was asked for: when. */
interface Asked extends Proof {
  readonly asked?: Readonly<Record<string, number>>;
}

/** EBS lists what it has made within moments. Until then nobody asks again: a second call would make a second set. */
const UNSEEN_MS = 120_000;
const SET = "set";

/** The set of this slot in a region; null: nothing of it is listed. */
export async function listedSet({ region, tags }: Wanted): Promise<MachineSet | null> {
  const { "understudy:source": _source, "understudy:volumes": _volumes, ...slot } = tags;
  return setsOf(await listMembers(region, slot))[0] ?? null;
}

/** Whoever's reply was lost, meets its own by the tags. `endsAtMs`: it may begin no longer; null: it may as long as it takes. */
export async function setTaken(wanted: Wanted, { instance }: MachineShape, before: Asked, endsAtMs: number | null = null): Promise<Asked> {
  const there = await listedSet(wanted);
  if (there) return proven(`${there.members.length} snapshots of ${wanted.name} are listed in ${wanted.region}`);
  if (isAsked(before, SET)) return { ...before, ...notYet(`${wanted.name} appears in ${wanted.region}`) };
  mustStillBegin(endsAtMs, before.seen);
  return await ask(before, SET, wanted.region, () => createSet(wanted.region, instance, `${wanted.name} of ${instance}`, wanted.tags));
}

/** Each copy that is not there is asked for; EBS takes so many at a time, and says so. */
export async function copiesStarted(from: Wanted, to: Wanted, kmsKeyId: string | undefined, before: Asked): Promise<Asked> {
  const { members } = await mustBeThere(from);
  const copied = ((await listedSet(to))?.all ?? []).map(sourceOf);
  const left = members.filter(({ id }) => !copied.includes(id));
  if (left.length === 0) return proven(`${members.length} copies of ${from.name} are listed in ${to.region}`);
  let now: Asked = { ...before, ...notYet(`${left.length} of ${members.length} copies of ${from.name} appear in ${to.region}`) };
  for (const member of left) {
    if (isAsked(now, member.id)) continue;
    now = await ask(now, member.id, to.region, () => copyMember(to.region, member, tagsOfMember(member), kmsKeyId));
  }
  return now;
}

/** A member that has failed, or is gone, fails the set: nobody waits for the rest. */
export async function setWhole(wanted: Wanted, { disks }: MachineShape): Promise<Proof> {
  const set = await mustBeThere(wanted);
  const failed = failedMember(set);
  if (failed)
    throw setFailed(set, `EBS reports ${failed.id} of ${volumeOf(failed)} as ${failed.status}${failed.reason ? `: ${failed.reason}` : ""}`);
  if (isUnderWay(set)) return notYet(`${wanted.name} is under way in ${wanted.region}`);
  const missing = disks.map(({ volumeId }) => volumeId).filter((volume) => !set.members.some((member) => volumeOf(member) === volume));
  if (missing.length > 0) throw setFailed(set, `there is no snapshot of ${missing.join(", ")}`);
  if (!isWhole(set)) throw setFailed(set, `${set.members.length} of its ${set.volumes} snapshots are there`);
  return proven(`all ${set.members.length} snapshots of ${wanted.name} are completed in ${wanted.region}`);
}

async function mustBeThere(wanted: Wanted): Promise<MachineSet> {
  const set = await listedSet(wanted);
  if (set) return set;
  throw new Problem("SetGone", `the snapshots of ${wanted.name} are gone from ${wanted.region}`, { hint: "Somebody deleted them." });
}

const setFailed = ({ region }: MachineSet, why: string): Problem =>
  new Problem("SetFailed", `in ${region} the set counts as failed, for ${why}`, { hint: "EBS's own events have the reason." });

const isAsked = ({ asked = {} }: Asked, what: string): boolean => storeNowMs() - (asked[what] ?? Number.NEGATIVE_INFINITY) < UNSEEN_MS;

/** What EBS has refused was not made. Without its answer nobody knows, so it counts as asked. */
async function ask(before: Asked, what: string, region: string, call: () => Promise<void>): Promise<Asked> {
  const asked = { ...before.asked, [what]: storeNowMs() };
  try {
    await call();
    return { ...before, ...notYet(`${what} was asked for in ${region}`), asked };
  } catch (error) {
    const { message } = error as Error;
    const fault = faultOf(codeOf(error), message);
    // A volume that is being made, an instance that starts or stops: not for long.
    const passes = isCode(error, "IncorrectState", "IncorrectInstanceState") || (isHeldUp(fault) && fault !== "region is full");
    if (passes) return { ...before, ...notYet(`${region}: ${message}`) };
    if (isRefusal(error))
      throw new Problem("SnapshotRefused", `${region}: ${message}`, {
        hint: "Correct the plan, the instance or the permission named here.",
        cause: error,
      });
    return { ...before, ...notYet(`${region} did not answer: ${message}`), asked };
  }
}
