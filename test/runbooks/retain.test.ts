import { beforeAll, expect, test } from "vitest";
import { stockImageId } from "../../lab/cloud/ec2-stock.ts";
import { snapshots, waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";

const open = bench((text) => text.replace(/keep: \{.*\}/, "keep: { last: 2, floor: 1 }"));
const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const ALICE = "arn:aws:iam::111122223333:user/alice";
const nameOf = (slot: string) => `understudy-shop-${slot}`;

beforeAll(async () => {
  for (const slot of ["20261121t0000", "20261121t0600", "20261121t1200", "20261121t1800"]) await take(slot);
  const { lab } = open();
  const stranger = { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: "understudy-shop-by-hand" };
  await lab.world.call("rds", "CreateDBSnapshot", stranger, { region: HOME });
  await available(HOME, "understudy-shop-by-hand");
}, 60_000);

const available = (region: string, id: string) =>
  waitFor(`${id} in ${region}`, 20_000, async () =>
    (await snapshots(open().lab, [region])).some((each) => each.id === id && each.status === "available"),
  );

/** A backup as the function makes it: the snapshot, and its copy. */
async function take(slot: string) {
  const { lab, plan } = open();
  const Tags = Object.entries({ plan: plan.name, database: "shop", slot }).map(([key, Value]) => ({ Key: `understudy:${key}`, Value }));
  const DBSnapshotIdentifier = nameOf(slot);
  const taken = await lab.world.call(
    "rds",
    "CreateDBSnapshot",
    { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier, Tags },
    { region: HOME },
  );
  await available(HOME, DBSnapshotIdentifier);
  const copy = { SourceDBSnapshotIdentifier: taken.DBSnapshot.DBSnapshotArn, TargetDBSnapshotIdentifier: DBSnapshotIdentifier, Tags };
  await lab.world.call("rds", "CopyDBSnapshot", copy, { region: AWAY });
  await available(AWAY, DBSnapshotIdentifier);
}

const slotsIn = async (region: string) =>
  (await snapshots(open().lab, [region])).map(({ id }) => id.replace("understudy-shop-", "")).sort();

async function retained() {
  const { retain } = await import("../../runbooks/retain.ts");
  const { readSettings } = await import("../../runbooks/settings.ts");
  const [shop] = await retain(readSettings());
  if (!shop) throw new Error("nobody looked at the shop's backups");
  return shop;
}

async function ordered(order: { verb: "hold" | "release"; backup: string } | { verb: "prune"; most: number }) {
  const { allowPrune, holdOrRelease } = await import("../../runbooks/order-backups.ts");
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const settings = readSettings();
  const shop = protectedDatabase(settings.plan, "shop");
  const signed = { id: `order${Date.now()}`, proof: null, database: "shop" };
  return order.verb === "prune"
    ? await allowPrune(settings, shop, { ...signed, ...order }, ALICE, Date.now())
    : await holdOrRelease(settings, shop, { ...signed, ...order, reason: "a court asks for it" }, ALICE, Date.now());
}

const troubles = () => open().news.filter(({ kind }) => kind === "Backup Trouble");

test("a plan that keeps fewer would delete half of the backups at once: nothing goes, people are told once, with the command (R28)", async () => {
  expect((await retained()).deleted).toEqual({ [HOME]: [], [AWAY]: [] });
  await retained();
  await retained();
  expect(await slotsIn(AWAY)).toHaveLength(4);
  const mails = new Set(troubles().map(({ id }) => id));
  expect([...mails].sort()).toEqual([
    expect.stringContaining("shop-held-back-eu-central-1"),
    expect.stringContaining("shop-held-back-eu-west-1"),
  ]);
  expect(troubles()[0]).toMatchObject({
    sentence:
      "2 backups of shop are not deleted in eu-central-1 before a person agrees: 2 of 4 would be deleted at once, that is 50 %, the limit is 20 %.",
    commands: ["npm run understudy -- prune shop --most 2"],
  });
});

test("a backup is held and a person agrees: the other one goes in both places, and what Understudy did not make stays (R27, R29)", async () => {
  await expect(ordered({ verb: "hold", backup: nameOf("20200101t0000") })).rejects.toThrow("the catalogue of shop knows no backup");
  await ordered({ verb: "hold", backup: nameOf("20261121t0000") });
  await ordered({ verb: "prune", most: 2 });
  expect((await retained()).deleted).toEqual({ [HOME]: [nameOf("20261121t0600")], [AWAY]: [nameOf("20261121t0600")] });
  expect(await slotsIn(HOME)).toEqual(["20261121t0000", "20261121t1200", "20261121t1800", "by-hand"]);
  expect(await slotsIn(AWAY)).toEqual(["20261121t0000", "20261121t1200", "20261121t1800"]);
  expect(open().news.filter(({ kind }) => kind === "Backup Trouble Over")).toHaveLength(2);
});

test("an allowance that was used is used up: the next large prune asks again (S19, R28)", async () => {
  const { changeCatalogue, listEverywhere } = await import("../../runbooks/catalogue.ts");
  const { readSettings } = await import("../../runbooks/settings.ts");
  const settings = readSettings();
  await take("20261121t2100");
  await take("20261121t2200");
  const both = (...slots: string[]) => ({ [HOME]: slots.map(nameOf), [AWAY]: slots.map(nameOf) });
  // One of the two went by the word that was given; the other is held, and the word is used up.
  expect((await retained()).deleted).toEqual(both());
  await ordered({ verb: "prune", most: 2 });
  expect((await retained()).deleted).toEqual(both("20261121t1200", "20261121t1800"));
  const kept = await changeCatalogue(settings, "shop", await listEverywhere(settings), null, Date.now(), (now) => now);
  expect(kept.spent).toMatch(/^order/);
  await take("20261121t2215");
  await take("20261121t2230");
  expect((await retained()).deleted).toEqual(both());
  await ordered({ verb: "prune", most: 2 });
  expect((await retained()).deleted).toEqual(both("20261121t2100", "20261121t2200"));
});

test("a rescue snapshot is no backup: it has no slot, and no retention touches it (R29)", async () => {
  const { lab, plan } = open();
  const Tags = Object.entries({ plan: plan.name, database: "shop" }).map(([key, Value]) => ({ Key: `understudy:${key}`, Value }));
  const rescue = { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: "understudy-rescue-shop-a-g1", Tags };
  await lab.world.call("rds", "CreateDBSnapshot", rescue, { region: HOME });
  await available(HOME, "understudy-rescue-shop-a-g1");
  const { points, deleted } = await retained();
  expect({ points, deleted }).toEqual({ points: 3, deleted: { [HOME]: [], [AWAY]: [] } });
});

test("a prune is killed between its note and its deletion: the next look finds the backup and deletes it, and calls nothing missing", async () => {
  const { lab } = open();
  await take("20261122t0000");
  const dies = instead(lab, "rds", "DeleteDBSnapshot", () => () => {
    throw new ServiceError("InternalFailure", "the process dies here", 500);
  });
  await expect(retained()).rejects.toThrow("the process dies here");
  dies();
  expect(await slotsIn(HOME)).toContain("20261121t2215");
  const { deleted, findings } = await retained();
  expect(deleted).toEqual({ [HOME]: [nameOf("20261121t2215")], [AWAY]: [nameOf("20261121t2215")] });
  expect(findings).toEqual([]);
  expect((await retained()).findings).toEqual([]);
});

test("one look asks RDS once a page, reads what is written and nothing that is not, and nobody for a single backup (R55)", async () => {
  const { lab } = open();
  const asked: string[] = [];
  const hear = (service: string, operation: string, what: (input: { Key?: string }) => string) =>
    instead(lab, service, operation, (call) => (input) => {
      asked.push(what(input as { Key?: string }));
      return call(input);
    });
  const operations = ["DescribeDBSnapshots", "DescribeDBInstances", "ListTagsForResource"];
  const ends = [...operations.map((operation) => hear("rds", operation, () => operation)), hear("s3", "GetObject", ({ Key }) => Key ?? "")];
  await retained();
  for (const end of ends.reverse()) end();
  expect(asked.sort()).toEqual(
    // People have said something of the shop's backups before; no drill has been made.
    [
      "DescribeDBInstances",
      "DescribeDBInstances",
      "DescribeDBSnapshots",
      "DescribeDBSnapshots",
      "catalogue/_unclaimed.json",
      "catalogue/shop.json",
      "databases/shop/retention.json",
    ],
  );
});

test("a region is dark: nothing is deleted anywhere, and nothing in it is called missing (R13)", async () => {
  const { lab } = open();
  await take("20261122t0600");
  const dark = instead(lab, "rds", "DescribeDBSnapshots", (call) => (input, caller) => {
    if (caller.region === AWAY) throw new ServiceError("ServiceUnavailable", "Service Unavailable", 503);
    return call(input);
  });
  const { deleted, findings } = await retained();
  dark();
  expect({ deleted, findings }).toEqual({ deleted: {}, findings: [] });
  expect((await retained()).deleted).toEqual({ [HOME]: [nameOf("20261121t2230")], [AWAY]: [nameOf("20261121t2230")] });
});

test("a copy is deleted by hand: told as missing from that place, and the other place keeps its own (R47)", async () => {
  const { lab } = open();
  await lab.world.call("rds", "DeleteDBSnapshot", { DBSnapshotIdentifier: nameOf("20261122t0600") }, { region: AWAY });
  expect((await retained()).findings).toEqual([
    expect.stringMatching(
      /^The backup understudy-shop-20261122t0600 of .* is gone from eu-west-1, and Understudy has not deleted it: it is still in eu-central-1\.$/,
    ),
  ]);
  expect(await slotsIn(HOME)).toContain("20261122t0600");
});

test("somebody takes a backup's tags away: it is told as an orphan, and neither missing nor deleted (R31)", async () => {
  const { lab } = open();
  const ResourceName = `arn:aws:rds:${HOME}:${lab.world.account}:snapshot:${nameOf("20261122t0000")}`;
  const Tags = await lab.world.call("rds", "ListTagsForResource", { ResourceName }, { region: HOME });
  const keys = Tags.TagList.map(({ Key }: { Key: string }) => Key);
  await lab.world.call("rds", "RemoveTagsFromResource", { ResourceName, TagKeys: keys }, { region: HOME });
  const before = open().news.length;
  const { findings } = await retained();
  expect(findings.filter((sentence) => sentence.includes("20261122t0000"))).toEqual([]);
  expect(
    open()
      .news.slice(before)
      .filter(({ details }) => details[0]?.[1] === "orphan"),
  ).toMatchObject([
    {
      kind: "Backup Trouble",
      database: "(no database)",
      sentence:
        "1 snapshot (understudy-shop-20261122t0000 (eu-central-1)) bear Understudy's tags no longer: they are neither counted as backups nor deleted.",
    },
  ]);
  await lab.world.call("rds", "AddTagsToResource", { ResourceName, Tags: Tags.TagList }, { region: HOME });
  await retained();
  expect(open().news.at(-1)).toMatchObject({ kind: "Backup Trouble Over" });
});

test("an instance that is in no plan is told once (R1)", async () => {
  const { lab } = open();
  const made = {
    DBInstanceIdentifier: "forgotten",
    DBInstanceClass: "db.t4g.micro",
    Engine: "postgres",
    AllocatedStorage: 20,
    MasterUsername: "owner",
    MasterUserPassword: "forgotten-1",
  };
  await lab.world.call("rds", "CreateDBInstance", made, { region: AWAY });
  await retained();
  await retained();
  const told = troubles().filter(({ sentence }) => sentence.includes("forgotten"));
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  expect(told[0]?.sentence).toBe("The DB instance forgotten in eu-west-1 is in no plan: nothing backs it up here, and nothing moves it.");
});

test("a machine nobody thought of, a volume attached to nothing and a bucket without versions are told once each, and are right again (R1)", async () => {
  const { lab, news } = open();
  const before = news.length;
  const call = (service: string, operation: string, input: object) => lab.world.call(service, operation, input, { region: AWAY });
  const { Instances } = await call("ec2", "RunInstances", { ImageId: stockImageId(AWAY), MinCount: 1, MaxCount: 1 });
  const { VolumeId } = await call("ec2", "CreateVolume", { AvailabilityZone: `${AWAY}a`, Size: 5 });
  await call("s3", "CreateBucket", { Bucket: "uploads", CreateBucketConfiguration: { LocationConstraint: AWAY } });
  for (let looks = 0; looks < 3; looks++) await retained();
  const told = news.slice(before).filter(({ sentence }) => /EC2|EBS|S3/.test(sentence));
  expect([...new Set(told.map(({ sentence }) => sentence))]).toEqual([
    `The EC2 instance ${Instances[0].InstanceId} in eu-west-1 is in no plan: nothing backs its volumes up here.`,
    `The EBS volume ${VolumeId} (5 GiB) in eu-west-1 is attached to nothing: nothing backs it up here.`,
    "The S3 bucket uploads in eu-west-1 keeps no versions: what is overwritten or deleted in it is lost.",
  ]);
  expect(new Set(told.map(({ id }) => id)).size).toBe(3);
  await call("s3", "PutBucketVersioning", { Bucket: "uploads", VersioningConfiguration: { Status: "Enabled" } });
  await retained();
  expect(news.at(-1)).toMatchObject({ kind: "Backup Trouble Over", sentence: expect.stringContaining("The S3 bucket uploads") });
});

test("EC2 says nothing: what was told of it stands, and databases are looked at all the same (R1)", async () => {
  const { lab, news } = open();
  const before = news.length;
  const dark = instead(lab, "ec2", "DescribeInstances", () => () => {
    throw new ServiceError("Unavailable", "The service is unavailable", 503);
  });
  expect((await retained()).points).toBeGreaterThan(0);
  dark();
  expect(news.slice(before)).toEqual([]);
});

test("a backup that is released is decided about again (R27)", async () => {
  await ordered({ verb: "release", backup: nameOf("20261121t0000") });
  expect((await retained()).deleted).toMatchObject({ [HOME]: [nameOf("20261121t0000")] });
  expect(await slotsIn(HOME)).toEqual(["20261122t0000", "20261122t0600", "by-hand", "understudy-rescue-shop-a-g1"]);
});
