// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Our runbooks give one history, whoever runs them: the handlers under AWS's durable testing kit, and the deployed bundles on the
 * lab's durable API. The kit's lab has the shop and nothing deployed; the other is a whole deployment.
 */

import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { type Event, GetDurableExecutionHistoryCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { describe, expect, test } from "vitest";
import { waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { Shop } from "../lab/shop.ts";
import { type Bench, bench, instead } from "../runbooks/bench.ts";
import { type Line, linesOf, settled } from "./durable-history.ts";

const REGION = "eu-central-1";

async function underTheKit(name: "backup" | "move", payload: object): Promise<Event[]> {
  const { handler } = name === "backup" ? await import("../../functions/backup.ts") : await import("../../functions/move.ts");
  const execution = await new LocalDurableTestRunner({ handlerFunction: handler as never }).run({ payload });
  return execution.getHistoryEvents();
}

async function inTheLab(shop: Shop, name: "backup" | "move", execution: string, payload?: object): Promise<Event[]> {
  const region = shop.plan.regions.recovery;
  const FunctionName = `understudy-corner-shop-${name}`;
  if (payload) {
    const order = { FunctionName, Qualifier: "durable", InvocationType: "Event", DurableExecutionName: execution };
    await shop.lab.world.call("lambda", "Invoke", { ...order, Payload: Buffer.from(JSON.stringify(payload)) }, { region });
  }
  const found = await waitFor(`the end of ${execution}`, 60_000, async () => {
    const { DurableExecutions } = await shop.lab.world.call("lambda", "ListDurableExecutionsByFunction", { FunctionName }, { region });
    return DurableExecutions.find((it: any) => it.DurableExecutionName === execution && it.Status !== "RUNNING");
  });
  const credentials = { accessKeyId: "tester", secretAccessKey: "secret" };
  const client = new LambdaClient({ region, endpoint: shop.lab.wire.url, credentials });
  const { DurableExecutionArn } = found;
  const { Events } = await client.send(
    new GetDurableExecutionHistoryCommand({ DurableExecutionArn, MaxItems: 1000, IncludeExecutionData: true }),
  );
  client.destroy();
  return Events ?? [];
}

/** Until the primary is lost in the vote; then the claim, as the watcher makes it, and the move's order. */
async function claimedAfterAKill({ lab }: Bench) {
  const { probeLap } = await import("../../runbooks/probe.ts");
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const { changeBrake, claim, readRecord } = await import("../../runbooks/record.ts");
  const settings = readSettings();
  const shop = protectedDatabase(settings.plan, "shop");
  const lap = () => probeLap(settings, shop);
  // With a heartbeat on the standby: without one nobody knows its lag, and the move would be refused.
  await waitFor("the link to be seen", 20_000, async () => {
    const { vote } = await lap();
    return vote.linkSeen === "streaming" && vote.lagSeconds !== null;
  });
  await lab.rds.faults.kill(REGION, "shop-a");
  await waitFor("the primary to be lost", 20_000, async () => {
    const { vote } = await lap();
    return vote.primarySeen === "lost" && vote.linkSeen === "lost";
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await lap();
  const lost = "the probe and the standby's replication link have both lost shop-a for 1 s; the standby is 0 s behind.";
  const what = { kind: "failover", target: "shop-b", rule: 401, sentence: `Failover to shop-b: ${lost} (rule 401)`, order: null } as const;
  await changeBrake(settings, (brake) => ({ ...brake, moves: [{ execution: "move-shop-g1-a1", atMs: Date.now() }] }));
  const taken = await claim(settings, await readRecord(settings, shop), what, Date.now());
  return { kind: "failover", database: "shop", generation: 1, attempt: taken?.attempt };
}

// Slots that the deployment's own schedule is not taking now.
const BACKUP = { database: "shop", slot: "20270101t0000" };
const LATE_BACKUP = { database: "shop", slot: "20270101t0600" };
const full = () => () => {
  throw new ServiceError("SnapshotQuotaExceeded", "Cannot create more than 100 manual snapshots", 400);
};
const inLab: Record<string, Line[]> = {};

// First the lab alone: the kit's clock skips time, and a deployed probe must not live under it.
test("the deployed runbooks write their histories in the lab", async () => {
  const shop = await Shop.open();
  inLab.backup = settled(linesOf(await inTheLab(shop, "backup", "conformance-backup", BACKUP)));
  const restore = instead(shop.lab, "rds", "CreateDBSnapshot", full);
  inLab.full = settled(linesOf(await inTheLab(shop, "backup", "conformance-full", LATE_BACKUP)));
  restore();
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  inLab.move = settled(linesOf(await inTheLab(shop, "move", "move-shop-g1-a1")));
  // A refusal is what a look has seen, and no step has failed.
  expect(inLab.full.filter(({ what }) => what === "StepFailed")).toEqual([]);
  expect(inLab.full.map(({ name }) => name)).toContain("tell of the failure");
  for (const lines of Object.values(inLab)) expect(lines.at(-1)).toMatchObject({ what: "ExecutionSucceeded" });
});

describe("AWS's testing kit writes the same history of", () => {
  const open = bench();

  test("a backup", async () => {
    expect(inLab.backup).toEqual(settled(linesOf(await underTheKit("backup", BACKUP))));
  });

  test("a backup that AWS's quota refuses", async () => {
    const restore = instead(open().lab, "rds", "CreateDBSnapshot", full);
    const history = await underTheKit("backup", LATE_BACKUP);
    restore();
    expect(inLab.full).toEqual(settled(linesOf(history)));
  });

  test("a move", async () => {
    // What follows a move is started in the deployment; here nothing is deployed to start.
    instead(open().lab, "lambda", "Invoke", () => () => ({ StatusCode: 202 }));
    expect(inLab.move).toEqual(settled(linesOf(await underTheKit("move", await claimedAfterAKill(open())))));
  });
});
