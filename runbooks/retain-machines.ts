/**
 * The hourly look at the sets of every machine, told top to bottom: list them once in both regions, hold them against what was known, note
 * it, tell what is wrong and what is right again, delete what the plan keeps no longer. As in retain.ts, what is deleted is noted first.
 */
import { changeDocument, readDocument } from "../aws/documents.ts";
import { isNoAnswer } from "../aws/errors.ts";
import { describeKey } from "../aws/keys.ts";
import { deleteMember, listMembers } from "../aws/machine-snapshots.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { type BackupFinding, backupFindings } from "../core/backup-findings.ts";
import { pruneLimitsOf, retentionOf } from "../core/backup-policy.ts";
import { type Catalogue, expiredIn, reconciled } from "../core/catalogue.ts";
import { type Change, changedIncidents, type Incident } from "../core/incidents.ts";
import type { KeyFacts } from "../core/key-findings.ts";
import { incompleteFindings, MACHINE_WORDS, machineKeyFindings } from "../core/machine-findings.ts";
import { mayGo, noteKey, type SetNote } from "../core/machine-note.ts";
import { asListed, isIncomplete, isWhole, type Known, type MachineSet, setName, setsOf } from "../core/machine-set.ts";
import type { MachinePlan } from "../core/plan/schema.ts";
import { type Prune, prunesOf } from "../core/prune.ts";
import { tellChange } from "./backup-news.ts";
import { type KeptCatalogue, placesOf } from "./catalogue.ts";
import type { Retained } from "./retain.ts";
import type { Settings } from "./settings.ts";
import { sideBySide } from "./side-by-side.ts";

/** No database's name has a slash. */
export const machineCatalogueKey = (machine: string): string => `catalogue/machines/${machine}.json`;

export async function retainMachines(settings: Settings): Promise<Retained[]> {
  const machines = settings.plan.machines ?? [];
  if (machines.length === 0) return [];
  const listing = await listSets(settings);
  return await sideBySide(machines, "machines", (machine) => retainMachine(settings, machine, listing));
}

interface Listing {
  readonly sets: readonly MachineSet[];
  /** Regions that said nothing. */
  readonly dark: readonly string[];
}

async function listSets(settings: Settings): Promise<Listing> {
  const dark: string[] = [];
  const list = async (region: string): Promise<MachineSet[]> => {
    try {
      return setsOf(await listMembers(region, { "understudy:plan": settings.plan.name }));
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      dark.push(region);
      return [];
    }
  };
  const sets = (await Promise.all(placesOf(settings).map(list))).flat();
  return { sets, dark };
}

async function retainMachine(settings: Settings, machine: MachinePlan, { sets, dark }: Listing): Promise<Retained> {
  const nowMs = storeNowMs();
  const own = sets.filter((set) => set.machine === machine.name);
  const [key, notes] = await Promise.all([
    keyOf(machine),
    notesOf(
      settings,
      own.filter((set) => !isWhole(set)),
    ),
  ]);
  let prunes: Prune[] = [];
  let findings: BackupFinding[] = [];
  let begun: Change<BackupFinding>["begun"] = [];
  let over: readonly Incident[] = [];
  const kept = await changeDocument<KeptCatalogue>(settings.state, machineCatalogueKey(machine.name), (before) => {
    const known = (set: MachineSet): Known => ({ wasWhole: wasWhole(set, before?.catalogue ?? null, notes), nowMs });
    const listed = own.map((set) => asListed(set, known(set)));
    const catalogue = reconciled(before?.catalogue ?? null, machine.name, listed, { nowMs, dark });
    const incomplete = own.filter((set) => isIncomplete(set, known(set)) && stateOf(before?.catalogue ?? null, set) !== "expired");
    const { sinceMs = nowMs, incidents = [], heldBack = {} } = before ?? {};
    prunes = prunesNow(settings, machine, catalogue, heldBack, dark);
    findings = [
      ...backupFindings({ catalogue, backup: machine, sinceMs, nowMs, offsite: null, keys: key.arns, words: MACHINE_WORDS }),
      ...incompleteFindings(incomplete, own),
      ...(key.findings ?? incidents.filter(({ id }) => id.startsWith(`${machine.name}-key-`)).map(asBefore)),
      ...prunes.flatMap((prune) => waits(machine.name, prune)),
    ];
    const change = changedIncidents(incidents, findings, nowMs);
    ({ begun, over } = change);
    return {
      sinceMs,
      catalogue: prunes.reduce((all, { region, remove }) => expiredIn(all, region, remove, nowMs), catalogue),
      incidents: change.open,
      spent: null,
      heldBack: prunes.length === 0 ? heldBack : Object.fromEntries(prunes.map((prune) => [prune.region, prune.heldBack])),
    };
  });
  await tellChange(settings, machine.name, { begun, over }, nowMs);
  return {
    database: machine.name,
    points: (kept as KeptCatalogue).catalogue.points.length,
    deleted: await deleteAll(settings, machine, own, prunes),
    findings: findings.map(({ sentence }) => sentence),
  };
}

