import { withDurableExecution } from "@aws/durable-execution-sdk-js";
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { DatabaseRecord } from "../../core/facts.ts";
import type { SitePlan } from "../../core/plan/schema.ts";
import type { MoveRequest } from "../../core/requests.ts";
import { type Direction, firstSiteRecord, type SiteRecord, siteExecution } from "../../core/site.ts";
import { buildSites } from "../../lab/site-estate.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";

const open = bench();
const REGION = "eu-west-1";
const HOOK = "arn:aws:lambda:eu-west-1:111122223333:function:before-web";
const GROUP_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef";
const [PRIMARY, RECOVERY] = ["web-1.eu-central-1.elb.example.com", "web-2.eu-west-1.elb.example.com"];
const SITE: SitePlan = {
  name: "web",
  databases: [],
  recovery: { group: "web", region: REGION, capacity: 2, targetGroupArn: GROUP_ARN, lowerAfterMinutes: 1 },
  records: [{ name: "www.shop.internal", zone: "Z08CORNERSHOP0001", ttlSeconds: 5, primary: PRIMARY, recovery: RECOVERY }],
  dial: { steps: [10, 50, 100], secondsBetween: 30 },
  cdn: { distributionId: "E1SHOP00000001", paths: ["/*"] },
};

/** What the record of the site's generation says to a hook, and what it is to answer. */
let hook: (payload: { step: string; direction: string }) => unknown = () => ({ ok: true });
let asked: string[] = [];

beforeAll(async () => {
  const { lab, plan } = open();
  await buildSites(lab.world, { ...plan, sites: [SITE] });
  instead(lab, "lambda", "Invoke", (before) => (input) => {
    const { FunctionName, Payload } = input as { FunctionName: string; Payload: Uint8Array };
    if (FunctionName !== HOOK) return before(input);
    const payload = JSON.parse(Buffer.from(Payload).toString());
    asked.push(`${payload.direction} ${payload.step}`);
    return { StatusCode: 200, Payload: Buffer.from(JSON.stringify(hook(payload))) };
  });
});

const call = (service: string, operation: string, input: object, region = REGION) =>
  open().lab.world.call(service, operation, input, { region });
const put = (Key: string, value: unknown) =>
  call("s3", "PutObject", { Bucket: open().bucket, Key, Body: Buffer.from(JSON.stringify(value)) });
const get = async <T>(Key: string) =>
  JSON.parse(Buffer.from((await call("s3", "GetObject", { Bucket: open().bucket, Key })).Body).toString()) as T;
const record = () => get<SiteRecord>("sites/web/record.json");
const health = (Trouble: string | null) => call("elasticloadbalancing", "LabSetTargetHealth", { TargetGroupArn: GROUP_ARN, Trouble });

const sizes = async () => {
  const { AutoScalingGroups } = await call("autoscaling", "DescribeAutoScalingGroups", { AutoScalingGroupNames: ["web"] });
  const { MinSize, MaxSize, DesiredCapacity } = AutoScalingGroups[0];
  return [MinSize, DesiredCapacity, MaxSize];
};

/** Weights of the recovery side, oldest first, as the batches set them. */
const shares = () =>
  open()
    .lab.world.story.filter(({ what }) => what === "route53:ChangeResourceRecordSets")
    .map(({ detail }) => String((detail?.input as { ChangeBatch?: unknown })?.ChangeBatch));

async function dial(): Promise<number> {
  const { ResourceRecordSets } = await call("route53", "ListResourceRecordSets", { HostedZoneId: "Z08CORNERSHOP0001" }, "us-east-1");
  const set = ResourceRecordSets.find((each: { SetIdentifier?: string }) => each.SetIdentifier === "understudy-recovery");
  return Number(set?.Weight ?? 0);
}

beforeEach(async () => {
  const { lab } = open();
  hook = () => ({ ok: true });
  asked = [];
  await call("s3", "DeleteObject", { Bucket: open().bucket, Key: "sites/web/record.json" });
  await call("autoscaling", "UpdateAutoScalingGroup", { AutoScalingGroupName: "web", MinSize: 0, MaxSize: 1, DesiredCapacity: 0 });
  const { ResourceRecordSets } = await call("route53", "ListResourceRecordSets", { HostedZoneId: "Z08CORNERSHOP0001" }, "us-east-1");
  const ours = ResourceRecordSets.filter((set: { Name: string }) => set.Name === "www.shop.internal.");
  const plain = { Name: "www.shop.internal", Type: "CNAME", TTL: 5, ResourceRecords: [{ Value: `${PRIMARY}.` }] };
  const Changes = [
    ...ours.map((ResourceRecordSet: unknown) => ({ Action: "DELETE", ResourceRecordSet })),
    { Action: "CREATE", ResourceRecordSet: plain },
  ];
  await call("route53", "ChangeResourceRecordSets", { HostedZoneId: "Z08CORNERSHOP0001", ChangeBatch: { Changes } }, "us-east-1");
  lab.world.story.splice(0);
  open().news.splice(0);
});

