import * as ec2 from "@aws-sdk/client-ec2";
import { EC2Client } from "@aws-sdk/client-ec2";
import { expect, test, vi } from "vitest";
import { createEc2 } from "../../lab/cloud/ec2.ts";
import { stockImageId } from "../../lab/cloud/ec2-stock.ts";
import type { Ec2Timings } from "../../lab/cloud/ec2-timings.ts";
import { World } from "../../lab/cloud/world.ts";
import { labWith } from "./on-the-wire.ts";

const HOME = "eu-central-1";
const ImageId = stockImageId(HOME);

async function cloud(timings: Partial<Ec2Timings> = {}) {
  const lab = await labWith((world) => [createEc2(world, { instanceMs: 30, volumeMs: 10, snapshotIntervalMs: 0, ...timings })], {
    timings: { snapshotMs: 40, copyMs: 40 },
  });
  const client = new EC2Client(lab.client(HOME));
  const run = async (input: Partial<ec2.RunInstancesCommandInput> = {}) => {
    const { Instances } = await client.send(new ec2.RunInstancesCommand({ ImageId, MinCount: 1, MaxCount: 1, ...input }));
    return Instances!;
  };
  const instance = async (id: string) => {
    const { Reservations } = await client.send(new ec2.DescribeInstancesCommand({ InstanceIds: [id] }));
    return Reservations![0]!.Instances![0]!;
  };
  const comesTo = (id: string, state: ec2.InstanceStateName) =>
    vi.waitFor(async () => expect((await instance(id)).State?.Name).toBe(state), 10_000);
  const completed = (SnapshotIds: string[]) =>
    vi.waitFor(async () => {
      const { Snapshots } = await client.send(new ec2.DescribeSnapshotsCommand({ SnapshotIds }));
      expect(Snapshots!.map((each) => each.State)).toEqual(SnapshotIds.map(() => "completed"));
    }, 10_000);
  return { lab, client, run, instance, comesTo, completed };
}

test("an instance is pending before it runs, stops, starts again and ends, with the states between", async () => {
  const { client, run, comesTo, instance } = await cloud({ instanceMs: 200 });
  const [made] = await run({ TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "Name", Value: "app" }] }] });
  const id = made!.InstanceId!;
  expect(made!.State).toEqual({ Code: 0, Name: "pending" });
  await comesTo(id, "running");
  expect(await instance(id)).toMatchObject({ ImageId, RootDeviceName: "/dev/xvda", Tags: [{ Key: "Name", Value: "app" }] });
  const { StoppingInstances } = await client.send(new ec2.StopInstancesCommand({ InstanceIds: [id] }));
  expect(StoppingInstances![0]).toMatchObject({ CurrentState: { Code: 64, Name: "stopping" }, PreviousState: { Code: 16 } });
  await expect(client.send(new ec2.StartInstancesCommand({ InstanceIds: [id] }))).rejects.toMatchObject({ name: "IncorrectInstanceState" });
  await comesTo(id, "stopped");
  await client.send(new ec2.StartInstancesCommand({ InstanceIds: [id] }));
  await comesTo(id, "running");
  await client.send(new ec2.TerminateInstancesCommand({ InstanceIds: [id] }));
  await comesTo(id, "terminated");
  const { Volumes } = await client.send(new ec2.DescribeVolumesCommand({}));
  expect(Volumes, "the root volume goes with its instance").toEqual([]);
  await expect(client.send(new ec2.StopInstancesCommand({ InstanceIds: [id] }))).rejects.toMatchObject({
    name: "IncorrectInstanceState",
    message: `The instance '${id}' is not in a state from which it can be stopped.`,
  });
});

test("the same client token makes nothing new, with other arguments it is refused", async () => {
  const { client, run } = await cloud();
  const [first] = await run({ ClientToken: "once" });
  const [again] = await run({ ClientToken: "once" });
  expect(again!.InstanceId).toBe(first!.InstanceId);
  await expect(run({ ClientToken: "once", InstanceType: "t4g.micro" })).rejects.toMatchObject({ name: "IdempotentParameterMismatch" });
  const volume = () => client.send(new ec2.CreateVolumeCommand({ AvailabilityZone: `${HOME}a`, Size: 1, ClientToken: "v" }));
  expect((await volume()).VolumeId).toBe((await volume()).VolumeId);
});

test("a dry run does nothing and says that it would have", async () => {
  const { client, run } = await cloud();
  await expect(run({ DryRun: true })).rejects.toMatchObject({
    name: "DryRunOperation",
    Code: "DryRunOperation",
    message: "Request would have succeeded, but DryRun flag is set.",
    $metadata: { httpStatusCode: 412 },
  });
  expect((await client.send(new ec2.DescribeInstancesCommand({}))).Reservations).toEqual([]);
});

