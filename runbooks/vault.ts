/**
 * One backup's copy in the vault, told top to bottom: take back what was left shared, share the copy of the recovery region once it is its
 * turn, copy it in the vault under the vault's own key, take the sharing back, note it, tell. An execution of its own: whatever becomes of
 * it, the backup in the plan's regions is what it was. Deletes nothing; the role there could not.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import type { OtherAccount } from "../aws/clients.ts";
import { changeDocument } from "../aws/documents.ts";
import type { SnapshotFacts } from "../aws/rds.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { Problem } from "../core/problem.ts";
import { type BackupSlot, snapshotName } from "../core/slots.ts";
import { vaultPlace } from "../core/vault.ts";
import { type VaultCopy, vaultCompleted, vaultFailed } from "../core/vault-news.ts";
import { copied } from "./copy.ts";
import { type Protected, protectedDatabase, type Settings } from "./settings.ts";
import { mustBeThere } from "./snapshot-steps.ts";
import { tell } from "./tell.ts";
import { patiently, reasonOf } from "./until.ts";
import { vaultOf } from "./vault-account.ts";
import { share, unshare, unshareLeft } from "./vault-sharing.ts";

export interface VaultInput {
  readonly database: string;
  readonly slot: BackupSlot;
}

export interface VaultResult {
  readonly outcome: "completed" | "failed";
  readonly snapshot: string;
  readonly sentence: string;
}

export async function vault({ database: named, slot }: VaultInput, ctx: DurableContext, settings: Settings): Promise<VaultResult> {
  const { plan } = settings;
  const database = protectedDatabase(plan, named);
  if (!plan.vault || !database.backup?.vault)
    throw new Problem("NoVaultPlanned", `The plan has no vault for "${named}".`, { hint: 'Add "vault: true" to its backup, and a vault.' });
  const name = snapshotName(named, slot);
  const about: VaultCopy = { database: named, snapshot: name, vault: plan.vault };
  const slotTags = { "understudy:plan": plan.name, "understudy:database": named, "understudy:slot": slot };

  const { trouble, takenAtMs } = await copiedThere(ctx, settings, database, about, slotTags).then(
    (copy): Ended => ({ trouble: null, ...copy }),
    (error): Ended => ({ trouble: reasonOf(error), takenAtMs: null }),
  );
  const leftShared = await ctx
    .step("take the sharing back", () => unshare(settings, about), patiently)
    .then(
      () => null,
      (error) => reasonOf(error),
    );
  const news = (atMs: number) =>
    trouble === null ? vaultCompleted(about, takenAtMs, leftShared, atMs) : vaultFailed(about, trouble, leftShared, atMs);
  await ctx.step("tell of the copy", () => tell(settings, news(storeNowMs())), patiently);
  return { outcome: trouble === null ? "completed" : "failed", snapshot: name, sentence: news(0).sentence };
}

interface Ended {
  readonly trouble: string | null;
  readonly takenAtMs: number | null;
}

async function copiedThere(
  ctx: DurableContext,
  settings: Settings,
  database: Protected,
  about: VaultCopy,
  tags: Record<string, string>,
): Promise<Pick<SnapshotFacts, "takenAtMs">> {
  const { snapshot: name, vault: rules } = about;
  const there = vaultOf(settings, rules);
  await ctx.step("take back what was left shared", () => unshareLeft(settings, about, there), patiently);
  await copied(ctx, settings, {
    database,
    name,
    tags,
    from: settings.plan.regions.recovery,
    to: there,
    keyFor: () => rules.kmsKeyId,
    before: () => share(settings, about),
  });
  return await ctx.step("note the copy", () => note(settings, about, there), patiently);
}

interface Noted {
  readonly places: readonly string[];
}

/** Beside what the backup has noted of itself. */
async function note(settings: Settings, { database, snapshot, vault: rules }: VaultCopy, there: OtherAccount): Promise<SnapshotFacts> {
  const copy = await mustBeThere(there, snapshot, "Somebody deleted it.");
  await changeDocument<Noted>(settings.state, `backups/${database}/${snapshot}.json`, (now) => ({
    ...copy,
    ...now,
    places: [...new Set([...(now?.places ?? []), vaultPlace(rules)])],
  }));
  return copy;
}
