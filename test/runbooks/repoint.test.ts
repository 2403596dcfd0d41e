/**
 * The two ways a name moves, against the lab's Route 53, CloudWatch and S3, without databases: three sides, late movers, lost replies.
 * The metrics' minute is a second.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { InstanceFacts } from "../../core/facts.ts";
import { answeredSide, firstLatch, type Latch, sideFor } from "../../core/latch.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { stampName } from "../../core/stamp.ts";
import { latches } from "../../infra/latch.ts";
import { deployStack } from "../../lab/deploy/index.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { createHostedZone } from "../../lab/given.ts";
import { type Lab, startLab } from "../../lab/lab.ts";
import { waitFor } from "../../lab/look.ts";
import type { Mover, Way } from "../../runbooks/repoint.ts";
import type { Protected, Settings } from "../../runbooks/settings.ts";
import { testPlan } from "../lab/shop.ts";
import { instead } from "./bench.ts";

const BUCKET = "understudy-state";
const NAME = "db.shop.internal";
const ADDRESSES: Record<string, string> = { "shop-a": "127.1.0.1", "shop-b": "127.1.0.2", "shop-c": "127.1.0.3", "shop-d": "127.1.0.4" };
const host = (id: string) => `${id}.lab.eu-central-1.rds.amazonaws.com`;

let lab: Lab;
let settings: Settings;
let latched: Settings;
const restores: (() => unknown)[] = [];

beforeAll(async () => {
  lab = await startLab({ folder: throwawayFolder(), timings: { metricMinuteMs: 1000, dnsInsyncMs: 50 } });
  const base = testPlan();
  const shop = base.databases.shop as Plan["databases"][string];
  const regions = { ...shop.fenceSecurityGroups, "eu-west-1": "sg-0a1b2c3d4e5f6fe0d" };
  const three = { ...shop, standbys: [...shop.standbys, { instance: "shop-c", region: "eu-west-1" }], fenceSecurityGroups: regions };
  const plan: Plan = { ...base, databases: { shop: three } };
  const withLatch: Plan = { ...plan, records: plan.records.map((record) => ({ ...record, repoint: "latch" as const })) };
  const { recovery } = plan.regions;
  settings = {
    plan,
    region: recovery,
    account: lab.world.account,
    state: { region: recovery, bucket: BUCKET },
    functions: {
      watch: "watch",
      move: "move",
      backup: "backup",
      restore: "restore",
      drill: "drill",
      site: "site",
      offsite: "offsite",
      machine: "machine",
      vault: "vault",
      bucket: "bucket",
    },
    topicArn: "none",
    place: "far",
    identityEndpoint: lab.wire.url,
  };
  latched = { ...settings, plan: withLatch };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: lab.wire.url,
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
    LAB_DNS: `127.0.0.1:${lab.dns.port}`,
  });
  await import("../../lab/runtime/resolver.mjs" as string);
  const location = { LocationConstraint: recovery };
  await lab.world.call("s3", "CreateBucket", { Bucket: BUCKET, CreateBucketConfiguration: location }, { region: recovery });
  const hosts = lab.world.state<Record<string, string>>("hosts", () => ({}));
  for (const [id, address] of Object.entries(ADDRESSES)) hosts[host(id)] = address;
  instead(lab, "rds", "DescribeDBInstances", () => (input) => {
    const id = (input as { DBInstanceIdentifier: string }).DBInstanceIdentifier;
    return { DBInstances: [{ DBInstanceIdentifier: id, DBInstanceStatus: "available", Endpoint: { Address: host(id), Port: 5432 } }] };
  });
  await createHostedZone(lab.world, plan.records[0]?.zone as string, "shop.internal");
  const template = { Resources: latches(withLatch) };
  await deployStack(lab.world, { template, artifacts: () => new Uint8Array(), region: recovery, stackName: "latch" });
});
afterAll(() => lab?.close());

beforeEach(async () => {
  for (const restore of restores.splice(0)) await restore();
  for (const key of ["record", "latch"])
    await lab.world.call("s3", "DeleteObject", { Bucket: BUCKET, Key: `databases/shop/${key}.json` }, { region: settings.region });
});

const zone = () => settings.plan.records[0]?.zone as string;
const instance = (id: string): InstanceFacts => ({
  id,
  status: "available",
  engineVersion: "18.4",
  sourceId: null,
  securityGroups: [],
  address: host(id),
  port: 5432,
});
const mover = (generation: number, attempt = 1): Mover => ({
  execution: `move-shop-g${generation}-a${attempt}`,
  generation,
  attempt,
  holdsClaim: async () => {},
});

async function shop(of: Settings): Promise<Protected> {
  const { protectedDatabase } = await import("../../runbooks/settings.ts");
  return protectedDatabase(of.plan, "shop");
}
async function way(of: Settings): Promise<Way> {
  const { wayOf } = await import("../../runbooks/repoint-way.ts");
  return wayOf(of, await shop(of));
}
async function tend(): Promise<void> {
  const { tendLatch } = await import("../../runbooks/latch.ts");
  // Five requests a second are all there are for an account: the watcher's next minute goes on.
  await tendLatch(latched, await shop(latched)).catch((error: Error) => {
    if (error.name !== "Throttling") throw error;
  });
}
async function latch(): Promise<Latch> {
  const { readLatch } = await import("../../runbooks/repoint-latch.ts");
  return (await readLatch(latched, await shop(latched)))?.value as Latch;
}
async function changeRecord(change: object): Promise<void> {
  const { changeRecord: write } = await import("../../runbooks/record.ts");
  await write(latched, await shop(latched), (record) => ({ ...record, ...change }));
}

const UPSERT = (Name: string, Value: string) => ({
  Action: "UPSERT",
  ResourceRecordSet: { Name, Type: "CNAME", TTL: 1, ResourceRecords: [{ Value }] },
});
const batch = (...Changes: object[]) =>
  lab.world.call(
    "route53",
    "ChangeResourceRecordSets",
    { HostedZoneId: zone(), ChangeBatch: { Changes } },
    { region: "us-east-1", principal: "service:lab" },
  );

async function answering(): Promise<string> {
  const { resolve } = await import("../../aws/dns.ts");
  const address = await resolve(NAME);
  return Object.keys(ADDRESSES).find((id) => ADDRESSES[id] === address) ?? "nobody";
}
/** The latch is set up, rests on its first side, and the name leads through it. */
async function atRest(): Promise<void> {
  await tend();
  await batch(UPSERT(NAME, "db-latch.shop.internal"));
  await waitFor("the latch to rest on its first side", 10_000, async () => {
    await tend();
    return (await answering()) === "shop-a";
  });
  await waitFor("the way to be free", 10_000, async () => (await (await way(latched)).trouble(instance("shop-c"))) === null);
}
/** Moves, as the move's steps would; every answer seen on the way. */
async function moveTo(id: string, as: Mover): Promise<Set<string>> {
  const latchWay = await way(latched);
  const seen = new Set<string>();
  await latchWay.change(instance(id), as);
  await waitFor(`the name to lead to ${id}`, 20_000, async () => {
    seen.add(await answering());
    return (await latchWay.settled(instance(id), as)).holds;
  });
  seen.add(await answering());
  return seen;
}

