// biome-ignore-all lint/suspicious/noExplicitAny: events are any JSON
import * as asg from "@aws-sdk/client-auto-scaling";
import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import * as ec2 from "@aws-sdk/client-ec2";
import { EC2Client } from "@aws-sdk/client-ec2";
import { expect, test, vi } from "vitest";
import { createAutoScaling } from "../../lab/cloud/autoscaling.ts";
import { createEc2 } from "../../lab/cloud/ec2.ts";
import { World } from "../../lab/cloud/world.ts";
import { labWith } from "./on-the-wire.ts";

const HOME = "eu-central-1";
const name = "app";
const zones = [`${HOME}a`, `${HOME}b`];

async function fleet(slow: { instanceMs?: number; inServiceMs?: number } = {}) {
  const events: any[] = [];
  const lab = await labWith((world) => [
    createEc2(world, { instanceMs: slow.instanceMs ?? 20 }),
    createAutoScaling(world, { inServiceMs: slow.inServiceMs ?? 20, retryMs: 50 }),
    { name: "events", operations: { LabDeliver: ({ event }) => void events.push(event) } },
  ]);
  const client = new AutoScalingClient(lab.client(HOME));
  const machines = new EC2Client(lab.client(HOME));
  const create = (input: Partial<asg.CreateAutoScalingGroupCommandInput> = {}) =>
    client.send(
      new asg.CreateAutoScalingGroupCommand({
        AutoScalingGroupName: name,
        MinSize: 0,
        MaxSize: 3,
        AvailabilityZones: zones,
        LaunchTemplate: { LaunchTemplateName: "app", Version: "1" },
        ...input,
      }),
    );
  const want = (DesiredCapacity: number, HonorCooldown?: boolean) =>
    client.send(new asg.SetDesiredCapacityCommand({ AutoScalingGroupName: name, DesiredCapacity, HonorCooldown }));
  const group = async () =>
    (await client.send(new asg.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }))).AutoScalingGroups![0];
  const inService = (count: number) =>
    vi.waitFor(async () => {
      const { Instances } = (await group())!;
      expect(Instances!.map((each) => each.LifecycleState)).toEqual(Array(count).fill("InService"));
      return Instances!;
    }, 10_000);
  const activities = async () => (await client.send(new asg.DescribeScalingActivitiesCommand({ AutoScalingGroupName: name }))).Activities!;
  return { lab, client, machines, events, create, want, group, inService, activities };
}

test("desired is not running: members are pending before they are in service, in both zones, and the bus hears of each", async () => {
  const { create, group, inService, events, activities, machines } = await fleet({ inServiceMs: 200 });
  await create({ DesiredCapacity: 2, Tags: [{ Key: "tier", Value: "web", PropagateAtLaunch: true }] });
  expect(await group()).toMatchObject({ DesiredCapacity: 2, MinSize: 0, MaxSize: 3, LaunchTemplate: { LaunchTemplateName: "app" } });
  expect((await group())!.Instances!.map((each) => each.LifecycleState)).toEqual(["Pending", "Pending"]);
  const members = await inService(2);
  expect(members.map((each) => each.AvailabilityZone)).toEqual(zones);
  await vi.waitFor(() => expect(events.filter((each) => each.source === "aws.autoscaling").length).toBe(2));
  const launched = events.find((each) => each.source === "aws.autoscaling");
  const { AutoScalingGroupARN } = (await group())!;
  expect(launched).toMatchObject({
    "detail-type": "EC2 Instance Launch Successful",
    resources: [AutoScalingGroupARN, `arn:aws:ec2:${HOME}:111122223333:instance/${members[0]!.InstanceId}`],
    detail: {
      StatusCode: "InProgress",
      AutoScalingGroupName: name,
      EC2InstanceId: members[0]!.InstanceId,
      Description: `Launching a new EC2 instance: ${members[0]!.InstanceId}`,
      Details: { "Availability Zone": zones[0] },
    },
  });
  expect(await activities()).toMatchObject([
    { StatusCode: "Successful", Progress: 100 },
    {
      StatusCode: "Successful",
      Cause: expect.stringContaining("a user request explicitly set group desired capacity changing the desired capacity from 0 to 2"),
    },
  ]);
  const { Reservations } = await machines.send(
    new ec2.DescribeInstancesCommand({ Filters: [{ Name: "tag:aws:autoscaling:groupName", Values: [name] }] }),
  );
  expect(Reservations!.flatMap((each) => each.Instances!).map((each) => each.Tags)).toEqual(
    Array(2).fill([
      { Key: "aws:autoscaling:groupName", Value: name },
      { Key: "tier", Value: "web" },
    ]),
  );
});