test("instances are filtered by state, tag and pattern, and counted in pages", async () => {
  const { client, run, comesTo } = await cloud();
  const tagged = (Value: string) => [{ ResourceType: "instance" as const, Tags: [{ Key: "tier", Value }] }];
  const web = await run({ MinCount: 6, MaxCount: 6, TagSpecifications: tagged("web-1") });
  const [db] = await run({ TagSpecifications: tagged("db") });
  for (const { InstanceId } of [...web, db!]) await comesTo(InstanceId!, "running");
  const count = async (Filters: ec2.Filter[]) =>
    (await client.send(new ec2.DescribeInstancesCommand({ Filters }))).Reservations!.flatMap((each) => each.Instances!).length;
  expect(await count([{ Name: "tag:tier", Values: ["web-*"] }])).toBe(6);
  expect(await count([{ Name: "tag:tier", Values: ["db", "web-1"] }])).toBe(7);
  expect(await count([{ Name: "instance-state-name", Values: ["stopped"] }])).toBe(0);
  expect(
    await count([
      { Name: "tag-key", Values: ["tier"] },
      { Name: "image-id", Values: [ImageId] },
    ]),
  ).toBe(7);
  await expect(count([{ Name: "colour", Values: ["red"] }])).rejects.toMatchObject({ message: "The filter 'colour' is invalid" });
  let seen = 0;
  for await (const page of ec2.paginateDescribeInstances({ client, pageSize: 5 }, {}))
    seen += page.Reservations!.flatMap((each) => each.Instances!).length;
  expect(seen).toBe(7);
  const { Tags } = await client.send(new ec2.DescribeTagsCommand({ Filters: [{ Name: "value", Values: ["db"] }] }));
  expect(Tags).toEqual([{ ResourceId: db!.InstanceId, ResourceType: "instance", Key: "tier", Value: "db" }]);
});

test("a volume is attached to one instance of its own zone, and restores what its snapshot held", async () => {
  const { lab, client, run, comesTo, completed } = await cloud();
  const zone = `${HOME}b`;
  const [made] = await run({ Placement: { AvailabilityZone: zone } });
  await comesTo(made!.InstanceId!, "running");
  const create = (input: Partial<ec2.CreateVolumeCommandInput>) =>
    client.send(new ec2.CreateVolumeCommand({ AvailabilityZone: zone, ...input }));
  const { VolumeId, State } = await create({ Size: 4, VolumeType: "gp3" });
  expect(State).toBe("creating");
  const volume = async (id: string) => (await client.send(new ec2.DescribeVolumesCommand({ VolumeIds: [id] }))).Volumes![0]!;
  await vi.waitFor(async () => expect((await volume(VolumeId!)).State).toBe("available"), 10_000);
  const attach = (InstanceId: string, id: string) =>
    client.send(new ec2.AttachVolumeCommand({ InstanceId, VolumeId: id, Device: "/dev/sdf" }));
  const [elsewhere] = await run({ Placement: { AvailabilityZone: `${HOME}a` } });
  await expect(attach(elsewhere!.InstanceId!, VolumeId!)).rejects.toMatchObject({ name: "InvalidVolume.ZoneMismatch" });
  await attach(made!.InstanceId!, VolumeId!);
  expect(await volume(VolumeId!)).toMatchObject({
    State: "in-use",
    Attachments: [{ Device: "/dev/sdf", State: "attached", DeleteOnTermination: false }],
  });
  await expect(attach(made!.InstanceId!, VolumeId!)).rejects.toMatchObject({ name: "VolumeInUse" });
  await lab.world.call("ec2", "LabWriteVolume", { VolumeId, content: "orders 1-7" }, { region: HOME });

  lab.world.timings.snapshotMs = 60_000;
  const pending = await client.send(new ec2.CreateSnapshotCommand({ VolumeId }));
  const early = create({ SnapshotId: pending.SnapshotId });
  await expect(early).rejects.toMatchObject({ name: "IncorrectState", message: `Snapshot '${pending.SnapshotId}' is not 'completed'.` });
  lab.world.timings.snapshotMs = 20;
  const { SnapshotId } = await client.send(new ec2.CreateSnapshotCommand({ VolumeId, Description: "nightly" }));
  await lab.world.call("ec2", "LabWriteVolume", { VolumeId, content: "orders 1-9" }, { region: HOME });
  await completed([SnapshotId!]);
  await expect(create({ SnapshotId, Size: 3 })).rejects.toMatchObject({ name: "InvalidParameterValue" });
  const restored = await create({ SnapshotId });
  expect(restored).toMatchObject({ SnapshotId, Size: 4 });
  const content = await lab.world.call("ec2", "LabReadVolume", { VolumeId: restored.VolumeId }, { region: HOME });
  expect(content).toEqual({ content: "orders 1-7" });
  await client.send(new ec2.DetachVolumeCommand({ VolumeId }));
  await client.send(new ec2.DeleteVolumeCommand({ VolumeId }));
  await expect(volume(VolumeId!)).rejects.toMatchObject({ name: "InvalidVolume.NotFound" });
});