test("hot, cold and back: the name goes from any side to any other, and nobody else answers on the way (S1, S20, S21)", async () => {
  await atRest();
  expect(await moveTo("shop-c", mover(1))).toEqual(new Set(["shop-a", "shop-c"]));
  expect(await moveTo("shop-b", mover(2))).toEqual(new Set(["shop-c", "shop-b"]));
  expect(await moveTo("shop-a", mover(3))).toEqual(new Set(["shop-b", "shop-a"]));
  expect(await moveTo("shop-b", mover(4))).toEqual(new Set(["shop-a", "shop-b"]));
});

test("a mover that was asleep while a later one moved the latch: refused, and the name stays (S10)", async () => {
  await atRest();
  await moveTo("shop-b", mover(7, 2));
  const late = await way(latched);
  await expect(late.change(instance("shop-a"), mover(7, 1))).rejects.toThrow("comes too late");
  await expect(late.settled(instance("shop-a"), mover(6, 9))).rejects.toThrow("comes too late");
  expect(answeredSide((await latch()).bits)).toBe(1);
  expect(await answering()).toBe("shop-b");
});

test("a mover that has lost its claim says nothing to the latch (S10)", async () => {
  await atRest();
  const before = await latch();
  const lost = { ...mover(9), holdsClaim: () => Promise.reject(new Error("the claim is gone")) };
  await expect((await way(latched)).change(instance("shop-b"), lost)).rejects.toThrow("the claim is gone");
  expect(await latch()).toEqual(before);
});

