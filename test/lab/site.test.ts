/** Whole sites, on the deployed product: evacuated with its database while visitors ask, brought back, and killed on the way. */
import { Resolver } from "node:dns/promises";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { grantedBy, judge } from "../../cli/granted.ts";
import { Door } from "../../cli/operator/door.ts";
import { packageProduct } from "../../cli/package.ts";
import type { Vote } from "../../core/facts.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import type { SiteRecord } from "../../core/site.ts";
import { userKeyFor } from "../../lab/cloud/iam.ts";
import { waitFor } from "../../lab/look.ts";
import { packageOf } from "./fixtures/packages.ts";
import { Shop } from "./shop.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const REGION = "eu-west-1";
const FUNCTION = "understudy-corner-shop-site";
const HOOK = "arn:aws:lambda:eu-west-1:111122223333:function:around-the-site";
const [PRIMARY, RECOVERY] = ["web-1.eu-central-1.elb.example.com", "web-2.eu-west-1.elb.example.com"];
let plan: Plan;
let packaged: string;

const siteText = (name: string, databases: string) => `
  - name: ${name}
    databases: [${databases}]
    recovery:
      group: ${name}
      region: ${REGION}
      capacity: 2
      targetGroupArn: arn:aws:elasticloadbalancing:${REGION}:111122223333:targetgroup/${name}/0123456789abcdef
      lowerAfterMinutes: 0
    records:
      - { name: ${name}.shop.internal, zone: Z08CORNERSHOP0001, ttlSeconds: 5, primary: ${PRIMARY}, recovery: ${RECOVERY} }
    dial: { steps: [10, 50, 100], secondsBetween: 1 }
    cdn: { distributionId: E1SHOP00000001, paths: ["/*"] }
    hooks: { before: "${HOOK}", after: "${HOOK}" }`;

/** The tests' shop with a cold standby, a site around it and one without databases, and two people who must agree. */
beforeAll(async () => {
  const text = readFileSync(inject("planFile"), "utf8")
    .replace("      - { instance: shop-b, region: eu-central-1 }", "$&\n      - { instance: shop-c, region: eu-west-1 }")
    .concat("\napprovals:\n  people: 2\n  expireMinutes: 60\n", "\nsites:", siteText("web", "shop"), siteText("static", ""), "\n");
  const file = join(ROOT, "dist", "site-plan.yml");
  writeFileSync(file, text);
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  plan = parsed.plan;
  packaged = await packageProduct(file, "dist/site");
});

async function open(): Promise<Shop> {
  const shop = await Shop.open({ product: { plan, folder: packaged } });
  const { world } = shop.lab;
  const trust = { Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }] };
  await world.call("iam", "CreateRole", { RoleName: "runs", AssumeRolePolicyDocument: trust }, { region: REGION });
  const code = {
    Runtime: "nodejs24.x",
    Role: `arn:aws:iam::${world.account}:role/runs`,
    Code: { ZipFile: await packageOf("plain.mjs", "hook") },
  };
  const around = { FunctionName: "around-the-site", Handler: "dist/hook/index.handler", ...code };
  await world.call("lambda", "CreateFunction", around, { region: REGION });
  return shop;
}

const door = (shop: Shop, name: string) =>
  new Door(shop.plan, { credentials: userKeyFor(shop.lab.world, name), endpoint: shop.lab.wire.url });
const siteRecord = (shop: Shop, name: string) => shop.json<SiteRecord>(`sites/${name}/record.json`);

/** One person asks, another agrees. */
async function ordered(shop: Shop, verb: "evacuate" | "return", site: string): Promise<string> {
  const asked = await door(shop, "alice").order({ verb, site, reason: "a drill" });
  expect(asked).toMatchObject({ accepted: true, execution: null, commands: [`npm run understudy -- approve ${asked.request}`] });
  const agreed = await door(shop, "bob").order({ verb: "approve", request: asked.request });
  expect(agreed).toMatchObject({ accepted: true, execution: expect.stringMatching(new RegExp(`^site-${site}-g\\d-a\\d$`)) });
  return String(agreed.execution);
}

const ended = (shop: Shop, site: string, generation: number): Promise<SiteRecord> =>
  waitFor(`generation ${generation} of ${site}`, 110_000, async () => {
    const bad = shop.lab.mail.mails.find(({ subject }) => /called off|FAILED/.test(subject));
    if (bad) throw new Error(bad.text);
    const record = await siteRecord(shop, site);
    return record?.generation === generation && record.claim === null && record;
  });

