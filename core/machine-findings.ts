/** What is wrong with the sets of one machine, beyond what is wrong with any backup (backup-findings.ts). Pure. */
import type { BackupFinding, BackupWords } from "./backup-findings.ts";
import type { KeyFacts } from "./key-findings.ts";
import { type MachineSet, setName, volumeOf } from "./machine-set.ts";
import type { MachinePlan } from "./plan/schema.ts";

export const MACHINE_WORDS: BackupWords = {
  look: "Look at the logs of the functions snapshot and machine, and at the instance itself.",
  deletion: "DeleteSnapshot",
};

/** `incomplete`: of a region, sets whose members are gone; `all`: of all regions, in which the missing ones may be found. */
export const incompleteFindings = (incomplete: readonly MachineSet[], all: readonly MachineSet[]): BackupFinding[] =>
  incomplete.map(({ machine, slot, region, members, volumes }) => {
    const name = setName(machine, slot);
    const there = members.map(volumeOf);
    const others = all.filter((set) => set.machine === machine && set.slot === slot && set.region !== region);
    const elsewhere = new Set(others.flatMap((set) => set.members.map(volumeOf)));
    const missing = [...elsewhere].filter((volume) => !there.includes(volume)).sort();
    const which = missing.length === 0 ? "" : ` (that of ${missing.join(", ")} is gone)`;
    return {
      id: `${name}-incomplete-${region}`,
      kind: "incomplete",
      sentence: `The set ${name} is incomplete in ${region}: ${members.length} of its ${volumes} snapshots are there${which}, and Understudy has not deleted the rest. It counts as failed.`,
      next: `Find out who deleted it (CloudTrail: ${MACHINE_WORDS.deletion}).${missing.length === 0 ? "" : " The other region still has the whole set."}`,
    };
  });

/** `facts`: what KMS says of the key the plan names for copies; null: there is none of that name. */
export function machineKeyFindings({ name, copyTo, kmsKeyId }: MachinePlan, facts: KeyFacts | null): BackupFinding[] {
  if (facts?.state === "Enabled") return [];
  const what = facts === null ? "which is not there" : `which is in the state ${facts.state}`;
  return [
    {
      id: `${name}-key-${copyTo}`,
      kind: "key",
      sentence: `Copies of ${name} to ${copyTo} are made under the key ${kmsKeyId}, ${what}: none can be made.`,
      next: "Enable the key, or name another in the plan.",
    },
  ];
}
