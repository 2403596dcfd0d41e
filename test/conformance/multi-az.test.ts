/** Multi-AZ instances: the failover nobody asked for, the one that was asked for, and the one that is given up. Real servers and sessions. */
import * as api from "@aws-sdk/client-rds";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { HOME, patient, RdsLab, refusal } from "./rds-lab.ts";

let lab: RdsLab;
beforeAll(async () => {
  lab = await RdsLab.open({ alone: true });
  lab.world.timings.failoverMs = 200;
  lab.world.timings.standbyMs = 0;
  await lab.create("shop-m", { MultiAZ: true });
  await lab.available("shop-m");
  await lab.sql("shop-m", "CREATE TABLE orders (id int PRIMARY KEY)");
});
afterAll(async () => {
  await lab?.close();
});

const addressOf = (name = ""): string => lab.world.state<Record<string, string>>("hosts", () => ({}))[name] as string;
const reboot = (id: string, ForceFailover?: boolean) =>
  lab.send(new api.RebootDBInstanceCommand({ DBInstanceIdentifier: id, ForceFailover }));
const modify = (id: string, more: object) => lab.send(new api.ModifyDBInstanceCommand({ DBInstanceIdentifier: id, ...more }));
const told = (id: string, from: number): string[] =>
  lab.events.slice(from).flatMap(({ detail }) => (detail.SourceIdentifier === id ? [detail.EventID.slice(-4)] : []));
const movedFrom = (zone: string | undefined, id = "shop-m") =>
  vi.waitFor(async () => {
    const instance = await lab.instance(id);
    expect([instance.SecondaryAvailabilityZone, instance.DBInstanceStatus]).toEqual([zone, "available"]);
    await lab.sql(id, "SELECT 1");
    return instance;
  }, patient);
const completed = (id: string, from: number) => vi.waitFor(() => expect(told(id, from)).toContain("0049"), patient);

/** Writes rows one after another until the session ends; gives what was acknowledged. */
async function writeUntilCut(first: number): Promise<number[]> {
  const session = await lab.connect("shop-m");
  const acknowledged: number[] = [];
  try {
    for (let id = first; ; id++) {
      await session.query("INSERT INTO orders VALUES ($1)", [id]);
      acknowledged.push(id);
    }
  } catch {
    return acknowledged;
  } finally {
    await session.end().catch(() => {});
  }
}
const missing = async (ids: number[]): Promise<number[]> => {
  const kept = new Set((await lab.sql("shop-m", "SELECT id FROM orders")).map(({ id }) => id));
  return ids.filter((id) => !kept.has(id));
};

test("an instance in two zones says so, and is given no zone by hand", async () => {
  const instance = await lab.instance("shop-m");
  expect(instance.MultiAZ).toBe(true);
  expect(instance.SecondaryAvailabilityZone).toMatch(/^eu-central-1[a-c]$/);
  expect(instance.SecondaryAvailabilityZone).not.toBe(instance.AvailabilityZone);
  await expect(lab.create("zoned", { MultiAZ: true, AvailabilityZone: "eu-central-1a" })).rejects.toEqual(
    refusal("InvalidParameterCombination", 400, /Requesting a specific availability zone is not valid/),
  );
});

describe.each(["kill", "hang"] as const)("the primary's host dies (%s)", (fault) => {
  test("the standby takes over by itself: same name, another address, zones swapped, sessions cut, no acknowledged row lost", async () => {
    const before = await lab.instance("shop-m");
    const address = addressOf(before.Endpoint?.Address);
    const from = lab.events.length;
    const first = fault === "kill" ? 1 : 1_000_000;
    const writing = writeUntilCut(first);
    const written = () => lab.sql("shop-m", `SELECT count(*)::int AS n FROM orders WHERE id >= ${first}`);
    await vi.waitFor(async () => expect((await written())[0]?.n).toBeGreaterThan(5), patient);
    await lab.rds.faults[fault](HOME, "shop-m");
    const acknowledged = await writing;
    const after = await movedFrom(before.AvailabilityZone);
    expect(after).toMatchObject({ MultiAZ: true, AvailabilityZone: before.SecondaryAvailabilityZone });
    expect(after.Endpoint).toEqual(before.Endpoint);
    expect(addressOf(after.Endpoint?.Address)).not.toBe(address);
    expect(acknowledged.length).toBeGreaterThanOrEqual(5);
    expect(await missing(acknowledged)).toEqual([]);
    await completed("shop-m", from);
    expect(told("shop-m", from)).toEqual(["0013", "0015", "0006", "0049"]);
    const behindOldAddress = new pg.Client({
      host: address,
      port: after.Endpoint?.Port as number,
      user: "shop",
      connectionTimeoutMillis: 2000,
    });
    await expect(behindOldAddress.connect()).rejects.toThrow();
  });
});

