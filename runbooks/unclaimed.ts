/** Tells, once each, of what nobody protects (databases, machines, volumes, buckets), of backups nobody claims, of regions that are nearly full, of a vault that is closed and of people who hear nothing. Part of the hourly look (retain.ts). */
import { changeDocument } from "../aws/documents.ts";
import { isNoAnswer } from "../aws/errors.ts";
import { listBuckets, listMachines, listVolumes } from "../aws/estate.ts";
import { listMembers } from "../aws/machine-snapshots.ts";
import { listSubscriptions } from "../aws/mail.ts";
import { listInstances } from "../aws/rds-lists.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { snapshotQuotaOf } from "../core/backup-policy.ts";
import { changedIncidents, type Incident } from "../core/incidents.ts";
import { type MachineSet, setsOf } from "../core/machine-set.ts";
import { type ListedInstance, nearlyFull, orphans, stripped, unprotected, vaultClosed, vaultTroubleId } from "../core/unclaimed.ts";
import { unheard } from "../core/unheard.ts";
import { type Estate, orphanSets, unprotectedEstate } from "../core/unprotected.ts";
import { tellChange } from "./backup-news.ts";
import { type Listing, placesOf } from "./catalogue.ts";
import type { Settings } from "./settings.ts";

/** No database is called so. */
const KEY = "catalogue/_unclaimed.json";

/** `instances`: null where a region did not answer; `known`: every backup of the catalogue. */
export async function tellUnclaimed(
  settings: Settings,
  listing: Listing,
  instances: readonly ListedInstance[] | null,
  known: ReadonlySet<string>,
): Promise<void> {
  const { unclaimed, others, counts, dark, vault } = listing;
  const { plan } = settings;
  // While a region does not answer, what was told of it stands.
  if (dark.length > 0 || instances === null) return;
  const estate = await answered(() => estateOf(settings));
  if (estate === null) return;
  const findings = [
    ...unprotected(instances, plan),
    ...unprotectedEstate(estate, plan),
    ...orphanSets(estate.sets, plan),
    ...orphans(unclaimed, plan),
    ...stripped(others, known, plan),
    ...nearlyFull(counts, snapshotQuotaOf(plan)),
    ...vaultClosed(plan.vault, vault && !vault.silent ? vault.trouble : null),
    ...unheard(plan.notify.email, await listSubscriptions(settings.region, settings.topicArn)),
  ];
  const nowMs = storeNowMs();
  let changed = changedIncidents([], findings, nowMs);
  // While the vault says nothing, what was told of it stands.
  const stands = ({ id }: Incident) => vault?.silent && plan.vault && id === vaultTroubleId(plan.vault);
  await changeDocument<readonly Incident[]>(settings.state, KEY, (now) => {
    changed = changedIncidents(
      (now ?? []).filter((each) => !stands(each)),
      findings,
      nowMs,
    );
    return [...changed.open, ...(now ?? []).filter(stands)];
  });
  await tellChange(settings, "(no database)", changed, nowMs);
}

/** null: a region did not answer. */
export const everyInstance = (settings: Settings): Promise<ListedInstance[] | null> =>
  answered(async () => (await Promise.all(placesOf(settings).map(listInstances))).flat());

async function estateOf(settings: Settings): Promise<Estate & { readonly sets: readonly MachineSet[] }> {
  const everywhere = async <Of>(list: (region: string) => Promise<Of[]>) => (await Promise.all(placesOf(settings).map(list))).flat();
  const [machines, volumes, buckets, members] = await Promise.all([
    everywhere(listMachines),
    everywhere(listVolumes),
    everywhere(listBuckets),
    everywhere((region) => listMembers(region, { "understudy:plan": settings.plan.name })),
  ]);
  return { machines, volumes, buckets, sets: setsOf(members) };
}

/** null: somebody did not answer. */
async function answered<Answer>(ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask();
  } catch (error) {
    if (!isNoAnswer(error)) throw error;
    return null;
  }
}