test("a capacity outside the limits is refused, and the limits must be moved first", async () => {
  const { client, create, want, inService, group } = await fleet();
  await create({ MinSize: 1, MaxSize: 2 });
  await expect(want(5)).rejects.toMatchObject({
    name: "ValidationError",
    message: "New SetDesiredCapacity value 5 is above max value 2 for the AutoScalingGroup.",
    $metadata: { httpStatusCode: 400 },
  });
  await expect(want(0)).rejects.toMatchObject({ message: "New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup." });
  const update = (input: object) => client.send(new asg.UpdateAutoScalingGroupCommand({ AutoScalingGroupName: name, ...input }));
  await expect(update({ DesiredCapacity: 3 })).rejects.toMatchObject({ name: "ValidationError" });
  await update({ MaxSize: 5, DesiredCapacity: 3 });
  await inService(3);
  await update({ MaxSize: 2 });
  expect((await group())!.DesiredCapacity, "a limit takes the desired capacity along").toBe(2);
  await inService(2);
  await expect(update({ MinSize: 3, MaxSize: 2 })).rejects.toMatchObject({ name: "ValidationError" });
});

test("the cooldown is honoured only when asked for", async () => {
  const { create, want, inService } = await fleet();
  await create({ DesiredCapacity: 1 });
  await expect(want(2, true)).rejects.toMatchObject({
    name: "ScalingActivityInProgressFault",
    Code: "ScalingActivityInProgress",
    message: expect.stringMatching(/^Scaling activity \S+ is in progress and blocks this action$/),
  });
  await want(2);
  await inService(2);
  await expect(want(3, true), "300 seconds have not passed").rejects.toMatchObject({ Code: "ScalingActivityInProgress" });
});

test("a member that dies or is stopped is replaced", async () => {
  const { create, inService, machines, events } = await fleet();
  await create({ DesiredCapacity: 2 });
  const [first, second] = (await inService(2)).map((each) => each.InstanceId!);
  await machines.send(new ec2.TerminateInstancesCommand({ InstanceIds: [first!] }));
  await machines.send(new ec2.StopInstancesCommand({ InstanceIds: [second!] }));
  await vi.waitFor(async () => {
    const now = (await inService(2)).map((each) => each.InstanceId);
    expect(now.includes(first) || now.includes(second)).toBe(false);
  }, 10_000);
  const ended = () =>
    events.filter((each) => each["detail-type"] === "EC2 Instance Terminate Successful").map((each) => each.detail.EC2InstanceId);
  await vi.waitFor(() => expect(ended().sort()).toEqual([first, second].sort()), 10_000);
});

test("a zone without capacity: launches fail, are told, and go on when there is room again", async () => {
  const { lab, create, want, group, inService, events, activities } = await fleet();
  await create();
  const exhaust = (Zones: string[]) => lab.world.call("ec2", "LabExhaustZones", { Zones }, { region: HOME });
  await exhaust(zones);
  await want(1);
  await vi.waitFor(() => expect(events.some((each) => each["detail-type"] === "EC2 Instance Launch Unsuccessful")).toBe(true), 10_000);
  expect(await group()).toMatchObject({ DesiredCapacity: 1, Instances: [] });
  expect((await activities())[0]).toMatchObject({
    StatusCode: "Failed",
    StatusMessage: expect.stringContaining("do not have sufficient t4g.small capacity"),
  });
  await exhaust([]);
  await inService(1);
});