/** What a hundred visitors are told: how many of them go to the recovery region. */
async function visitors(shop: Shop, site: string): Promise<number> {
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${shop.lab.dns.port}`]);
  const answers = await Promise.all(Array.from({ length: 100 }, () => resolver.resolveCname(`${site}.shop.internal`)));
  return answers.filter(([target]) => target === RECOVERY).length;
}

const desired = async (shop: Shop, group: string): Promise<number> => {
  const { AutoScalingGroups } = await shop.lab.world.call(
    "autoscaling",
    "DescribeAutoScalingGroups",
    { AutoScalingGroupNames: [group] },
    { region: REGION },
  );
  return AutoScalingGroups[0].DesiredCapacity;
};

test("a site is evacuated with its database while visitors ask for it, and brought back", async () => {
  const shop = await open();
  await waitFor("the cold standby's link", 30_000, async () => {
    const vote = await shop.json<Vote>("databases/shop/vote.json");
    return vote?.links["shop-c"]?.seen === "streaming" && vote.links["shop-c"].lagSeconds !== null;
  });
  expect(await visitors(shop, "web")).toBe(0);
  const execution = await ordered(shop, "evacuate", "web");
  // While it runs nobody orders it again.
  expect(await door(shop, "alice").order({ verb: "return", site: "web", reason: "too early" })).toMatchObject({
    accepted: false,
    sentence: expect.stringContaining("is running"),
  });
  const seen = new Set<number>();
  const asking = setInterval(() => void visitors(shop, "web").then((share) => seen.add(share)), 200);
  const record = await ended(shop, "web", 2).finally(() => clearInterval(asking));
  expect(record).toMatchObject({ stands: "recovery", lastMove: { execution, outcome: "succeeded" } });
  expect(await visitors(shop, "web")).toBe(100);
  expect(
    [...seen].some((share) => share > 0 && share < 30),
    `${[...seen]}`,
  ).toBe(true);
  expect(await shop.record()).toMatchObject({ primary: "shop-c", generation: 2, lastMove: { automatic: false } });
  expect(await desired(shop, "web")).toBe(2);
  const evidence = await shop.json<{ timeline: { what: string; seen: string }[] }>(`evidence/site-web/${execution}.json`);
  expect(evidence?.timeline.find(({ what }) => what === "hook before")?.seen).toContain('"step":"before"');
  expect(evidence?.timeline.find(({ what }) => what === "databases")?.seen).toBe("in eu-west-1: shop on shop-c");
  // The database had all it needs to go before the first visitor was sent.
  const at = (what: string) => shop.lab.world.story.findIndex((line) => line.kind === "call" && line.what === what);
  expect(at("rds:PromoteReadReplica")).toBeLessThan(
    shop.lab.world.story.findIndex(
      ({ what, detail }) => what === "route53:ChangeResourceRecordSets" && String(detail?.principal).includes(FUNCTION),
    ),
  );
  await waitFor("the mail", 20_000, () => shop.mailed("evacuation done"));

  await waitFor("a standby at home again", 60_000, async () => {
    const vote = await shop.json<Vote>("databases/shop/vote.json");
    const { standbys = [], regions = {} } = (await shop.record()) ?? {};
    return standbys.some((id) => regions[id] === "eu-central-1" && typeof vote?.links[id]?.lagSeconds === "number");
  });
  await ordered(shop, "return", "web");
  expect(await ended(shop, "web", 3)).toMatchObject({ stands: "primary" });
  expect(await visitors(shop, "web")).toBe(0);
  const { primary, regions } = (await shop.record()) ?? { primary: "", regions: {} as Record<string, string> };
  expect(regions[primary]).toBe("eu-central-1");
  await waitFor("the group's former size", 30_000, async () => (await desired(shop, "web")) === 0);
  expect(shop.calls("cloudfront:CreateInvalidation")).toHaveLength(2);
  // Whatever the role of a plan with sites is granted, this has used.
  const judged = judge(grantedBy(packaged), shop.lab.permissions.notes.all);
  const longStories = "lambda:GetDurableExecutionState";
  const unused = judged.filter(({ role, action, problem }) => role === "SiteRole" && problem !== null && action !== longStories);
  expect(unused.map(({ sid, action, problem }) => `${sid} ${action} ${problem}`)).toEqual([]);
});

test("the primary region is dark: the site is evacuated all the same, its database by a cold failover (S29)", async () => {
  const shop = await open();
  await waitFor("the cold standby's link", 30_000, async () => {
    const vote = await shop.json<Vote>("databases/shop/vote.json");
    return vote?.links["shop-c"]?.seen === "streaming" && vote.links["shop-c"].lagSeconds !== null;
  });
  await shop.lab.faults.inject({ fault: "regionDark", region: "eu-central-1", how: "cut" });
  // Until the region is known to be dark the rules refuse: the evacuation would ask again, some seconds later each time.
  await waitFor("Understudy to know of the dark region", 40_000, () => shop.mailed("shop: needs your approval"));
  await ordered(shop, "evacuate", "web");
  await ended(shop, "web", 2);
  expect(await siteRecord(shop, "web")).toMatchObject({ stands: "recovery" });
  expect(await visitors(shop, "web")).toBe(100);
  expect(await shop.record()).toMatchObject({ primary: "shop-c", retired: [{ instance: "shop-a", fenced: false }] });
});

test("the evacuation is killed after each of its steps: it resumes, and no effect happens twice (S11)", async () => {
  const shop = await open();
  let kills = 0;
  shop.lab.lambda.faults.onCheckpoint = ({ functionName, applied }) => {
    if (functionName !== FUNCTION || applied !== "after") return undefined;
    kills++;
    return "kill";
  };
  await ordered(shop, "evacuate", "static");
  expect(await ended(shop, "static", 2)).toMatchObject({ stands: "recovery" });
  await waitFor("the mail", 60_000, () => shop.mailed("evacuation done"));
  shop.lab.lambda.faults.onCheckpoint = undefined;
  expect(kills).toBeGreaterThan(10);
  expect(await visitors(shop, "static")).toBe(100);
  expect(shop.calls("autoscaling:UpdateAutoScalingGroup")).toHaveLength(1);
  expect(shop.calls("route53:ChangeResourceRecordSets")).toHaveLength(3);
  // Asked for again with the same reference it is the same one.
  const { InvalidationList } = await shop.lab.world.call(
    "cloudfront",
    "ListInvalidations",
    { DistributionId: "E1SHOP00000001" },
    { region: REGION },
  );
  expect(InvalidationList.Items).toHaveLength(1);
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null });
});
