/** A failover that another execution had promoted and died: what its successor cannot prove opens nothing again. */
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { expect, test } from "vitest";
import { waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";

const open = bench();
const REGION = { region: "eu-central-1" };

test("another execution had promoted the standby and died, and its successor cannot prove the fence: the old primary stays closed (S2, S13)", async () => {
  const { lab, plan, news } = open();
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const { changeRecord, claim, readRecord } = await import("../../runbooks/record.ts");
  const settings = readSettings();
  const shop = protectedDatabase(settings.plan, "shop");
  const described = async (id: string) =>
    (await lab.world.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: id }, REGION)).DBInstances[0];
  const groups = async () =>
    (await described("shop-a")).VpcSecurityGroups.map((group: { VpcSecurityGroupId: string }) => group.VpcSecurityGroupId);

  const network = await groups();
  const fence = plan.databases.shop?.fenceSecurityGroups[REGION.region];
  const what = { kind: "failover", target: "shop-b", rule: 401, sentence: "for the bench", order: null } as const;
  const taken = await claim(settings, await readRecord(settings, shop), what, Date.now());
  await changeRecord(settings, shop, (now) => ({ ...now, claim: now.claim && { ...now.claim, stage: "promoted", network } }));
  await lab.world.call("rds", "ModifyDBInstance", { DBInstanceIdentifier: "shop-a", VpcSecurityGroupIds: [fence] }, REGION);
  await lab.world.call("rds", "PromoteReadReplica", { DBInstanceIdentifier: "shop-b" }, REGION);
  await waitFor("the promotion", 30_000, async () => (await described("shop-b")).ReadReplicaSourceDBInstanceIdentifier === undefined);

  const allow = instead(lab, "rds", "RebootDBInstance", () => () => {
    throw new ServiceError("AccessDenied", "not authorized to perform: rds:RebootDBInstance", 403);
  });
  const { handler } = await import("../../functions/move.ts");
  const payload = { kind: "failover", database: "shop", generation: 1, attempt: taken?.attempt };
  const execution = await new LocalDurableTestRunner({ handlerFunction: handler as never }).run({ payload });
  allow();
  expect(execution.getResult()).toMatchObject({ outcome: "failed" });
  expect(await groups()).toEqual([fence]);
  expect((await readRecord(settings, shop)).value.claim).toMatchObject({ execution: taken?.execution, stage: "promoted" });
  expect(news.at(-1)).toMatchObject({ kind: "Move Failed", next: expect.stringContaining("shop-a must stay fenced") });
});
