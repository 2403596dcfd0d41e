// biome-ignore-all lint/suspicious/noExplicitAny: events are any JSON
/** What AWS says of EBS snapshots, copies and images, and of their events, one test a sentence. Auto Scaling has its own tests. */
import * as ec2 from "@aws-sdk/client-ec2";
import { EC2Client } from "@aws-sdk/client-ec2";
import * as kms from "@aws-sdk/client-kms";
import { KMSClient } from "@aws-sdk/client-kms";
import { describe, expect, test, vi } from "vitest";
import { createEc2 } from "../../lab/cloud/ec2.ts";
import { stockImageId } from "../../lab/cloud/ec2-stock.ts";
import type { Ec2Timings } from "../../lab/cloud/ec2-timings.ts";
import { createKms } from "../../lab/cloud/kms.ts";
import type { Timings } from "../../lab/cloud/world.ts";
import { labWith } from "../lab/on-the-wire.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const LONG = 60_000;

async function cloud(timings: Partial<Timings & Ec2Timings> = {}) {
  const events: { region: string; event: any }[] = [];
  const all = { snapshotMs: 20, copyMs: 20, instanceMs: 10, volumeMs: 1, snapshotIntervalMs: 0, ...timings };
  const lab = await labWith(
    (world) => [
      createEc2(world, all),
      createKms(world),
      { name: "events", operations: { LabDeliver: ({ event }, { region }) => void events.push({ region, event }) } },
    ],
    { timings: all },
  );
  const client = (region = HOME) => new EC2Client(lab.client(region));
  const home = client(HOME);
  const away = client(AWAY);
  const inside = (operation: string, input: unknown) => lab.world.call("ec2", operation, input, { region: HOME });

  const volume = async (input: Partial<ec2.CreateVolumeCommandInput> = {}) => {
    const { VolumeId } = await home.send(new ec2.CreateVolumeCommand({ AvailabilityZone: `${HOME}a`, Size: 1, ...input }));
    await vi.waitFor(async () => {
      const { Volumes } = await home.send(new ec2.DescribeVolumesCommand({ VolumeIds: [VolumeId!] }));
      expect(Volumes![0]!.State).toBe("available");
    }, 10_000);
    return VolumeId!;
  };
  const snap = async (VolumeId: string, more: Partial<ec2.CreateSnapshotCommandInput> = {}) =>
    (await home.send(new ec2.CreateSnapshotCommand({ VolumeId, ...more }))).SnapshotId!;
  const see = async (id: string, at = home) => (await at.send(new ec2.DescribeSnapshotsCommand({ SnapshotIds: [id] }))).Snapshots![0]!;
  const ended = async (id: string, state: ec2.SnapshotState = "completed", at = home) => {
    await vi.waitFor(async () => expect((await see(id, at)).State).toBe(state), 10_000);
    return id;
  };
  const copy = async (SourceSnapshotId: string, more: Partial<ec2.CopySnapshotCommandInput> = {}, at = away) =>
    (await at.send(new ec2.CopySnapshotCommand({ SourceRegion: HOME, SourceSnapshotId, ...more }))).SnapshotId!;
  const running = async (input: Partial<ec2.RunInstancesCommandInput> = {}) => {
    const { Instances } = await home.send(new ec2.RunInstancesCommand({ ImageId: stockImageId(HOME), MinCount: 1, MaxCount: 1, ...input }));
    const id = Instances![0]!.InstanceId!;
    await vi.waitFor(async () => {
      const { Reservations } = await home.send(new ec2.DescribeInstancesCommand({ InstanceIds: [id] }));
      expect(Reservations![0]!.Instances![0]!.State!.Name).toBe("running");
    }, 10_000);
    return id;
  };
  const key = async (region: string) => (await new KMSClient(lab.client(region)).send(new kms.CreateKeyCommand({}))).KeyMetadata!.Arn!;
  const disable = (KeyId: string) => new KMSClient(lab.client(KeyId.split(":")[3])).send(new kms.DisableKeyCommand({ KeyId }));
  const read = async (at: EC2Client, region: string, SnapshotId: string) => {
    const { VolumeId } = await at.send(new ec2.CreateVolumeCommand({ AvailabilityZone: `${region}a`, SnapshotId }));
    return (await lab.world.call("ec2", "LabReadVolume", { VolumeId }, { region })).content;
  };
  const told = (detailType: string) => events.filter(({ event }) => event["detail-type"] === detailType).map(({ event }) => event);
  return { lab, home, away, inside, volume, snap, see, ended, copy, running, key, disable, read, told };
}

