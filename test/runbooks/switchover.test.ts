import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endpoint, waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";
import { Planned, REGION } from "./planned.ts";

const open = bench();
const shop = new Planned(open);
const DRAIN = "sg-0a1b2c3d4e5f6d4a1";
const FENCE = "sg-0a1b2c3d4e5f6fe0c";
const denied = (what: string) => new ServiceError("AccessDenied", `User is not authorized to perform: ${what}`, 403);

const restores: (() => unknown)[] = [];
beforeEach(() => shop.afresh());
afterEach(async () => {
  for (const restore of restores.splice(0)) await restore();
});

async function alive(region: string) {
  await open().lab.world.call("rds", "RebootDBInstance", { DBInstanceIdentifier: "shop-a" }, { region });
  await waitFor("the primary to be back", 20_000, async () => (await shop.describe("shop-a")).DBInstanceStatus === "available");
}

/** What every move that was called off must leave behind. */
async function calledOff(stage: string, moved: Awaited<ReturnType<Planned["move"]>>, before: string[]) {
  const { result, record } = moved;
  expect(result.outcome, result.sentence).toBe("failed");
  expect(result.sentence).toContain(`at the stage "${stage}"`);
  expect(record).toMatchObject({ generation: 1, primary: "shop-a", standbys: ["shop-b"], claim: null, lastMove: { outcome: "failed" } });
  expect(await shop.groups("shop-a")).toEqual(before);
  expect(await shop.refusal("shop-a")).toBeNull();
  expect(await shop.nameTarget()).toBe("shop-a");
  expect((await shop.describe("shop-b")).ReadReplicaSourceDBInstanceIdentifier).toBe("shop-a");
  expect(open().news.at(-1)).toMatchObject({
    kind: "Move Failed",
    move: "switchover",
    next: expect.stringContaining("Nothing was promoted"),
  });
}

test("it cannot be closed to its clients: called off, nothing is touched (S23)", async () => {
  const before = await shop.groups("shop-a");
  restores.push(
    instead(open().lab, "rds", "ModifyDBInstance", (call) => (input) => {
      if ((input as { VpcSecurityGroupIds?: string[] }).VpcSecurityGroupIds?.includes(DRAIN)) throw denied("rds:ModifyDBInstance");
      return call(input);
    }),
  );
  await calledOff("close", await shop.move("shop-b"), before);
});

test("the primary hangs once it is closed: called off, the clients write again (S23)", async () => {
  const { lab } = open();
  const before = await shop.groups("shop-a");
  restores.push(
    instead(lab, "rds", "ModifyDBInstance", (call) => async (input) => {
      const answer = await call(input);
      const groups = (input as { VpcSecurityGroupIds?: string[] }).VpcSecurityGroupIds ?? [];
      if (groups.includes(DRAIN)) await lab.rds.faults.hang(REGION, "shop-a");
      else await lab.rds.faults.resume(REGION, "shop-a");
      return answer;
    }),
  );
  await calledOff("sessions", await shop.move("shop-b"), before);
});

test("a client comes through the group that should admit Understudy alone: the move does not go on (S23)", async () => {
  const { lab } = open();
  const { settings, shop: database } = await shop.settings();
  const { PlannedMove } = await import("../../runbooks/switchover-steps.ts");
  const { endClaim } = await import("../../runbooks/record.ts");
  const { targetOf } = await import("../../runbooks/observe.ts");
  await shop.laps(1);
  const before = await shop.groups("shop-a");
  const taken = (await shop.claimed("shop-b")) as { execution: string };
  const move = new PlannedMove(settings, database, taken.execution, 1, "switchover");
  move.regions = (await shop.record()).regions;
  await move.noteNetwork("shop-a");
  await waitFor("the primary to be closed", 10_000, async () => (await move.closed("shop-a")).holds);
  await waitFor("its sessions to be ended", 10_000, async () => (await move.nobodyElse("shop-a")).holds);
  await waitFor("both to stand at the same place", 10_000, async () => (await move.equal("shop-a", "shop-b")).holds);
  // From Understudy's own addresses, and nobody of Understudy's.
  const { host, port } = await endpoint(lab, REGION, "shop-a");
  const target = await targetOf(settings, database, { host, port });
  const client = new pg.Client({ host, port, user: target?.username, password: target?.password, database: "shop" });
  client.on("error", () => {});
  await client.connect();
  await expect(move.equal("shop-a", "shop-b")).rejects.toThrow("came to shop-a after it was closed to everybody but Understudy");
  await waitFor("the primary's own groups", 10_000, async () => (await move.reopened("shop-a")).holds);
  expect(await shop.groups("shop-a")).toEqual(before);
  await endClaim(settings, database, taken.execution, "failed", Date.now());
});