describe("a failover that was asked for", () => {
  test("is a reboot into the other zone, and cuts sessions", async () => {
    const before = await lab.instance("shop-m");
    const session = await lab.connect("shop-m");
    const from = lab.events.length;
    const { DBInstance } = await reboot("shop-m", true);
    expect(DBInstance.DBInstanceStatus).toBe("rebooting");
    await expect(reboot("shop-m", true)).rejects.toEqual(refusal("InvalidDBInstanceState", 400));
    await movedFrom(before.AvailabilityZone);
    await expect(session.query("SELECT 1")).rejects.toThrow();
    await completed("shop-m", from);
    expect(told("shop-m", from)).toEqual(["0013", "0015", "0006", "0049"]);
  });

  test("is refused in one zone, and a plain reboot stays where it is", async () => {
    await expect(reboot("shop-a", true)).rejects.toEqual(refusal("InvalidParameterCombination", 400, /Multi-AZ/));
    const before = await lab.instance("shop-m");
    const address = addressOf(before.Endpoint?.Address);
    await reboot("shop-m");
    await lab.available("shop-m");
    expect((await lab.instance("shop-m")).AvailabilityZone).toBe(before.AvailabilityZone);
    expect(addressOf(before.Endpoint?.Address)).toBe(address);
  });

  test("is given up soon after another one, and a primary that dies then is recovered in its own zone", async () => {
    lab.world.timings.standbyMs = 60_000;
    const before = await lab.instance("shop-m");
    const from = lab.events.length;
    await reboot("shop-m", true);
    await vi.waitFor(() => expect(told("shop-m", from)).toContain("0034"), patient);
    await lab.available("shop-m");
    await lab.rds.faults.kill(HOME, "shop-m");
    await vi.waitFor(() => expect(told("shop-m", from)).toContain("0051"), patient);
    expect(told("shop-m", from)).toEqual(["0034", "0052", "0053", "0050", "0051"]);
    expect((await lab.instance("shop-m")).AvailabilityZone).toBe(before.AvailabilityZone);
    await lab.sql("shop-m", "INSERT INTO orders VALUES (-1)");
    lab.world.timings.standbyMs = 0;
  });
});

test("a second zone comes and goes without an outage, at once or with the next maintenance", async () => {
  const session = await lab.connect("shop-a");
  const from = lab.events.length;
  const { DBInstance } = await modify("shop-a", { MultiAZ: true });
  expect([DBInstance.MultiAZ, DBInstance.PendingModifiedValues]).toEqual([false, { MultiAZ: true }]);
  await modify("shop-a", { MultiAZ: true, ApplyImmediately: true });
  await lab.available("shop-a");
  expect(await lab.instance("shop-a")).toMatchObject({ MultiAZ: true, SecondaryAvailabilityZone: "eu-central-1b" });
  await modify("shop-a", { MultiAZ: false, ApplyImmediately: true });
  await lab.available("shop-a");
  expect((await lab.instance("shop-a")).MultiAZ).toBe(false);
  expect(told("shop-a", from)).toEqual(["0024", "0025", "0030", "0029"]);
  await session.query("SELECT 1");
  await session.end();
});

test("one zone alone is not failed over: a killed primary stays dead until a reboot", async () => {
  const from = lab.events.length;
  await lab.rds.faults.kill(HOME, "shop-a");
  // A failover of another instance begins later and ends: this one would have been noticed by then.
  await reboot("shop-m", true);
  await completed("shop-m", from);
  expect(told("shop-a", from)).toEqual([]);
  await expect(lab.connect("shop-a")).rejects.toThrow();
  await reboot("shop-a");
  await lab.available("shop-a");
  await lab.sql("shop-a", "SELECT 1");
});
