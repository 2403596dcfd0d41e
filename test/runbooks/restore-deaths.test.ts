/** A move to a restored instance dies, at every step in turn: the watcher undoes it or has another go on, as with any other move. */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { afterEach, beforeAll, expect, test } from "vitest";
import type { Order } from "../../core/facts.ts";
import { STEP_OF } from "../../core/ladder.ts";
import { waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import type { MoveInput } from "../../runbooks/start.ts";
import { bench, instead } from "./bench.ts";

const open = bench();
const [HOME, AWAY] = ["eu-central-1", "eu-west-1"];
const RESTORED = "shop-restored-20261121t090000";

const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0)) each();
});

const load = async () => {
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const settings = readSettings();
  return { settings, shop: protectedDatabase(settings.plan, "shop") };
};
const change = async (how: (record: Recorded) => Recorded) => {
  const { settings, shop } = await load();
  const { changeRecord } = await import("../../runbooks/record.ts");
  return await changeRecord(settings, shop, how);
};
type Recorded = Awaited<ReturnType<typeof import("../../runbooks/record.ts").changeRecord>>;
const record = () => change((now) => now);

const described = async (id: string, region: string) => {
  const { DBInstances } = await open().lab.world.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: id }, { region });
  return DBInstances[0];
};
const groupsOf = async (id: string, region: string): Promise<string[]> =>
  (await described(id, region)).VpcSecurityGroups.map((group: { VpcSecurityGroupId: string }) => group.VpcSecurityGroupId);

class Killed extends Error {}

/** Runs each step as it comes, and nothing any more once `last` has had its effect: its note is lost with the process. */
function dyingAfter(last: string | null): DurableContext {
  let dead = false;
  const alive = async <Value>(name: string, work: () => Promise<Value>): Promise<Value> => {
    if (dead) throw new Killed(name);
    const value = await work();
    dead = name === last;
    if (dead) throw new Killed(name);
    return value;
  };
  const step = (name: string, work: () => Promise<unknown>) => alive(name, work);
  const waitForCondition = (
    name: string,
    look: (state: unknown) => Promise<unknown>,
    { initialState, waitStrategy }: { initialState: unknown; waitStrategy: (state: unknown, tries: number) => { shouldContinue: boolean } },
  ) =>
    alive(name, async () => {
      let state = initialState;
      for (let tries = 1; ; tries++) {
        state = await look(state);
        if (!waitStrategy(state, tries).shouldContinue) return state;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    });
  return { step, waitForCondition, wait: async () => {} } as unknown as DurableContext;
}

/** One process of the move. null: it was killed. */
async function process(input: MoveInput, last: string | null) {
  const { settings } = await load();
  const { becomePrimary } = await import("../../runbooks/restore-move.ts");
  return await becomePrimary(input, dyingAfter(last), settings).catch((error: Error) => {
    if (error instanceof Killed) return null;
    throw error;
  });
}

async function laps(count: number) {
  const { settings, shop } = await load();
  const { probeLap } = await import("../../runbooks/probe.ts");
  for (let lap = 0; lap < count; lap++) {
    if (lap > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
    await probeLap(settings, shop);
  }
}

/** The instance is restored and stands beside; as restore-steps.ts claims it, after people agreed. */
async function claimed(): Promise<MoveInput> {
  const { plan } = open();
  await laps(1);
  const { settings, shop } = await load();
  const { claim, readRecord } = await import("../../runbooks/record.ts");
  const networks = { [RESTORED]: plan.databases.shop?.restore?.[AWAY]?.securityGroups ?? [] };
  await change((now) => ({ ...now, regions: { ...now.regions, [RESTORED]: AWAY }, networks: { ...now.networks, ...networks } }));
  const stored = await readRecord(settings, shop);
  const { generation } = stored.value;
  const order: Order = {
    id: `order-${stored.value.attempts}`,
    verb: "restore",
    target: RESTORED,
    overrides: [603, 604],
    reason: "a test",
    by: "alice",
    atMs: Date.now(),
    generation,
  };
  const taken = await claim(settings, stored, { kind: "restore", target: RESTORED, rule: 610, sentence: "a test", order }, Date.now());
  if (!taken) throw new Error("the database could not be claimed");
  return { kind: "restore", database: "shop", generation, attempt: taken.attempt };
}

/** Every execution that was started is found dead, and what is started goes nowhere by itself. */
function deadExecutions(): MoveInput[] {
  const begun: MoveInput[] = [];
  undo.push(
    instead(open().lab, "lambda", "ListDurableExecutionsByFunction", () => (call) => {
      const { DurableExecutionName } = call as { DurableExecutionName: string };
      const arn = `arn:aws:lambda:${AWAY}:111122223333:function:move`;
      return {
        DurableExecutions: [
          { DurableExecutionName, Status: "FAILED", DurableExecutionArn: arn, FunctionArn: arn, StartTimestamp: new Date(Date.now()) },
        ],
      };
    }),
    instead(open().lab, "lambda", "Invoke", () => (call) => {
      begun.push(JSON.parse(Buffer.from((call as { Payload: Uint8Array }).Payload).toString("utf8")));
      return { StatusCode: 202 };
    }),
  );
  return begun;
}

async function watch() {
  const { settings, shop } = await load();
  const { watchLap } = await import("../../runbooks/watch.ts");
  return await watchLap(settings, shop);
}

/** One that was restored stands beside, closed to everybody. */
beforeAll(async () => {
  const { lab, plan } = open();
  await laps(2);
  const region = { region: AWAY };
  const snapshot = "understudy-shop-20261121t0600";
  const arn = `arn:aws:rds:${HOME}:${lab.world.account}:snapshot:${snapshot}`;
  await lab.world.call("rds", "CreateDBSnapshot", { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: snapshot }, { region: HOME });
  const there = async (where: string) => {
    const { DBSnapshots } = await lab.world.call("rds", "DescribeDBSnapshots", { DBSnapshotIdentifier: snapshot }, { region: where });
    return DBSnapshots[0].Status === "available";
  };
  await waitFor("the snapshot", 30_000, () => there(HOME));
  await lab.world.call("rds", "CopyDBSnapshot", { SourceDBSnapshotIdentifier: arn, TargetDBSnapshotIdentifier: snapshot }, region);
  await waitFor("its copy", 30_000, () => there(AWAY));
  await lab.world.call(
    "rds",
    "RestoreDBInstanceFromDBSnapshot",
    {
      DBInstanceIdentifier: RESTORED,
      DBSnapshotIdentifier: snapshot,
      VpcSecurityGroupIds: [plan.databases.shop?.drainSecurityGroups?.[AWAY]],
    },
    region,
  );
  await waitFor("the restored instance", 30_000, async () => (await described(RESTORED, AWAY)).DBInstanceStatus === "available");
});

test("it dies at each step before it is noted as promoted: nothing was done, or it is undone, and the primary has its network back (S11, S15)", async () => {
  const { news } = open();
  const before = await groupsOf("shop-a", HOME);
  deadExecutions();
  const steps = ["confirm", "tell of the start", STEP_OF.network, STEP_OF.sessions, "a write to the old primary is refused"];
  for (const last of steps) {
    expect(await process(await claimed(), last), last).toBeNull();
    await watch();
    // The dead one's last calls have had their time.
    await change((now) => ({ ...now, claim: now.claim && { ...now.claim, takenAtMs: now.claim.takenAtMs - 60_000 } }));
    // While it restarts RDS takes no change: it is tried again by each lap.
    await waitFor(`the end of the claim after "${last}"`, 20_000, async () => {
      await watch();
      return (await record()).claim === null;
    });
    expect(await record(), last).toMatchObject({ primary: "shop-a", generation: 1, claim: null, lastMove: { outcome: "failed" } });
    expect(news.at(-1)?.kind, last).toBe("Move Failed");
    await waitFor(`the primary's network after "${last}"`, 10_000, async () => {
      const { DBInstanceStatus } = await described("shop-a", HOME);
      return DBInstanceStatus === "available" && (await groupsOf("shop-a", HOME)).join() === before.join();
    });
  }
  expect(await groupsOf(RESTORED, AWAY)).toEqual([open().plan.databases.shop?.drainSecurityGroups?.[AWAY]]);
}, 120_000);

test("the fence is not allowed: called off with its evidence, and the primary has its network", async () => {
  const { lab, bucket } = open();
  const before = await groupsOf("shop-a", HOME);
  undo.push(
    instead(lab, "rds", "RebootDBInstance", () => () => {
      throw new ServiceError("AccessDenied", "not authorized to perform: rds:RebootDBInstance", 403);
    }),
  );
  const result = await process(await claimed(), null);
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("rds:RebootDBInstance") });
  const Key = String(result?.evidence).replace(/html$/, "json");
  const { Body } = await lab.world.call("s3", "GetObject", { Bucket: bucket, Key }, { region: AWAY });
  expect(JSON.parse(Buffer.from(Body).toString("utf8"))).toMatchObject({ kind: "restore", outcome: "failed" });
  expect(await record()).toMatchObject({ primary: "shop-a", claim: null, lastMove: { outcome: "failed" } });
  await waitFor("the primary's network", 10_000, async () => (await groupsOf("shop-a", HOME)).join() === before.join());
}, 60_000);

