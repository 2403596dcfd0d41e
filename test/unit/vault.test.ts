import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { backupFindings, uncopiedIn } from "../../core/backup-findings.ts";
import { type Catalogue, type Listed, reconciled } from "../../core/catalogue.ts";
import { describeProblem, parsePlan } from "../../core/plan/parse.ts";
import { type Copy, chooseRecoveryPoint, type RestoreWish } from "../../core/restore.ts";
import { leftShared, withoutOtherVaults } from "../../core/vault.ts";
import { vaultFailed } from "../../core/vault-news.ts";
import { PLACE, VAULT, VAULT_ROLE, withVault } from "../vault-plan.ts";

const EXAMPLE = withVault(readFileSync(join(import.meta.dirname, "..", "..", "recovery-plan.yml"), "utf8"));

function problems(from: string, to: string): string[] {
  const changed = EXAMPLE.replace(from, to);
  expect(changed).not.toBe(EXAMPLE);
  const parsed = parsePlan(changed);
  return parsed.ok ? [] : parsed.problems.map((problem) => describeProblem("plan.yml", problem));
}

describe("a plan with a vault", () => {
  test("is valid as the tests have it", () => {
    expect(parsePlan(EXAMPLE)).toMatchObject({ ok: true });
  });

  test("its copies have no key of their own, or RDS's: refused, for nothing under RDS's own key can be shared (R16, R19)", () => {
    const why = "expected a key of your own in eu-west-1: the copy there is what is shared with the vault, and under RDS's own key";
    expect(problems("    kmsKeyId: alias/copies\n", "")[0]).toContain(`backups[0].kmsKeyId: ${why}`);
    expect(problems("kmsKeyId: alias/copies", "kmsKeyId: alias/aws/rds")[0]).toContain(`backups[0].kmsKeyId: ${why}`);
  });

  test("the role or the key is another account's, or the region another one: refused, saying which was expected", () => {
    expect(problems(VAULT_ROLE, "arn:aws:iam::111122223333:role/understudy-vault")[0]).toContain(
      `vault.role: expected a role of the vault's account, ${VAULT}, not of 111122223333`,
    );
    expect(problems(`:${VAULT}:alias/understudy-vault`, ":111122223333:alias/understudy-vault")[0]).toContain(
      `vault.kmsKeyId: expected a key of the vault's account, ${VAULT}, in eu-west-1`,
    );
    expect(problems("  region: eu-west-1\n  role", "  region: eu-north-1\n  role")[0]).toContain(
      "vault.region: expected the recovery region, eu-west-1",
    );
    expect(problems("kmsKeyId: alias/copies", `kmsKeyId: arn:aws:kms:eu-west-1:${VAULT}:key/0a1b`)[0]).toContain(
      "backups[0].kmsKeyId: expected a key of another account than the vault's",
    );
  });

  test("a backup goes to a vault that the plan does not name, or none goes to the one it names: refused", () => {
    const without = EXAMPLE.slice(0, EXAMPLE.indexOf("\nvault:\n"));
    const parsed = parsePlan(without);
    expect(parsed.ok ? [] : parsed.problems.map(({ field }) => field)).toEqual(["backups[0].vault"]);
    expect(problems("    vault: true\n", "")[0]).toContain('vault: expected a backup with "vault: true": none goes there');
  });

  test("an account without its quotes is no text: refused, with an example", () => {
    expect(problems(`account: "${VAULT}"`, `account: ${VAULT}`)[0]).toContain("expected an account of twelve digits, in quotes");
  });
});

const HOUR_MS = 3_600_000;
const NOON = Date.parse("2026-11-21T12:00:00Z");
const [HOME, AWAY] = ["eu-central-1", "eu-west-1"];
const PLACES = [HOME, AWAY, PLACE];
const BACKUP = { database: "shop", everyMinutes: 360, copyTo: AWAY, vault: true };
const RULES = { account: VAULT, region: AWAY, role: VAULT_ROLE, kmsKeyId: `arn:aws:kms:${AWAY}:${VAULT}:alias/understudy-vault` };

