/**
 * One machine's backup, told top to bottom: see the instance, take the snapshots of all its volumes at one moment, wait until each is
 * there, copy each to the other region, note the set, tell. A set in which one volume is missing or has failed has failed.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { putDocument } from "../aws/documents.ts";
import { describeMachine } from "../aws/machines.ts";
import { type MachineShape, noteKey, noteOf, type SetNote } from "../core/machine-note.ts";
import { setName, setTags } from "../core/machine-set.ts";
import type { News } from "../core/news.ts";
import type { MachinePlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";
import { windowEndMs } from "../core/slots.ts";
import type { BackupResult } from "./backup.ts";
import { copiesStarted, listedSet, setTaken, setWhole, type Wanted } from "./machine-steps.ts";
import { machinePlan, type Settings } from "./settings.ts";
import { tell } from "./tell.ts";
import { eventually, patiently, reasonOf } from "./until.ts";

export interface MachineInput {
  readonly machine: string;
  readonly slot: string;
}

/** In minutes. A first snapshot of a large volume takes hours, and copies may wait for their turn. */
const PATIENCE = { start: 60, snapshots: 1440, inLine: 1440, copies: 1440 };

export async function backupMachine(input: MachineInput, ctx: DurableContext, settings: Settings): Promise<BackupResult> {
  const machine = machinePlan(settings.plan, input.machine);
  const { region, copyTo, kmsKeyId } = machine;
  const name = setName(machine.name, input.slot);
  let shape: MachineShape | null = null;
  let holds = false;
  try {
    const seen = await ctx.step("see the machine", () => see(machine), patiently);
    shape = seen;
    const [here, there] = wanted(settings, machine, input.slot, seen);
    const endsAtMs = windowEndMs(input.slot, machine);
    const minutes = machine.startWindowMinutes ?? PATIENCE.start;
    await eventually(ctx, "the snapshots have started", minutes, (before) => setTaken(here, seen, before, endsAtMs));
    await ctx.step("note the set", () => note(settings, machine, input.slot, seen, false), patiently);
    await eventually(ctx, "every snapshot is completed", PATIENCE.snapshots, () => setWhole(here, seen));
    holds = true;
    await eventually(ctx, "every copy has started", PATIENCE.inLine, (before) => copiesStarted(here, there, kmsKeyId, before));
    await ctx.step("note the copies", () => note(settings, machine, input.slot, seen, false), patiently);
    await eventually(ctx, "every copy is completed", PATIENCE.copies, () => setWhole(there, seen));
    const kept = await ctx.step("note that it is whole", () => note(settings, machine, input.slot, seen, true), patiently);
    const sentence = `${machine.name} is backed up: ${name} holds the ${seen.disks.length} volumes of ${seen.instance} as of ${new Date(kept.takenAtMs ?? 0).toISOString()}, in ${region} and ${copyTo}.`;
    await ctx.step(
      "tell of the backup",
      () => tell(settings, news("Backup Completed", machine, name, sentence, seen, "Nothing.")),
      patiently,
    );
    return { outcome: "completed", snapshot: name, sentence };
  } catch (error) {
    const sentence = holds
      ? `The backup ${name} of ${machine.name} is in ${region} alone, for its copy to ${copyTo} failed: ${reasonOf(error)}`
      : `The backup ${name} of ${machine.name} failed: ${reasonOf(error)}`;
    const next = `See the reason above. The next backup starts by itself at its time; until then the newest whole set${holds ? ` in ${copyTo}` : ""} is the one before.`;
    const seen = shape;
    // What has begun is noted all the same: only what is noted is deleted one day.
    if (seen) await ctx.step("note what there is", () => note(settings, machine, input.slot, seen, false), patiently).catch(() => {});
    await ctx.step("tell of the failure", () => tell(settings, news("Backup Failed", machine, name, sentence, seen, next)), patiently);
    return { outcome: "failed", snapshot: name, sentence };
  }
}

async function see({ name, region, instance }: MachinePlan): Promise<MachineShape> {
  const shape = await describeMachine(region, instance);
  if (shape && shape.disks.length > 0) return shape;
  throw new Problem(
    "MachineGone",
    `${instance}, the plan's machine ${name}, ${shape ? `is ${shape.state} and has no volumes` : "is not there"} in ${region}`,
    {
      hint: "Name the instance that took its place in the plan.",
    },
  );
}

function wanted(
  { plan }: Settings,
  { name, region, copyTo }: MachinePlan,
  slot: string,
  { disks }: MachineShape,
): [here: Wanted, there: Wanted] {
  const tags = setTags(plan.name, name, slot, disks.length);
  return [
    { name: setName(name, slot), region, tags },
    { name: setName(name, slot), region: copyTo, tags },
  ];
}

async function note(settings: Settings, machine: MachinePlan, slot: string, shape: MachineShape, whole: boolean): Promise<SetNote> {
  const sets = await Promise.all(wanted(settings, machine, slot, shape).map(listedSet));
  const kept = noteOf(
    machine.name,
    slot,
    shape,
    sets.filter((set) => set !== null),
    { whole },
  );
  await putDocument(settings.state, noteKey(machine.name, slot), kept);
  return kept;
}

const news = (
  kind: News["kind"],
  { name: machine, region, copyTo }: MachinePlan,
  name: string,
  sentence: string,
  shape: MachineShape | null,
  next: string,
): News => ({
  kind,
  id: `${name}-${kind.toLowerCase().replace(" ", "-")}`,
  database: machine,
  atMs: Date.now(),
  sentence,
  details: [
    ["Set", name],
    ["Volumes", shape?.disks.map(({ device, volumeId }) => `${volumeId} (${device})`).join(", ") ?? "not seen"],
    ["Places", `${region}, ${copyTo}`],
  ],
  next,
});
