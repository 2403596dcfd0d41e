/** Requests to evacuate a site or to return, in the recovery region's bucket, and the mail that asks for approvals. */
import { changeDocument, createDocument, readDocument } from "../aws/documents.ts";
import { approveCommand, withdrawCommand } from "../core/commands.ts";
import type { News } from "../core/news.ts";
import type { SitePlan } from "../core/plan/schema.ts";
import { type Approvable, agreed } from "../core/requests.ts";
import { type Direction, dialOf, movementOf } from "../core/site.ts";
import type { Settings } from "./settings.ts";

export interface SiteRequest extends Approvable {
  readonly site: string;
  readonly verb: Direction;
  readonly reason: string;
  readonly askedBy: string;
  readonly askedAtMs: number;
}

const requestKey = (site: string, id: string) => `requests/${site}/${id}.json`;

export async function readSiteRequest(settings: Settings, site: string, id: string): Promise<SiteRequest | null> {
  return (await readDocument<SiteRequest>(settings.state, requestKey(site, id)))?.value ?? null;
}

export const createSiteRequest = (settings: Settings, request: SiteRequest): Promise<boolean> =>
  createDocument(settings.state, requestKey(request.site, request.id), request);

/** Changes the request over whatever it is by then; null from `change` leaves it alone. The request as it is afterwards. */
export async function changeSiteRequest(
  settings: Settings,
  site: string,
  id: string,
  change: (request: SiteRequest) => SiteRequest | null,
): Promise<SiteRequest | null> {
  return await changeDocument<SiteRequest>(settings.state, requestKey(site, id), (now) => now && change(now));
}

/** What people need for their yes. */
export function siteRequestNews(request: SiteRequest, site: SitePlan): News {
  const { id, verb, people, expiresAtMs } = request;
  const missing = people - agreed(request);
  const { group, region, capacity } = site.recovery;
  const names = site.records.map(({ name }) => name).join(", ");
  const databases = site.databases.join(", ") || "none";
  return {
    kind: "Approval Needed",
    move: movementOf(verb),
    id: `${id}-asked`,
    database: site.name,
    atMs: request.askedAtMs,
    sentence: `Approval is needed for the ${movementOf(verb)} of the site ${site.name}: "${request.reason}".`,
    details: [
      ["Asked by", request.askedBy],
      [
        "Will be done",
        verb === "evacuate"
          ? `${group} in ${region} is raised to ${capacity} instances, the databases are moved there (${databases}), then ${names} by the dial: ${dialOf(site).steps.join(", ")} %`
          : `the databases go back first (${databases}), then ${names} by the dial; ${group} gets its former size a while later`,
      ],
      ["People", `${agreed(request)} of ${people} have agreed`],
      ["Void after", new Date(expiresAtMs).toISOString()],
    ],
    next: `${missing === 1 ? "One person" : `${missing} different people`} must agree, by then:`,
    commands: [approveCommand(id), withdrawCommand(id)],
  };
}
