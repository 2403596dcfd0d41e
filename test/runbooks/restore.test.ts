/** Restores under AWS's durable kit: beside the original, and as the primary when nothing else is left. One story, in order. */
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { afterEach, expect, test } from "vitest";
import type { RestoreAsked } from "../../core/order.ts";
import type { RestoreInput } from "../../runbooks/restore-steps.ts";
import { bench, instead } from "./bench.ts";

const open = bench();
const AWAY = "eu-west-1";

const load = async () => {
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const settings = readSettings();
  return { settings, shop: protectedDatabase(settings.plan, "shop") };
};

async function laps(count: number) {
  const { probeLap } = await import("../../runbooks/probe.ts");
  const { settings, shop } = await load();
  for (let lap = 0; lap < count; lap++) {
    if (lap > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
    await probeLap(settings, shop);
  }
}

/** The probe votes on, as it does beside every restore: a vote counts for ten seconds, and on a busy machine a restore takes longer. */
async function voting<Result>(work: () => Promise<Result>): Promise<Result> {
  let done = false;
  const votes = (async () => {
    while (!done) await laps(2);
  })();
  return await work().finally(async () => {
    done = true;
    await votes;
  });
}

async function runOf(file: "backup" | "restore" | "move" | "drill", payload: object) {
  const { handler } = await import(`../../functions/${file}.ts`);
  const execution = await new LocalDurableTestRunner({ handlerFunction: handler as never }).run({ payload });
  return {
    status: execution.getStatus(),
    result: execution.getResult() as { outcome: string; sentence: string; instance?: string; report?: string },
    steps: execution.getOperations().map((it) => it.getName()),
  };
}

const input = (change: Partial<RestoreInput> = {}): RestoreInput => ({
  database: "shop",
  order: "k3v9x2m4p7q1",
  generation: 1,
  name: "shop-restored-20261121t090000",
  from: null,
  at: null,
  region: null,
  by: "alice",
  reason: "a look",
  request: null,
  again: false,
  ...change,
});

const described = async (id: string, region = AWAY) => {
  const { DBInstances } = await open().lab.world.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: id }, { region });
  return DBInstances[0];
};
const groupsOf = (instance: { VpcSecurityGroups: { VpcSecurityGroupId: string }[] }) =>
  instance.VpcSecurityGroups.map((group) => group.VpcSecurityGroupId);

test("there is no backup yet: refused, and nothing is made", async () => {
  const { news } = open();
  const { result } = await runOf("restore", input());
  expect(result).toMatchObject({ outcome: "refused", sentence: expect.stringContaining("no good snapshot") });
  expect(news.at(-1)?.kind).toBe("Restore Failed");
  await expect(described(input().name)).rejects.toThrow();
});

test("the newest copy is restored beside the original, closed to everybody else, and told with its age", async () => {
  const { news, plan } = open();
  await laps(2);
  await runOf("backup", { database: "shop", slot: "20261121t0600" });
  const { result, steps } = await runOf("restore", input());
  expect(result).toMatchObject({ outcome: "restored", instance: input().name });
  expect(steps).not.toContain("claim the database for it");
  const made = await described(input().name);
  expect(groupsOf(made)).toEqual([plan.databases.shop?.drainSecurityGroups?.[AWAY]]);
  const told = news.at(-1);
  expect(told?.kind).toBe("Restore Completed");
  expect(told?.sentence).toMatch(/holds 1 hearts?, the newest of \S+ \(\d+ s old\)/);
  expect(told?.commands).toEqual([`npm run understudy -- restore shop --instance ${input().name} --promote --reason "WHY"`]);
  const { settings, shop } = await load();
  const { readRecord } = await import("../../runbooks/record.ts");
  expect((await readRecord(settings, shop)).value).toMatchObject({ primary: "shop-a", generation: 1, claim: null });
});

/** What the functions start goes nowhere on the bench; it is run here, as it was started. */
function started(): { readonly name: string; readonly payload: never }[] {
  const list: { name: string; payload: never }[] = [];
  stop = instead(open().lab, "lambda", "Invoke", () => (call) => {
    const { FunctionName, Payload } = call as { FunctionName: string; Payload: Uint8Array };
    list.push({ name: FunctionName, payload: JSON.parse(Buffer.from(Payload).toString("utf8")) as never });
    return { StatusCode: 202 };
  });
  return list;
}
let stop = () => {};
afterEach(() => stop());