test("a group with members is deleted by force only", async () => {
  const { client, create, inService, group } = await fleet();
  await create({ DesiredCapacity: 1 });
  await inService(1);
  const remove = (ForceDelete?: boolean) => client.send(new asg.DeleteAutoScalingGroupCommand({ AutoScalingGroupName: name, ForceDelete }));
  await expect(remove()).rejects.toMatchObject({ name: "ResourceInUseFault", Code: "ResourceInUse" });
  await remove(true);
  await vi.waitFor(async () => expect(await group()).toBeUndefined(), 10_000);
  await expect(remove()).rejects.toMatchObject({ name: "ValidationError" });
});

test("one member is ended by name, with or without another in its place", async () => {
  const { client, create, inService, group } = await fleet();
  await create({ DesiredCapacity: 2, MinSize: 1 });
  const end = (InstanceId: string, ShouldDecrementDesiredCapacity: boolean) =>
    client.send(new asg.TerminateInstanceInAutoScalingGroupCommand({ InstanceId, ShouldDecrementDesiredCapacity }));
  const [first] = await inService(2);
  const { Activity } = await end(first!.InstanceId!, true);
  expect(Activity).toMatchObject({ StatusCode: "InProgress", Description: `Terminating EC2 instance: ${first!.InstanceId}` });
  const [last] = await inService(1);
  expect((await group())!.DesiredCapacity).toBe(1);
  await expect(end(last!.InstanceId!, true)).rejects.toMatchObject({ name: "ValidationError" });
  await end(last!.InstanceId!, false);
  await vi.waitFor(async () => expect((await inService(1))[0]!.InstanceId).not.toBe(last!.InstanceId), 10_000);
  const { AutoScalingInstances } = await client.send(new asg.DescribeAutoScalingInstancesCommand({}));
  expect(AutoScalingInstances).toMatchObject([{ AutoScalingGroupName: name, LifecycleState: "InService", HealthStatus: "HEALTHY" }]);
});

test("what a group is asked for is checked, and groups are listed in pages", async () => {
  const { client, create } = await fleet();
  await expect(create({ MinSize: 2, MaxSize: 1 })).rejects.toMatchObject({
    message: "Max bound, 1, must be greater than or equal to min bound, 2",
  });
  await expect(create({ DesiredCapacity: 9 })).rejects.toMatchObject({
    message: "Desired capacity:9 must be between the specified min size:0 and max size:3",
  });
  await expect(create({ LaunchTemplate: undefined })).rejects.toMatchObject({ name: "ValidationError" });
  await expect(create({ AvailabilityZones: undefined })).rejects.toMatchObject({ name: "ValidationError" });
  await expect(create({ AvailabilityZones: ["us-east-1a"] })).rejects.toMatchObject({ name: "ValidationError" });
  for (const each of ["a", "b", "c"]) await create({ AutoScalingGroupName: each });
  await expect(create({ AutoScalingGroupName: "a" })).rejects.toMatchObject({ name: "AlreadyExistsFault" });
  const seen: (string | undefined)[] = [];
  for await (const page of asg.paginateDescribeAutoScalingGroups({ client, pageSize: 2 }, {}))
    seen.push(...page.AutoScalingGroups!.map((group) => group.AutoScalingGroupName));
  expect(seen).toEqual(["a", "b", "c"]);
});

test("a lab that is opened again goes on launching", async () => {
  const before = new World({ dir: "/nonexistent" });
  for (const service of [createEc2(before, { instanceMs: 60_000 }), createAutoScaling(before)]) before.register(service);
  const input = { AutoScalingGroupName: name, MinSize: 1, MaxSize: 1, AvailabilityZones: zones, LaunchConfigurationName: "app" };
  await before.call("autoscaling", "CreateAutoScalingGroup", input, { region: HOME });
  await before.close();
  const state = JSON.parse(JSON.stringify(before.save()));
  const lab = await labWith((world) => [createEc2(world, { instanceMs: 1 }), createAutoScaling(world, { inServiceMs: 1 })], { state });
  const client = new AutoScalingClient(lab.client(HOME));
  await vi.waitFor(async () => {
    const { AutoScalingGroups } = await client.send(new asg.DescribeAutoScalingGroupsCommand({}));
    expect(AutoScalingGroups![0]!.Instances!.map((each) => each.LifecycleState)).toEqual(["InService"]);
  }, 10_000);
});
