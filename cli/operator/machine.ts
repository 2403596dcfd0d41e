/** `understudy machine NAME`: what a machine can be built anew from: the snapshots of a set that is whole, and the instance's shape. Reads the bucket, makes nothing. */
import { readDocument } from "../../aws/documents.ts";
import { type MachineShape, noteKey, type SetNote } from "../../core/machine-note.ts";
import { setName } from "../../core/machine-set.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { Problem } from "../../core/problem.ts";
import type { KeptCatalogue } from "../../runbooks/catalogue.ts";
import { machineCatalogueKey } from "../../runbooks/retain-machines.ts";
import { machinePlan } from "../../runbooks/settings.ts";
import { placeOf } from "./state.ts";

export interface Rebuildable {
  readonly set: string;
  readonly takenAt: string | null;
  readonly shape: MachineShape;
  /** By region in which the set is whole: each volume's snapshot. */
  readonly snapshots: SetNote["places"];
}

/** Of the newest set that is whole somewhere, or of the one named. */
export async function findSet(plan: Plan, machine: string, named: string | undefined): Promise<Rebuildable> {
  const { name } = machinePlan(plan, machine);
  const place = await placeOf(plan);
  const points = (await readDocument<KeptCatalogue>(place, machineCatalogueKey(name)))?.value.catalogue.points;
  if (!points)
    throw new Problem("NoCatalogue", `Nobody has looked at the sets of ${name} yet.`, { hint: "The function retain does, once an hour." });
  const good = points.filter(({ places }) => Object.values(places).some(({ state }) => state === "good"));
  const chosen = named === undefined ? good[0] : good.find(({ id }) => id === named);
  if (!chosen)
    throw new Problem("NoWholeSet", named === undefined ? `No set of ${name} is whole.` : `${named} is no whole set of ${name}.`, {
      hint: good.length === 0 ? "See the mails of its backups." : `Name one of: ${good.map(({ id }) => id).join(", ")}.`,
    });
  const note = await readDocument<SetNote>(place, noteKey(name, chosen.id.slice(setName(name, "").length)));
  if (!note)
    throw new Problem("NoNote", `The note of ${chosen.id} is gone from ${place.bucket}.`, { hint: "Older versions of it may be there." });
  const { shape, places } = note.value;
  return {
    set: chosen.id,
    takenAt: chosen.atMs === null ? null : new Date(chosen.atMs).toISOString(),
    shape,
    snapshots: Object.fromEntries(Object.entries(places).filter(([region]) => chosen.places[region]?.state === "good")),
  };
}

export function machinePage({ set, takenAt, shape, snapshots }: Rebuildable): string {
  const rows = [
    ["instance", `${shape.instance} (${shape.region}, ${shape.zone})`],
    ["type", shape.type],
    ["image", shape.imageId],
    ["subnet", shape.subnetId ?? "none"],
    ["groups", shape.securityGroups.join(", ") || "none"],
    ["profile", shape.profileArn ?? "none"],
    ["key pair", shape.keyName ?? "none"],
    ["root", shape.rootDevice],
  ];
  const disks = Object.entries(snapshots).map(([region, members]) => [
    `  in ${region}`,
    ...shape.disks.map(({ device, volumeId, sizeGiB, type, iops, throughput }) => {
      const ids = members.filter(({ volume }) => volume === volumeId).map(({ id }) => id);
      const speed = `${iops === null ? "" : `, ${iops} IOPS`}${throughput === null ? "" : `, ${throughput} MiB/s`}`;
      return `    ${device.padEnd(10)} ${ids[0] ?? "none"}  (${sizeGiB} GiB ${type}${speed})`;
    }),
  ]);
  return [
    `${set}, as of ${takenAt ?? "an unknown time"}`,
    ...rows.map(([label = "", text]) => `  ${label.padEnd(10)} ${text}`),
    ...disks.flat(),
  ].join("\n");
}