test("snapshots are listed in pages and by owner, each with its tags and its share", async () => {
  const { client, completed } = await cloud();
  const { VolumeId } = await client.send(new ec2.CreateVolumeCommand({ AvailabilityZone: `${HOME}a`, Size: 1 }));
  await vi.waitFor(
    async () => expect((await client.send(new ec2.DescribeVolumesCommand({}))).Volumes![0]!.State).toBe("available"),
    10_000,
  );
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push((await client.send(new ec2.CreateSnapshotCommand({ VolumeId }))).SnapshotId!);
  await completed(ids);
  for (let n = 0; n < 2; n++) ids.push((await client.send(new ec2.CreateSnapshotCommand({ VolumeId }))).SnapshotId!);
  await client.send(new ec2.CreateTagsCommand({ Resources: [ids[0]!], Tags: [{ Key: "keep", Value: "yes" }] }));
  const list = (input: ec2.DescribeSnapshotsCommandInput) => client.send(new ec2.DescribeSnapshotsCommand(input));
  const first = await list({ OwnerIds: ["self"], MaxResults: 5 });
  const second = await list({ OwnerIds: ["self"], MaxResults: 5, NextToken: first.NextToken });
  expect([...first.Snapshots!, ...second.Snapshots!].map((each) => each.SnapshotId)).toEqual(ids);
  expect(second.NextToken).toBeUndefined();
  await expect(list({ MaxResults: 4 })).rejects.toMatchObject({ name: "InvalidParameterValue" });
  await expect(list({ MaxResults: 5, SnapshotIds: ids })).rejects.toMatchObject({ name: "InvalidParameterCombination" });
  const kept = await list({ Filters: [{ Name: "tag:keep", Values: ["yes"] }] });
  expect(kept.Snapshots).toMatchObject([{ SnapshotId: ids[0], Tags: [{ Key: "keep", Value: "yes" }], OwnerId: "111122223333" }]);
  expect((await list({ OwnerIds: ["amazon"] })).Snapshots).toMatchObject([{ OwnerAlias: "amazon" }]);

  const share = { SnapshotId: ids[0], Attribute: "createVolumePermission" as const };
  await client.send(new ec2.ModifySnapshotAttributeCommand({ ...share, OperationType: "add", UserIds: ["444455556666"] }));
  await client.send(new ec2.ModifySnapshotAttributeCommand({ ...share, CreateVolumePermission: { Add: [{ Group: "all" }] } }));
  const shared = await client.send(new ec2.DescribeSnapshotAttributeCommand(share));
  expect(shared.CreateVolumePermissions).toEqual([{ UserId: "444455556666" }, { Group: "all" }]);
  await client.send(new ec2.ResetSnapshotAttributeCommand(share));
  expect((await client.send(new ec2.DescribeSnapshotAttributeCommand(share))).CreateVolumePermissions ?? []).toEqual([]);
  await client.send(new ec2.DeleteTagsCommand({ Resources: [ids[0]!], Tags: [{ Key: "keep" }] }));
  await client.send(new ec2.DeleteSnapshotCommand({ SnapshotId: ids[0] }));
  await expect(client.send(new ec2.DeleteSnapshotCommand({ SnapshotId: ids[0] }))).rejects.toMatchObject({
    name: "InvalidSnapshot.NotFound",
    message: `The snapshot '${ids[0]}' does not exist.`,
  });
});

