/**
 * A person orders a site away or back. It crosses regions, so it needs as many people as a cold move. With enough of them the site is
 * claimed and its execution started, under the name of the claim; one whose execution has died may be claimed again.
 */
import { executionStatus, startExecution } from "../aws/functions.ts";
import { approveCommand, siteCommand } from "../core/commands.ts";
import type { RequestNamed, SiteAsked } from "../core/order.ts";
import { calledAs } from "../core/people.ts";
import type { SitePlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";
import { agreed, approve, isEnough, isOpen, peopleNeeded, requestId } from "../core/requests.ts";
import { movementOf, type SiteRecord } from "../core/site.ts";
import { type OrderAnswer, taken, yes } from "./answers.ts";
import { expireMinutes } from "./requests.ts";
import type { Settings } from "./settings.ts";
import { claimSite, nextExecution, readSite } from "./site-record.ts";
import { changeSiteRequest, createSiteRequest, type SiteRequest, siteRequestNews } from "./site-requests.ts";
import { tell } from "./tell.ts";

export async function askSite(settings: Settings, site: SitePlan, asked: SiteAsked, by: string, nowMs: number): Promise<OrderAnswer> {
  const { value: record } = await readSite(settings, site.name);
  await mustBeFree(settings, record);
  mustMakeSense(record, asked.verb);
  const { approvals } = settings.plan;
  const request: SiteRequest = {
    id: requestId(site.name, record.generation, asked.id),
    site: site.name,
    generation: record.generation,
    verb: asked.verb,
    reason: asked.reason,
    askedBy: by,
    askedAtMs: nowMs,
    expiresAtMs: nowMs + expireMinutes(settings.plan) * 60_000,
    people: peopleNeeded(approvals && { people: approvals.people }, { otherRegion: true, overrides: [] }),
    approvals: [{ by, atMs: nowMs }],
    withdrawnBy: null,
    usedBy: null,
    due: false,
  };
  await createSiteRequest(settings, request);
  if (isEnough(request)) return await begin(settings, site, request, nowMs);
  await tell(settings, siteRequestNews(request, site));
  return waiting(request);
}

const waiting = (request: SiteRequest): OrderAnswer =>
  yes(
    `The ${movementOf(request.verb)} of ${request.site} is asked for.`,
    `${agreed(request)} of ${request.people} people have agreed. Until ${new Date(request.expiresAtMs).toISOString()} another may approve:`,
    { commands: [approveCommand(request.id)], request: request.id },
  );

/** What was left half done may be ended in either direction. */
function mustMakeSense({ site, stands, lastMove }: SiteRecord, verb: SiteAsked["verb"]): void {
  const there = verb === "evacuate" ? "recovery" : "primary";
  if (stands !== there || lastMove?.outcome === "failed") return;
  throw new Problem("NothingToDo", `Refused: the site ${site} is ${there === "recovery" ? "evacuated already" : "not evacuated"}.`, {
    hint: `The other way: ${siteCommand(verb === "evacuate" ? "return" : "evacuate", site)}`,
  });
}

/** A claim counts while its execution runs; one that never began or has ended holds nothing. */
async function mustBeFree(settings: Settings, { site, claim }: SiteRecord): Promise<void> {
  if (!claim || (await executionStatus(settings.region, settings.functions.site, claim.execution)) !== "RUNNING") return;
  throw new Problem("SiteMoves", `Refused: the ${movementOf(claim.direction)} of ${site} is running (${claim.execution}).`, {
    hint: "A mail tells when it ends; order it again then if it is still wanted.",
  });
}

export async function agreeSite(
  settings: Settings,
  site: SitePlan,
  { request: id }: RequestNamed,
  by: string,
  nowMs: number,
): Promise<OrderAnswer> {
  const { generation } = (await readSite(settings, site.name)).value;
  let refusal: string | null = null;
  const changed = await changeSiteRequest(settings, site.name, id, (request) => {
    const judged = approve(request, { by, atMs: nowMs }, generation);
    refusal = judged.counts ? null : judged.sentence;
    return judged.counts ? judged.request : null;
  });
  if (!changed) throw unknown(id);
  if (refusal !== null) throw new Problem("ApprovalRefused", refusal, { hint: `Order it anew: ${siteCommand(changed.verb, site.name)}` });
  if (isEnough(changed)) return await begin(settings, site, changed, nowMs);
  const sentence = `${calledAs(by)} approved the request ${id}: ${agreed(changed)} of ${changed.people} people have agreed.`;
  await tell(settings, taken(`${id}-${agreed(changed)}`, site.name, sentence, nowMs, approveCommand(id)));
  return waiting(changed);
}

export async function withdrawSite(
  settings: Settings,
  site: SitePlan,
  { request: id }: RequestNamed,
  by: string,
  nowMs: number,
): Promise<OrderAnswer> {
  const changed = await changeSiteRequest(settings, site.name, id, (request) =>
    request.usedBy === null && request.withdrawnBy === null ? { ...request, withdrawnBy: by } : null,
  );
  if (!changed) throw unknown(id);
  if (changed.usedBy !== null)
    throw new Problem("RequestUsed", `Refused: the request ${id} was used already, by ${changed.usedBy}.`, {
      hint: "What runs is not called back; see how it goes.",
    });
  const sentence = `${calledAs(changed.withdrawnBy ?? by)} withdrew the request ${id}: nobody can approve it any more.`;
  await tell(settings, taken(`${id}-withdrawn`, site.name, sentence, nowMs));
  return yes(sentence, "Nothing.", { request: id });
}

const unknown = (id: string): Problem =>
  new Problem("UnknownRequest", `Refused: there is no request ${id}.`, { hint: "Look for its name in the mail that asked for approval." });

/** Used before it is claimed, so that a request counts once; claimed before it is started, so that one execution holds the site. */
async function begin(settings: Settings, site: SitePlan, request: SiteRequest, nowMs: number): Promise<OrderAnswer> {
  const stored = await readSite(settings, site.name);
  await mustBeFree(settings, stored.value);
  const execution = nextExecution(stored.value);
  const won = { first: false };
  await changeSiteRequest(settings, site.name, request.id, (now) => {
    won.first = isOpen(now, stored.value.generation, nowMs) && isEnough(now);
    return won.first ? { ...now, usedBy: execution, due: false } : null;
  });
  const { id, verb, reason } = request;
  const people = request.approvals.map(({ by }) => by);
  const claim = won.first ? await claimSite(settings, stored, { direction: verb, takenAtMs: nowMs, request: id, people, reason }) : null;
  if (!claim)
    throw new Problem("SomebodyWasFaster", `Refused: the site ${site.name} was claimed by somebody else at this moment.`, {
      hint: `If it is still wanted: ${siteCommand(verb, site.name)}`,
    });
  try {
    await startExecution(settings.region, settings.functions.site, claim.execution, {
      site: site.name,
      generation: stored.value.generation,
      attempt: claim.attempt,
    });
  } catch (cause) {
    throw new Problem("NotStarted", `The ${movementOf(verb)} of ${site.name} could not be started: ${(cause as Error).message}.`, {
      hint: `Nothing was changed. Order it again: ${siteCommand(verb, site.name)}`,
      cause,
    });
  }
  return yes(
    `The ${movementOf(verb)} of ${site.name} has started, ordered by ${people.map(calledAs).join(" and ")}.`,
    "Mails say how it goes.",
    { request: id, execution: claim.execution },
  );
}