const ALICE = "arn:aws:iam::111122223333:user/alice";
const asked = (change: Partial<RestoreAsked> = {}): RestoreAsked => ({
  verb: "restore",
  id: `k3v9x2m4p7q${orders++}`,
  proof: null,
  database: "shop",
  generation: 1,
  from: null,
  at: null,
  region: null,
  promote: true,
  instance: null,
  overrides: [],
  reason: "nothing else is left",
  ...change,
});
let orders = 2;

async function order(change: Partial<RestoreAsked> = {}) {
  const { settings, shop } = await load();
  const { askRestore } = await import("../../runbooks/order-restores.ts");
  const list = started();
  const answer = await askRestore(settings, shop, asked(change), ALICE, Date.now());
  expect(answer).toMatchObject({ accepted: true });
  const run = list.find(({ name }) => name === "restore");
  if (!run) throw new Error("no restore was started");
  const { result } = await runOf("restore", run.payload);
  return { result, move: list.find(({ name }) => name === "move")?.payload };
}

test("somebody wants a backup to take the place of a primary that answers: refused before anything is made", async () => {
  const { news } = open();
  await laps(1);
  const { result, move } = await order();
  expect(result).toMatchObject({ outcome: "refused", sentence: expect.stringContaining("(rule 603)") });
  expect(move).toBeUndefined();
  expect(news.at(-1)?.commands).toEqual(['npm run understudy -- restore shop --promote --override 603 --reason "WHY"']);
  await expect(described(result.instance as string)).rejects.toThrow();
});

test("no standby is left and the primary dies: the refusal names the backup, its age and the command", async () => {
  const { lab, news } = open();
  const { settings, shop } = await load();
  const { changeRecord } = await import("../../runbooks/record.ts");
  await changeRecord(settings, shop, (record) => ({ ...record, standbys: [] }));
  await laps(1);
  await lab.rds.faults.kill("eu-central-1", "shop-a");
  await laps(3);
  const { watchLap } = await import("../../runbooks/watch.ts");
  expect(await watchLap(settings, shop)).toMatchObject({ rule: 300, execution: null });
  expect(news.at(-1)?.details.at(-1)).toEqual([
    "Newest backup",
    expect.stringMatching(/^understudy-shop-20261121t0600 in eu-west-1 is .+ old: what was written since is lost$/),
  ]);
  expect(news.at(-1)?.commands).toEqual([
    'npm run understudy -- restore shop --from understudy-shop-20261121t0600 --promote --reason "WHY"',
  ]);
});

test("people agree: the restored instance becomes the primary, the old one is fenced, a write goes through the name", async () => {
  const { news, plan } = open();
  await laps(3);
  const { result, moved } = await voting(async () => {
    const { result, move } = await order({ from: "understudy-shop-20261121t0600" });
    expect(result, result.sentence).toMatchObject({ outcome: "claimed" });
    return { result, moved: await runOf("move", move as never) };
  });
  expect(moved.result).toMatchObject({ outcome: "succeeded", sentence: expect.stringContaining("points to it and took a write") });
  const { settings, shop } = await load();
  const { readRecord } = await import("../../runbooks/record.ts");
  const record = (await readRecord(settings, shop)).value;
  expect(record).toMatchObject({
    generation: 2,
    primary: result.instance,
    claim: null,
    retired: [{ instance: "shop-a", fenced: true }],
    lastMove: { outcome: "succeeded", automatic: false },
  });
  expect(record.regions[result.instance as string]).toBe(AWAY);
  expect(groupsOf(await described(result.instance as string))).toEqual(plan.databases.shop?.restore?.[AWAY]?.securityGroups);
  expect(groupsOf(await described("shop-a", "eu-central-1"))).toEqual([plan.databases.shop?.fenceSecurityGroups["eu-central-1"]]);
  expect(news.map(({ kind }) => kind)).toContain("Move Succeeded");
});