test("an image starts instances with the disks it was made of, and holds its snapshots until it is deregistered", async () => {
  const { lab, client, run, comesTo, instance } = await cloud();
  const [made] = await run({ BlockDeviceMappings: [{ DeviceName: "/dev/sdb", Ebs: { VolumeSize: 2 } }] });
  const InstanceId = made!.InstanceId!;
  await comesTo(InstanceId, "running");
  const disk = (await instance(InstanceId)).BlockDeviceMappings!.find((each) => each.DeviceName === "/dev/sdb")!.Ebs!.VolumeId;
  await lab.world.call("ec2", "LabWriteVolume", { VolumeId: disk, content: "uploads" }, { region: HOME });
  lab.world.timings.snapshotMs = 600;
  const { ImageId: id } = await client.send(new ec2.CreateImageCommand({ InstanceId, Name: "app-1", NoReboot: true }));
  const image = async () => (await client.send(new ec2.DescribeImagesCommand({ Owners: ["self"] }))).Images!;
  expect((await image())[0]?.State).toBe("pending");
  await expect(run({ ImageId: id })).rejects.toMatchObject({ name: "InvalidAMIID.Unavailable" });
  await vi.waitFor(async () => expect((await image())[0]?.State).toBe("available"), 10_000);
  await expect(client.send(new ec2.CreateImageCommand({ InstanceId, Name: "app-1" }))).rejects.toMatchObject({
    name: "InvalidAMIName.Duplicate",
  });
  const [copy] = await run({ ImageId: id });
  const copied = (await instance(copy!.InstanceId!)).BlockDeviceMappings!.find((each) => each.DeviceName === "/dev/sdb")!.Ebs!.VolumeId;
  expect(await lab.world.call("ec2", "LabReadVolume", { VolumeId: copied }, { region: HOME })).toEqual({ content: "uploads" });
  const SnapshotId = (await image())[0]!.BlockDeviceMappings![0]!.Ebs!.SnapshotId;
  await expect(client.send(new ec2.DeleteSnapshotCommand({ SnapshotId }))).rejects.toMatchObject({
    name: "InvalidSnapshot.InUse",
    message: `The snapshot ${SnapshotId} is currently in use by ${id}`,
  });
  await client.send(new ec2.DeregisterImageCommand({ ImageId: id }));
  await client.send(new ec2.DeleteSnapshotCommand({ SnapshotId }));
  await expect(run({ ImageId: id })).rejects.toMatchObject({ name: "InvalidAMIID.NotFound" });
});

test("regions and zones are known by name", async () => {
  const { client } = await cloud();
  const { Regions } = await client.send(new ec2.DescribeRegionsCommand({ RegionNames: ["eu-west-1"] }));
  expect(Regions).toMatchObject([{ RegionName: "eu-west-1", Endpoint: "ec2.eu-west-1.amazonaws.com" }]);
  const { AvailabilityZones } = await client.send(new ec2.DescribeAvailabilityZonesCommand({}));
  expect(AvailabilityZones!.map((zone) => [zone.ZoneName, zone.ZoneId, zone.State])).toEqual([
    ["eu-central-1a", "euc1-az1", "available"],
    ["eu-central-1b", "euc1-az2", "available"],
    ["eu-central-1c", "euc1-az3", "available"],
  ]);
});

test("ids of the wrong kind are refused before anything is looked for", async () => {
  const { client } = await cloud();
  const refused = (command: Promise<unknown>, name: string, message: string) => expect(command).rejects.toMatchObject({ name, message });
  await refused(
    client.send(new ec2.CreateSnapshotCommand({ VolumeId: "disk" })),
    "InvalidParameterValue",
    "Value (disk) for parameter volumeId is invalid. Expected: 'vol-...'.",
  );
  await refused(
    client.send(new ec2.DescribeInstancesCommand({ InstanceIds: ["app"] })),
    "InvalidInstanceID.Malformed",
    'Invalid id: "app" (expecting "i-...")',
  );
  await refused(
    client.send(new ec2.DescribeInstancesCommand({ InstanceIds: ["i-00000000000000000"] })),
    "InvalidInstanceID.NotFound",
    "The instance ID 'i-00000000000000000' does not exist",
  );
});

test("a lab that is opened again goes on with what was under way", async () => {
  const slow = { instanceMs: 60_000, snapshotIntervalMs: 0 };
  const before = new World({ dir: "/nonexistent", timings: { snapshotMs: 60_000, copyMs: 60_000 } });
  const services = createEc2(before, slow);
  before.register(services);
  const call = (operation: string, input: unknown) => before.call("ec2", operation, input, { region: HOME });
  const { Instances } = await call("RunInstances", { ImageId });
  const VolumeId = (await call("DescribeVolumes", {})).Volumes[0].VolumeId;
  const { SnapshotId } = await call("CreateSnapshot", { VolumeId });
  await before.close();

  const state = JSON.parse(JSON.stringify(before.save()));
  const lab = await labWith((world) => [createEc2(world, { instanceMs: 1 })], { state });
  const world = new EC2Client(lab.client(HOME));
  await vi.waitFor(async () => {
    const { Reservations } = await world.send(new ec2.DescribeInstancesCommand({ InstanceIds: [Instances[0].InstanceId] }));
    expect(Reservations![0]!.Instances![0]!.State?.Name).toBe("running");
  }, 10_000);
  const { Snapshots } = await world.send(new ec2.DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }));
  expect(Snapshots![0]?.State, "its upload takes a minute").toBe("pending");
});
