/** Disasters in which nothing may be touched, one after the other in one lab. */
import { beforeAll, expect, test } from "vitest";
import type { Plan } from "../../core/plan/schema.ts";
import type { Fault } from "../../lab/faults/vocabulary.ts";
import { waitFor } from "../../lab/look.ts";
import { Disasters, type EngineName, missing, PATIENCE_MS, productFor, REGION } from "./disasters.ts";

/** So many ways to the server and back a look takes that the sum is slow and still in time. */
const SLOW_MS = { postgres: 200, mariadb: 300 } as const;
const PRIMARY = { region: REGION, instance: "shop-a" } as const;
const STANDBY = { region: REGION, instance: "shop-b" } as const;

const cutOff = (from: string[], ...instances: { region: string; instance: string }[]): Fault[] =>
  instances.flatMap((at) =>
    from.map((name) => ({ fault: "databasePartitioned", ...at, from: "probe", function: `understudy-corner-shop-${name}` }) as const),
  );

export async function holds(engine: EngineName): Promise<void> {
  const absent = await missing(engine);
  let product: { plan: Plan; folder: string } | undefined;
  beforeAll(async () => {
    if (!absent) product = await productFor(engine, `disasters-holds-${engine}`);
  });

  test.skipIf(absent)(
    `${engine}: partitioned in each direction, slow, full, replication stopped two days before the death, then both dead: nothing is touched (S5, S8, S9, S16, S30)`,
    async () => {
      const all = await Disasters.open(engine, product);
      const { shop, traffic } = all;
      await all.during("the probe and the watcher cannot reach the primary", cutOff(["probe", "watch"], PRIMARY), 103);
      await all.during("the primary cannot reach its standby", [{ fault: "databasePartitioned", ...PRIMARY, from: "replica" }], 102);
      await all.during("the recovery region cannot reach the primary's", cutOff(["probe", "watch"], PRIMARY, STANDBY), 301);
      await all.during("the primary is slow", [{ fault: "databaseSlow", ...PRIMARY, ms: SLOW_MS[engine] }], 106);
      await all.during("the primary's disk is full", [{ fault: "databaseDiskFull", ...PRIMARY }], 108);

      // The clients alone are cut off: Understudy's witnesses still write, so it is the network's trouble and not the database's.
      const gate = shop.lab.rds.gate(REGION, "shop-a");
      const last = traffic.last?.order ?? 0;
      gate?.partition(true, "127.0.0.1");
      await waitFor("the client to be in trouble", 10_000, () => traffic.troubles.some(({ order }) => order > last));
      await all.held("the clients cannot reach the primary", 101);
      gate?.partition(false, "127.0.0.1");
      await all.well();

      await all.stopReplicationTwoDaysAgo();
      await all.held("replication has stopped", 102);
      await waitFor("its mail", 10_000, () => shop.mailed("(rule 102)"));
      await traffic.stop();
      await shop.lab.faults.inject({ fault: "databaseKilled", ...PRIMARY });
      await all.held("replication stopped two days before the death", 303);
      const mail = await waitFor("the refusal's mail", 10_000, () => shop.lab.mail.mails.find(({ text }) => text.includes("(rule 303)")));
      expect(mail.text.replace(/\s+/g, " ")).toMatch(/the standby shop-b is 1728\d\d(\.\d)? s behind, the limit is 3 s/);

      await shop.lab.faults.inject({ fault: "databaseKilled", ...STANDBY });
      await all.held("both are dead", 301);
      await waitFor("its mail", 10_000, () => shop.mailed("There is nothing safe to promote. (rule 301)"));
      expect(await all.onlooker.verdict()).toEqual({ writers: ["shop-a"], led: ["shop-a"], beside: 0 });
    },
    PATIENCE_MS,
  );
}
