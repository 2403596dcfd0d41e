/** Disasters after which the standby must have taken over, each in a lab of its own. */
import { beforeAll, expect, test } from "vitest";
import type { Plan } from "../../core/plan/schema.ts";
import { waitFor } from "../../lab/look.ts";
import { Disasters, type EngineName, missing, PATIENCE_MS, productFor, REGION } from "./disasters.ts";

const ONE_AFTER_THE_OTHER = { writers: ["shop-a", "shop-b"], led: ["shop-a", "shop-b"], beside: 0 };

export async function moves(engine: EngineName): Promise<void> {
  const absent = await missing(engine);
  let product: { plan: Plan; folder: string } | undefined;
  beforeAll(async () => {
    if (!absent) product = await productFor(engine, `disasters-moves-${engine}`);
  });

  /** What was acknowledged and received is there; what was never received is told. */
  async function nothingReceivedIsLost(all: Disasters, received: Set<number>, sinceMs: number): Promise<void> {
    const { shop, traffic } = all;
    await waitFor("the client's first write after the disaster", 20_000, () => traffic.firstAfter(sinceMs));
    await traffic.stop();
    const lost = await shop.lost(traffic, "shop-b");
    expect(lost.filter((order) => received.has(order))).toEqual([]);
    const there = traffic.acknowledged.filter(({ order }) => !lost.includes(order)).length;
    console.log(`${engine}: ${there} acknowledged orders are there, ${lost.length} were never received by the standby`);
  }

  test.skipIf(absent)(
    `${engine}: the primary is killed in the middle of a million-row update and comes back after the move: all or nothing, and nobody gets in (S2, S4)`,
    async () => {
      const all = await Disasters.open(engine, product);
      const { shop } = all;
      const { outcome } = await all.millionRowUpdate();
      const killedAtMs = Date.now();
      await shop.lab.rds.faults.kill(REGION, "shop-a");
      const received = await all.received();
      expect(await outcome).toBe("broken");
      expect(await shop.moved()).toMatchObject({ primary: "shop-b", lastMove: { outcome: "succeeded" } });
      await nothingReceivedIsLost(all, received, killedAtMs);
      expect(await all.counted("shop-b")).toBe(0);

      // RDS has it back, with all it had: its fence stands, and nobody is led to it.
      const rds = (operation: string) => shop.lab.world.call("rds", operation, { DBInstanceIdentifier: "shop-a" }, { region: REGION });
      await waitFor("the old primary to be back", 60_000, async () => {
        const { DBInstances } = await rds("DescribeDBInstances");
        return DBInstances[0].DBInstanceStatus === "available" && shop.lab.rds.cluster(REGION, "shop-a").alive();
      });
      await rds("RebootDBInstance");
      await waitFor("the old primary to be back once more", 60_000, async () => {
        const { DBInstances } = await rds("DescribeDBInstances");
        return DBInstances[0].DBInstanceStatus === "available" && shop.lab.rds.cluster(REGION, "shop-a").alive();
      });
      await expect(all.session("shop-a", 1000)).rejects.toThrow();
      expect(await all.onlooker.verdict()).toEqual(ONE_AFTER_THE_OTHER);
    },
    PATIENCE_MS,
  );

  test.skipIf(absent)(
    `${engine}: the primary hangs with a write in it and wakes up after the move: that write is never acknowledged (S3)`,
    async () => {
      const all = await Disasters.open(engine, product);
      const { shop } = all;
      const held = await all.session("shop-a");
      const hungAtMs = Date.now();
      await shop.lab.rds.faults.hang(REGION, "shop-a");
      const write = held.keep({ id: -1_000_000, item: "held by a hung primary", sentAtMs: hungAtMs }).then(
        () => "acknowledged",
        () => "broken",
      );
      const received = await all.received();
      expect(await shop.moved()).toMatchObject({ primary: "shop-b", lastMove: { outcome: "succeeded" } });
      await shop.lab.rds.faults.resume(REGION, "shop-a");
      expect(await write).toBe("broken");
      await nothingReceivedIsLost(all, received, hungAtMs);
      expect(await all.onlooker.verdict()).toEqual(ONE_AFTER_THE_OTHER);
    },
    PATIENCE_MS,
  );
}
