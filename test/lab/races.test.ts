import { expect, test } from "vitest";
import { waitFor } from "../../lab/look.ts";
import { Shop } from "./shop.ts";

const REGION = "eu-central-1";
const WATCH = "understudy-corner-shop-watch";

test("the alarm is delivered twice and the watcher races itself: one move", async () => {
  const shop = await Shop.open();
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  await waitFor("both witnesses to lose the primary", 20_000, async () => {
    const vote = await shop.vote();
    return vote?.primarySeen === "lost" && vote.linkSeen === "lost";
  });
  const time = new Date().toISOString();
  const alarm = {
    source: "aws.cloudwatch",
    alarmArn: `arn:aws:cloudwatch:eu-west-1:${shop.lab.world.account}:alarm:understudy-corner-shop-shop-primary-lost`,
    accountId: shop.lab.world.account,
    time,
    region: "eu-west-1",
    alarmData: { alarmName: "understudy-corner-shop-shop-primary-lost", state: { value: "ALARM", reason: "", timestamp: time } },
  };
  const wake = () =>
    shop.lab.world.call(
      "lambda",
      "Invoke",
      { FunctionName: WATCH, InvocationType: "Event", Payload: Buffer.from(JSON.stringify(alarm)) },
      { region: "eu-west-1" },
    );
  const until = Date.now() + 4000;
  while (Date.now() < until) {
    await Promise.all([wake(), wake(), wake()]);
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b" });
  expect(await shop.moves()).toEqual(["move-shop-g1-a1"]);
  expect(shop.calls("rds:PromoteReadReplica")).toHaveLength(1);
  expect(shop.calls("route53:ChangeResourceRecordSets")).toHaveLength(1);
});

test("the move is killed after each of its steps: it resumes, and no effect happens twice", async () => {
  const shop = await Shop.open();
  let kills = 0;
  shop.lab.lambda.faults.onCheckpoint = ({ functionName, applied }) => {
    if (functionName !== "understudy-corner-shop-move" || applied !== "after") return undefined;
    kills++;
    return "kill";
  };
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
  shop.lab.lambda.faults.onCheckpoint = undefined;
  await waitFor("the mail", 30_000, () => shop.mailed("failover done"));
  expect(kills).toBeGreaterThan(10);
  for (const operation of ["rds:RebootDBInstance", "rds:PromoteReadReplica", "route53:ChangeResourceRecordSets"]) {
    expect(shop.calls(operation), operation).toHaveLength(1);
  }
  expect(shop.callsOn("shop-a", "rds:ModifyDBInstance")).toHaveLength(1);
});

test("the move is killed after each effect and before its note: the effect is looked for, not repeated", async () => {
  const shop = await Shop.open();
  const lost = new Set<string>();
  shop.lab.lambda.faults.onCheckpoint = ({ functionName, updates, applied }) => {
    if (functionName !== "understudy-corner-shop-move" || applied !== "before") return undefined;
    const fresh = updates.filter(
      (update: { Action?: string; Name?: string }) => update.Action === "SUCCEED" && update.Name && !lost.has(update.Name),
    );
    for (const update of fresh) lost.add(update.Name as string);
    return fresh.length > 0 ? "kill" : undefined;
  };
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
  await waitFor("the mail", 60_000, () => shop.mailed("failover done"));
  expect([...lost]).toEqual(expect.arrayContaining(["promote", "change the record", "raise the generation"]));
  expect(shop.callsOn("shop-a", "rds:ModifyDBInstance")).toHaveLength(1);
  expect(shop.calls("rds:PromoteReadReplica")).toHaveLength(1);
  expect(shop.calls("route53:ChangeResourceRecordSets")).toHaveLength(1);
  // One mail a person, although the news was put on the bus twice.
  const all = () => shop.lab.mail.mails.filter((mail) => mail.subject.includes("failover done"));
  const done = await waitFor("a mail to each", 10_000, () => (all().length >= 2 ? all() : null));
  expect(done.flatMap((mail) => mail.to).sort()).toEqual(["ops@corner-shop.example", "owner@corner-shop.example"]);
});

test("the mail server is down: the move still ends", async () => {
  const shop = await Shop.open();
  await shop.lab.mail.stop();
  await shop.lab.rds.faults.kill(REGION, "shop-a");
  expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
  expect(shop.mailed("failover done")).toBe(false);
});