/** Claims the site as `order` does, and runs it. */
async function run(direction: Direction, change: Partial<SitePlan> = {}, claimed = true) {
  const { readSettings } = await import("../../runbooks/settings.ts");
  const { moveSite } = await import("../../runbooks/site.ts");
  const before = await record().catch(() => firstSiteRecord("web"));
  const attempt = before.attempts + 1;
  const execution = siteExecution("web", before.generation, attempt);
  const by = "arn:aws:iam::111122223333:user/alice";
  const approvals = [{ by, atMs: Date.now() }];
  const id = `web-g${before.generation}-order${attempt}`;
  await put(`requests/web/${id}.json`, { id, verb: direction, people: 1, approvals, usedBy: execution });
  const claim = { execution, direction, attempt, takenAtMs: Date.now(), request: id, people: [by], reason: "the region is failing" };
  await put("sites/web/record.json", { ...before, attempts: attempt, claim: claimed ? claim : null });
  const settings = readSettings();
  const plan = { ...settings.plan, sites: [{ ...SITE, ...change }] };
  const handlerFunction = withDurableExecution((input: never, ctx) => moveSite(input, ctx, { ...settings, plan }));
  const runner = new LocalDurableTestRunner({ handlerFunction: handlerFunction as never });
  const done = await runner.run({ payload: { site: "web", generation: before.generation, attempt } });
  const result = done.getResult() as { outcome: string; sentence: string; evidence: string };
  return { result, steps: done.getOperations().map((it) => it.getName()), news: open().news.map(({ kind, move }) => `${kind}: ${move}`) };
}

test("a whole site is evacuated by the dial and brought back, its group raised and later given its former size", async () => {
  const hooks = { before: HOOK, after: HOOK };
  const out = await run("evacuate", { hooks });
  expect(out.result, out.result.sentence).toMatchObject({ outcome: "succeeded" });
  expect(await dial()).toBe(100);
  expect(await sizes()).toEqual([2, 2, 2]);
  expect(await record()).toMatchObject({ generation: 2, stands: "recovery", claim: null, groupBefore: { min: 0, max: 1, desired: 0 } });
  expect(out.news).toEqual(["Move Started: evacuation", "Move Succeeded: evacuation"]);
  const evidence = await get<{ timeline: { what: string }[] }>(out.result.evidence);
  expect(evidence.timeline.map(({ what }) => what)).toEqual([
    "hook before",
    "web raised (it wanted 0)",
    "databases",
    "the dial",
    "turn the dial to 10 %",
    "turn the dial to 50 %",
    "turn the dial to 100 %",
    "CDN",
    "hook after",
  ]);
  expect(shares()).toHaveLength(3);

  const back = await run("return", { hooks });
  expect(back.result, back.result.sentence).toMatchObject({ outcome: "succeeded" });
  expect(back.steps.filter((name) => name?.startsWith("turn"))).toEqual([
    "turn the dial to 90 %",
    "turn the dial to 50 %",
    "turn the dial to 0 %",
  ]);
  expect(await dial()).toBe(0);
  expect(await sizes()).toEqual([0, 0, 1]);
  expect(await record()).toMatchObject({ generation: 3, stands: "primary", claim: null, groupBefore: null });
  expect(asked).toEqual(["evacuate before", "evacuate after", "return before", "return after"]);
});

test("the user's hook says no: nothing is done, and the mail says what it said", async () => {
  hook = () => ({ ok: false, why: "a sale is running" });
  const { result, news } = await run("evacuate", { hooks: { before: HOOK } });
  expect(result).toMatchObject({ outcome: "refused", sentence: expect.stringContaining("a sale is running") });
  expect(news).toEqual(["Move Refused: evacuation"]);
  expect(await sizes()).toEqual([0, 0, 1]);
  expect(shares()).toEqual([]);
  expect(await record()).toMatchObject({ generation: 1, stands: "primary", claim: null, lastMove: { outcome: "refused" } });
});