test("while a move holds the database the watcher says nothing; afterwards it repeats what the move said (S20, S22)", async () => {
  await atRest();
  const puts: number[] = [];
  restores.push(
    instead(lab, "monitoring", "PutMetricData", (call) => (input) => {
      const { Namespace, MetricData } = input as { Namespace: string; MetricData: { Value: number }[] };
      if (Namespace === "Understudy/Latch") puts.push(MetricData[0]?.Value ?? -1);
      return call(input);
    }),
  );
  await moveTo("shop-b", mover(1));
  puts.length = 0;
  await changeRecord({ claim: { execution: "move-shop-g1-a1" } });
  await tend();
  expect(puts).toEqual([]);
  // The record still names the old primary, as after a move that failed on its last stage.
  await changeRecord({ claim: null, primary: "shop-a" });
  await tend();
  expect(puts).toEqual([1]);
  expect(await answering()).toBe("shop-b");
});

test("a new standby takes the side of the retired one, and no side that answers is rewritten (S21)", async () => {
  await atRest();
  await moveTo("shop-b", mover(1));
  await changeRecord({ primary: "shop-b", standbys: ["shop-d", "shop-c"], generation: 2 });
  await waitFor("the new standby's side", 10_000, async () => {
    await tend();
    return (await (await way(latched)).trouble(instance("shop-d"))) === null;
  });
  expect((await latch()).sides).toEqual(["shop-d", "shop-b", "shop-c"]);
  expect(await answering()).toBe("shop-b");
  expect(await moveTo("shop-d", mover(2))).toEqual(new Set(["shop-b", "shop-d"]));
  // Somebody rewrites the side that answers: told, never "repaired" by itself.
  await batch(UPSERT("db-side-0.shop.internal", host("shop-c")));
  await waitFor("the rewritten side", 5000, async () => (await answering()) === "shop-c");
  await tend();
  expect(await answering()).toBe("shop-c");
  await batch(UPSERT("db-side-0.shop.internal", host("shop-a")));
});

test("a restored instance has no side: it gets one under the claim, the name goes there, and a standby that lost its own gets one again (S21)", async () => {
  const { restoredTrouble } = await import("../../runbooks/repoint-way.ts");
  const { seating } = await import("../../runbooks/restored-side.ts");
  const { readRecord } = await import("../../runbooks/record.ts");
  await atRest();
  const record = async () => (await readRecord(latched, await shop(latched))).value;
  const trouble = async (id: string | null) =>
    restoredTrouble(latched, await shop(latched), await record(), id === null ? null : instance(id));
  expect(await (await way(latched)).trouble(instance("shop-d"))).toContain("has no side of the latch");
  expect(await trouble(null)).toBeNull();
  expect(await trouble("shop-d")).toBeNull();
  const dark = await lab.faults.inject({ fault: "controlPlaneDark" });
  expect(await trouble("shop-d")).toContain("no side of the latch of shop can lead to shop-d");
  await dark.stop();

  await changeRecord({ claim: { execution: "move-shop-g1-a1" } });
  const lost = seating(latched, await shop(latched), () => Promise.reject(new Error("the claim is gone")));
  await expect(lost(await record(), instance("shop-d"))).rejects.toThrow("the claim is gone");
  const seat = seating(latched, await shop(latched), async () => {});
  const seen = new Set<string>();
  await waitFor("its side", 10_000, async () => {
    seen.add(await answering());
    await tend();
    return (await seat(await record(), instance("shop-d"))).holds;
  });
  expect(seen).toEqual(new Set(["shop-a"]));
  expect((await latch()).sides).toEqual(["shop-a", "shop-b", "shop-d"]);
  expect(await moveTo("shop-d", mover(1))).toEqual(new Set(["shop-a", "shop-d"]));
  // It answers now: whoever asks for a side for it finds it, and nothing is rewritten.
  expect((await seat(await record(), instance("shop-d"))).holds).toBe(true);

  // Called off: the standby whose side it took is seated again.
  await moveTo("shop-a", mover(2));
  await changeRecord({ claim: null });
  await waitFor("the standby's side", 10_000, async () => {
    await tend();
    return (await (await way(latched)).trouble(instance("shop-c"))) === null;
  });
  expect((await latch()).sides).toEqual(["shop-a", "shop-b", "shop-c"]);
});