test("the standby does not apply what it receives: called off, the clients write again (S23)", async () => {
  const { lab } = open();
  const before = await shop.groups("shop-a");
  await shop.laps(1);
  const taken = await shop.claimed("shop-b");
  await lab.rds.faults.pauseReplay(REGION, "shop-b");
  restores.push(() => lab.rds.faults.resumeReplay(REGION, "shop-b"));
  await calledOff("equal", await shop.run(taken as never), before);
});

test("the fence is refused: called off, the clients write again (S23)", async () => {
  const before = await shop.groups("shop-a");
  restores.push(
    instead(open().lab, "rds", "ModifyDBInstance", (call) => (input) => {
      if ((input as { VpcSecurityGroupIds?: string[] }).VpcSecurityGroupIds?.includes(FENCE)) throw denied("rds:ModifyDBInstance");
      return call(input);
    }),
  );
  await calledOff("equal", await shop.move("shop-b"), before);
});

test("RDS refuses the promotion: called off, the clients write again (S23)", async () => {
  const before = await shop.groups("shop-a");
  restores.push(
    instead(open().lab, "rds", "PromoteReadReplica", () => () => {
      throw denied("rds:PromoteReadReplica");
    }),
  );
  await calledOff("promote", await shop.move("shop-b"), before);
});

test("RDS answers the promotion with errors and does not begin it: called off once that is seen (S23)", async () => {
  const before = await shop.groups("shop-a");
  restores.push(
    instead(open().lab, "rds", "PromoteReadReplica", () => () => {
      throw new ServiceError("InternalFailure", "An internal error occurred.", 500);
    }),
  );
  await calledOff("promote", await shop.move("shop-b"), before);
});

test("a planned move is claimed and the primary dies: the watcher starts no failover beside it (S24)", async () => {
  const { settings, shop: database } = await shop.settings();
  const { watchLap } = await import("../../runbooks/watch.ts");
  const { lab } = open();
  await shop.laps(1);
  const taken = await shop.claimed("shop-b");
  const { execution } = taken as { execution: string };
  restores.push(
    instead(lab, "lambda", "ListDurableExecutionsByFunction", () => () => ({
      DurableExecutions: [{ DurableExecutionName: execution, Status: "RUNNING" }],
    })),
  );
  await lab.rds.faults.kill(REGION, "shop-a");
  restores.push(() => alive(REGION));
  await shop.laps(3);
  expect(await watchLap(settings, database)).toMatchObject({ rule: 201, execution });
  expect(await shop.record()).toMatchObject({ attempts: 1, claim: { kind: "switchover" } });
});

test("an automatic move is claimed: a planned one cannot be claimed beside it, and one that runs all the same refuses (S24)", async () => {
  const { settings, shop: database } = await shop.settings();
  const { claim, readRecord } = await import("../../runbooks/record.ts");
  await shop.laps(1);
  const automatic = { kind: "failover", target: "shop-b", rule: 401, sentence: "for the bench", order: null } as const;
  expect(await claim(settings, await readRecord(settings, database), automatic, Date.now())).not.toBeNull();
  expect(await shop.claimed("shop-b")).toBeNull();
  const before = await shop.groups("shop-a");
  const { result, steps } = await shop.run({ kind: "switchover", generation: 1, attempt: 2 });
  expect(result).toMatchObject({ outcome: "refused", sentence: expect.stringContaining("(rule 201)") });
  expect(steps).not.toContain("note the old network");
  expect(await shop.groups("shop-a")).toEqual(before);
});

test("a planned move that is refused does not end the cooldown of the move before it (S17)", async () => {
  const { settings, shop: database } = await shop.settings();
  const { claim, endClaim, readRecord } = await import("../../runbooks/record.ts");
  await shop.laps(1);
  const automatic = { kind: "failover", target: "shop-b", rule: 401, sentence: "for the bench", order: null } as const;
  const failed = await claim(settings, await readRecord(settings, database), automatic, Date.now());
  await endClaim(settings, database, failed?.execution as string, "failed", Date.now());
  const { result, record } = await shop.move("shop-b", { generation: 7 });
  expect(result).toMatchObject({ outcome: "refused", sentence: expect.stringContaining("(rule 206)") });
  expect(record).toMatchObject({ claim: null, lastMove: { execution: failed?.execution, outcome: "failed", automatic: true } });
});

