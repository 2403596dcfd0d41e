import { expect, test } from "vitest";
import type { Fault } from "../../lab/faults/index.ts";
import { waitFor } from "../../lab/look.ts";
import { AWAY, BrokenLab, REGION, SEED } from "./faults-lab.ts";

/** A rule for the shop's own events that wakes a function; what it was woken with, in order. */
async function listening(region = REGION) {
  const broken = await BrokenLab.open();
  await broken.deployCaller("ear", region);
  const { account } = broken.lab.world;
  const pattern = JSON.stringify({ source: ["shop", "aws.rds"] });
  const { RuleArn } = await broken.call("events", "PutRule", { Name: "shop", EventPattern: pattern }, region);
  const arn = `arn:aws:lambda:${region}:${account}:function:ear`;
  await broken.call("events", "PutTargets", { Rule: "shop", Targets: [{ Id: "ear", Arn: arn, InputPath: "$.detail" }] }, region);
  await broken.call(
    "lambda",
    "AddPermission",
    { FunctionName: "ear", StatementId: "rule", Action: "lambda:InvokeFunction", Principal: "events.amazonaws.com", SourceArn: RuleArn },
    region,
  );
  /** Resolves with the event's id. */
  const put = async (n: number, DetailType = "Order"): Promise<string> => {
    const { Entries } = await broken.call(
      "events",
      "PutEvents",
      { Entries: [{ Source: "shop", DetailType, Detail: JSON.stringify({ n }) }] },
      region,
    );
    return Entries[0].EventId;
  };
  /** Ids of the shop's events in the order in which they reached the rules. */
  const reached = () =>
    broken.lab.world.story.flatMap(({ kind, detail }) => (kind === "event" && detail?.source === "shop" ? [detail.id as string] : []));
  /** What the function was woken with. Two processes may write their lines in either order. */
  const heard = () => broken.told("ear: asked").map(({ what }) => JSON.parse(what.replace("ear: asked ", "")).n as number);
  return { broken, put, reached, heard };
}

test("events are lost: none of them reaches a rule, others do", async () => {
  const { broken, put, heard } = await listening();
  await broken.inject({ fault: "eventLost", source: "shop", detailType: "Order*", times: 2 });
  await put(1, "Order placed");
  await put(2, "Refund");
  await put(3, "Order paid");
  await put(4, "Order sent");
  await waitFor("what was not lost", 10_000, () => heard().length === 2);
  expect(heard().sort()).toEqual([2, 4]);
  expect(broken.lab.faults.list()).toEqual([]);
});

test("a schedule's tick is an event too: while it is lost the function sleeps", async () => {
  const { broken, heard } = await listening();
  const lost = await broken.inject({ fault: "eventLost", source: "aws.events" });
  await broken.call("events", "PutRule", { Name: "minute", ScheduleExpression: "rate(1 minute)" });
  const arn = `arn:aws:lambda:${REGION}:${broken.lab.world.account}:function:ear`;
  await broken.call("events", "PutTargets", { Rule: "minute", Targets: [{ Id: "ear", Arn: arn, Input: '{"n":0}' }] });
  await waitFor("the tick", 10_000, () => broken.told("rule minute fires")[0]);
  await waitFor("its loss", 10_000, () => broken.told("eventLost on Scheduled Event")[0]);
  expect(heard()).toEqual([]);
  await lost.stop();
});

test("events come twice", async () => {
  const { broken, put, heard } = await listening();
  await broken.inject({ fault: "eventDoubled", source: "shop", times: 1 });
  await put(1);
  await put(2);
  await waitFor("three invocations", 10_000, () => heard().length === 3);
  expect(heard().sort()).toEqual([1, 1, 2]);
});

test("an event is late: the next one is there before it", async () => {
  const { broken, put, reached, heard } = await listening();
  await broken.inject({ fault: "eventLate", ms: 800, times: 1 });
  const ids = [await put(1), await put(2)];
  await waitFor("both", 10_000, () => heard().length === 2);
  expect(reached()).toEqual(ids.reverse());
});

test("events change places; the last one held goes on by itself, or when the fault ends", async () => {
  const { broken, put, reached, heard } = await listening();
  const reordered = await broken.inject({ fault: "eventsReordered", source: "shop" });
  const ids = [await put(1), await put(2)];
  await waitFor("the pair", 10_000, () => heard().length === 2);
  expect(reached()).toEqual(ids.reverse());
  await put(3);
  await reordered.stop();
  await waitFor("the one held back", 10_000, () => heard().includes(3));
});

test("half of RDS's own events are lost, by the seed; DescribeEvents still knows them all", async () => {
  const { broken } = await listening();
  await broken.inject({ fault: "eventLost", source: "aws.rds", probability: 0.5 } satisfies Fault);
  await broken.database("shop-a");
  for (let n = 0; n < 6; n++) {
    await broken.call("rds", "CreateDBSnapshot", { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: `s${n}` });
    await broken.available("shop-a");
  }
  const lost = broken.told("eventLost on RDS").length;
  const passed = broken.lab.world.story.filter(({ kind, what }) => kind === "event" && what.startsWith("RDS DB")).length;
  const { Events } = await broken.call("rds", "DescribeEvents", { Duration: 60 });
  expect(lost + passed, `seed ${SEED}`).toBe(Events.length);
  expect(lost, `seed ${SEED}`).toBeGreaterThan(0);
  expect(passed, `seed ${SEED}`).toBeGreaterThan(0);
});

test("a dark region's rules reach nobody, in it or elsewhere, until it is back", async () => {
  const { broken, put, heard } = await listening(AWAY);
  const { account } = broken.lab.world;
  await broken.call("events", "PutRule", { Name: "forward", EventPattern: '{"source":["shop"]}' });
  const bus = `arn:aws:events:${AWAY}:${account}:event-bus/default`;
  await broken.call("events", "PutTargets", { Rule: "forward", Targets: [{ Id: "away", Arn: bus }] });
  const dark = await broken.inject({ fault: "regionDark", region: REGION });
  await broken.call("events", "PutEvents", { Entries: [{ Source: "shop", DetailType: "Order", Detail: '{"n":1}' }] });
  await waitFor("the forwarding to fail", 10_000, () => broken.told("rule forward could not reach")[0]);
  await put(2);
  await waitFor("the other region's own event", 10_000, () => heard().includes(2));
  expect(heard()).toEqual([2]);
  await dark.stop();
  // EventBridge tries again: what was held up arrives after all.
  await waitFor("the forwarded one", 10_000, () => heard().includes(1));
});
