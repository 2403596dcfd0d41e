import { describe, expect, test } from "vitest";
import { type KeyedInstance, type KeyFacts, keyFindings, keyName } from "../../core/key-findings.ts";
import type { BackupPlan } from "../../core/plan/schema.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const OWN = `arn:aws:kms:${HOME}:111122223333:key/0000-own`;
const THERE = `arn:aws:kms:${AWAY}:111122223333:key/0000-there`;
const fine = (arn: string, change: Partial<KeyFacts> = {}): KeyFacts => ({ arn, state: "Enabled", managedByAws: false, ...change });
const shop = (kmsKeyId: string | null): KeyedInstance => ({ id: "shop-a", region: HOME, kmsKeyId });
const plan = (change: Partial<BackupPlan> = {}): BackupPlan => ({
  database: "shop",
  everyMinutes: 360,
  copyTo: AWAY,
  kmsKeyId: "alias/copies",
  ...change,
});

function sentences(own: KeyFacts | null | undefined, there: KeyFacts | null | undefined, backup = plan()) {
  const seen = new Map<string, KeyFacts | null>();
  if (own !== undefined) seen.set(keyName(HOME, OWN), own);
  if (there !== undefined) seen.set(keyName(AWAY, "alias/copies"), there);
  return keyFindings("shop", [shop(OWN)], backup, HOME, seen).map(({ id, sentence, commands = [] }) => [id, sentence, ...commands]);
}

test("both keys can be used: nothing is told (R19)", () => {
  expect(sentences(fine(OWN), fine(THERE))).toEqual([]);
});

test("a key is disabled, is about to be deleted, or is not there: told with what it holds up and how to mend it (R19)", () => {
  expect(sentences(fine(OWN), fine(THERE, { state: "Disabled" }))).toEqual([
    [
      "shop-key-eu-west-1-copies",
      `Copies to eu-west-1 are made under the key ${THERE}, which is disabled: no copy can be made there.`,
      `aws kms enable-key --region eu-west-1 --key-id ${THERE}`,
    ],
  ]);
  expect(sentences(fine(OWN, { state: "PendingDeletion" }), fine(THERE))).toEqual([
    [
      "shop-key-eu-central-1-0000-own",
      `shop-a in eu-central-1 lies under the key ${OWN}, which is about to be deleted: its snapshots can be neither copied nor restored, and what lies under it is lost with it.`,
      `aws kms cancel-key-deletion --region eu-central-1 --key-id ${OWN}`,
      `aws kms enable-key --region eu-central-1 --key-id ${OWN}`,
    ],
  ]);
  expect(sentences(fine(OWN), null)).toEqual([
    [
      "shop-key-eu-west-1-copies",
      "Copies to eu-west-1 are made under the key alias/copies, which is not there: no copy can be made there.",
    ],
  ]);
});

test("an instance lies under RDS's own key: told that it can be shared with nobody (R19)", () => {
  expect(sentences(fine(OWN, { managedByAws: true }), fine(THERE)).map(([id]) => id)).toEqual(["shop-key-eu-central-1-0000-own"]);
});

test("an instance is encrypted, and its copies have no key: told before RDS refuses the first one (R19)", () => {
  expect(sentences(fine(OWN), undefined, plan({ kmsKeyId: undefined })).map(([id]) => id)).toEqual(["shop-key-none"]);
});

test("KMS did not answer about a key: nothing is said of it", () => {
  expect(sentences(undefined, fine(THERE))).toEqual([]);
});

describe("copies that go on into a vault", () => {
  const PLACE = "eu-west-1 in the vault 222233334444";
  const VAULTS = "arn:aws:kms:eu-west-1:222233334444:key/0000-vault";
  const told = (own: KeyFacts, there: KeyFacts, inVault: KeyFacts | null) =>
    keyFindings(
      "shop",
      [shop(OWN)],
      plan({ vault: true }),
      HOME,
      new Map([
        [keyName(HOME, OWN), own],
        [keyName(AWAY, "alias/copies"), there],
        [keyName(PLACE, VAULTS), inVault],
      ]),
      { place: PLACE, kmsKeyId: VAULTS },
    );

  test("the source is under RDS's own key: told that its copy under the plan's key is what is shared (R16, R19)", () => {
    expect(told(fine(OWN, { managedByAws: true }), fine(THERE), fine(VAULTS))).toMatchObject([
      { next: "Nothing for the vault: the copy in eu-west-1 is made under the plan's key, and it is that copy which is shared." },
    ]);
  });

  test("the alias of the copies leads to RDS's own key: told that none comes into the vault (R16, R19)", () => {
    expect(told(fine(OWN), fine(THERE, { managedByAws: true }), fine(VAULTS))).toMatchObject([
      { sentence: expect.stringContaining("so no copy comes into the vault"), next: expect.stringContaining("kmsKeyId") },
    ]);
  });

  test("the vault's key is disabled: told, with a command for its own region", () => {
    expect(told(fine(OWN), fine(THERE), fine(VAULTS, { state: "Disabled" }))).toMatchObject([
      {
        id: "shop-key-eu-west-1-in-the-vault-222233334444-0000-vault",
        sentence: `Copies to ${PLACE} are made under the key ${VAULTS}, which is disabled: no copy can be made there, and none be restored.`,
        commands: [`aws kms enable-key --region eu-west-1 --key-id ${VAULTS}`],
      },
    ]);
  });
});