test("the execution dies with the primary closed: the watcher opens the primary again, and tells of it first (S23, S16)", async () => {
  const { settings, shop: database } = await shop.settings();
  const { watchLap } = await import("../../runbooks/watch.ts");
  const { changeRecord } = await import("../../runbooks/record.ts");
  const { lab, news } = open();
  const before = await shop.groups("shop-a");
  await shop.laps(1);
  const taken = (await shop.claimed("shop-b")) as { execution: string };
  const { PlannedMove } = await import("../../runbooks/switchover-steps.ts");
  const move = new PlannedMove(settings, database, taken.execution, 1, "switchover");
  move.regions = (await shop.record()).regions;
  await move.noteNetwork("shop-a");
  await waitFor("the primary to be closed", 10_000, async () => (await move.closed("shop-a")).holds);
  expect(await shop.refusal("shop-a")).not.toBeNull();
  restores.push(
    instead(lab, "lambda", "ListDurableExecutionsByFunction", () => () => ({
      DurableExecutions: [{ DurableExecutionName: taken.execution, Status: "TIMED_OUT" }],
    })),
  );
  await watchLap(settings, database);
  expect((await shop.record()).claim).toMatchObject({ stage: "undoing", kind: "switchover" });
  // The dead execution's last calls have been waited for.
  await changeRecord(settings, database, (record) => record.claim && { ...record, claim: { ...record.claim, takenAtMs: 0 } });
  // Should the watcher die with its last write, people know already.
  const toldBefore: boolean[] = [];
  restores.push(
    instead(lab, "s3", "PutObject", (call) => (input) => {
      if (String((input as { Key?: string }).Key).endsWith("/record.json")) toldBefore.push(news.some(({ id }) => id.endsWith("-UNDONE")));
      return call(input);
    }),
  );
  await watchLap(settings, database);
  expect(toldBefore).toEqual([true]);
  expect((await shop.record()).claim).toBeNull();
  await waitFor("the primary's own groups", 10_000, async () => String(await shop.groups("shop-a")) === String(before));
  expect(await shop.refusal("shop-a")).toBeNull();
});

test("everything goes well, and the answer to the promotion is lost on the way: writes stop, both are equal, nothing is lost (S23)", async () => {
  const { lab, news } = open();
  const client = await shop.client("shop-a");
  const acknowledged: number[] = [];
  await client.query("create table sent (id int primary key)");
  const writing = (async () => {
    for (let id = 1; ; id++) {
      await client.query("insert into sent values ($1)", [id]);
      acknowledged.push(id);
    }
  })().catch(() => {});
  let lost = 1;
  restores.push(
    instead(lab, "rds", "PromoteReadReplica", (call) => async (input) => {
      const answer = await call(input);
      if (lost-- > 0) throw new ServiceError("InternalFailure", "An internal error occurred.", 500);
      return answer;
    }),
  );
  const { result, steps, record } = await shop.move("shop-b");
  await writing;
  expect(result.outcome, result.sentence).toBe("succeeded");
  expect(steps).toEqual([
    "confirm",
    "tell of the start",
    "note the old network",
    "read the record",
    "it is closed to its clients",
    "its sessions are ended",
    "both stand at the same place",
    "ask for the fence",
    "promote",
    "the new primary takes writes",
    "change the record",
    "a write through the name arrives",
    "a write to the old primary is refused",
    "raise the generation",
    "keep the evidence",
    "tell of the success",
    "start the rebuild",
    "start the look afterwards",
  ]);
  expect(record).toMatchObject({
    generation: 2,
    primary: "shop-b",
    standbys: [],
    claim: null,
    networks: { "shop-a": ["sg-0a1b2c3d4e5f6a990"] },
    retired: [{ instance: "shop-a", fenced: true, lossless: true, branchedAt: { log: expect.stringContaining("/") } }],
  });
  expect(acknowledged.length).toBeGreaterThan(0);
  const there = await lab.rds.cluster(REGION, "shop-b").query<{ id: number }>("select id from sent", { database: "shop" });
  const kept = new Set(there.map(({ id }) => id));
  expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
  expect(await shop.nameTarget()).toBe("shop-b");
  expect(await shop.groups("shop-a")).toEqual([`${FENCE}:active`]);
  expect(news.map(({ kind }) => kind)).toContain("Move Succeeded");
});