const DISKS = ["/dev/sdb", "/dev/sdc"].map((DeviceName) => ({ DeviceName, Ebs: { VolumeSize: 1 } }));

describe("H. snapshots", () => {
  test("the point in time is the moment of the call; pending afterwards is only upload", async () => {
    const { inside, volume, snap, ended, home, read } = await cloud({ snapshotMs: 60 });
    const VolumeId = await volume();
    await inside("LabWriteVolume", { VolumeId, content: "before" });
    const id = await snap(VolumeId);
    await inside("LabWriteVolume", { VolumeId, content: "after" });
    await ended(id);
    expect(await read(home, HOME, id)).toBe("before");
  });

  test("Progress is a string with a per cent sign, and empty in the first answer", async () => {
    const { lab, home, volume, see, snap, ended } = await cloud({ snapshotMs: LONG });
    const VolumeId = await volume();
    const made = await home.send(new ec2.CreateSnapshotCommand({ VolumeId }));
    expect(made).toMatchObject({ State: "pending", Progress: "", VolumeId });
    expect(await see(made.SnapshotId!)).toMatchObject({ State: "pending", Progress: expect.stringMatching(/^\d{1,2}%$/) });
    lab.world.timings.snapshotMs = 10;
    expect(await see(await ended(await snap(VolumeId)))).toMatchObject({ State: "completed", Progress: "100%" });
  });

  test("CreateSnapshots takes all of an instance's volumes at once, without those excluded, with the volumes' tags when asked", async () => {
    const { home, running } = await cloud();
    const Tags = [{ Key: "app", Value: "shop" }];
    const InstanceId = await running({ BlockDeviceMappings: DISKS, TagSpecifications: [{ ResourceType: "volume", Tags }] });
    const take = async (specification: Partial<ec2.InstanceSpecification>, more: Partial<ec2.CreateSnapshotsCommandInput> = {}) =>
      (await home.send(new ec2.CreateSnapshotsCommand({ InstanceSpecification: { InstanceId, ...specification }, ...more }))).Snapshots!;
    const all = await take({});
    expect(all.length).toBe(3);
    const some = await take(
      { ExcludeBootVolume: true, ExcludeDataVolumeIds: [all.at(-1)!.VolumeId!] },
      { CopyTagsFromSource: "volume", TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "set", Value: "2" }] }] },
    );
    expect(some.map((each) => each.VolumeId)).toEqual([all[1]!.VolumeId]);
    expect(some[0]!.Tags).toEqual([...Tags, { Key: "set", Value: "2" }]);
    expect(all[0]!.Tags ?? []).toEqual([]);
    await expect(take({ ExcludeDataVolumeIds: [all[0]!.VolumeId!] })).rejects.toMatchObject({ name: "InvalidParameterValue" });
  });

  test("when one of a multi-volume set fails, all of it is in error", async () => {
    const { home, inside, running, ended, told } = await cloud();
    const InstanceId = await running({ BlockDeviceMappings: DISKS });
    const { Volumes } = await home.send(new ec2.DescribeVolumesCommand({}));
    await inside("LabFailVolume", { VolumeId: Volumes![1]!.VolumeId });
    const { Snapshots } = await home.send(new ec2.CreateSnapshotsCommand({ InstanceSpecification: { InstanceId } }));
    for (const each of Snapshots!) await ended(each.SnapshotId!, "error");
    const [event] = told("EBS Multi-Volume Snapshots Completion Status");
    expect(event.detail).toMatchObject({
      event: "createSnapshots",
      result: "failed",
      cause: `Snapshot ${Snapshots![1]!.SnapshotId} is in status error`,
    });
    expect(event.detail.snapshots.map((each: any) => each.status)).toEqual(["error", "error", "error"]);
  });

  test("five pending snapshots of a volume are the limit, one of st1 and sc1", async () => {
    const { volume, snap } = await cloud({ snapshotMs: LONG });
    const full = { name: "ConcurrentSnapshotLimitExceeded", $metadata: { httpStatusCode: 400, attempts: 1 } };
    const gp3 = await volume({ VolumeType: "gp3" });
    for (let n = 0; n < 5; n++) await snap(gp3);
    await expect(snap(gp3)).rejects.toMatchObject(full);
    for (const VolumeType of ["st1", "sc1"] as const) {
      const slow = await volume({ VolumeType, Size: 125 });
      await snap(slow);
      await expect(snap(slow), VolumeType).rejects.toMatchObject(full);
    }
  });

  test("a second snapshot too soon after one that is under way exceeds the volume's rate, and is not retried by the SDK", async () => {
    const { volume, snap } = await cloud({ snapshotMs: LONG, snapshotIntervalMs: LONG });
    const VolumeId = await volume();
    await snap(VolumeId);
    await expect(snap(VolumeId)).rejects.toMatchObject({ name: "SnapshotCreationPerVolumeRateExceeded", $metadata: { attempts: 1 } });
    await snap(await volume());
  });

  test("a snapshot of a registered image is in use; a missing one is not found", async () => {
    const { home, running } = await cloud();
    const { ImageId } = await home.send(new ec2.CreateImageCommand({ InstanceId: await running(), Name: "app" }));
    const { Images } = await home.send(new ec2.DescribeImagesCommand({ ImageIds: [ImageId!] }));
    const SnapshotId = Images![0]!.BlockDeviceMappings![0]!.Ebs!.SnapshotId!;
    await expect(home.send(new ec2.DeleteSnapshotCommand({ SnapshotId }))).rejects.toMatchObject({ name: "InvalidSnapshot.InUse" });
    await expect(home.send(new ec2.DeleteSnapshotCommand({ SnapshotId: "snap-00000000000000000" }))).rejects.toMatchObject({
      name: "InvalidSnapshot.NotFound",
    });
  });

  test("EC2's errors have no models: the name is the wire code and the class is the service's", async () => {
    const { snap } = await cloud();
    const error = await snap("vol-00000000000000000").catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ec2.EC2ServiceException);
    expect([error.name, error.Code, error.$metadata.httpStatusCode]).toEqual(["InvalidVolume.NotFound", "InvalidVolume.NotFound", 400]);
  });
});

