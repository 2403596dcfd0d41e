import { beforeAll, expect, test } from "vitest";
import type { Afterwards } from "../../core/evidence.ts";
import type { Retired } from "../../core/facts.ts";
import type { Rung } from "../../core/ladder.ts";
import { waitFor } from "../../lab/look.ts";
import { bench, instead } from "./bench.ts";
import { Planned, REGION } from "./planned.ts";

const open = bench();
const shop = new Planned(open);
const FENCE = "sg-0a1b2c3d4e5f6fe0c";
const FENCED = [`${FENCE}:active`];

beforeAll(async () => {
  await shop.afresh();
  const { shop: database } = await shop.settings();
  // The plan as it is read once a process, with two rungs more.
  (database.plan.failover as { fence?: Rung[] }).fence = ["network", "sessions", "credentials", "stop"];
});

interface Described {
  readonly DBInstanceIdentifier: string;
  VpcSecurityGroups: { VpcSecurityGroupId: string; Status: string }[];
}

const json = async <Value>(key: string): Promise<Value> => {
  const { lab, plan, bucket } = open();
  const { Body } = await lab.world.call("s3", "GetObject", { Bucket: bucket, Key: key }, { region: plan.regions.recovery });
  return JSON.parse(Buffer.from(Body).toString("utf8"));
};
const status = async (id: string): Promise<string> => (await shop.describe(id)).DBInstanceStatus;
const becomes = (id: string, wanted: string) => waitFor(`${id} to be ${wanted}`, 20_000, async () => (await status(id)) === wanted);

async function watched() {
  const { settings, shop: database } = await shop.settings();
  const { keepFences } = await import("../../runbooks/fences.ts");
  await keepFences(settings, database, await shop.record());
}

test("the fence's last rungs change the old primary's password and stop it; AWS starts it again after seven days, and somebody opens it: it stays shut (S4)", async () => {
  const { lab, news } = open();
  await lab.rds.faults.kill(REGION, "shop-a");
  await shop.laps(3);
  const moved = await shop.move("shop-b", { verb: "failover", overrides: [207, 303, 304, 305, 306] });
  expect(moved.result.outcome, moved.result.sentence).toBe("succeeded");
  // The move has not waited for it.
  expect(await status("shop-a")).not.toBe("stopped");

  expect((await shop.run({ kind: "afterwards", generation: 2, attempt: 1 })).result).toEqual({ outcome: "kept" });
  expect(await status("shop-a")).toBe("stopped");
  const { execution } = moved.record.lastMove as { execution: string };
  const after = await json<Afterwards>(`evidence/shop/${execution}.after.json`);
  expect(after).toMatchObject({
    execution,
    instance: "shop-a",
    back: { holds: true, seen: "shop-a is available" },
    rungs: [
      { rung: "credentials", holds: true, seen: "RDS has given the master user of shop-a another password" },
      { rung: "stop", holds: true, seen: "shop-a is stopped" },
    ],
  });
  expect(after.steps.flatMap(({ calls }) => calls).find(({ operation }) => operation === "StopDBInstance")).toMatchObject({
    target: "shop-a",
    answer: "ok",
    times: 1,
  });

  await lab.world.call("rds", "StartDBInstance", { DBInstanceIdentifier: "shop-a" }, { region: REGION });
  await becomes("shop-a", "available");
  expect(await shop.refusal("shop-a")).not.toBeNull();
  await watched();
  await becomes("shop-a", "stopped");
  expect(await shop.groups("shop-a")).toEqual(FENCED);
  expect(news.at(-1)).toMatchObject({ kind: "Fence Closed", sentence: expect.stringContaining("is stopped again") });

  // Somebody starts it and opens its network: who has the old password stays out all the same.
  const [left] = (await shop.record()).retired;
  expect(left?.credentialsAtMs).toBeGreaterThan(left?.atMs ?? Number.NaN);
  await lab.world.call("rds", "StartDBInstance", { DBInstanceIdentifier: "shop-a" }, { region: REGION });
  await becomes("shop-a", "available");
  const opened = { DBInstanceIdentifier: "shop-a", VpcSecurityGroupIds: ["sg-0a1b2c3d4e5f6a990"], ApplyImmediately: true };
  await lab.world.call("rds", "ModifyDBInstance", opened, { region: REGION });
  await waitFor("its network to be open", 20_000, async () => (await shop.groups("shop-a")).join() === "sg-0a1b2c3d4e5f6a990:active");
  expect(await shop.refusal("shop-a")).toMatch(/password authentication failed/);
  await watched();
  await waitFor("its network to be closed", 20_000, async () => (await shop.groups("shop-a")).join() === FENCED.join());
  expect(news.some(({ kind, sentence }) => kind === "Fence Open" && sentence.includes("shop-a has a way in again"))).toBe(true);
  await watched();
  await becomes("shop-a", "stopped");
});

