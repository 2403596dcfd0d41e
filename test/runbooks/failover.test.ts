import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Evidence } from "../../core/evidence.ts";
import { waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";

const open = bench();
const REGION = "eu-central-1";
const FENCE = "sg-0a1b2c3d4e5f6fe0c";

/** The probe's laps and the watcher's claim, as the deployed functions would make them; then the move, under AWS's kit. */
async function laps(count: number) {
  const { probeLap } = await import("../../runbooks/probe.ts");
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const settings = readSettings();
  const shop = protectedDatabase(settings.plan, "shop");
  let last = await probeLap(settings, shop);
  for (let lap = 1; lap < count; lap++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    last = await probeLap(settings, shop);
  }
  return { settings, shop, last };
}

const FOR_THE_BENCH = { kind: "failover", target: "shop-b", rule: 401, sentence: "for the bench", order: null } as const;

async function move() {
  const { settings, shop } = await laps(1);
  const { readRecord, claim } = await import("../../runbooks/record.ts");
  const stored = await readRecord(settings, shop);
  const taken = await claim(settings, stored, FOR_THE_BENCH, Date.now());
  if (!taken) throw new Error("the bench could not claim the database");
  const { handler } = await import("../../functions/move.ts");
  const runner = new LocalDurableTestRunner({ handlerFunction: handler as never });
  const payload = { kind: "failover", database: "shop", generation: stored.value.generation, attempt: taken.attempt };
  const execution = await runner.run({ payload });
  const record = (await readRecord(settings, shop)).value;
  return {
    status: execution.getStatus(),
    result: execution.getResult() as { outcome: string; sentence: string },
    steps: execution.getOperations().map((it) => it.getName()),
    record,
  };
}

/** Somebody lets everybody in through the fence's group. */
async function openFence() {
  const { lab } = open();
  const rule = {
    GroupId: FENCE,
    IpPermissions: [{ IpProtocol: "tcp", FromPort: 5432, ToPort: 5432, IpRanges: [{ CidrIp: "0.0.0.0/0" }] }],
  };
  const ec2 = (operation: string) => lab.world.call("ec2", operation, rule, { region: REGION });
  await ec2("AuthorizeSecurityGroupIngress");
  restores.push(() => void ec2("RevokeSecurityGroupIngress"));
}

async function killed() {
  const { lab } = open();
  await laps(2);
  await lab.rds.faults.kill(REGION, "shop-a");
  const { last } = await laps(3);
  expect(last.vote).toMatchObject({ primarySeen: "lost", linkSeen: "lost" });
}

const kept = async (key: string): Promise<string> => {
  const { lab, plan, bucket } = open();
  const { Body } = await lab.world.call("s3", "GetObject", { Bucket: bucket, Key: key }, { region: plan.regions.recovery });
  return Buffer.from(Body).toString("utf8");
};

const groups = async () => {
  const { DBInstances } = await open().lab.world.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: "shop-a" }, { region: REGION });
  return DBInstances[0].VpcSecurityGroups.map((group: { VpcSecurityGroupId: string }) => group.VpcSecurityGroupId);
};

let restores: (() => void)[] = [];
beforeEach(async () => {
  // Each test starts with the primary alive and nothing claimed.
  const { lab, plan, bucket } = open();
  const left = [
    "databases/shop/record.json",
    "databases/shop/vote.json",
    ...["json", "html"].map((kind) => `evidence/shop/move-shop-g1-a1.${kind}`),
  ];
  for (const Key of left) await lab.world.call("s3", "DeleteObject", { Bucket: bucket, Key }, { region: plan.regions.recovery });
  await lab.world.call("rds", "RebootDBInstance", { DBInstanceIdentifier: "shop-a" }, { region: REGION });
  await waitFor("the primary to be back", 20_000, async () => {
    const { DBInstances } = await lab.world.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: "shop-a" }, { region: REGION });
    return DBInstances[0].DBInstanceStatus === "available" && (await laps(1)).last.vote.linkSeen === "streaming";
  });
});
afterEach(() => {
  for (const restore of restores) restore();
  restores = [];
});

test("the primary is back before the move has begun: called off, the claim is released, nothing is touched", async () => {
  const { news } = open();
  const before = await groups();
  const { status, result, steps, record } = await move();
  expect(status).toBe("SUCCEEDED");
  expect(result).toMatchObject({ outcome: "refused", sentence: expect.stringContaining("(rule 101)") });
  expect(steps).toEqual(["confirm", "release the claim", "tell of the refusal"]);
  expect(record).toMatchObject({ generation: 1, claim: null, lastMove: { outcome: "refused" } });
  expect(await groups()).toEqual(before);
  expect(news.at(-1)?.kind).toBe("Move Refused");
});

