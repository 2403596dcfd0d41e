import { expect, test } from "vitest";
import { backupFindings } from "../../core/backup-findings.ts";
import { reconciled } from "../../core/catalogue.ts";
import { incompleteFindings, MACHINE_WORDS, machineKeyFindings } from "../../core/machine-findings.ts";
import { asListed, type MachineSet, type Member, setsOf, setTags } from "../../core/machine-set.ts";
import type { MachinePlan } from "../../core/plan/schema.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const AT_MS = Date.UTC(2026, 10, 21, 6);
const OWN = `arn:aws:kms:${AWAY}:111122223333:key/own`;
const WEB: MachinePlan = { name: "web-1", instance: "i-0a1b2c3d4e5f60001", region: HOME, everyMinutes: 60, copyTo: AWAY, kmsKeyId: OWN };

const member = (volumeId: string, region: string, kmsKeyId: string | null): Member => ({
  id: `snap-${volumeId}`,
  region,
  status: "completed",
  reason: null,
  startedAtMs: AT_MS,
  volumeId,
  sizeGiB: 8,
  encrypted: kmsKeyId !== null,
  kmsKeyId,
  tags: setTags("corner-shop", "web-1", "20261121t0600", 2),
});
const set = (region: string, ...keys: (string | null)[]): MachineSet =>
  setsOf(keys.map((key, at) => member(`vol-${at}`, region, key)))[0] as MachineSet;

const findingsOf = (sets: readonly MachineSet[], nowMs = AT_MS + 60_000) => {
  const listed = sets.map((each) => asListed(each, { wasWhole: false, nowMs }));
  const catalogue = reconciled(null, "web-1", listed, { nowMs });
  return backupFindings({ catalogue, backup: WEB, sinceMs: AT_MS, nowMs, offsite: null, keys: { [AWAY]: OWN }, words: MACHINE_WORDS });
};

test("a set under the plan's key is right; one of which a single member lies under another, or under none, is told (R20)", () => {
  expect(findingsOf([set(HOME, null, null), set(AWAY, OWN, OWN)])).toEqual([]);
  expect(findingsOf([set(AWAY, OWN, "another")]).map(({ kind }) => kind)).toEqual(["wrong key"]);
  expect(findingsOf([set(AWAY, OWN, null)]).map(({ kind }) => kind)).toEqual(["not encrypted"]);
});

test("none begins: told ten minutes after its time, with what makes machines' backups (R44)", () => {
  expect(findingsOf([set(HOME, null, null)], AT_MS + 70 * 60_000)).toEqual([]);
  expect(findingsOf([set(HOME, null, null)], AT_MS + 71 * 60_000)).toMatchObject([{ kind: "missed", next: MACHINE_WORDS.look }]);
});

test("one member is gone: told with its volume, when the other region still has it", () => {
  const short = set(AWAY, OWN);
  expect(incompleteFindings([short], [short, set(HOME, null, null)])[0]?.sentence).toBe(
    "The set web-1-20261121t0600 is incomplete in eu-west-1: 1 of its 2 snapshots are there (that of vol-1 is gone), and Understudy has not deleted the rest. It counts as failed.",
  );
  expect(incompleteFindings([short], [short])[0]).toMatchObject({ next: "Find out who deleted it (CloudTrail: DeleteSnapshot)." });
});

test("the key of the copies is not there, or disabled: told before a copy fails for it (R19)", () => {
  const state = (of: string) => ({ arn: OWN, state: of, managedByAws: false });
  expect(machineKeyFindings(WEB, state("Enabled"))).toEqual([]);
  expect(machineKeyFindings(WEB, state("PendingDeletion"))[0]?.sentence).toContain(
    "which is in the state PendingDeletion: none can be made.",
  );
  expect(machineKeyFindings(WEB, null)[0]?.sentence).toContain("which is not there");
});
