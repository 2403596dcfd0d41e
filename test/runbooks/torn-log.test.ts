/** A primary that dies in the middle of a log record leaves a part of it on its standby, which nobody can ever apply. */
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { expect, test } from "vitest";
import type { Evidence } from "../../core/evidence.ts";
import { waitFor } from "../../lab/look.ts";
import { bench } from "./bench.ts";

const open = bench();
const REGION = "eu-central-1";
/** One record of so many bytes takes long enough to write that the kill falls into it. */
const RECORD_BYTES = 600 * 2 ** 20;

test("the primary dies while it sends a huge record: what the standby has of it is no reason to wait for ever (S15)", async () => {
  const { lab, plan, bucket } = open();
  const { probeLap } = await import("../../runbooks/probe.ts");
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const { claim, readRecord } = await import("../../runbooks/record.ts");
  const { askStandby } = await import("../../databases/postgres.ts");
  const { endpointOf, targetOf } = await import("../../runbooks/observe.ts");
  const { describeInstance } = await import("../../aws/rds.ts");
  const settings = readSettings();
  const shop = protectedDatabase(settings.plan, "shop");
  const lap = async () => (await probeLap(settings, shop)).vote;
  await lap();

  const target = await targetOf(settings, shop, endpointOf(await describeInstance(REGION, "shop-b")));
  if (!target) throw new Error("the standby has no endpoint");
  const writing = lab.rds
    .cluster(REGION, "shop-a")
    .query(`select pg_logical_emit_message(false, 'torn', repeat('x', ${RECORD_BYTES}))`, { database: "shop", timeoutMs: 60_000 })
    .catch((error: Error) => error);
  const behind = async (): Promise<number> => {
    const sql = "select (pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn())::float8 as bytes";
    const [row] = await lab.rds.cluster(REGION, "shop-b").query<{ bytes: number }>(sql, { database: "shop" });
    return row?.bytes ?? 0;
  };
  await waitFor("a part of the record on the standby", 30_000, async () => (await behind()) > 2 ** 20);
  await lab.rds.faults.kill(REGION, "shop-a");
  // The reboot that cuts its sessions brings it back here: that it could be reached again must not mend the standby's log.
  await lab.rds.faults.partition(REGION, "shop-a", { from: "replica" });
  expect(await writing).toBeInstanceOf(Error);
  await waitFor("both witnesses to lose the primary", 30_000, async () => {
    const vote = await lap();
    return vote.primarySeen === "lost" && vote.linkSeen === "lost";
  });
  // The confirmation window of the tests' plan.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await lap();
  expect(await behind()).toBeGreaterThan(2 ** 20);
  expect(await askStandby(target, "shop", 1500)).toMatchObject({ link: "lost", drained: false });

  const stored = await readRecord(settings, shop);
  const what = { kind: "failover", target: "shop-b", rule: 401, sentence: "for the bench", order: null } as const;
  const taken = await claim(settings, stored, what, Date.now());
  const { handler } = await import("../../functions/move.ts");
  const runner = new LocalDurableTestRunner({ handlerFunction: handler as never });
  const execution = await runner.run({ payload: { kind: "failover", database: "shop", generation: 1, attempt: taken?.attempt } });
  expect(execution.getResult()).toMatchObject({ outcome: "succeeded" });
  const { Body } = await lab.world.call(
    "s3",
    "GetObject",
    { Bucket: bucket, Key: "evidence/shop/move-shop-g1-a1.json" },
    { region: plan.regions.recovery },
  );
  const { proofs }: Evidence = JSON.parse(Buffer.from(Body).toString("utf8"));
  expect(proofs.find(({ what: each }) => each.includes("applied all"))?.seen).toMatch(/of the record after it, it has a part$/);
});
