/** A lab that goes on finds its clusters as they were: who writes, what was written, by which names. */
import { afterAll, expect, test, vi } from "vitest";
import { createRds } from "../../lab/cloud/rds/index.ts";
import { World } from "../../lab/cloud/world.ts";
import { throwawayFolder } from "../../lab/folder.ts";

const region = "eu-central-1";
const folder = throwawayFolder();
const patient = { timeout: 20_000, interval: 10 };
let world: World;
let rds: ReturnType<typeof createRds>;

async function open(state?: Record<string, unknown>): Promise<void> {
  world = new World({ dir: folder.path, timings: { clusterFailoverMs: 100, failoverMs: 100, modifyInstanceMs: 20 }, state });
  rds = createRds(world);
  world.register(rds);
  await world.start();
}
const call = (operation: string, input: object) => world.call("rds", operation, input, { region });
const cluster = async () => (await call("DescribeDBClusters", { DBClusterIdentifier: "shop" })).DBClusters[0];
const instance = async (id: string) => (await call("DescribeDBInstances", { DBInstanceIdentifier: id })).DBInstances[0];
const writer = async (): Promise<string> =>
  (await cluster()).DBClusterMembers.find((each: { IsClusterWriter: boolean }) => each.IsClusterWriter)?.DBInstanceIdentifier;
const available = (id: string) => vi.waitFor(async () => expect((await instance(id)).DBInstanceStatus).toBe("available"), patient);

afterAll(async () => {
  await world?.close();
  await folder.leave();
});

test("a cluster that had failed over goes on with its new writer, and a Multi-AZ instance in its second zone", async () => {
  await open();
  const login = { MasterUsername: "shop", MasterUserPassword: "correct-horse", Port: 25_434 };
  await call("CreateDBCluster", { DBClusterIdentifier: "shop", Engine: "aurora-postgresql", ...login });
  const single = {
    DBInstanceIdentifier: "zoned",
    Engine: "postgres",
    DBInstanceClass: "db.t4g.micro",
    AllocatedStorage: 20,
    MultiAZ: true,
  };
  await call("CreateDBInstance", { ...single, ...login });
  await vi.waitFor(async () => expect((await cluster()).Status).toBe("available"), patient);
  for (const DBInstanceIdentifier of ["shop-1", "shop-2"]) {
    const input = { DBInstanceIdentifier, DBClusterIdentifier: "shop", Engine: "aurora-postgresql", DBInstanceClass: "db.r6g.large" };
    await call("CreateDBInstance", input);
  }
  for (const id of ["shop-1", "shop-2", "zoned"]) await available(id);
  await rds.cluster(region, "shop-1").query("CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)");
  await call("FailoverDBCluster", { DBClusterIdentifier: "shop" });
  await call("RebootDBInstance", { DBInstanceIdentifier: "zoned", ForceFailover: true });
  await vi.waitFor(async () => expect([await writer(), (await cluster()).Status]).toEqual(["shop-2", "available"]), patient);
  await vi.waitFor(async () => expect((await instance("zoned")).AvailabilityZone).toBe("eu-central-1b"), patient);
  const { Endpoint } = await cluster();
  // Its reader is dead when the lab ends.
  await rds.faults.kill(region, "shop-1");
  await world.close();

  await open(JSON.parse(JSON.stringify(world.save())));
  expect(await writer()).toBe("shop-2");
  expect(await rds.cluster(region, "shop-2").query("SELECT id FROM orders")).toEqual([{ id: 7 }]);
  expect(rds.cluster(region, "shop-2").isStandby()).toBe(false);
  const hosts = world.state<Record<string, string>>("hosts", () => ({}));
  expect(hosts[Endpoint]).toBe(hosts[(await instance("shop-2")).Endpoint.Address]);
  await rds.cluster(region, "shop-2").query("INSERT INTO orders VALUES (8)");
  await vi.waitFor(async () => expect(await rds.cluster(region, "shop-1").query("SELECT id FROM orders")).toHaveLength(2), patient);
  expect(await instance("zoned")).toMatchObject({ AvailabilityZone: "eu-central-1b", DBInstanceStatus: "available" });
});
