/** Copies in another account, by the deployed bundles and the vault's own template: two accounts, and no Organization. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { grantedBy, judge } from "../../cli/granted.ts";
import { packageProduct } from "../../cli/package.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import { regionState } from "../../lab/cloud/rds/state.ts";
import type { World } from "../../lab/cloud/world.ts";
import { waitFor } from "../../lab/look.ts";
import { prove } from "../../lab/permissions/least-privilege.ts";
import { buildVault } from "../../lab/vault.ts";
import { PLACE, RESTORE, VAULT, withVault } from "../vault-plan.ts";
import { commandOf } from "./command.ts";
import { killProcessesOf } from "./processes.ts";
import { Shop } from "./shop.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
/** What other roles are granted for the vault. */
const SIDS = [
  "TakeOnTheVaultsRole",
  "SeeWhatIsShared",
  "SeeWhatIsFetched",
  "FetchFromTheVault",
  "TagWhatIsFetched",
  "ReadWhatTheVaultShares",
  "StartVault",
];

async function open(): Promise<{ shop: Shop; vault: World; packaged: string }> {
  const text = withVault(readFileSync(inject("planFile"), "utf8"));
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const file = join(import.meta.dirname, "..", "..", "dist", "vault-plan.yml");
  writeFileSync(file, text);
  const packaged = await packageProduct(file, "dist/vault-product");
  const shop = await Shop.open({ durableSpeed: 100, durableFirstPage: 2, product: { plan: parsed.plan, folder: packaged } });
  const vault = await buildVault(shop.lab, parsed.plan, JSON.parse(readFileSync(join(packaged, "vault.json"), "utf8")));
  return { shop, vault, packaged };
}

const copies = (vault: World) => Object.values(regionState(vault, AWAY).snapshots);

const backUp = (shop: Shop, slot: string) => shop.start("backup", `backup-shop-${slot}`, { database: "shop", slot });

test("killed between sharing and copying: the execution goes on, there is one copy, and nothing stays shared; the roles have what they need and no more (R16)", async () => {
  const { shop, vault, packaged } = await open();
  const sharedNow = () => Object.values(regionState(shop.lab.world, AWAY).snapshots).flatMap(({ sharedWith = [] }) => sharedWith);

  // The copy's request is held back, and the function dies while it waits.
  const { operations } = vault.services.get("rds") as { operations: Record<string, (...given: unknown[]) => unknown> };
  const copy = operations.CopyDBSnapshot as (...given: unknown[]) => unknown;
  let asked = 0;
  operations.CopyDBSnapshot = (...given) => (asked++ === 0 ? new Promise(() => {}) : copy(...given));
  onTestFinished(() => {
    operations.CopyDBSnapshot = copy;
  });
  await backUp(shop, "20261121t0601");
  await waitFor("the copy to be asked for", 60_000, () => asked > 0);
  expect(sharedNow()).toEqual([VAULT]);
  expect(killProcessesOf("understudy-corner-shop-vault")).toBe(1);
  await waitFor("the mail", 90_000, () => shop.mailed("understudy-shop-20261121t0601 of shop is in eu-west-1 in the vault"));
  expect(copies(vault).filter(({ id }) => id.endsWith("20261121t0601"))).toMatchObject([{ status: "available" }]);
  expect(sharedNow()).toEqual([]);

  const [looked] = await shop.invoke<{ findings: string[] }[]>("retain", {});
  // The databases lie under RDS's own key, and are told of; nothing else is wrong.
  expect(looked?.findings.filter((sentence) => !sentence.includes("RDS's own"))).toEqual([]);
  const kept = await shop.json<{ catalogue: { points: { id: string; places: Record<string, { state: string }> }[] } }>(
    "catalogue/shop.json",
  );
  const point = kept?.catalogue.points.find(({ id }) => id.endsWith("20261121t0601"));
  expect(point?.places[PLACE]).toMatchObject({ state: "good" });

  const page = await commandOf("dist/vault-plan.yml")(shop, "alice", "backups", "shop");
  expect(page.said).toMatch(new RegExp(`${PLACE} \\d good, the newest of `));
  expect(page.said).toMatch(/keep understudy-shop-20261121t0601: eu-central-1, eu-west-1, eu-west-1 in the vault 222233334444/);

  // Somebody deletes it in both regions: what is restored comes out of the vault.
  for (const region of [HOME, AWAY])
    for (const [DBSnapshotIdentifier, { type }] of Object.entries(regionState(shop.lab.world, region).snapshots))
      if (type === "manual") await shop.lab.world.call("rds", "DeleteDBSnapshot", { DBSnapshotIdentifier }, { region });
  await shop.start("restore", `restore-shop-${RESTORE.order}`, RESTORE);
  await waitFor("the restore's mail", 120_000, () => shop.mailed("restored beside") || shop.mailed("restore FAILED"));
  expect(shop.mailed("restored beside"), shop.lab.mail.mails.at(-1)?.text).toBe(true);
  expect(copies(vault).flatMap(({ sharedWith = [] }) => sharedWith)).toEqual([]);

  // The role there may not delete, and a role of ours that has no business there may not take it on.
  const granted = JSON.stringify(JSON.parse(readFileSync(join(packaged, "vault.json"), "utf8")));
  expect(granted).not.toContain("Delete");
  const notes = shop.lab.permissions.notes.all;
  const unused = judge(grantedBy(packaged), notes).filter(({ problem }) => problem !== null);
  const ofVault = ({ role, sid }: { role: string; sid: string }) => role === "VaultRole" || SIDS.includes(sid);
  expect(unused.filter(ofVault)).toEqual([]);
  const proofs = (await prove(shop.lab.world, notes)).filter(({ grant }) => ofVault(grant));
  expect(proofs.filter(({ refusal }) => refusal === undefined).map(({ grant }) => grant)).toEqual([]);
  expect(statSync(join(packaged, "..", "vault", "index.mjs")).size).toBeLessThan(700_000);
  expect(statSync(join(packaged, "..", "retain", "index.mjs")).size).toBeLessThan(400_000);
}, 300_000);
