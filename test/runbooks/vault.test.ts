import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { vaultAccountTemplate } from "../../infra/vault-account.ts";
import { type Role, roleOf } from "../../lab/cloud/iam.ts";
import { regionState, type SnapshotRecord } from "../../lab/cloud/rds/state.ts";
import type { World } from "../../lab/cloud/world.ts";
import type { Lab } from "../../lab/lab.ts";
import { readJson, waitFor } from "../../lab/look.ts";
import { buildVault } from "../../lab/vault.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { PLACE, RESTORE, VAULT, VAULT_ROLE, withVault } from "../vault-plan.ts";
import { bench, instead } from "./bench.ts";

/** Of each database one backup stays in each region: what is copied into the vault must stay all the same. */
const open = bench(
  (text) => `${withVault(text).replace(/keep: \{.*\}/, "keep: { last: 1, floor: 1 }")}prune: { percent: 100, most: 1000 }\n`,
);
const HOME = "eu-central-1";
const AWAY = "eu-west-1";
let vault: World;
let slots = 0;
const nameOf = (slot: string) => `understudy-shop-${slot}`;

beforeAll(async () => {
  const { lab, plan } = open();
  vault = await buildVault(lab, plan, vaultAccountTemplate(plan, "understudy-corner-shop"));
  // The bench calls as the account's root, which the template does not let in.
  const { trust } = roleOf(vault, VAULT_ROLE) as Role;
  delete trust.Statement[0].Condition.ArnLike;
});

const copies = (): Record<string, SnapshotRecord> => regionState(vault, AWAY).snapshots;
const sharedWith = (slot: string) => regionState(open().lab.world, AWAY).snapshots[nameOf(slot)]?.sharedWith ?? [];
const kms = (operation: string, input: object) => open().lab.world.call("kms", operation, input, { region: AWAY });

/** A backup as the function makes it, without its snapshot's own way: the snapshot, and its copy under the plan's key or another. */
async function taken(KmsKeyId = "alias/copies"): Promise<string> {
  const { lab, plan } = open();
  const slot = `20261121t${String(slots++).padStart(2, "0")}00`;
  const Tags = Object.entries({ plan: plan.name, database: "shop", slot }).map(([key, Value]) => ({ Key: `understudy:${key}`, Value }));
  const rds = (operation: string, input: object, region: string) => lab.world.call("rds", operation, input, { region });
  const available = (region: string) =>
    waitFor(`${slot} in ${region}`, 20_000, () => regionState(lab.world, region).snapshots[nameOf(slot)]?.status === "available");
  const snapshot = { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: nameOf(slot), Tags: [...Tags, { Key: "team", Value: "shop" }] };
  const { DBSnapshot } = await rds("CreateDBSnapshot", snapshot, HOME);
  await available(HOME);
  const copy = { SourceDBSnapshotIdentifier: DBSnapshot.DBSnapshotArn, TargetDBSnapshotIdentifier: nameOf(slot), KmsKeyId, CopyTags: true };
  await rds("CopyDBSnapshot", { ...copy, Tags }, AWAY);
  await available(AWAY);
  return slot;
}

async function durably(name: "vault" | "backup" | "restore", slot: string, payload: object = { database: "shop", slot }) {
  const { handler } = await import(`../../functions/${name}.ts`);
  const runner = new LocalDurableTestRunner({ handlerFunction: handler as never });
  const execution = await runner.run({ payload });
  return execution.getResult() as { outcome: string; snapshot: string; sentence: string };
}
const sent = (slot: string) => durably("vault", slot);

async function retained() {
  const { retain } = await import("../../runbooks/retain.ts");
  const { readSettings } = await import("../../runbooks/settings.ts");
  const [shop] = await retain(readSettings());
  return shop?.findings ?? [];
}

type Call = (input: unknown) => unknown;
/** Replaces an operation of the vault's own RDS for this test. */
const inVault = (operation: string, run: (before: Call) => Call): void =>
  onTestFinished(instead({ world: vault } as Lab, "rds", operation, run));