test("a watcher that looked before another's move ended cannot claim over it", async () => {
  const { settings, shop } = await laps(1);
  const { claim, endClaim, readRecord } = await import("../../runbooks/record.ts");
  const slow = await readRecord(settings, shop);
  const fast = await claim(settings, await readRecord(settings, shop), FOR_THE_BENCH, Date.now());
  await endClaim(settings, shop, fast?.execution as string, "refused", Date.now());
  expect(await claim(settings, slow, FOR_THE_BENCH, Date.now())).toBeNull();
  expect((await readRecord(settings, shop)).value).toMatchObject({ attempts: 1, claim: null });
});

test("the fence is not allowed (AccessDenied): nothing is promoted, the claim is released, the reason is told", async () => {
  const { lab, news } = open();
  const before = await groups();
  await killed();
  restores.push(
    instead(lab, "rds", "ModifyDBInstance", (call) => (input) => {
      // Only the fence; giving the old groups back is allowed.
      if ((input as { VpcSecurityGroupIds: string[] }).VpcSecurityGroupIds.includes(FENCE))
        throw new ServiceError("AccessDenied", "User is not authorized to perform: rds:ModifyDBInstance", 403);
      return call(input);
    }),
  );
  const { result, record } = await move();
  expect(result.outcome).toBe("failed");
  expect(result.sentence).toContain('at the stage "fence": User is not authorized to perform: rds:ModifyDBInstance');
  expect(record).toMatchObject({ generation: 1, primary: "shop-a", claim: null, lastMove: { outcome: "failed" } });
  expect(await groups()).toEqual(before);
  expect(news.at(-1)).toMatchObject({ kind: "Move Failed", next: expect.stringContaining("Nothing was promoted") });
  // A move that failed leaves its evidence too.
  const pack: Evidence = JSON.parse(await kept(`evidence/shop/${record.lastMove?.execution}.json`));
  expect(pack).toMatchObject({ outcome: "failed", sentence: result.sentence, ladder: [{ rung: "network", holds: false }] });
  expect(pack.steps.find(({ failed }) => failed)?.calls).toContainEqual(
    expect.objectContaining({ operation: "ModifyDBInstance", target: "shop-a", answer: "AccessDenied" }),
  );
});

test("somebody has opened the fence's group, and the hung primary wakes up: RDS says fenced, a write goes through, nothing is promoted (S3)", async () => {
  const { lab, news } = open();
  const before = await groups();
  await openFence();
  await laps(2);
  await lab.rds.faults.hang(REGION, "shop-a");
  await laps(3);
  restores.push(
    instead(lab, "rds", "ModifyDBInstance", (call) => async (input) => {
      const answer = await call(input);
      if ((input as { VpcSecurityGroupIds: string[] }).VpcSecurityGroupIds.includes(FENCE)) await lab.rds.faults.resume(REGION, "shop-a");
      return answer;
    }),
  );
  const { result, record } = await move();
  expect(result).toMatchObject({
    outcome: "failed",
    sentence: expect.stringContaining(`takes writes though it has no group but ${FENCE}`),
  });
  expect(record).toMatchObject({ generation: 1, primary: "shop-a", claim: null });
  expect(await groups()).toEqual(before);
  expect(news.at(-1)).toMatchObject({ kind: "Move Failed", next: expect.stringContaining("Nothing was promoted") });
});

test("somebody has opened the fence's group, and the primary is dead: it refuses, so it was reached, and nothing is promoted (S3)", async () => {
  const before = await groups();
  await openFence();
  await killed();
  // Its host does not come back for a reboot.
  const rebooting = { DBInstance: { DBInstanceIdentifier: "shop-a", DBInstanceStatus: "rebooting" } };
  restores.push(instead(open().lab, "rds", "RebootDBInstance", () => () => rebooting));
  const { result, record, steps } = await move();
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringMatching(/answers \(.+\) though it has no group but sg-/) });
  expect(record).toMatchObject({ generation: 1, primary: "shop-a", claim: null });
  expect(steps).not.toContain("promote");
  expect(await groups()).toEqual(before);
});