test("it dies at each step after that: another goes on where it ended, never opens the old primary, and ends it (S2, S11, S13)", async () => {
  const { lab, plan, news } = open();
  const fence = plan.databases.shop?.fenceSecurityGroups[HOME];
  const begun = deadExecutions();
  expect(await process(await claimed(), "note that it is promoted")).toBeNull();
  const successor = async () => {
    begun.length = 0;
    await watch();
    expect(begun).toMatchObject([{ kind: "restore", generation: 1 }]);
    expect(await groupsOf("shop-a", HOME)).toEqual([fence]);
    return begun[0] as MoveInput;
  };

  // A successor that cannot prove the fence leaves it as it is, and the claim to the next.
  const stop = instead(lab, "rds", "RebootDBInstance", () => () => {
    throw new ServiceError("AccessDenied", "not authorized to perform: rds:RebootDBInstance", 403);
  });
  expect(await process(await successor(), null)).toMatchObject({ outcome: "failed", evidence: expect.any(String) });
  stop();
  expect(news.at(-1)?.next).toContain("shop-a must stay fenced");
  expect((await record()).claim).toMatchObject({ stage: "promoted", target: RESTORED });

  const steps = ["it is open to its clients", "the new primary takes writes", "change the record", "a write through the name arrives"];
  for (const last of steps) expect(await process(await successor(), last), last).toBeNull();
  const end = await successor();
  begun.length = 0;
  expect(await process(end, null)).toMatchObject({ outcome: "succeeded" });
  expect(await record()).toMatchObject({
    ...{ generation: 2, primary: RESTORED, claim: null, retired: [{ instance: "shop-a", fenced: true }] },
    lastMove: { outcome: "succeeded", automatic: false },
  });
  expect(await groupsOf("shop-a", HOME)).toEqual([fence]);
  expect(await groupsOf(RESTORED, AWAY)).toEqual(plan.databases.shop?.restore?.[AWAY]?.securityGroups);
  // What follows any move follows this one.
  expect(begun.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["rebuild", "afterwards"]));
}, 120_000);