test("a backup is told to be good at once, and sent to the vault by an execution of its own, named after its slot", async () => {
  const { lab, news } = open();
  const started: { FunctionName?: string; DurableExecutionName?: string; Payload?: Uint8Array }[] = [];
  const restore = instead(lab, "lambda", "Invoke", () => (input) => {
    started.push(input as object);
    return { StatusCode: 202 };
  });
  onTestFinished(restore);
  const { outcome } = await durably("backup", "20261120t0600");
  expect(outcome).toBe("completed");
  expect(news.at(-1)?.kind).toBe("Backup Completed");
  expect(started).toMatchObject([{ FunctionName: "vault", DurableExecutionName: "vault-shop-20261120t0600" }]);
  expect(JSON.parse(Buffer.from(started[0]?.Payload ?? []).toString())).toEqual({ database: "shop", slot: "20261120t0600" });
});

test("nobody takes the order to the vault: told, and the backup is completed all the same", async () => {
  const { lab, news } = open();
  const restore = instead(lab, "lambda", "Invoke", () => () => {
    throw new ServiceError("TooManyRequestsException", "Rate exceeded", 429);
  });
  onTestFinished(restore);
  expect(await durably("backup", "20261120t1200")).toMatchObject({ outcome: "completed" });
  expect(news.slice(-2).map(({ kind }) => kind)).toEqual(["Vault Copy Failed", "Backup Completed"]);
});

test("a copy comes into the vault, under the vault's own key and with every tag, though the source is under RDS's own key; then nothing is shared any more (R15, R16, R20)", async () => {
  const { lab, bucket, news } = open();
  const slot = await taken();
  const source = regionState(lab.world, HOME).snapshots[nameOf(slot)];
  expect((await kms("DescribeKey", { KeyId: "alias/copies" })).KeyMetadata.Arn).not.toBe(source?.kmsKeyId);
  const result = await sent(slot);
  expect(result, result.sentence).toMatchObject({ outcome: "completed", sentence: expect.stringContaining(`is in ${PLACE} too`) });
  const copy = copies()[nameOf(slot)];
  expect(copy).toMatchObject({ status: "available", arn: `arn:aws:rds:${AWAY}:${VAULT}:snapshot:${nameOf(slot)}` });
  expect(copy?.kmsKeyId).toContain(`:${VAULT}:key/`);
  expect(Object.fromEntries(copy?.tags.map(({ Key, Value }) => [Key, Value]) ?? [])).toMatchObject({
    team: "shop",
    "understudy:slot": slot,
  });
  expect(sharedWith(slot)).toEqual([]);
  expect(await readJson(lab, AWAY, bucket, "vault/shop.json")).toEqual({ shared: {} });
  expect(await readJson<{ places: string[] }>(lab, AWAY, bucket, `backups/shop/${nameOf(slot)}.json`)).toMatchObject({ places: [PLACE] });
  expect(news.at(-1)).toMatchObject({ kind: "Vault Copy Completed", next: "Nothing." });

  // Asked for once more, there is one copy still.
  const made = copy?.createdAt;
  expect(await sent(slot)).toMatchObject({ outcome: "completed" });
  expect(copies()[nameOf(slot)]?.createdAt).toBe(made);
  expect(Object.keys(copies())).toEqual([nameOf(slot)]);
});

test("a reply of the share is lost, and one of the copy: the copy that is there is ours, and nothing stays shared (R14, R16)", async () => {
  const { lab } = open();
  const slot = await taken();
  const lost = (before: Call) => async (input: unknown) => {
    await before(input);
    throw new ServiceError("InternalFailure", "the reply never came", 500);
  };
  let [shares, asked] = [0, 0];
  const restore = instead(lab, "rds", "ModifyDBSnapshotAttribute", (before) => (shares++ < 2 ? lost(before) : before));
  onTestFinished(restore);
  inVault("CopyDBSnapshot", (before) => (asked++ < 2 ? lost(before) : before));
  const result = await sent(slot);
  // The second request for the copy meets what the first has made.
  expect([shares > 2, asked]).toEqual([true, 2]);
  expect(result, result.sentence).toMatchObject({ outcome: "completed" });
  expect(sharedWith(slot)).toEqual([]);
});

