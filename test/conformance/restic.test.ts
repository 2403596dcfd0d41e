/** The retention against restic's: SEED=… and HISTORIES=… say which and how many (10000 agree; fewer are tried each time). */
import { expect, onTestFinished, test } from "vitest";
import { Repository, resticVersion } from "../../conformance/restic.ts";
import { type Backup, type Retention, retained, TIERS } from "../../core/retention.ts";
import { Chance } from "../../lab/simulation/chance.ts";

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));
const HISTORIES = Number(process.env.HISTORIES ?? 500);
const A_REPOSITORY = 250;
const YEAR_MS = 366 * 86_400_000;

const version = await resticVersion();
/** Since 0.16 the oldest is kept where a tier has room (R26), as here; before, restic had no such rule. */
const keepsOldest = !/ 0\.(\d|1[0-5])\./.test(version ?? "");
if (version === null) console.warn("The judgement of the retention by restic is skipped: there is no restic here.");

/** Regular and irregular ones; bursts, gaps, and two in one second. */
function history(chance: Chance): Backup[] {
  const count = chance.whole(0, 40);
  const everyMs = chance.pick([600_000, 3_600_000, 6 * 3_600_000, 86_400_000, 7 * 86_400_000, 30 * 86_400_000]);
  const untilMs = Date.UTC(2026, 10, 21) - chance.whole(0, YEAR_MS);
  let atMs = untilMs;
  return Array.from({ length: count }, (_, index): Backup => {
    atMs -= chance.happens(0.1) ? chance.whole(0, 20) * everyMs : chance.happens(0.7) ? everyMs : chance.whole(1, 2 * everyMs);
    // restic's order of two of one moment is not told.
    return { id: `b${index}`, atMs: atMs - index, state: "good" };
  });
}

function policy(chance: Chance): Retention {
  const counts = Object.fromEntries(TIERS.map((tier) => [tier, chance.happens(0.5) ? chance.whole(1, 12) : 0]));
  // Without any count restic keeps all, and says that this is no policy.
  return { timeZone: "UTC", floor: 1, ...counts, ...(Object.values(counts).some(Boolean) ? {} : { daily: 7 }) };
}

test.skipIf(version === null)(
  "restic forget --dry-run keeps the same ones",
  async () => {
    console.log(`seed ${SEED}, ${HISTORIES} histories, ${version}`);
    for (let from = 0; from < HISTORIES; from += A_REPOSITORY) {
      const chance = new Chance(SEED + from, "retention");
      const retention = policy(chance);
      const repository = await Repository.open();
      onTestFinished(() => repository.close());
      const histories = Array.from({ length: Math.min(A_REPOSITORY, HISTORIES - from) }, () => history(chance));
      histories.forEach((backups, index) => {
        for (const { id, atMs } of backups) repository.add(`h${index}`, id, atMs);
      });
      const kept = await repository.kept(retention);
      histories.forEach((backups, index) => {
        const ours = retained(backups, retention).flatMap(({ backup, keep, reasons }) =>
          keep && (keepsOldest || reasons.some((reason) => !reason.startsWith("the oldest"))) ? [backup.id] : [],
        );
        expect(new Set(ours), `seed ${SEED + from}, history ${index}, ${JSON.stringify(retention)}`).toEqual(
          kept.get(`h${index}`) ?? new Set(),
        );
      });
      repository.close();
    }
  },
  1_800_000,
);
