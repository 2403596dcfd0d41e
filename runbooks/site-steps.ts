/**
 * The single steps of a site's move. Each looks first and does only what is missing, and none has an effect once the claim is another's.
 * Nothing of the primary region is asked for anything.
 */
import { describeGroup, type Group, resizeGroup } from "../aws/auto-scaling.ts";
import { invalidate, invalidationStatus } from "../aws/cdn.ts";
import { askAuthorities, cnameOf } from "../aws/dns.ts";
import { appendDocument } from "../aws/documents.ts";
import { isCode, isNoAnswer } from "../aws/errors.ts";
import { callHook } from "../aws/hooks.ts";
import { exchangeSets, setsOf } from "../aws/site-records.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { targetsOf } from "../aws/target-health.ts";
import type { SitePlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";
import { isEnough } from "../core/requests.ts";
import {
  agrees,
  type GroupSizes,
  healthOf,
  lowered,
  movementOf,
  neededHealthy,
  raised,
  readDial,
  type SiteClaim,
  type SiteRecord,
  sameSets,
  siteExecution,
  wantedSets,
} from "../core/site.ts";
import type { Settings } from "./settings.ts";
import { changeSite, readSite } from "./site-record.ts";
import { readSiteRequest } from "./site-requests.ts";
import { notYet, type Proof, proven } from "./until.ts";

export interface SiteInput {
  readonly site: string;
  readonly generation: number;
  readonly attempt: number;
}

export interface HookWord {
  /** Why it says no; null: it says yes, or there is no hook. */
  readonly refusal: string | null;
  readonly said: string;
  readonly atMs: number;
}

/** So many questions to each server at each look: at 10 % one in ten leads to the recovery region. */
const QUESTIONS = 20;

export class SiteSteps {
  readonly site: SitePlan;
  readonly execution: string;
  private readonly settings: Settings;
  private readonly input: SiteInput;

  constructor(settings: Settings, site: SitePlan, input: SiteInput) {
    this.settings = settings;
    this.site = site;
    this.input = input;
    this.execution = siteExecution(input.site, input.generation, input.attempt);
  }

  /** The claim, when it is this execution's and comes from a request that enough people have agreed to; null otherwise. */
  async confirm(): Promise<SiteClaim | null> {
    const { generation, claim } = (await readSite(this.settings, this.site.name)).value;
    if (claim?.execution !== this.execution || generation !== this.input.generation) return null;
    const request = await readSiteRequest(this.settings, this.site.name, claim.request);
    return request?.usedBy === this.execution && isEnough(request) && request.verb === claim.direction ? claim : null;
  }

  async holdsClaim(): Promise<SiteRecord> {
    const { value } = await readSite(this.settings, this.site.name);
    if (value.claim?.execution === this.execution) return value;
    throw new Problem("ClaimLost", `${this.execution} does not hold the site ${this.site.name} any more.`, {
      hint: "Another order has taken it over, and goes on.",
    });
  }

  async askHook(functionArn: string | undefined, step: "before" | "after", claim: SiteClaim): Promise<HookWord> {
    if (functionArn === undefined) return { refusal: null, said: "there is no hook", atMs: storeNowMs() };
    const { failed, text } = await callHook(functionArn, {
      site: this.site.name,
      direction: claim.direction,
      step,
      execution: this.execution,
      reason: claim.reason,
    });
    const no = failed || saysNo(text);
    return { refusal: no ? `${functionArn} answered ${text || "nothing"}` : null, said: text, atMs: storeNowMs() };
  }

  private async group(): Promise<Group> {
    const { group, region } = this.site.recovery;
    const found = await describeGroup(region, group);
    if (found) return found;
    throw new Problem("NoGroup", `There is no Auto Scaling group ${group} in ${region}.`, {
      hint: "Make it, or correct the plan and deploy.",
    });
  }

  /** What the group was is noted before it is changed, and only once until it is back. */
  async raise(): Promise<GroupSizes> {
    const { group, region, capacity } = this.site.recovery;
    const { sizes } = await this.group();
    const { groupBefore } = await changeSite(this.settings, this.site.name, (record) =>
      record.claim?.execution === this.execution && record.groupBefore === null ? { ...record, groupBefore: sizes } : null,
    );
    await this.holdsClaim();
    const wanted = raised(sizes, capacity);
    if (JSON.stringify(wanted) !== JSON.stringify(sizes)) await resizeGroup(region, group, wanted);
    return groupBefore ?? sizes;
  }

  async healthy(): Promise<Proof> {
    const { region, targetGroupArn } = this.site.recovery;
    const { members } = await this.group();
    const targets = targetGroupArn === undefined ? null : await targetsOf(region, targetGroupArn);
    const { enough, words } = healthOf(neededHealthy(this.site), members, targets);
    return enough ? proven(words) : notYet(words);
  }

  /** How much of 100 leads to the recovery region. Throws when a record is not as Understudy could turn it. */
  async readDial(): Promise<number> {
    return (await this.dials())[0]?.share ?? 0;
  }

  private async dials() {
    return await Promise.all(
      this.site.records.map(async (record) => {
        const reading = readDial(record, await setsOf(record.zone, record.name));
        if (reading.ok) return { record, ...reading };
        throw new Problem("StrangeRecord", reading.trouble, {
          hint: "Nothing is changed that Understudy does not know. Put the record right.",
        });
      }),
    );
  }

  /** Looked at again and again: changes what is not so yet, in one batch, then tells what the zone's own servers answer. */
  async turned(share: number): Promise<Proof> {
    const exchanged = (await this.dials())
      .map(({ record, sets }) => ({ name: record.name, old: sets, wanted: wantedSets(record, share) }))
      .filter(({ old, wanted }) => !sameSets(old, wanted));
    if (exchanged.length > 0) {
      await this.holdsClaim();
      try {
        await exchangeSets(this.site.records[0]?.zone ?? "", exchanged, `Understudy ${this.execution}: ${share} % to the recovery region`);
      } catch (error) {
        // Somebody else's change came between, or our own whose answer was lost: the next look tells.
        if (!isCode(error, "InvalidChangeBatch")) throw error;
        return notYet("the records changed under the look");
      }
    }
    for (const record of this.site.records) {
      const trouble = agrees(record, share, await answersFor(record.name));
      if (trouble) return notYet(trouble);
    }
    return proven(`${this.site.records.map(({ name }) => name).join(", ")}: ${share} % to ${this.site.recovery.region}`);
  }

  /** The dial waits for Route 53's control plane, which has one region; everything else does not need it. */
  async routeAnswers(): Promise<boolean> {
    try {
      await setsOf(this.site.records[0]?.zone ?? "", this.site.records[0]?.name ?? "");
      return true;
    } catch (error) {
      return !isNoAnswer(error);
    }
  }

  async purge(): Promise<string | null> {
    const { cdn } = this.site;
    return cdn ? await invalidate(cdn.distributionId, cdn.paths, this.execution) : null;
  }

  async purged(id: string): Promise<Proof> {
    const status = await invalidationStatus(this.site.cdn?.distributionId ?? "", id);
    return status === "Completed" ? proven(`the invalidation ${id} is completed`) : notYet(`the invalidation ${id} is ${status}`);
  }

  /** Long after a return. Not when the site has been ordered away again; not when somebody else has changed the group's limits. */
  async lower(): Promise<string> {
    const { group, region, capacity } = this.site.recovery;
    const { groupBefore, claim, generation } = (await readSite(this.settings, this.site.name)).value;
    if (claim || generation !== this.input.generation + 1) return `${group} keeps its size: the site has been ordered away again`;
    if (!groupBefore) return `${group} has its former size already`;
    const { sizes } = await this.group();
    const same = JSON.stringify(sizes) === JSON.stringify(groupBefore);
    const wanted = same ? groupBefore : lowered(sizes, groupBefore, capacity);
    if (!wanted) return `${group} keeps its size: its limits are ${sizes.min} and ${sizes.max}, which is not what Understudy had set`;
    if (!same) await resizeGroup(region, group, wanted);
    await changeSite(this.settings, this.site.name, (record) =>
      record.generation === generation && record.claim === null ? { ...record, groupBefore: null } : null,
    );
    return `${group} wants ${wanted.desired} instances again, as before the evacuation`;
  }

  async keepEvidence(told: Record<string, unknown>): Promise<string> {
    const key = `evidence/site-${this.site.name}/${this.execution}.json`;
    // Never over another: a step that runs twice finds its own.
    await appendDocument(this.settings.state, key, { execution: this.execution, site: this.site.name, ...told });
    return key;
  }

  movement(claim: SiteClaim): string {
    return movementOf(claim.direction);
  }
}

/** `{"ok": false}` and nothing else is a no. */
function saysNo(text: string): boolean {
  try {
    return (JSON.parse(text) as { ok?: unknown } | null)?.ok === false;
  } catch {
    return false;
  }
}

/** Of the zone's own servers; of the VPC's resolver where those do not answer. */
async function answersFor(name: string): Promise<(string | null)[]> {
  const asked = (await Promise.all(Array.from({ length: QUESTIONS }, () => askAuthorities(name)))).flat();
  if (asked.length > 0) return asked.map(({ target }) => target);
  return (await Promise.all(Array.from({ length: QUESTIONS }, () => cnameOf(name)))).filter((target) => target !== null);
}