const listed = (id: string, region: string, hours: number, change: Partial<Listed> = {}): Listed => ({
  id,
  region,
  status: "available",
  takenAtMs: NOON + hours * HOUR_MS,
  encrypted: true,
  kmsKeyId: null,
  tags: {},
  ...change,
});
const everywhere = (id: string, hours: number) => PLACES.map((place) => listed(id, place, hours));
const look = (before: Catalogue | null, all: readonly Listed[], hours: number, dark: readonly string[] = []) =>
  reconciled(before, "shop", all, { nowMs: NOON + hours * HOUR_MS, dark });
const found = (catalogue: Catalogue, hours: number, keys: Record<string, string> = {}, vault = { place: PLACE, sinceMs: NOON }) =>
  backupFindings({ catalogue, backup: BACKUP, sinceMs: NOON, nowMs: NOON + hours * HOUR_MS, offsite: null, vault, keys });

describe("what lies in the vault, held against what was known", () => {
  test("the newest copy in the vault is deleted by hand: missing, and told (R16, R47)", () => {
    const before = look(null, [...everywhere("old", -6), ...everywhere("new", 0)], 0);
    const left = [...everywhere("old", -6), ...everywhere("new", 0).filter(({ region }) => region !== PLACE)];
    expect(found(look(before, left, 1), 1)).toMatchObject([
      {
        id: `new-missing-eu-west-1-in-the-vault-${VAULT}`,
        sentence: `The backup new of 2026-11-21T12:00Z is gone from ${PLACE}, and Understudy has not deleted it: it is still in ${HOME}, ${AWAY}.`,
      },
    ]);
  });

  test("an old copy goes while a newer one is there: its owner's own rule, and no loss; all of them at once are one", () => {
    const before = look(null, [...everywhere("old", -6), ...everywhere("new", 0)], 0);
    const without = (...ids: string[]) =>
      [...everywhere("old", -6), ...everywhere("new", 0)].filter(({ id, region }) => region !== PLACE || !ids.includes(id));
    expect(found(look(before, without("old"), 1), 1)).toEqual([]);
    expect(found(look(before, without("old", "new"), 1), 1).map(({ kind }) => kind)).toEqual(["missing", "missing"]);
    // One that comes later takes nothing back of what was told.
    const later = look(look(before, without("old", "new"), 1), [...without("old", "new"), ...everywhere("next", 6)], 7);
    expect(found(later, 7).map(({ kind }) => kind)).toEqual(["missing", "missing"]);
  });

  test("a copy in the vault is under another key, or under none (R16, R20)", () => {
    const key = `arn:aws:kms:${AWAY}:${VAULT}:key/vaults`;
    const copy = (change: Partial<Listed>) => look(null, [listed("b", HOME, 0), listed("b", AWAY, 0), listed("b", PLACE, 0, change)], 0);
    const kinds = (change: Partial<Listed>) => found(copy(change), 0, { [PLACE]: key }).map(({ kind }) => kind);
    expect(kinds({ kmsKeyId: key })).toEqual([]);
    expect(kinds({ kmsKeyId: `${key}-other` })).toEqual(["wrong key"]);
    expect(kinds({ encrypted: false })).toEqual(["not encrypted"]);
  });

  test("no copy has come for two intervals and a day: the vault is behind (R16)", () => {
    const good = (hours: number) => [listed("b", HOME, hours), listed("b", AWAY, hours)];
    const kinds = (catalogue: Catalogue, hours: number) => found(catalogue, hours).map(({ kind }) => kind);
    expect(kinds(look(null, good(36), 36), 36)).not.toContain("vault behind");
    expect(kinds(look(null, good(37), 37), 37)).toContain("vault behind");
    const catalogue = look(null, [...everywhere("old", 2), ...good(38)], 38);
    expect(kinds(catalogue, 38)).not.toContain("vault behind");
    expect(found(catalogue, 39).find(({ kind }) => kind === "vault behind")?.sentence).toContain("the newest good copy there is 37 h old");
  });

  test("the vault says nothing: nothing in it is missing; a plan without it forgets what lay there", () => {
    const before = look(null, everywhere("b", 0), 0);
    const after = look(before, everywhere("b", 0).slice(0, 2), 1, [PLACE]);
    expect(after.points[0]?.places[PLACE]?.state).toBe("good");
    expect(Object.keys(withoutOtherVaults(after, PLACE).points[0]?.places ?? {}).sort()).toEqual(PLACES);
    expect(Object.keys(withoutOtherVaults(after, null).points[0]?.places ?? {})).toEqual([HOME, AWAY]);
    expect(Object.keys(withoutOtherVaults(after, `${AWAY} in the vault 333344445555`).points[0]?.places ?? {})).toEqual([HOME, AWAY]);
  });

  test("a backup that is in the vault alone has no copy to wait for", () => {
    const [point] = look(null, [listed("b", PLACE, 0)], 0).points;
    expect(point && uncopiedIn(point, NOON + 99 * HOUR_MS)).toBeNull();
  });
});