test("the standby has received rows it has not applied when the primary dies: they are applied before it is promoted", async () => {
  const { lab } = open();
  await laps(2);
  await lab.rds.faults.pauseReplay(REGION, "shop-b");
  await lab.rds.cluster(REGION, "shop-a").query("create table late as select generate_series(1, 50) as id", { database: "shop" });
  await lab.rds.faults.kill(REGION, "shop-a");
  await laps(3);
  const promotions: number[] = [];
  restores.push(
    instead(lab, "rds", "PromoteReadReplica", () => () => {
      promotions.push(Date.now());
      throw new ServiceError("AccessDenied", "far enough for this test", 403);
    }),
  );
  let resumedAtMs = 0;
  setTimeout(() => void lab.rds.faults.resumeReplay(REGION, "shop-b").then(() => (resumedAtMs = Date.now())), 2500);
  const { result } = await move();
  expect(result.sentence).toContain('at the stage "promote"');
  expect(promotions[0]).toBeGreaterThanOrEqual(resumedAtMs);
  expect(resumedAtMs).toBeGreaterThan(0);
  expect(await lab.rds.cluster(REGION, "shop-b").query("select count(*)::int as n from late", { database: "shop" })).toEqual([{ n: 50 }]);
  // The promotion did not happen, but it was asked for: the old primary stays fenced. The bench gives its network back.
  await lab.world.call(
    "rds",
    "ModifyDBInstance",
    { DBInstanceIdentifier: "shop-a", VpcSecurityGroupIds: ["sg-0a1b2c3d4e5f6a990"], ApplyImmediately: true },
    { region: REGION },
  );
});

test('RDS says "not now" once to every call: the move ends all the same, step by step', async () => {
  const { lab } = open();
  await killed();
  const refused = new Set<string>();
  const once = (operation: string) =>
    instead(lab, "rds", operation, (call) => async (input) => {
      if (refused.has(operation)) return await call(input);
      refused.add(operation);
      throw new ServiceError(
        "InvalidDBInstanceState",
        "Instance cannot currently do that due to an in-progress management operation.",
        400,
      );
    });
  restores.push(once("ModifyDBInstance"), once("RebootDBInstance"), once("PromoteReadReplica"));
  const { status, result, steps, record } = await move();
  expect(status).toBe("SUCCEEDED");
  expect(result.outcome, result.sentence).toBe("succeeded");
  expect(steps).toEqual([
    "confirm",
    "RDS is asked for its network",
    "tell of the start",
    "its network is taken away",
    "its sessions are cut",
    "a write to the old primary is refused",
    "the standby has applied what it received",
    "promote",
    "read the record",
    "the new primary takes writes",
    "change the record",
    "a write through the name arrives",
    "raise the generation",
    "keep the evidence",
    "tell of the success",
    "start the rebuild",
    "start the look afterwards",
    "find what the old primary had",
    "the new primary is available",
    "compare it with what the old primary had",
    "RDS takes the settings",
    "add its tags",
    "make its alarms",
    "what was restored is seen",
    "keep what was restored",
    "take the new primary as the measure",
    "tell what was restored",
  ]);
  expect(record).toMatchObject({ generation: 2, primary: "shop-b", standbys: [] });

  // What it leaves: every call with its answer, the refused ones too, in the step they belong to.
  const { execution } = record.lastMove as { execution: string };
  const pack: Evidence = JSON.parse(await kept(`evidence/shop/${execution}.json`));
  expect(pack.steps.map(({ name }) => name)).toEqual(steps.slice(0, steps.indexOf("keep the evidence")));
  const called = (step: string, operation: string) =>
    pack.steps.find(({ name }) => name === step)?.calls.filter((call) => call.operation === operation) ?? [];
  for (const [refusedIn, step, operation, target] of [
    ["RDS is asked for its network", "its network is taken away", "ModifyDBInstance", "shop-a"],
    ["its sessions are cut", "its sessions are cut", "RebootDBInstance", "shop-a"],
    ["promote", "promote", "PromoteReadReplica", "shop-b"],
  ] as const) {
    const seen = [...new Set([refusedIn, step])].flatMap((name) => called(name, operation));
    expect(called(refusedIn, operation)[0], step).toEqual(seen[0]);
    expect(seen, step).toMatchObject([
      { service: "RDS", region: REGION, target, answer: "InvalidDBInstanceState", times: 1 },
      { service: "RDS", region: REGION, target, answer: "ok", times: 1 },
    ]);
  }
  expect(called("change the record", "ChangeResourceRecordSets")).toMatchObject([{ service: "Route53", answer: "ok" }]);
  expect(pack.split.map(({ part }) => part)).toEqual(["detect", "decide", "fence", "drain", "promote", "repoint", "verified"]);
  expect(pack.proofs.map(({ what, holds }) => [what, holds])).toEqual([
    ["fence", true],
    ["the standby has applied all", true],
    ["it takes writes", true],
    ["the clients' name", true],
  ]);
  expect(pack).toMatchObject({
    outcome: "succeeded",
    rule: 401,
    price: { drained: { rows: expect.any(Number), seconds: expect.any(Number) } },
  });
  expect(open().news.find(({ kind }) => kind === "Move Succeeded")?.details).toContainEqual([
    "Evidence",
    `evidence/shop/${execution}.html`,
  ]);
  expect(await kept(`evidence/shop/${execution}.html`)).toContain("InvalidDBInstanceState");
});
