/**
 * A snapshot is shared with the vault's account for as long as its copy takes. What is shared is noted first: what an execution that died
 * has left shared is taken back by the next one, and told by the hourly look (core/vault.ts).
 */
import type { OtherAccount } from "../aws/clients.ts";
import { changeDocument, readDocument } from "../aws/documents.ts";
import { describeSnapshot } from "../aws/rds.ts";
import { shareSnapshot, unshareSnapshot } from "../aws/sharing.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { isSharedForNothing, type Shared, sharedKey } from "../core/vault.ts";
import type { VaultCopy } from "../core/vault-news.ts";
import type { Settings } from "./settings.ts";

export async function share(settings: Settings, { database, snapshot, vault: { region, account } }: VaultCopy): Promise<void> {
  await change(settings, database, (shared) => ({ [snapshot]: storeNowMs(), ...shared }));
  await shareSnapshot(region, snapshot, account);
}

export async function unshare(settings: Settings, { database, snapshot, vault: { region, account } }: VaultCopy): Promise<void> {
  await unshareSnapshot(region, snapshot, account);
  await change(settings, database, ({ [snapshot]: _, ...others }) => others);
}

/** What an execution that died has left; returns what it was. */
export async function unshareLeft(settings: Settings, about: VaultCopy, there: OtherAccount): Promise<string[]> {
  const noted = await readDocument<Shared>(settings.state, sharedKey(about.database));
  const left: string[] = [];
  for (const [id, sinceMs] of Object.entries(noted?.value.shared ?? {})) {
    if (!isSharedForNothing(sinceMs, await copyOf(there, id), storeNowMs())) continue;
    await unshare(settings, { ...about, snapshot: id });
    left.push(id);
  }
  return left;
}

/** undefined: the vault does not say. */
async function copyOf(there: OtherAccount, id: string): Promise<"under way" | "ended" | null | undefined> {
  try {
    const copy = await describeSnapshot(there, id);
    if (copy === null) return null;
    return copy.status === "available" || copy.status === "failed" ? "ended" : "under way";
  } catch {
    return undefined;
  }
}

async function change(settings: Settings, database: string, next: (shared: Shared["shared"]) => Shared["shared"]): Promise<void> {
  await changeDocument<Shared>(settings.state, sharedKey(database), (now) => ({ shared: next(now?.shared ?? {}) }));
}
