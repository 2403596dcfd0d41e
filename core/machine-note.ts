/** What is kept of each set beside its snapshots (`machines/NAME/SLOT.json`): which they are, and all it takes to build the machine anew. Pure. */
import { type MachineSet, type Member, volumeOf } from "./machine-set.ts";

export interface MachineDisk {
  readonly device: string;
  readonly volumeId: string;
  readonly sizeGiB: number;
  readonly type: string;
  readonly iops: number | null;
  readonly throughput: number | null;
  /** null: it is not encrypted. */
  readonly kmsKeyId: string | null;
  readonly deleteOnTermination: boolean;
}

/** An instance as it was when its set was taken. Its user data is not among it. */
export interface MachineShape {
  readonly instance: string;
  readonly region: string;
  readonly state: string;
  readonly type: string;
  readonly imageId: string;
  readonly zone: string;
  readonly subnetId: string | null;
  readonly privateIp: string | null;
  readonly securityGroups: readonly string[];
  /** Of its instance profile. */
  readonly profileArn: string | null;
  readonly keyName: string | null;
  readonly rootDevice: string;
  readonly disks: readonly MachineDisk[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface SetNote {
  readonly machine: string;
  readonly slot: string;
  /** The moment its data is of. */
  readonly takenAtMs: number | null;
  /** Every member is completed in both regions. */
  readonly whole: boolean;
  readonly shape: MachineShape;
  /** By region: every snapshot of the set, and the volume it holds. */
  readonly places: Readonly<Record<string, readonly { readonly id: string; readonly volume: string }[]>>;
}

export const noteKey = (machine: string, slot: string): string => `machines/${machine}/${slot}.json`;

export function noteOf(
  machine: string,
  slot: string,
  shape: MachineShape,
  sets: readonly MachineSet[],
  { whole }: Pick<SetNote, "whole">,
): SetNote {
  const taken = sets.filter(({ region }) => region === shape.region).flatMap(({ members }) => members);
  return {
    machine,
    slot,
    takenAtMs: taken.length === 0 ? null : Math.min(...taken.map(({ startedAtMs }) => startedAtMs)),
    whole,
    shape,
    places: Object.fromEntries(sets.map(({ region, all }) => [region, all.map((member) => ({ id: member.id, volume: volumeOf(member) }))])),
  };
}

/** What of a set may be deleted: what bears its tags and stands in its note. */
export const mayGo = ({ region, all }: MachineSet, note: SetNote | null): readonly Member[] =>
  all.filter(({ id }) => note?.places[region]?.some((noted) => noted.id === id));
