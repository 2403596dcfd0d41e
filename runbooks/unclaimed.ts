/** Tells, once each, of instances nobody protects and of backups nobody claims. Part of the hourly look (retain.ts). */
import { createDocument, readDocument, replaceDocument } from "../aws/documents.ts";
import { isNoAnswer } from "../aws/errors.ts";
import { listInstances } from "../aws/rds-lists.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { changedIncidents, type Incident } from "../core/incidents.ts";
import { type ListedInstance, orphans, stripped, unprotected } from "../core/unclaimed.ts";
import { tellChange } from "./backup-news.ts";
import { type Listing, placesOf } from "./catalogue.ts";
import type { Settings } from "./settings.ts";

/** No database is called so. */
const KEY = "catalogue/_unclaimed.json";

/** `known`: every backup of the catalogue. */
export async function tellUnclaimed(settings: Settings, { listed, others, dark }: Listing, known: ReadonlySet<string>): Promise<void> {
  const { plan } = settings;
  const instances = await everyInstance(settings);
  // While a region does not answer, what was told of it stands.
  if (dark.length > 0 || instances === null) return;
  const findings = [...unprotected(instances, plan), ...orphans(listed, plan), ...stripped(others, known, plan)];
  const nowMs = storeNowMs();
  for (;;) {
    const stored = await readDocument<readonly Incident[]>(settings.state, KEY);
    const change = changedIncidents(stored?.value ?? [], findings, nowMs);
    const kept = await (stored
      ? replaceDocument(settings.state, KEY, change.open, stored.etag)
      : createDocument(settings.state, KEY, change.open));
    if (kept) return await tellChange(settings, "(no database)", change, nowMs);
  }
}

async function everyInstance(settings: Settings): Promise<ListedInstance[] | null> {
  try {
    return (await Promise.all(placesOf(settings).map(listInstances))).flat();
  } catch (error) {
    if (!isNoAnswer(error)) throw error;
    return null;
  }
}