test("the key of the copies does not let the vault in: told with what is missing, the sharing is taken back, the backup stays (R16, R19)", async () => {
  const { news } = open();
  const slot = await taken();
  const { KeyMetadata } = await kms("DescribeKey", { KeyId: "alias/copies" });
  const { Policy } = await kms("GetKeyPolicy", { KeyId: KeyMetadata.KeyId });
  const closed = { ...JSON.parse(Policy), Statement: JSON.parse(Policy).Statement.slice(0, 1) };
  await kms("PutKeyPolicy", { KeyId: KeyMetadata.KeyId, Policy: JSON.stringify(closed) });
  const result = await sent(slot);
  await kms("PutKeyPolicy", { KeyId: KeyMetadata.KeyId, Policy });
  expect(result).toMatchObject({
    outcome: "failed",
    sentence: expect.stringContaining(`The source snapshot KMS key [${KeyMetadata.Arn}]`),
  });
  expect(news.at(-1)).toMatchObject({ kind: "Vault Copy Failed", next: expect.stringContaining("kms:CreateGrant") });
  expect(sharedWith(slot)).toEqual([]);
  expect(copies()[nameOf(slot)]).toBeUndefined();
});

test("what lies in the recovery region is under RDS's own key: it cannot be shared, and people are told what would help (R16, R19)", async () => {
  const { news } = open();
  const slot = await taken("alias/aws/rds");
  const result = await sent(slot);
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("default service key") });
  expect(news.at(-1)?.next).toContain("give the copies a key of your own (kmsKeyId)");
});

test("an execution dies between the sharing and the copy: the hourly look tells what is still shared and deletes it not, the next copy takes it back (R13, R16)", async () => {
  const { lab, plan, bucket } = open();
  const slot = await taken();
  const { share } = await import("../../runbooks/vault-sharing.ts");
  const { readSettings } = await import("../../runbooks/settings.ts");
  if (!plan.vault) throw new Error("the plan has no vault");
  await share(readSettings(), { database: "shop", snapshot: nameOf(slot), vault: plan.vault });
  expect(sharedWith(slot)).toEqual([VAULT]);
  expect((await retained()).filter((sentence) => sentence.includes("is shared"))).toEqual([]);
  const Body = Buffer.from(JSON.stringify({ shared: { [nameOf(slot)]: Date.now() - 2 * 3_600_000 } }));
  await lab.world.call("s3", "PutObject", { Bucket: bucket, Key: "vault/shop.json", Body }, { region: AWAY });
  expect((await retained()).filter((sentence) => sentence.includes("is shared"))).toEqual([
    expect.stringContaining(`The snapshot ${nameOf(slot)} of shop in eu-west-1 is shared with the account ${VAULT} since`),
  ]);
  // Its copy might be under way: retention leaves it alone until it is shared no more.
  const next = await taken();
  await retained();
  const stays = () => nameOf(slot) in regionState(lab.world, AWAY).snapshots;
  expect(stays()).toBe(true);
  await sent(next);
  expect(sharedWith(slot)).toEqual([]);
  await retained();
  expect(stays()).toBe(false);
  expect((await retained()).filter((sentence) => sentence.includes("is shared"))).toEqual([]);
});

test("the hourly look lists the vault: the newest copy there is deleted by hand, and an old one by the vault's own rule (R16, R47)", async () => {
  const { lab, bucket } = open();
  const slot = await taken();
  await sent(slot);
  expect((await retained()).filter((sentence) => sentence.includes("vault"))).toEqual([]);
  const there = async () => {
    const kept = await readJson<{ catalogue: { points: { id: string; places: Record<string, { state: string }> }[] } }>(
      lab,
      AWAY,
      bucket,
      "catalogue/shop.json",
    );
    return kept?.catalogue.points.flatMap(({ id, places }) => (places[PLACE] ? [[id, places[PLACE].state]] : []));
  };
  expect(await there()).toContainEqual([nameOf(slot), "good"]);
  const [oldest] = Object.keys(copies()).sort();
  const remove = (id: string | undefined) => vault.call("rds", "DeleteDBSnapshot", { DBSnapshotIdentifier: id }, { region: AWAY });
  await remove(oldest);
  expect((await retained()).filter((sentence) => sentence.includes("vault"))).toEqual([]);
  await remove(nameOf(slot));
  expect((await retained()).filter((sentence) => sentence.includes("is gone from"))).toEqual([
    expect.stringMatching(new RegExp(`^The backup ${nameOf(slot)} of .* is gone from ${PLACE}, and Understudy has not deleted it`)),
  ]);
});