describe("H. copies", () => {
  test("a copy is asked for in its destination, of a completed source, and brings the content", async () => {
    const { lab, home, away, inside, volume, snap, ended, copy, see, read } = await cloud({ snapshotMs: LONG });
    const VolumeId = await volume();
    await inside("LabWriteVolume", { VolumeId, content: "orders" });
    const pending = await snap(VolumeId);
    await expect(copy(pending)).rejects.toMatchObject({ name: "IncorrectState", message: `Snapshot '${pending}' is not 'completed'.` });
    lab.world.timings.snapshotMs = 10;
    const source = await ended(await snap(VolumeId));
    const id = await copy(source);
    await ended(id, "completed", away);
    expect(await read(away, AWAY, id)).toBe("orders");
    await expect(see(id, home), "the copy is in its own region only").rejects.toMatchObject({ name: "InvalidSnapshot.NotFound" });
    await expect(copy(source, { SourceRegion: AWAY })).rejects.toMatchObject({ name: "InvalidSnapshot.NotFound" });
  });

  test("the source's tags are not copied, and the copy's volume is vol-ffffffff", async () => {
    const { away, volume, snap, ended, copy, see } = await cloud();
    const TagSpecifications = [{ ResourceType: "snapshot" as const, Tags: [{ Key: "keep", Value: "30" }] }];
    const source = await ended(await snap(await volume(), { TagSpecifications }));
    const bare = await see(await copy(source, { Description: `copy of ${source}` }), away);
    expect([bare.VolumeId, bare.Tags ?? [], bare.Description]).toEqual(["vol-ffffffff", [], `copy of ${source}`]);
    expect((await see(await copy(source, { TagSpecifications }), away)).Tags).toEqual([{ Key: "keep", Value: "30" }]);
  });

  test("an encrypted source without a KmsKeyId is copied with the destination's default EBS key, unlike in RDS", async () => {
    const { lab, away, volume, snap, ended, copy, see, key } = await cloud();
    const KmsKeyId = await key(HOME);
    const source = await ended(await snap(await volume({ Encrypted: true, KmsKeyId })));
    expect(await see(source)).toMatchObject({ Encrypted: true, KmsKeyId });
    const id = await ended(await copy(source), "completed", away);
    const west = new KMSClient(lab.client(AWAY));
    const { KeyMetadata } = await west.send(new kms.DescribeKeyCommand({ KeyId: "alias/aws/ebs" }));
    expect(await see(id, away)).toMatchObject({ Encrypted: true, KmsKeyId: KeyMetadata!.Arn });
    await expect(copy(source, { Encrypted: false })).rejects.toMatchObject({ name: "InvalidParameterValue" });
  });

  test("a key that cannot be used does not refuse the copy: it ends in error with a StateMessage", async () => {
    const { away, volume, snap, ended, copy, see, key, disable, told } = await cloud();
    const source = await ended(await snap(await volume()));
    const closed = await key(AWAY);
    await disable(closed);
    for (const KmsKeyId of [closed, "alias/none", await key(HOME)]) {
      const id = await ended(await copy(source, { Encrypted: true, KmsKeyId }), "error", away);
      expect((await see(id, away)).StateMessage, KmsKeyId).toBe("Given key ID is not accessible");
    }
    expect(told("EBS Snapshot Notification").filter(({ detail }) => detail.result === "failed").length).toBe(3);
    await expect(copy(source, { KmsKeyId: closed })).rejects.toMatchObject({ name: "InvalidParameterDependency" });
  });

  test("the first copy to a region is full, the next ones are increments; another key or a deleted copy makes it full again", async () => {
    const { away, volume, snap, ended, copy, key, told } = await cloud();
    const VolumeId = await volume();
    const [mine, other] = [await key(AWAY), await key(AWAY)];
    const incremental = async (KmsKeyId: string) => {
      const id = await ended(await copy(await ended(await snap(VolumeId)), { Encrypted: true, KmsKeyId }), "completed", away);
      await vi.waitFor(
        () => expect(told("EBS Snapshot Notification").some(({ resources }) => resources[0].endsWith(id))).toBe(true),
        10_000,
      );
      const { detail } = told("EBS Snapshot Notification").find(({ resources }) => resources[0].endsWith(id));
      return { id, Incremental: detail.Incremental };
    };
    expect((await incremental(mine)).Incremental).toBe("false");
    expect((await incremental(mine)).Incremental).toBe("true");
    expect((await incremental(other)).Incremental, "another key").toBe("false");
    const { id, Incremental } = await incremental(other);
    expect(Incremental).toBe("true");
    await away.send(new ec2.DeleteSnapshotCommand({ SnapshotId: id }));
    expect((await incremental(other)).Incremental, "the newest copy was deleted").toBe("false");
  });

  test("twenty copies at a time are the limit of a destination region", async () => {
    const { home, volume, snap, ended, copy } = await cloud({ copyMs: LONG });
    const source = await ended(await snap(await volume()));
    for (let n = 0; n < 20; n++) await copy(source);
    await expect(copy(source)).rejects.toMatchObject({
      name: "ResourceLimitExceeded",
      message: "Too many snapshot copies in progress. The limit is 20 for this destination region.",
      $metadata: { httpStatusCode: 400 },
    });
    await copy(source, {}, home);
  });

  test("a time-based copy takes 15 minutes or a multiple, up to two days", async () => {
    const { away, volume, snap, ended, copy, see } = await cloud();
    const source = await ended(await snap(await volume()));
    for (const CompletionDurationMinutes of [10, 20, 2895])
      await expect(copy(source, { CompletionDurationMinutes }), String(CompletionDurationMinutes)).rejects.toMatchObject({
        name: "InvalidParameterValue",
      });
    expect(await see(await copy(source, { CompletionDurationMinutes: 30 }), away)).toMatchObject({
      TransferType: "time-based",
      CompletionDurationMinutes: 30,
    });
  });

  test("a copy whose source is deleted under it fails", async () => {
    const { home, away, volume, snap, ended, copy, told } = await cloud({ copyMs: 1000 });
    const source = await ended(await snap(await volume()));
    const id = await copy(source);
    await home.send(new ec2.DeleteSnapshotCommand({ SnapshotId: source }));
    await ended(id, "error", away);
    const { detail } = told("EBS Snapshot Notification").at(-1);
    expect(detail).toMatchObject({ event: "copySnapshot", result: "failed", cause: "Source snapshot ID is not valid" });
    expect(detail.Incremental).toBeUndefined();
  });
});

