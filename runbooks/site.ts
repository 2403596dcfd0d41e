/**
 * A site evacuated, or brought back, told top to bottom: ask the user's hook, raise the group, move the databases, turn the dial step by
 * step, purge the CDN, tell. Whatever stops it leaves the dial where visitors are served, and the same order goes on from there.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { storeNowMs } from "../aws/store-clock.ts";
import type { SitePlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";
import { dialOf, type SiteClaim, stepsFrom } from "../core/site.ts";
import { type Settings, sitePlan } from "./settings.ts";
import { type OrderedDatabase, SiteDatabases } from "./site-databases.ts";
import { SiteNews } from "./site-news.ts";
import { endSiteClaim } from "./site-record.ts";
import { type SiteInput, SiteSteps } from "./site-steps.ts";
import { tell } from "./tell.ts";
import { eventually, type Proof, patiently, reasonOf, until } from "./until.ts";

/** Looks, two seconds apart, before they are soon a minute apart; and for how many minutes then. */
const QUICK_LOOKS = 10;
const MINUTES = { group: 30, databases: 60, dial: 60, purge: 20 };
/** What is refused in the first minute of a disaster, while nobody can tell a dark region from a broken route, may be allowed a little later. */
const ASK_AGAIN_SECONDS = [5, 10, 20, 30];
/** Looks in a row that must fail before the targets count as unhealthy. */
const STILL_WELL = 3;

export interface SiteResult {
  readonly outcome: "succeeded" | "failed" | "refused" | "not ours";
  readonly sentence: string;
  readonly evidence: string | null;
}

/** What was done and seen, in order; rebuilt from the steps' own results when an execution resumes. */
type Timeline = { readonly what: string; readonly seen: string; readonly atMs: number }[];

export async function moveSite(input: SiteInput, ctx: DurableContext, settings: Settings): Promise<SiteResult> {
  const site = sitePlan(settings.plan, input.site);
  const steps = new SiteSteps(settings, site, input);
  const { execution } = steps;
  const claim = await ctx.step("confirm", () => steps.confirm(), patiently);
  if (!claim) return { outcome: "not ours", sentence: `${execution} does not hold the site ${site.name}.`, evidence: null };
  const news = new SiteNews(site, claim);
  const timeline: Timeline = [];
  const note = <Seen extends Proof>(what: string, proof: Seen): Seen => {
    timeline.push({ what, seen: proof.seen, atMs: proof.atMs });
    return proof;
  };
  const say = (what: string, make: () => ReturnType<SiteNews["started"]>) => ctx.step(what, () => tell(settings, make()), patiently);
  const end = (outcome: "succeeded" | "failed" | "refused", sentence: string) =>
    ctx.step(`end the claim: ${outcome}`, () => endSiteClaim(settings, site.name, execution, outcome, sentence, storeNowMs()), patiently);
  const stopped = async (outcome: "failed" | "refused", sentence: string): Promise<SiteResult> => {
    const evidence = await ctx.step(
      "keep the evidence of the end",
      () => steps.keepEvidence({ claim, outcome, sentence, timeline }),
      patiently,
    );
    await say("tell of the end", () => news.stopped(outcome, sentence, timeline, storeNowMs()));
    await end(outcome, sentence);
    return { outcome, sentence, evidence };
  };

  try {
    const before = await ctx.step("ask the hook before", () => steps.askHook(site.hooks?.before, "before", claim), patiently);
    if (before.refusal !== null) return await stopped("refused", `Nothing was changed: the hook says no. ${before.refusal}`);
    timeline.push({ what: "hook before", seen: before.said, atMs: before.atMs });
    await say("tell of the start", () => news.started(storeNowMs()));
    if (claim.direction === "evacuate") {
      const was = await ctx.step("raise the group", () => steps.raise(), patiently);
      const healthy = await soonOrLater(ctx, "the group can serve", MINUTES.group, () => steps.healthy());
      note(`${site.recovery.group} raised (it wanted ${was.desired})`, healthy);
    }
    note("databases", await moveDatabases(ctx, settings, site, claim, say, news));
    const back = await turnTheDial(ctx, steps, claim, note, (share) =>
      say(`tell that ${share} % waits`, () => news.waiting(share, storeNowMs())),
    );
    if (back !== null) return await stopped("failed", back);
    const purged = await purge(ctx, steps);
    timeline.push({ what: "CDN", seen: purged.seen, atMs: purged.atMs });
    const after = await ctx
      .step("ask the hook after", () => steps.askHook(site.hooks?.after, "after", claim), patiently)
      .catch((error: unknown) => ({ refusal: reasonOf(error), said: "", atMs: purged.atMs }));
    timeline.push({ what: "hook after", seen: after.refusal ?? after.said, atMs: after.atMs });
    const troubles = [...(purged.holds ? [] : [purged.seen]), ...(after.refusal === null ? [] : [`The hook after: ${after.refusal}`])];
    const evidence = await ctx.step(
      "keep the evidence",
      () => steps.keepEvidence({ claim, outcome: "succeeded", timeline, troubles }),
      patiently,
    );
    const sentence = news.doneSentence(troubles);
    await end("succeeded", sentence);
    await say("tell of the success", () => news.done(sentence, timeline, storeNowMs(), evidence));
    if (claim.direction === "return") await lowerLater(ctx, steps, site, say, news);
    return { outcome: "succeeded", sentence, evidence };
  } catch (error) {
    return await stopped("failed", `The ${news.movement} of ${site.name} stopped: ${reasonOf(error)}`);
  }
}