test("targets go unhealthy under the first half of the visitors: the dial goes back to the last good step and stops there", async () => {
  const restore = instead(open().lab, "route53", "ChangeResourceRecordSets", (before) => async (input) => {
    const answer = await before(input);
    if ((await dial()) === 50) await health("502 from the application");
    return answer;
  });
  const { result, news } = await run("evacuate");
  restore();
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("turned back to 10 %") });
  expect(news).toEqual(["Move Started: evacuation", "Move Failed: evacuation"]);
  expect(await dial()).toBe(10);
  expect(await record()).toMatchObject({ stands: "primary", claim: null, lastMove: { outcome: "failed" } });

  // Repaired, the same order goes on from there.
  await health(null);
  const again = await run("evacuate");
  expect(again.result, again.result.sentence).toMatchObject({ outcome: "succeeded" });
  expect(again.steps.filter((name) => name?.startsWith("turn"))).toEqual(["turn the dial to 50 %", "turn the dial to 100 %"]);
});

test("the group never becomes healthy: the wait ends, nobody is sent there (S15)", async () => {
  const restore = instead(open().lab, "autoscaling", "UpdateAutoScalingGroup", () => () => undefined);
  const { result } = await run("evacuate");
  restore();
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("0 of 0 targets healthy, 2 needed") });
  expect(shares()).toEqual([]);
});

test("Route 53's control plane is dark: the evacuation waits for it, says so, and goes on (S29)", async () => {
  const told = () => open().news.some(({ kind }) => kind === "Move Stuck");
  const dark = (before: (input: unknown) => unknown) => (input: unknown) => {
    if (!told()) throw new ServiceError("ServiceUnavailable", "dark", 503);
    return before(input);
  };
  const restore = [
    instead(open().lab, "route53", "ListResourceRecordSets", dark),
    instead(open().lab, "route53", "ChangeResourceRecordSets", dark),
  ];
  const { result, news } = await run("evacuate");
  for (const each of restore) each();
  expect(result, result.sentence).toMatchObject({ outcome: "succeeded" });
  expect(news).toEqual(["Move Started: evacuation", "Move Stuck: evacuation", "Move Succeeded: evacuation"]);
  expect(await dial()).toBe(100);
});

test("the CDN cannot be purged: it is told and stops nothing", async () => {
  const { result } = await run("evacuate", { cdn: { distributionId: "E2NOBODY00001", paths: ["/*"] } });
  expect(result).toMatchObject({ outcome: "succeeded", sentence: expect.stringContaining("The CDN was not purged") });
});

test("a site whose name leads elsewhere than the plan says is not touched", async () => {
  const { result } = await run("evacuate", {
    records: [{ ...(SITE.records[0] as SitePlan["records"][number]), primary: "other.example.com" }],
  });
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining(`leads to ${PRIMARY}`) });
  expect(shares()).toEqual([]);
});

test("an execution that holds no claim does nothing (S10)", async () => {
  const { result } = await run("evacuate", {}, false);
  expect(result).toMatchObject({ outcome: "not ours" });
  expect(await sizes()).toEqual([0, 0, 1]);
});

interface Ordered {
  readonly database: string;
  readonly order?: { readonly verb: string; readonly target: string };
  readonly request?: string;
}

/** The database's record, and a watcher that answers as told; what it was asked, in order. */
async function watched(
  primary: string,
  answer: (asked: Ordered, record: DatabaseRecord) => { primaryRegion?: string; kind?: string; sentence?: string } | undefined,
) {
  const regions = { "shop-a": "eu-central-1", "shop-b": "eu-central-1", "shop-c": REGION };
  const standbys = Object.keys(regions).filter((id) => id !== primary);
  const shop: DatabaseRecord = {
    database: "shop",
    generation: 1,
    primary,
    standbys,
    retired: [],
    attempts: 0,
    claim: null,
    lastMove: null,
    pause: null,
    regions,
  };
  const write = (change: Partial<DatabaseRecord>) => put("databases/shop/record.json", { ...shop, ...change });
  await write({});
  const heard: string[] = [];
  const restore = instead(open().lab, "lambda", "Invoke", (before) => async (input) => {
    const { FunctionName, Payload } = input as { FunctionName: string; Payload: Uint8Array };
    if (FunctionName !== "watch") return before(input);
    const payload = JSON.parse(Buffer.from(Payload).toString()) as Ordered;
    const { order, request } = payload;
    heard.push(order ? `${order.verb} to ${order.target}?` : "do it");
    const said = answer(payload, shop);
    const words = { sentence: said?.sentence ?? "for the test", rule: 403 };
    const decision = {
      kind: said?.kind ?? "switchover",
      target: order?.target ?? null,
      overridable: [305],
      diagnosis: "Healthy",
      ...words,
    };
    const facts = { record: shop, atMs: Date.now(), primaryRegion: said?.primaryRegion ?? "answers" };
    const told = request
      ? { accepted: true, sentence: "started", next: "", commands: [], request, execution: "move-shop-g1-a1" }
      : { facts, diagnosis: { name: "Healthy", prices: {} }, decision };
    return { StatusCode: 200, Payload: Buffer.from(JSON.stringify(told)) };
  });
  return { heard, restore, write };
}