describe("H. images", () => {
  const written = async (NoReboot?: boolean) => {
    const { home, inside, running, read, told, lab } = await cloud();
    const InstanceId = await running();
    const { Volumes } = await home.send(new ec2.DescribeVolumesCommand({}));
    const { VolumeId } = Volumes![0]!;
    await inside("LabWriteVolume", { VolumeId, content: "on disk" });
    await inside("LabWriteVolume", { VolumeId, content: "in memory", flushed: false });
    const { ImageId } = await home.send(new ec2.CreateImageCommand({ InstanceId, Name: "app", NoReboot }));
    const image = async () => (await home.send(new ec2.DescribeImagesCommand({ ImageIds: [ImageId!] }))).Images![0]!;
    await vi.waitFor(async () => expect((await image()).State).toBe("available"), 10_000);
    const content = await read(home, HOME, (await image()).BlockDeviceMappings![0]!.Ebs!.SnapshotId!);
    return { content, reboots: lab.told("reboots").length, told };
  };

  test("CreateImage reboots the instance by default", async () => {
    expect(await written()).toMatchObject({ content: "in memory", reboots: 1 });
  });

  test("NoReboot leaves it running and gives a crash-consistent image", async () => {
    expect(await written(true)).toMatchObject({ content: "on disk", reboots: 0 });
  });
});

