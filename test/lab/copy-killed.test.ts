/** The deployed backup loses its process while its copy has a slot: Lambda goes on with it, and the line is as if nothing had been. */
import { expect, test } from "vitest";
import type { CopyQueue } from "../../core/copy-queue.ts";
import { snapshots, waitFor } from "../../lab/look.ts";
import { Shop } from "./shop.ts";

test("the process that starts a copy is killed before it hears the answer: one copy, one place, one backup (R10, R12)", async () => {
  const shop = await Shop.open();
  const region = shop.plan.regions.recovery;
  const line = () => shop.json<CopyQueue>(`copies/${region}.json`);
  const before = await line();
  expect(before).toMatchObject({ waiting: [], inFlight: [], tally: { copied: 1, failed: 0 } });
  const killed = await shop.lab.faults.inject({
    fault: "lambdaKilled",
    function: "*-backup",
    when: "after",
    service: "rds",
    operation: "CopyDBSnapshot",
    times: 1,
  });
  const FunctionName = "understudy-corner-shop-backup";
  const Payload = Buffer.from(JSON.stringify({ database: "shop", slot: "20270101t0000" }));
  const order = { FunctionName, Qualifier: "durable", InvocationType: "Event", DurableExecutionName: "copy-killed", Payload };
  await shop.lab.world.call("lambda", "Invoke", order, { region });
  const ended = await waitFor("the end of the backup", 60_000, async () => {
    const { DurableExecutions } = await shop.lab.world.call("lambda", "ListDurableExecutionsByFunction", { FunctionName }, { region });
    return DurableExecutions.find(
      (it: { DurableExecutionName: string; Status: string }) => it.DurableExecutionName === "copy-killed" && it.Status !== "RUNNING",
    );
  });
  expect(ended.Status).toBe("SUCCEEDED");
  expect(shop.lab.faults.list().find(({ id }) => id === killed.id)?.strikes ?? 1).toBe(1);
  const copies = (await snapshots(shop.lab, [region])).filter(({ id }) => id === "understudy-shop-20270101t0000");
  expect(copies.map(({ status }) => status)).toEqual(["available"]);
  expect(await line()).toMatchObject({ waiting: [], inFlight: [], tally: { copied: 2, failed: 0 } });
  await waitFor("its mail", 20_000, () => shop.mailed("understudy-shop-20270101t0000-backup-completed"));
});
