import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { retentionOf } from "../../core/backup-policy.ts";
import { costOf, LIST_PRICES } from "../../core/cost.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { BackupPlan, Plan } from "../../core/plan/schema.ts";
import { type Backup, retained } from "../../core/retention.ts";

const parsed = parsePlan(readFileSync(join(import.meta.dirname, "../../recovery-plan.yml"), "utf8"));
if (!parsed.ok) throw new Error("the example plan is wrong");
const [example] = parsed.plan.backups;
const withBackup = (change: Partial<BackupPlan>): Plan => ({
  ...(parsed.plan as Plan),
  backups: [{ ...(example as BackupPlan), ...change }],
});

const DAYS = 30;
const BLOCKS = 4000;
const HOUR_MS = 3_600_000;

/** A disk of blocks, written at random hour by hour; what is stored is each version of a block that a kept snapshot has. */
function billed({ everyMinutes, ...backup }: BackupPlan, change: number): { readonly storedDays: number; readonly copied: number } {
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const versions = new Uint32Array(BLOCKS);
  const anHour = 1 - (1 - change) ** (1 / 24);
  const retention = retentionOf(backup);
  const disks = new Map<number, Uint32Array>();
  let kept: Backup[] = [];
  let [storedDays, copied] = [0, 0];
  let newest: Uint32Array | undefined;
  for (let hour = 0; hour < DAYS * 24; hour++) {
    if ((hour * 60) % everyMinutes === 0) {
      const disk = versions.slice();
      copied += disk.reduce((sum, version, block) => sum + (newest?.[block] === version ? 0 : 1), 0);
      newest = disk;
      disks.set(hour, disk);
      kept.push({ id: String(hour), atMs: hour * HOUR_MS, state: "good" });
    }
    for (let block = 0; block < BLOCKS; block++) if (random() < anHour) versions[block] = (versions[block] as number) + 1;
    if (hour % 24 !== 23) continue;
    if (retention) kept = retained(kept, retention).flatMap((verdict) => (verdict.keep ? [verdict.backup] : []));
    const stored = new Set<string>();
    for (const { id } of kept) disks.get(Number(id))?.forEach((version, block) => void stored.add(`${block} ${version}`));
    storedDays += stored.size;
  }
  return { storedDays: storedDays / DAYS / BLOCKS, copied: copied / BLOCKS };
}

const policies: readonly (readonly [string, Partial<BackupPlan>, number])[] = [
  ["every six hours, for months", {}, 0.03],
  ["every hour, for a day", { everyMinutes: 60, keep: { hourly: 24, daily: 7 } }, 0.1],
  ["daily, nothing is deleted", { everyMinutes: 1440, keep: undefined }, 0.3],
];
for (const [words, change, daily] of policies)
  test(`${words}: what is shown before is within 20 % of what a month of a disk that is written at random comes to (R54)`, () => {
    const plan = withBackup(change);
    const { policies: shown } = costOf(plan, { shop: { gb: 1, provisionedGb: 0, change: daily } }, "first");
    const actual = billed(plan.backups[0] as BackupPlan, daily);
    expect((shown[0]?.storedGb ?? 0) / actual.storedDays).toBeGreaterThan(0.8);
    expect((shown[0]?.storedGb ?? 0) / actual.storedDays).toBeLessThan(1.2);
    expect((shown[0]?.copiedGb ?? 0) / actual.copied).toBeGreaterThan(0.8);
    expect((shown[0]?.copiedGb ?? 0) / actual.copied).toBeLessThan(1.2);
  });

test("what AWS gives free with a running database is taken off, in each region for itself", () => {
  const cost = costOf(
    withBackup({ everyMinutes: 1440, keep: { last: 2 } }),
    { shop: { gb: 100, provisionedGb: 40, change: 0.1 } },
    "settled",
  );
  // Both instances are in the primary region.
  expect(cost.regions.map(({ region, freeGb }) => [region, freeGb])).toEqual([
    ["eu-central-1", 80],
    ["eu-west-1", 0],
  ]);
  const [home, away] = cost.regions as [(typeof cost.regions)[number], (typeof cost.regions)[number]];
  expect(home.storedGb).toBeGreaterThanOrEqual(110 - 1e-6);
  expect(away.usd - home.usd).toBeCloseTo(80 * LIST_PRICES.snapshotStorage, 6);
});

test("a key of one's own and dumps at another provider cost too", () => {
  const offsite = { everyDays: 2, endpoint: "https://s3.example", region: "eu", bucket: "b", secret: "s" };
  const cost = costOf(withBackup({ kmsKeyId: "alias/copies", offsite }), { shop: { gb: 10, provisionedGb: 20, change: 0.01 } }, "first");
  expect(cost.keysUsd).toBe(1);
  expect(cost.egressUsd).toBeCloseTo(15 * 10 * LIST_PRICES.egress, 6);
});