describe("B3 and L.9. events", () => {
  test("EBS events' ARNs carry the region in odd places: only what follows the last slash can be trusted", async () => {
    const { away, volume, snap, ended, copy, told } = await cloud();
    const VolumeId = await volume();
    const source = await ended(await snap(VolumeId));
    const id = await ended(await copy(source), "completed", away);
    await vi.waitFor(() => expect(told("EBS Snapshot Notification").length).toBe(2), 10_000);
    const [created, copied] = told("EBS Snapshot Notification");
    expect(created).toMatchObject({
      source: "aws.ec2",
      region: HOME,
      account: "111122223333",
      resources: [`arn:aws:ec2:${HOME}::snapshot/${source}`],
      detail: {
        event: "createSnapshot",
        result: "succeeded",
        cause: "",
        "request-id": "",
        snapshot_id: `arn:aws:ec2::${HOME}:snapshot/${source}`,
        source: `arn:aws:ec2::${HOME}:volume/${VolumeId}`,
      },
    });
    expect(copied).toMatchObject({
      region: AWAY,
      detail: { event: "copySnapshot", result: "succeeded", source: `arn:aws:ec2:${HOME}::snapshot/${source}`, Incremental: "false" },
    });
    expect(copied.detail.snapshot_id.split("/").at(-1)).toBe(id);
    for (const { startTime, endTime } of [created.detail, copied.detail])
      for (const time of [startTime, endTime]) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test("a volume with a disabled key is not made: the event says failed and the volume is gone", async () => {
    const { home, key, disable, told } = await cloud({ volumeMs: 30 });
    const KmsKeyId = await key(HOME);
    await disable(KmsKeyId);
    const { VolumeId, State } = await home.send(
      new ec2.CreateVolumeCommand({ AvailabilityZone: `${HOME}a`, Size: 1, Encrypted: true, KmsKeyId }),
    );
    expect(State).toBe("creating");
    await vi.waitFor(
      () =>
        expect(told("EBS Volume Notification")[0]?.detail).toMatchObject({
          event: "createVolume",
          result: "failed",
          cause: `${KmsKeyId} is disabled.`,
        }),
      10_000,
    );
    await expect(home.send(new ec2.DescribeVolumesCommand({ VolumeIds: [VolumeId!] }))).rejects.toMatchObject({
      name: "InvalidVolume.NotFound",
    });
  });

  test("each state of an instance is told once", async () => {
    const { home, running, told } = await cloud();
    const id = await running();
    await home.send(new ec2.TerminateInstancesCommand({ InstanceIds: [id] }));
    await vi.waitFor(() => expect(told("EC2 Instance State-change Notification").length).toBe(4), 10_000);
    const [first] = told("EC2 Instance State-change Notification");
    expect(first).toMatchObject({
      source: "aws.ec2",
      resources: [`arn:aws:ec2:${HOME}:111122223333:instance/${id}`],
      detail: { "instance-id": id },
    });
    expect(told("EC2 Instance State-change Notification").map(({ detail }) => detail.state)).toEqual([
      "pending",
      "running",
      "shutting-down",
      "terminated",
    ]);
  });
});

describe("L.1 and L.5. regions", () => {
  test("what one region has, another does not know", async () => {
    const { away, volume, snap, running } = await cloud();
    const VolumeId = await volume();
    const id = await snap(VolumeId);
    await running();
    expect((await away.send(new ec2.DescribeVolumesCommand({}))).Volumes).toEqual([]);
    expect((await away.send(new ec2.DescribeInstancesCommand({}))).Reservations).toEqual([]);
    expect((await away.send(new ec2.DescribeSnapshotsCommand({ OwnerIds: ["self"] }))).Snapshots).toEqual([]);
    await expect(away.send(new ec2.DeleteSnapshotCommand({ SnapshotId: id }))).rejects.toMatchObject({ name: "InvalidSnapshot.NotFound" });
  });

  test("a snapshot sealed with AWS's own key cannot be shared, and an encrypted one never with all", async () => {
    const { home, volume, snap, key } = await cloud();
    const share = (SnapshotId: string, CreateVolumePermission: ec2.CreateVolumePermissionModifications) =>
      home.send(new ec2.ModifySnapshotAttributeCommand({ SnapshotId, Attribute: "createVolumePermission", CreateVolumePermission }));
    const vault = { Add: [{ UserId: "444455556666" }] };
    await expect(share(await snap(await volume({ Encrypted: true })), vault)).rejects.toMatchObject({ name: "InvalidParameter" });
    const sealed = await snap(await volume({ Encrypted: true, KmsKeyId: await key(HOME) }));
    await share(sealed, vault);
    await expect(share(sealed, { Add: [{ Group: "all" }] })).rejects.toMatchObject({ name: "InvalidParameterValue" });
  });
});

test.each([
  ["eu-central-1", "euc1"],
  ["us-east-1", "use1"],
  ["ap-south-1", "aps1"],
  ["ap-southeast-1", "apse1"],
  ["ap-northeast-2", "apne2"],
])("a zone has one id, whoever is asked: those of %s begin with %s", async (region, short) => {
  const lab = await labWith((world) => [createEc2(world)]);
  const client = new EC2Client(lab.client(region));
  const { AvailabilityZones } = await client.send(new ec2.DescribeAvailabilityZonesCommand({}));
  const { Subnets } = await client.send(new ec2.DescribeSubnetsCommand({}));
  const ids = [1, 2, 3].map((number) => `${short}-az${number}`);
  expect(AvailabilityZones?.map(({ ZoneId }) => ZoneId)).toEqual(ids);
  expect(Subnets?.map(({ AvailabilityZone, AvailabilityZoneId }) => [AvailabilityZone, AvailabilityZoneId])).toEqual(
    AvailabilityZones?.map(({ ZoneName, ZoneId }) => [ZoneName, ZoneId]),
  );
});