type Say = (what: string, make: () => ReturnType<SiteNews["started"]>) => Promise<boolean>;

/** What the rules refuse waits for a person on the way out; on the way home it ends the return, and the dial stays where it is. */
async function moveDatabases(
  ctx: DurableContext,
  settings: Settings,
  site: SitePlan,
  claim: SiteClaim,
  say: Say,
  news: SiteNews,
): Promise<Proof> {
  const databases = new SiteDatabases(settings, site.databases, claim);
  let ordered: OrderedDatabase[] = [];
  for (let round = 0; ; round++) {
    const asked: OrderedDatabase[] = [];
    for (const name of site.databases) {
      const before = ordered.find((each) => each.name === name);
      const what = `order the database ${name}${round > 0 ? `, round ${round + 1}` : ""}`;
      asked.push(before && !before.refused ? before : await ctx.step(what, () => databases.order(name, round), patiently));
    }
    ordered = asked;
    const seconds = claim.direction === "evacuate" ? ASK_AGAIN_SECONDS[round] : undefined;
    if (seconds === undefined || !ordered.some((each) => each.refused)) break;
    await ctx.wait(`before round ${round + 2}`, { seconds });
  }
  const refused = ordered.filter((each) => each.refused);
  if (refused.length > 0 && claim.direction === "return") throw new Error(refused.map(({ said }) => said).join(" "));
  if (refused.length > 0) await say("tell which databases wait", () => news.databasesWait(refused, storeNowMs()));
  return await soonOrLater(ctx, "the databases run there", MINUTES.databases, () => databases.allThere(ordered));
}