const stateOf = (catalogue: Catalogue | null, { machine, slot, region }: MachineSet) =>
  catalogue?.points.find(({ id }) => id === setName(machine, slot))?.places[region]?.state;

const wasWhole = (set: MachineSet, catalogue: Catalogue | null, notes: ReadonlyMap<string, SetNote | null>): boolean =>
  ["good", "incomplete", "expired"].includes(stateOf(catalogue, set) ?? "") || notes.get(set.slot)?.whole === true;

/** By slot; those that are whole need nobody's word for it. */
async function notesOf(settings: Settings, sets: readonly MachineSet[]): Promise<Map<string, SetNote | null>> {
  const read = async ({ machine, slot }: MachineSet): Promise<[string, SetNote | null]> => [slot, await readNote(settings, machine, slot)];
  return new Map(await Promise.all(sets.map(read)));
}

const readNote = async (settings: Settings, machine: string, slot: string): Promise<SetNote | null> =>
  (await readDocument<SetNote>(settings.state, noteKey(machine, slot)))?.value ?? null;

/** `findings`: null when KMS did not answer. */
async function keyOf(machine: MachinePlan): Promise<{ arns: Record<string, string>; findings: BackupFinding[] | null }> {
  const { copyTo, kmsKeyId } = machine;
  if (kmsKeyId === undefined) return { arns: {}, findings: [] };
  try {
    const facts: KeyFacts | null = await describeKey(copyTo, kmsKeyId);
    return { arns: facts ? { [copyTo]: facts.arn } : {}, findings: machineKeyFindings(machine, facts) };
  } catch (error) {
    console.error(JSON.stringify({ what: "key not looked at", region: copyTo, key: kmsKeyId, error: String(error) }));
    return { arns: {}, findings: null };
  }
}

const asBefore = ({ id, sentence }: Incident): BackupFinding => ({ id, kind: "key", sentence, next: "See the mail of that day." });

/** Where a region is dark, what lies there is not known: nothing that may be its only other copy is deleted. */
function prunesNow(
  settings: Settings,
  machine: MachinePlan,
  catalogue: Catalogue,
  heldBack: NonNullable<KeptCatalogue["heldBack"]>,
  dark: readonly string[],
): Prune[] {
  const retention = retentionOf(machine);
  if (!retention || dark.length > 0) return [];
  return prunesOf(placesOf(settings), { catalogue, retention, holds: {}, limits: pruneLimitsOf(settings.plan), allowed: 0, heldBack });
}

const waits = (machine: string, { region, brake, heldBack }: Prune): BackupFinding[] =>
  brake === null
    ? []
    : [
        {
          id: `${machine}-held-back-${region}`,
          kind: "held back",
          sentence: `${heldBack.length} sets of ${machine} are not deleted in ${region}: ${brake}.`,
          next: "If they are to go, raise prune in the plan and deploy; if not, correct keep.",
        },
      ];

async function deleteAll(
  settings: Settings,
  { name }: MachinePlan,
  sets: readonly MachineSet[],
  prunes: readonly Prune[],
): Promise<Record<string, string[]>> {
  const deleted: Record<string, string[]> = {};
  for (const { region, remove } of prunes) {
    deleted[region] = [];
    for (const set of sets.filter((each) => each.region === region && remove.includes(setName(name, each.slot)))) {
      const members = mayGo(set, await readNote(settings, name, set.slot));
      // What EBS does not take now is found again by the next look, and so is the rest of a set.
      for (const { id } of members) if (await deleteMember(region, id)) deleted[region].push(id);
    }
  }
  return deleted;
}