test("the primary region is dark: the database is ordered as a cold failover, with the people who agreed to the evacuation (S29)", async () => {
  const shop = await watched("shop-a", ({ order, request }) => {
    if (request) void shop.write({ primary: "shop-c", generation: 2 });
    return { primaryRegion: "dark", kind: order?.verb === "failover" ? "failover" : "refuse" };
  });
  const { result, steps } = await run("evacuate", { databases: ["shop"] });
  shop.restore();
  expect(result, result.sentence).toMatchObject({ outcome: "succeeded" });
  expect(shop.heard).toEqual(["switchover to shop-c?", "failover to shop-c?", "do it"]);
  expect(steps.indexOf("the databases run there")).toBeLessThan(steps.indexOf("turn the dial to 10 %"));
  const request = await get<MoveRequest>("requests/shop/shop-g1-ssitewebg1a1r0.json");
  expect(request).toMatchObject({ verb: "failover", target: "shop-c", due: true, approvals: [{ by: expect.stringContaining("alice") }] });
});

test("the rules refuse to move the database: the mail names the command, and the evacuation goes on when a person has moved it", async () => {
  const shop = await watched("shop-a", () => ({ kind: "refuse", sentence: "Refused: the lag is not known (rule 305)" }));
  const waits = setInterval(() => {
    if (open().news.some(({ kind }) => kind === "Move Stuck")) void shop.write({ primary: "shop-c", generation: 2 });
  }, 50);
  const { result } = await run("evacuate", { databases: ["shop"] });
  clearInterval(waits);
  shop.restore();
  expect(result, result.sentence).toMatchObject({ outcome: "succeeded" });
  const stuck = open().news.find(({ kind }) => kind === "Move Stuck");
  expect(stuck?.details).toEqual([["shop", "Refused: the lag is not known (rule 305)"]]);
  expect(stuck?.commands).toEqual(['npm run understudy -- switchover shop --target shop-c --override 305 --reason "WHY"']);
  // Asked five times before it was told, twice each time: which way fits, and whether it may.
  expect(shop.heard).toEqual(Array(10).fill("switchover to shop-c?"));
});

test("the failback of its database is refused: the return stops before the dial (S25)", async () => {
  const away = await watched("shop-c", () => undefined);
  await run("evacuate", { databases: ["shop"] });
  away.restore();
  expect(await dial()).toBe(100);
  const shop = await watched("shop-c", () => ({ kind: "refuse", sentence: "Refused: shop-a holds 3 transactions alone (rule 209)" }));
  const { result, news } = await run("return", { databases: ["shop"] });
  shop.restore();
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("shop-a holds 3 transactions alone") });
  expect(news.at(-1)).toBe("Move Failed: return");
  expect(shop.heard).toEqual(["failback to shop-a?"]);
  expect(await dial()).toBe(100);
  expect(await record()).toMatchObject({ stands: "recovery", claim: null });
});

test("the failback begins and is called off by its own gate: the return stops before the dial (S25)", async () => {
  const away = await watched("shop-c", () => undefined);
  await run("evacuate", { databases: ["shop"] });
  away.restore();
  const lastMove = { execution: "move-shop-g1-a1", outcome: "refused" as const, endedAtMs: 1, automatic: false, acknowledgedBy: null };
  const shop = await watched("shop-c", ({ request }) => {
    if (request) void shop.write({ lastMove });
    return undefined;
  });
  const { result } = await run("return", { databases: ["shop"] });
  shop.restore();
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("move-shop-g1-a1 of shop refused") });
  expect(await dial()).toBe(100);
});