test("a copy in the vault lies under another of its keys: a finding (R16, R20)", async () => {
  const { lab } = open();
  const slot = await taken();
  await sent(slot);
  const copy = copies()[nameOf(slot)];
  if (!copy) throw new Error("there is no copy");
  copy.kmsKeyId = `arn:aws:kms:${AWAY}:${VAULT}:key/another`;
  expect(await retained()).toContainEqual(
    expect.stringContaining(`The backup ${nameOf(slot)} in ${PLACE} is encrypted with ${copy.kmsKeyId}`),
  );
  expect(lab.world.account).not.toBe(VAULT);
  await vault.call("rds", "DeleteDBSnapshot", { DBSnapshotIdentifier: nameOf(slot) }, { region: AWAY });
});

test("the vault's role is gone: no copy, told once with what to do; the look goes on, the backup stays, and it is told when it is over (R16)", async () => {
  const { lab, news } = open();
  const kept = await taken();
  await sent(kept);
  await retained();
  const slot = await taken();
  const roles = vault.state<{ roles: Record<string, Role> }>("iam", () => ({ roles: {} })).roles;
  const role = roles["understudy-vault"] as Role;
  delete roles["understudy-vault"];
  const result = await sent(slot);
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("not authorized to perform") });
  expect(news.at(-1)?.sentence).toContain(`The backup ${nameOf(slot)} of shop is good, and has no copy in ${PLACE}`);
  expect(sharedWith(slot)).toEqual([]);
  expect(regionState(lab.world, AWAY).snapshots[nameOf(slot)]?.status).toBe("available");

  const before = news.length;
  const missing = (await retained()).filter((sentence) => sentence.includes("is gone from"));
  await retained();
  const closed = news.slice(before).filter(({ sentence }) => sentence.startsWith(`The copies in ${PLACE} cannot be looked at`));
  expect(new Set(closed.map(({ id }) => id)).size).toBe(1);
  expect(closed[0]).toMatchObject({ kind: "Backup Trouble", next: expect.stringContaining(VAULT_ROLE) });
  // What is not seen is not missing.
  expect(missing.filter((sentence) => sentence.includes(kept))).toEqual([]);

  roles["understudy-vault"] = role;
  await retained();
  expect(news.at(-1)).toMatchObject({ kind: "Backup Trouble Over", sentence: expect.stringContaining("cannot be looked at") });
  expect(await sent(slot)).toMatchObject({ outcome: "completed" });
});

test("somebody deletes the backup in both regions: it is restored out of the vault, by a copy under the plan's key, and the vault shares it no more (R16)", async () => {
  const { lab, news } = open();
  const slot = await taken();
  await sent(slot);
  for (const region of [HOME, AWAY])
    for (const DBSnapshotIdentifier of Object.keys(regionState(lab.world, region).snapshots))
      await lab.world.call("rds", "DeleteDBSnapshot", { DBSnapshotIdentifier }, { region }).catch(() => {});
  expect(regionState(lab.world, AWAY).snapshots).toEqual({});
  const result = await durably("restore", slot, RESTORE);
  expect(result, result.sentence).toMatchObject({ outcome: "restored" });
  expect(news.findLast(({ kind }) => kind === "Restore Started")?.sentence).toContain(`the snapshot ${nameOf(slot)} in ${PLACE}`);
  const { KeyMetadata } = await kms("DescribeKey", { KeyId: "alias/copies" });
  expect(regionState(lab.world, AWAY).snapshots[nameOf(slot)]).toMatchObject({ status: "available", kmsKeyId: KeyMetadata.Arn });
  expect(copies()[nameOf(slot)]?.sharedWith ?? []).toEqual([]);
});
