import { beforeAll, expect, test } from "vitest";
import { waitFor } from "../../lab/look.ts";
import { bench } from "./bench.ts";
import { Planned, REGION } from "./planned.ts";

const open = bench();
const shop = new Planned(open);
const FENCED = ["sg-0a1b2c3d4e5f6fe0c:active"];
beforeAll(() => shop.afresh());

const snapshots = async (): Promise<string[]> => {
  const { DBSnapshots } = await open().lab.world.call("rds", "DescribeDBSnapshots", { SnapshotType: "manual" }, { region: REGION });
  return DBSnapshots.map(({ DBSnapshotIdentifier }: { DBSnapshotIdentifier: string }) => DBSnapshotIdentifier);
};

/** A standby for the new primary, and the probe's word that it follows. */
async function rebuilt(generation: number, name: string) {
  const { result } = await shop.run({ kind: "rebuild", generation, attempt: 1 });
  expect(result).toEqual({ outcome: "rebuilt", standbys: [name] });
  await waitFor("the standby to follow", 20_000, async () => {
    const { vote } = await shop.laps(2);
    return vote.primarySeen === "alive" && vote.linkSeen === "streaming" && (vote.lagSeconds ?? 99) < 2;
  });
}

/** A failover a person orders, whatever stands in its way. */
const failover = (target: string) => shop.move(target, { verb: "failover", overrides: [207, 303, 304, 305, 306] });

test("the way back to where a killed primary held nothing of its own: it is asked, and the failback goes on (S25)", async () => {
  const { lab } = open();
  await lab.rds.faults.kill(REGION, "shop-a");
  await shop.laps(3);
  expect(await failover("shop-b")).toMatchObject({ result: { outcome: "succeeded" } });
  await rebuilt(2, "shop-a-g2");
  expect(await shop.describe("shop-a-g2")).toMatchObject({
    ReadReplicaSourceDBInstanceIdentifier: "shop-b",
    BackupRetentionPeriod: 7,
    DeletionProtection: true,
    VpcSecurityGroups: [{ VpcSecurityGroupId: "sg-0a1b2c3d4e5f6a990" }],
    DBParameterGroups: [{ DBParameterGroupName: "shop-postgres" }],
  });
  const { result, record, steps } = await shop.move("shop-a-g2", { verb: "failback" });
  expect(result.outcome, result.sentence).toBe("succeeded");
  expect(steps).toContain("shop-a is asked");
  expect(record).toMatchObject({ generation: 3, primary: "shop-a-g2" });
  expect(record.retired[0]?.alone).toMatchObject({ count: 0, rescue: null });
  expect(await shop.groups("shop-a")).toEqual(FENCED);
  expect(await snapshots()).toEqual([]);
});

test("the former primary holds writes nobody else has: the failback refuses and names them, a snapshot keeps them; an order may go on (S25, S26)", async () => {
  const { lab, news } = open();
  await rebuilt(3, "shop-b-g3");
  expect(await shop.refusal("shop-a-g2")).toBeNull();
  await waitFor("the standby to have them", 10_000, async () => (await shop.laps(1)).vote.linkSeen === "streaming");
  await lab.rds.faults.stopReplication(REGION, "shop-b-g3");
  for (let row = 0; row < 3; row++) expect(await shop.refusal("shop-a-g2")).toBeNull();
  expect(await failover("shop-b-g3")).toMatchObject({ result: { outcome: "succeeded" }, record: { generation: 4 } });
  await rebuilt(4, "shop-a-g4");

  const refused = await shop.move("shop-a-g4", { verb: "failback" });
  expect(refused.result.outcome).toBe("refused");
  expect(refused.result.sentence).toMatch(/the former primary shop-a-g2 holds \d+ transactions that shop-b-g3 lacks: transactions \d+/);
  expect(refused.result.sentence).toContain("3 rows in public.clients");
  expect(refused.result.sentence).toContain("The snapshot understudy-rescue-shop-a-g2-g3 keeps them.");
  expect(refused.result.sentence).toContain("(rule 209)");
  expect(await snapshots()).toEqual(["understudy-rescue-shop-a-g2-g3"]);
  expect(refused.record).toMatchObject({ generation: 4, primary: "shop-b-g3", claim: null });
  expect(refused.steps).not.toContain("note the old network");
  expect(await shop.groups("shop-a-g2")).toEqual(FENCED);
  expect(news.at(-1)).toMatchObject({ kind: "Move Refused", move: "failback" });

  const ordered = await shop.move("shop-a-g4", { verb: "failback", overrides: [209] });
  expect(ordered.result.outcome, ordered.result.sentence).toBe("succeeded");
  expect(ordered.record).toMatchObject({ generation: 5, primary: "shop-a-g4" });
  expect(ordered.record.retired.find(({ instance }) => instance === "shop-a-g2")).toMatchObject({ acceptedBy: "order-4" });
  // Nothing is deleted by automation; people get the commands.
  const told = news.findLast(({ kind }) => kind === "Move Succeeded");
  expect(JSON.stringify(told?.details)).toContain("delete-db-instance --region eu-central-1 --db-instance-identifier shop-a-g2 ");
  for (const id of ["shop-a", "shop-b", "shop-a-g2", "shop-b-g3"]) expect((await shop.describe(id)).DBInstanceStatus).toBe("available");
});