test("a restore takes what is in the vault where no region has it, and only then; also where one region is asked for", () => {
  const copy = (id: string, region: string, hours: number) => ({ ...listed(id, region, hours), instanceId: "shop-a" });
  const chosen = (wish: Partial<RestoreWish>, ...copies: Copy[]) =>
    chooseRecoveryPoint({ from: null, at: null, region: null, ...wish }, { copies, sources: [], dark: [] }, AWAY).point?.region;
  const old = copy("old", PLACE, -6);
  expect(chosen({}, copy("new", AWAY, 0), copy("new", PLACE, 0))).toBe(AWAY);
  expect(chosen({}, copy("new", HOME, 0), copy("new", PLACE, 0))).toBe(HOME);
  expect(chosen({}, old)).toBe(PLACE);
  expect(chosen({ from: "old" }, copy("new", AWAY, 0), old)).toBe(PLACE);
  expect(chosen({ from: "old", region: AWAY }, copy("old", HOME, -6), old)).toBe(PLACE);
  expect(chosen({ region: HOME }, old)).toBeUndefined();
});

describe("what is still shared", () => {
  const shared = { shared: { b: NOON } };
  const told = (catalogue: Catalogue, hours: number, silent = false) =>
    leftShared(catalogue, shared, RULES, { silent, nowMs: NOON + hours * HOUR_MS });
  const there = (change: Partial<Listed>) => look(null, [listed("b", AWAY, 0), listed("b", PLACE, 0, change)], 0);

  test("no copy of it is under way: told after an hour, with the command that takes it back (R16)", () => {
    const never = look(null, [listed("b", AWAY, 0)], 0);
    expect(told(never, 1)).toEqual([]);
    expect(told(never, 1.1)).toMatchObject([
      {
        sentence: `The snapshot b of shop in ${AWAY} is shared with the account ${VAULT} since 2026-11-21T12:00Z, and no copy of it is under way there.`,
        commands: [
          `aws rds modify-db-snapshot-attribute --region ${AWAY} --db-snapshot-identifier b --attribute-name restore --values-to-remove ${VAULT}`,
        ],
      },
    ]);
    expect(told(there({}), 1.1)).toHaveLength(1);
  });

  test("its copy is under way, or may be while the vault says nothing: nothing is told for as long as one may take", () => {
    expect(told(there({ status: "creating" }), 30)).toEqual([]);
    expect(told(there({}), 30, true)).toEqual([]);
    expect(told(there({}), 50, true)).toHaveLength(1);
  });
});

test.each([
  [
    /deploy vault\.json in 222233334444 again/,
    "User: arn:aws:sts::111122223333:assumed-role/x is not authorized to perform: sts:AssumeRole on resource: y",
  ],
  [
    /key policy needs kms:DescribeKey and kms:CreateGrant/,
    "The source snapshot KMS key [arn] does not exist, is not enabled or you do not have permissions to access it.",
  ],
  [/give the copies a key of your own/, "Sharing snapshots encrypted with the default service key for RDS is currently not supported."],
  [
    /is there and enabled in 222233334444/,
    "Specified KMS key [arn] does not exist, is not enabled or you do not have permissions to access it.",
  ],
  [/See the reason above/, "something else"],
])("what to do about it: %s", (next, reason) => {
  const news = vaultFailed({ database: "shop", snapshot: "b", vault: RULES }, reason, null, NOON);
  expect(news.next).toMatch(next);
  expect(news.sentence).toContain(`The backup b of shop is good, and has no copy in ${PLACE}`);
});