test("a failback asks an old primary that is stopped: it is started behind its fence, and what the move had cost is written down (S25)", async () => {
  expect((await shop.run({ kind: "rebuild", generation: 2, attempt: 1 })).result).toEqual({ outcome: "rebuilt", standbys: ["shop-a-g2"] });
  await waitFor("the standby to follow", 20_000, async () => {
    const { vote } = await shop.laps(2);
    return vote.primarySeen === "alive" && vote.linkSeen === "streaming" && (vote.lagSeconds ?? 99) < 2;
  });
  const { result: refused, steps: asked } = await shop.move("shop-a-g2", { verb: "failback" });
  expect(asked).toContain("shop-a is asked");
  // It was entered by its other password; that RDS has set it is a transaction of its own there, and only a person may pass over one.
  expect(refused).toMatchObject({ outcome: "refused", sentence: expect.stringMatching(/shop-a holds 1 transactions .* \(rule 209\)/) });
  const { result, record } = await shop.move("shop-a-g2", { verb: "failback", overrides: [209] });
  expect(result.outcome, result.sentence).toBe("succeeded");
  const [old] = record.retired;
  expect(await json(`evidence/shop/${old?.move}.actual.json`)).toMatchObject({
    instance: "shop-a",
    transactions: 1,
    rescue: "understudy-rescue-shop-a-g1",
  });
  expect(await shop.groups("shop-a")).toEqual(FENCED);
  // It was stopped before it was asked, so the watch stops it again.
  await watched();
  await becomes("shop-a", "stopped");
});

test("RDS says that the fence is in force and the network is open: a refused old password proves no fence (S3)", async () => {
  const { lab, news } = open();
  const { settings, shop: database } = await shop.settings();
  const { changeRecord } = await import("../../runbooks/record.ts");
  const before = await shop.record();
  const note = async (change: Partial<Retired>) => {
    const retired = before.retired.map((each) => (each.instance === "shop-a" ? { ...each, ...change } : each));
    await changeRecord(settings, database, (now) => ({ ...now, retired }));
  };
  const noted = async () => (await shop.record()).retired.find(({ instance }) => instance === "shop-a");
  await note({ fenced: false, stoppedAtMs: undefined });
  await lab.world.call("rds", "StartDBInstance", { DBInstanceIdentifier: "shop-a" }, { region: REGION });
  await becomes("shop-a", "available");
  const network = async (group: string) => {
    const change = { DBInstanceIdentifier: "shop-a", VpcSecurityGroupIds: [group], ApplyImmediately: true };
    await lab.world.call("rds", "ModifyDBInstance", change, { region: REGION });
    await waitFor(`its network to be ${group}`, 20_000, async () => (await shop.groups("shop-a")).join() === `${group}:active`);
  };
  await network("sg-0a1b2c3d4e5f6a990");
  const told = news.length;
  const lie = instead(lab, "rds", "DescribeDBInstances", (call) => async (input) => {
    const answer = structuredClone(await call(input)) as { DBInstances: Described[] };
    for (const each of answer.DBInstances)
      if (each.DBInstanceIdentifier === "shop-a") each.VpcSecurityGroups = [{ VpcSecurityGroupId: FENCE, Status: "active" }];
    return answer;
  });
  // A reboot comes first, and while it lasts the server refuses everybody.
  await watched();
  expect(await noted()).toMatchObject({ fenced: false, credentialsAtMs: expect.any(Number) });
  expect(news.slice(told)).toEqual([]);
  lie();
  await becomes("shop-a", "available");
  await network(FENCE);
  await watched();
  expect(await noted()).toMatchObject({ fenced: true });
  expect(news.slice(told)).toMatchObject([{ kind: "Fence Closed" }]);
  await becomes("shop-a", "available");
  await note({});
  await watched();
  await becomes("shop-a", "stopped");
});
