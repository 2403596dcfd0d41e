/**
 * The record of each site in the recovery region's bucket: generation, where it stands, the claim of a running evacuation or return, what
 * its group was before. Every change is a conditional write over the version that was read.
 */
import { changeDocument, createDocument, readDocument, replaceDocument, type Stored } from "../aws/documents.ts";
import { firstSiteRecord, type SiteClaim, type SiteRecord, siteExecution } from "../core/site.ts";
import type { Settings } from "./settings.ts";

const siteKey = (site: string) => `sites/${site}/record.json`;

/** Makes the first one when there is none. */
export async function readSite(settings: Settings, site: string): Promise<Stored<SiteRecord>> {
  const found = await readDocument<SiteRecord>(settings.state, siteKey(site));
  if (found) return found;
  await createDocument(settings.state, siteKey(site), firstSiteRecord(site));
  const made = await readDocument<SiteRecord>(settings.state, siteKey(site));
  if (!made) throw new Error(`the record of the site ${site} was written and is not there`);
  return made;
}

/** Changes the record over whatever it is by then; null from `change` leaves it alone. */
export async function changeSite(settings: Settings, site: string, change: (record: SiteRecord) => SiteRecord | null): Promise<SiteRecord> {
  const first = firstSiteRecord(site);
  return (await changeDocument<SiteRecord>(settings.state, siteKey(site), (now) => change(now ?? first))) ?? first;
}

/** What the next claim of a site will be called. */
export const nextExecution = ({ site, generation, attempts }: SiteRecord): string => siteExecution(site, generation, attempts + 1);

/** Claims the site over the version that was read; a claim that is there is taken over, so its holder must be known to be dead. null: somebody was faster. */
export async function claimSite(
  settings: Settings,
  { value: record, etag }: Stored<SiteRecord>,
  what: Omit<SiteClaim, "execution" | "attempt">,
): Promise<SiteClaim | null> {
  const attempt = record.attempts + 1;
  const taken: SiteClaim = { ...what, attempt, execution: nextExecution(record) };
  const won = await replaceDocument(settings.state, siteKey(record.site), { ...record, attempts: attempt, claim: taken }, etag);
  return won ? taken : null;
}

/** Ends a claim. Only the execution that holds it changes anything. */
export async function endSiteClaim(
  settings: Settings,
  site: string,
  execution: string,
  outcome: "succeeded" | "failed" | "refused",
  sentence: string,
  nowMs: number,
): Promise<SiteRecord> {
  return await changeSite(settings, site, (record) => {
    const { claim } = record;
    if (claim?.execution !== execution) return null;
    const { direction } = claim;
    const arrived = outcome === "succeeded";
    return {
      ...record,
      claim: null,
      generation: record.generation + (arrived ? 1 : 0),
      stands: !arrived ? record.stands : direction === "evacuate" ? "recovery" : "primary",
      lastMove: { execution, direction, outcome, endedAtMs: nowMs, sentence },
    };
  });
}
