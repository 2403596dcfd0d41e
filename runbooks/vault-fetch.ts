/**
 * A backup's way back out of the vault, for a restore, told top to bottom: the vault shares its copy with this account, it is copied into
 * the recovery region under the plan's key, the vault's sharing is taken back. It is a backup like any other from then on.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import type { OtherAccount } from "../aws/clients.ts";
import { copySnapshot, listSnapshots, type SnapshotFacts } from "../aws/rds.ts";
import { shareSnapshot, unshareSnapshot } from "../aws/sharing.ts";
import { tagsOfCopy } from "../core/copy-origin.ts";
import { Problem } from "../core/problem.ts";
import type { Protected, Settings } from "./settings.ts";
import { available, mustBeThere, started } from "./snapshot-steps.ts";
import { eventually, type Proof, patiently } from "./until.ts";
import { vaultOf } from "./vault-account.ts";

/** In minutes: it is a whole copy. */
const PATIENCE = { start: 60, copy: 1440 };

/** Of these instances; null: the database has none there. */
export async function copiesInVault(
  settings: Settings,
  { backup }: Protected,
  instances: readonly string[],
): Promise<SnapshotFacts[] | null> {
  const { vault } = settings.plan;
  if (!vault || !backup?.vault) return null;
  return (await listSnapshots(vaultOf(settings, vault))).filter(({ instanceId }) => instances.includes(instanceId));
}

export async function fetched(ctx: DurableContext, settings: Settings, { backup }: Protected, name: string): Promise<void> {
  const { vault, regions } = settings.plan;
  if (!vault) throw new Problem("NoVaultPlanned", "The plan has no vault any more.", { hint: "Order again." });
  const there = vaultOf(settings, vault);
  const to = regions.recovery;
  const trouble = await eventually(ctx, "it is on its way out of the vault", PATIENCE.start, () =>
    askedFor(settings.account, there, to, name, backup?.kmsKeyId),
  )
    .then(() => eventually(ctx, "it is there", PATIENCE.copy, () => available(to, name)))
    .then(
      () => null,
      (error: Error) => error,
    );
  await ctx.step("the vault shares it no more", () => unshareSnapshot(there, name, settings.account), patiently);
  if (trouble) throw trouble;
}

async function askedFor(account: string, there: OtherAccount, to: string, name: string, key: string | undefined): Promise<Proof> {
  const original = await mustBeThere(there, name, "Somebody deleted it.");
  const { instanceId, arn, takenAtMs, tags } = original;
  const ours = Object.fromEntries(Object.entries(tags).filter(([tag]) => tag.startsWith("understudy:")));
  return await started(to, name, { instanceId, copyOf: arn, takenAtMs, tags: ours }, async () => {
    await shareSnapshot(there, name, account);
    await copySnapshot(to, arn, name, tagsOfCopy(tags, {}), key);
  });
}