/** null: it stands where it should. Otherwise it was turned back to the last good step, and this says why. */
async function turnTheDial(
  ctx: DurableContext,
  steps: SiteSteps,
  claim: SiteClaim,
  note: <Seen extends Proof>(what: string, proof: Seen) => Seen,
  sayWaiting: (share: number) => Promise<boolean>,
): Promise<string | null> {
  const { site } = steps;
  const dial = dialOf(site);
  const evacuates = claim.direction === "evacuate";
  const well = (name: string) =>
    until(ctx, name, STILL_WELL, () => steps.healthy()).then(
      () => null,
      (error) => reasonOf(error),
    );
  const turn = async (share: number, name: string) => {
    // Short at first: only then is it worth a mail that it has to be waited for.
    const soon = await until(ctx, name, QUICK_LOOKS, () => steps.turned(share)).catch(unproven);
    if (soon) return note(name, soon);
    if (!(await ctx.step(`${name}: does Route 53 answer?`, () => steps.routeAnswers(), patiently))) await sayWaiting(share);
    return note(name, await eventually(ctx, `${name}, late`, MINUTES.dial, () => steps.turned(share)));
  };
  const stands = note("the dial", await readTheDial(ctx, steps, sayWaiting)).share;
  let good = stands;
  for (const share of stepsFrom(dial.steps, claim.direction, stands)) {
    const unfit = evacuates ? await well(`fit for ${share} %`) : null;
    if (unfit) return `The dial stays at ${good} %: ${unfit}`;
    await turn(share, `turn the dial to ${share} %`);
    if (dial.secondsBetween > 0) await ctx.wait(`watch ${share} %`, { seconds: dial.secondsBetween });
    const sick = evacuates ? await well(`still well at ${share} %`) : null;
    if (sick) {
      await turn(good, `turn the dial back to ${good} %`);
      return `At ${share} % the targets went unhealthy, and the dial was turned back to ${good} %: ${sick}`;
    }
    good = share;
  }
  return null;
}

async function soonOrLater(ctx: DurableContext, name: string, minutes: number, look: () => Promise<Proof>): Promise<Proof> {
  return (await until(ctx, name, QUICK_LOOKS, look, 2).catch(unproven)) ?? (await eventually(ctx, `${name}, late`, minutes, look));
}

/** What was not seen in time may be seen later; anything else ends it. */
function unproven(error: unknown): null {
  if (error instanceof Problem && error.name === "NotProven") return null;
  throw error;
}

async function readTheDial(ctx: DurableContext, steps: SiteSteps, sayWaiting: (share: number) => Promise<boolean>) {
  const look = async () => {
    const share = await steps.readDial();
    return { holds: true, seen: `${share} % to the recovery region`, atMs: storeNowMs(), share };
  };
  const soon = await until(ctx, "read the dial", STILL_WELL, look).catch((error) => reasonOf(error));
  if (typeof soon !== "string") return soon as Proof & { readonly share: number };
  if (await ctx.step("does Route 53 answer?", () => steps.routeAnswers(), patiently)) throw new Error(soon);
  await sayWaiting(0);
  return (await eventually(ctx, "read the dial, late", MINUTES.dial, look)) as Proof & { readonly share: number };
}

/** Never in the way: a purge that fails is told. */
async function purge(ctx: DurableContext, steps: SiteSteps): Promise<Proof> {
  try {
    const id = await ctx.step("purge the CDN", () => steps.purge(), patiently);
    if (id === null) return { holds: true, seen: "there is no CDN to purge", atMs: 0 };
    return await soonOrLater(ctx, "the CDN is purged", MINUTES.purge, () => steps.purged(id));
  } catch (error) {
    const seen = `The CDN was not purged: ${reasonOf(error)}`;
    return { holds: false, seen, atMs: await ctx.step("note the time", async () => storeNowMs()) };
  }
}

/** Visitors with old answers are served until then. The claim is ended already, so a new evacuation need not wait. */
async function lowerLater(ctx: DurableContext, steps: SiteSteps, site: SitePlan, say: Say, news: SiteNews): Promise<void> {
  const minutes = site.recovery.lowerAfterMinutes ?? 10;
  if (minutes > 0) await ctx.wait("visitors with old answers", { seconds: minutes * 60 });
  const said = await ctx
    .step("lower the group", () => steps.lower(), patiently)
    .catch((error: unknown) => `${site.recovery.group} could not be given its former size: ${reasonOf(error)}`);
  await say("tell of the group", () => news.lowered(said, storeNowMs()));
}