test("the way from a side to a restored instance: an empty one, a retired one's, the last standby's, never the one that answers", () => {
  const of = (...sides: (string | null)[]): Latch => ({ ...firstLatch("shop", [], sides.length, 0), sides });
  expect(sideFor(of("a", "b", null), "r", ["a", "b"])).toBe(2);
  expect(sideFor(of("a", "old", "c"), "r", ["a", "c"])).toBe(1);
  expect(sideFor(of("a", "b", "c"), "r", ["a", "b", "c"])).toBe(2);
  expect(sideFor({ ...of("old", "b", "a"), bits: [1, 1] }, "r", ["a", "b"])).toBe(0);
  expect(sideFor({ ...of("old", "a"), bits: [0] }, "r", ["a"])).toBe(1);
  expect(sideFor(of("a", "r"), "r", ["a"])).toBe(1);
  expect(() => sideFor(of("a"), "r", ["a"])).toThrow("has none for r");
});

test("a health check is replaced after a move and remembers nothing: the watcher's next word leads on again (S20)", async () => {
  await atRest();
  await moveTo("shop-b", mover(1));
  const { healthChecks } = lab.world.state<{ healthChecks: Record<string, { metric?: unknown }> }>("route53", () => ({ healthChecks: {} }));
  for (const check of Object.values(healthChecks)) delete check.metric;
  await waitFor("the latch to lead on", 10_000, async () => {
    await tend();
    return (await answering()) === "shop-b";
  });
});

const stamp = async () => {
  const { readTxt } = await import("../../aws/dns.ts");
  return await readTxt(zone(), stampName(NAME));
};

test("the record way: name and stamp change in one batch, once, though the reply is lost (S11, S21)", async () => {
  await batch(UPSERT(NAME, host("shop-a")));
  const lost = await lab.faults.inject({ fault: "loseReply", service: "route53", operation: "ChangeResourceRecordSets", times: 1 });
  const recordWay = await way(settings);
  expect(await recordWay.trouble(instance("shop-b"))).toBeNull();
  const before = lab.world.story.length;
  await recordWay.change(instance("shop-b"), mover(10));
  await waitFor("the servers to answer", 5000, async () => (await recordWay.settled(instance("shop-b"), mover(10))).holds);
  await lost.stop();
  expect(await stamp()).toBe('"generation=10 attempt=1 by=move-shop-g10-a1"');
  expect(lab.world.story.slice(before).filter(({ what }) => what === `${NAME}. CNAME is now answered with ${host("shop-b")}`)).toHaveLength(
    1,
  );
});

test("a delayed mover's batch arrives after a later one's: Route 53 itself refuses all of it (S1, S10)", async () => {
  await (await way(settings)).change(instance("shop-b"), mover(11));
  let raced = false;
  restores.push(
    instead(lab, "route53", "ChangeResourceRecordSets", (call) => async (input) => {
      if (raced) return await call(input);
      raced = true;
      // Between the old mover's look and its batch the next generation moves on.
      await (await way(settings)).change(instance("shop-c"), mover(13));
      return await call(input);
    }),
  );
  await expect((await way(settings)).change(instance("shop-a"), mover(12))).rejects.toThrow("comes too late");
  expect(await stamp()).toContain("generation=13");
  await waitFor("the later mover's answer", 5000, async () => (await answering()) === "shop-c");
});

test("a stamp that is nobody's is left alone, and the name with it", async () => {
  const there = (await stamp()) as string;
  const txt = (Value: string) => ({ Name: stampName(NAME), Type: "TXT", TTL: 60, ResourceRecords: [{ Value }] });
  await batch({ Action: "DELETE", ResourceRecordSet: txt(there) }, { Action: "CREATE", ResourceRecordSet: txt('"hands off"') });
  await expect((await way(settings)).change(instance("shop-a"), mover(99))).rejects.toThrow('its stamp is "hands off"');
  await batch({ Action: "DELETE", ResourceRecordSet: txt('"hands off"') });
});

test("one of the zone's servers still gives the old answer: the name is not yet settled, and the server is named (S14, S21)", async () => {
  await batch(UPSERT(NAME, host("shop-a")));
  const recordWay = await way(settings);
  await waitFor("the old answer", 5000, async () => (await recordWay.settled(instance("shop-a"), mover(14))).holds);
  expect(await recordWay.settled(instance("shop-b"), mover(14))).toMatchObject({
    holds: false,
    seen: `127.0.0.1 answers ${host("shop-a")} for ${NAME}, expected ${host("shop-b")}`,
  });
});
