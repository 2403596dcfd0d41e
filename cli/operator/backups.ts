/** `understudy backups NAME`: the catalogue of a database, what its plan keeps and why, in 80 columns. Reads the bucket, deletes nothing. */
import { readDocument } from "../../aws/documents.ts";
import { retentionOf } from "../../core/backup-policy.ts";
import { type Catalogue, type Point, type Standing, standing } from "../../core/catalogue.ts";
import { type OffsiteNote, offsiteNoteKey } from "../../core/offsite-note.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { Problem } from "../../core/problem.ts";
import { pruneOf } from "../../core/prune.ts";
import { ageWords } from "../../core/restore.ts";
import { vaultPlace } from "../../core/vault.ts";
import { catalogueKey, type KeptCatalogue } from "../../runbooks/catalogue.ts";
import { type RetentionWords, wordsKey } from "../../runbooks/retention-words.ts";
import { wrapped } from "./pages.ts";
import { placeOf } from "./state.ts";

interface Line {
  readonly id: string;
  readonly takenAt: string | null;
  readonly verified: boolean;
  /** By region: how it stands there. */
  readonly places: Readonly<Record<string, string>>;
  readonly keep: boolean;
  readonly reasons: readonly string[];
}

export interface Backups {
  readonly database: string;
  /** When RDS was last asked. */
  readonly at: string;
  readonly standing: Standing;
  /** The newest dump at another provider; null: none was ever finished; undefined: the plan has none. */
  readonly offsite?: OffsiteNote | null;
  readonly backups: readonly Line[];
  readonly trouble: readonly string[];
}

export async function findBackups(plan: Plan, database: string, nowMs: number): Promise<Backups> {
  const backup = plan.backups.find((each) => each.database === database);
  if (!backup)
    throw new Problem("NoBackupPlanned", `The plan has no backup of "${database}".`, {
      hint: `Name one of: ${plan.backups.map((each) => each.database).join(", ")}.`,
    });
  const place = await placeOf(plan);
  const [kept, words, dumped] = await Promise.all([
    readDocument<KeptCatalogue>(place, catalogueKey(database)),
    readDocument<RetentionWords>(place, wordsKey(database)),
    backup.offsite ? readDocument<OffsiteNote>(place, offsiteNoteKey(database)) : undefined,
  ]);
  if (!kept)
    throw new Problem("NoCatalogue", `Nobody has looked at the backups of ${database} yet.`, {
      hint: "The function retain does, once an hour.",
    });
  const { catalogue, incidents } = kept.value;
  const regions = [plan.regions.primary, plan.regions.recovery];
  const places = backup.vault && plan.vault ? [...regions, vaultPlace(plan.vault)] : regions;
  const verdicts = verdictsOf(catalogue, backup, regions, words?.value.holds ?? {});
  return {
    database,
    at: new Date(catalogue.atMs).toISOString(),
    standing: standing(catalogue, places, backup.everyMinutes * 60, nowMs),
    ...(dumped === undefined ? {} : { offsite: dumped?.value ?? null }),
    backups: catalogue.points.map((point) => ({
      ...lineOf(point),
      ...(verdicts.get(point.id) ?? { keep: true, reasons: ["nothing is deleted"] }),
    })),
    trouble: incidents.map(({ sentence }) => sentence),
  };
}

const lineOf = ({ id, atMs, verifiedAtMs, places }: Point) => ({
  id,
  takenAt: atMs === null ? null : new Date(atMs).toISOString(),
  verified: verifiedAtMs !== null,
  places: Object.fromEntries(Object.entries(places).map(([region, { state }]) => [region, state])),
});

/** A backup stays while it stays in any place. */
function verdictsOf(catalogue: Catalogue, backup: Plan["backups"][number], regions: readonly string[], holds: RetentionWords["holds"]) {
  const verdicts = new Map<string, { keep: boolean; reasons: readonly string[] }>();
  const retention = retentionOf(backup);
  if (!retention) return verdicts;
  const said = Object.fromEntries(Object.entries(holds).map(([id, { by, reason }]) => [id, `${reason} (${by})`]));
  for (const region of regions) {
    const limits = { percent: 100, most: Number.MAX_SAFE_INTEGER };
    for (const { backup: each, keep, reasons } of pruneOf({ catalogue, region, retention, holds: said, limits, allowed: 0, heldBack: [] })
      .verdicts)
      if (keep || !verdicts.has(each.id)) verdicts.set(each.id, { keep, reasons });
  }
  return verdicts;
}

const offsiteLine = (note: OffsiteNote | null): string =>
  note === null
    ? "offsite          none yet"
    : wrapped(
        `offsite          the newest of ${new Date(note.takenAtMs).toISOString().slice(0, 16)}Z: ${note.id} in ${note.bucket} at ${note.endpoint}`,
      );

export function backupsPage({
  database,
  at,
  standing: { newestGood, newestVerified, restoreSeconds, places, lossSeconds, objectiveSeconds },
  offsite,
  backups,
  trouble,
}: Backups): string {
  const objective = `one every ${ageWords(objectiveSeconds * 1000)}`;
  const loss =
    lossSeconds === null ? "There is no good backup." : `A restore now would lose ${ageWords(lossSeconds * 1000)}; planned: ${objective}.`;
  return [
    `${database}, as RDS listed it at ${at.slice(0, 16)}Z`,
    loss,
    `Newest good:     ${newestGood?.id ?? "none"}`,
    `Newest verified: ${newestVerified?.id ?? "none, no drill has passed"}`,
    ...(restoreSeconds === null ? [] : [`Its restore took ${ageWords(restoreSeconds * 1000)} until it answered.`]),
    ...Object.entries(places).map(
      ([region, { good, newestAtMs }]) =>
        `${region.padEnd(16)} ${good} good, the newest of ${newestAtMs === null ? "never" : `${new Date(newestAtMs).toISOString().slice(0, 16)}Z`}`,
    ),
    ...(offsite === undefined ? [] : [offsiteLine(offsite)]),
    ...(trouble.length > 0 ? ["", ...trouble.map((sentence) => wrapped(`! ${sentence}`))] : []),
    "",
    ...backups.flatMap(({ id, verified, places: where, keep, reasons }) => [
      `${keep ? "keep" : "go  "} ${id}${verified ? ", verified" : ""}: ${Object.entries(where)
        .map(([region, state]) => (state === "good" ? region : `${state} in ${region}`))
        .join(", ")}`,
      wrapped(reasons.join(", "), "     "),
    ]),
  ].join("\n");
}
