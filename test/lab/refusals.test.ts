/** Failovers that must not happen: the primary lives, or its standby is not fit to take over. */
import { expect, test } from "vitest";
import { waitFor } from "../../lab/look.ts";
import { Shop } from "./shop.ts";

const REGION = "eu-central-1";

test("the probe and the watcher cannot reach the primary, its clients and its standby can: nothing happens", async () => {
  const shop = await Shop.open();
  await shop.lab.rds.faults.partition(REGION, "shop-a", { from: "clients" });
  await waitFor("the probe to lose the primary", 20_000, async () => (await shop.vote())?.primarySeen === "lost");
  // Well past the confirmation window: by hand, at every lap, the answer stays the same.
  for (let lap = 0; lap < 3; lap++) {
    expect(await shop.invoke("watch", {})).toMatchObject([{ rule: 103, execution: null }]);
  }
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
});

test("the probe has the wrong password: the primary answered, so it is alive", async () => {
  const shop = await Shop.open();
  await shop.lab.world.call(
    "secretsmanager",
    "PutSecretValue",
    { SecretId: "understudy/shop", SecretString: '{"username":"shopkeeper","password":"wrong"}' },
    { region: "eu-west-1" },
  );
  // A fresh process reads the new secret; the watcher's own look is one.
  expect(await shop.invoke("watch", {})).toMatchObject([{ rule: 101 }]);
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
});

test("replication stopped long before the primary died: refused, with the reason in a mail, and nothing is touched", async () => {
  const shop = await Shop.open();
  await shop.lab.rds.faults.stopReplication(REGION, "shop-b");
  await waitFor("the mail that replication has stopped", 70_000, async () => {
    await shop.invoke("watch", {});
    return shop.mailed("(rule 102)");
  });
  await waitFor("the standby to fall behind", 20_000, async () => ((await shop.vote())?.lagSeconds ?? 0) > 4);
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  await waitFor("the refusal's mail", 30_000, () => shop.mailed("(rule 303)") || shop.mailed("(rule 306)"));
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
  for (const operation of ["rds:PromoteReadReplica", "rds:ModifyDBInstance", "rds:RebootDBInstance", "route53:ChangeResourceRecordSets"]) {
    expect(shop.calls(operation), operation).toEqual([]);
  }
});

test("the standby lags above the limit when the primary dies: refused, with both numbers", async () => {
  const shop = await Shop.open();
  await shop.lab.rds.faults.pauseReplay(REGION, "shop-b");
  await waitFor("the lag to pass the limit", 30_000, async () => ((await shop.vote())?.lagSeconds ?? 0) > 4);
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  const mail = await waitFor("the refusal's mail", 30_000, () => shop.lab.mail.mails.find((it) => it.text.includes("(rule 303)")));
  expect(mail.text.replace(/\s+/g, " ")).toMatch(/Refused: the standby shop-b is [\d.]+ s behind, the limit is 3 s\. \(rule 303\)/);
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
});
