/** A restored instance becomes the primary where the clients' name moves by a latch, under AWS's durable kit. */
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { expect, onTestFinished, test } from "vitest";
import { diagnose } from "../../core/diagnosis.ts";
import type { Latch } from "../../core/latch.ts";
import type { RestoreAsked } from "../../core/order.ts";
import { confirmationSeconds, policyOf } from "../../core/policy.ts";
import { latches } from "../../infra/latch.ts";
import { deployStack } from "../../lab/deploy/index.ts";
import { waitFor } from "../../lab/look.ts";
import { bench, instead } from "./bench.ts";

const open = bench((text) => text.replace("ttlSeconds: 1", "ttlSeconds: 1\n    repoint: latch"), { metricMinuteMs: 1000, dnsInsyncMs: 50 });
const NAME = "db.shop.internal";
const SNAPSHOT = "understudy-shop-20261121t0600";

const run = async (file: "backup" | "restore" | "move", payload: object) => {
  const { handler } = await import(`../../functions/${file}.ts`);
  const execution = await new LocalDurableTestRunner({ handlerFunction: handler as never }).run({ payload });
  return execution.getResult() as { outcome: string; sentence: string; instance: string };
};

test("no standby is left, and the name moves by a latch: the restored instance gets a side of it, and a write goes through the name (S14, S21)", async () => {
  const { lab, plan } = open();
  const { recovery } = plan.regions;
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const { tendLatch } = await import("../../runbooks/latch.ts");
  const { readLatch } = await import("../../runbooks/repoint-latch.ts");
  const { changeRecord, readRecord } = await import("../../runbooks/record.ts");
  const { askRestore } = await import("../../runbooks/order-restores.ts");
  const { probeLap } = await import("../../runbooks/probe.ts");
  const { observe } = await import("../../runbooks/observe.ts");
  const { cnameOf, resolve } = await import("../../aws/dns.ts");
  const settings = readSettings();
  const shop = protectedDatabase(settings.plan, "shop");
  const latch = async () => (await readLatch(settings, shop))?.value as Latch;
  const tend = () =>
    tendLatch(settings, shop).catch((error: Error) => {
      if (error.name !== "Throttling") throw error;
    });
  await deployStack(lab.world, {
    template: { Resources: latches(plan) },
    artifacts: () => new Uint8Array(),
    region: recovery,
    stackName: "latch",
  });
  const set = { Name: NAME, Type: "CNAME", TTL: 1, ResourceRecords: [{ Value: "db-latch.shop.internal" }] };
  await lab.world.call(
    "route53",
    "ChangeResourceRecordSets",
    { HostedZoneId: plan.records[0]?.zone, ChangeBatch: { Changes: [{ Action: "UPSERT", ResourceRecordSet: set }] } },
    { region: "us-east-1", principal: "service:lab" },
  );
  await waitFor("the latch to lead to the primary", 20_000, async () => {
    await tend();
    return (await cnameOf(NAME)) === "db-latch.shop.internal" && (await resolve(NAME)) !== null;
  });
  await probeLap(settings, shop);
  await run("backup", { database: "shop", slot: "20261121t0600" });
  await changeRecord(settings, shop, (record) => ({ ...record, standbys: [] }));
  await lab.rds.faults.kill("eu-central-1", "shop-a");
  let done = false;
  const votes = (async () => {
    while (!done) {
      await probeLap(settings, shop);
      await new Promise((go) => setTimeout(go, 1000));
    }
  })();
  onTestFinished(async () => {
    done = true;
    await votes;
  });
  const policy = policyOf(settings.plan, shop.plan);
  await waitFor("the primary to be lost for the whole window", 20_000, async () => {
    const { unreachableForSeconds } = diagnose((await observe(settings, shop)).facts, policy);
    return (unreachableForSeconds ?? 0) > confirmationSeconds(policy);
  });

  const begun: { name: string; payload: { kind?: string } }[] = [];
  const stop = instead(lab, "lambda", "Invoke", () => (call) => {
    const { FunctionName, Payload } = call as { FunctionName: string; Payload: Uint8Array };
    begun.push({ name: FunctionName, payload: JSON.parse(Buffer.from(Payload).toString("utf8")) });
    return { StatusCode: 202 };
  });
  onTestFinished(stop);
  const asked: RestoreAsked = {
    ...{ verb: "restore", id: "k3v9x2m4p7q1", proof: null, database: "shop", generation: 1, from: SNAPSHOT, at: null, region: null },
    ...{ promote: true, instance: null, overrides: [], reason: "nothing else is left" },
  } as const;
  await askRestore(settings, shop, asked, "arn:aws:iam::111122223333:user/alice", Date.now());
  const restored = await run("restore", begun.find(({ name }) => name === "restore")?.payload as object);
  expect(restored, restored.sentence).toMatchObject({ outcome: "claimed" });
  expect((await latch()).sides).not.toContain(restored.instance);
  const moved = await run("move", begun.find(({ name, payload }) => name === "move" && payload.kind === "restore")?.payload as object);
  expect(moved, moved.sentence).toMatchObject({ outcome: "succeeded" });
  expect((await readRecord(settings, shop)).value).toMatchObject({ generation: 2, primary: restored.instance, claim: null });
  expect(await latch()).toMatchObject({ sides: ["shop-a", restored.instance], bits: [1] });
}, 120_000);
