import { AutoScalingClient, CreateAutoScalingGroupCommand, UpdateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { CloudFrontClient, CreateInvalidationCommand, GetInvalidationCommand } from "@aws-sdk/client-cloudfront";
import {
  CreateTargetGroupCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { expect, test, vi } from "vitest";
import { createAutoScaling } from "../../lab/cloud/autoscaling.ts";
import { createCloudFront } from "../../lab/cloud/cloudfront.ts";
import { createEc2 } from "../../lab/cloud/ec2.ts";
import { createElbV2 } from "../../lab/cloud/elbv2.ts";
import { labWith } from "./on-the-wire.ts";

const HOME = "eu-west-1";

test("a group's instances become targets, are looked at before they are healthy, and go again with the group", async () => {
  const lab = await labWith((world) => [
    createEc2(world, { instanceMs: 20 }),
    createAutoScaling(world, { inServiceMs: 20 }),
    createElbV2(world, { healthyMs: 300 }),
    { name: "events", operations: { LabDeliver: () => {} } },
  ]);
  const balancing = new ElasticLoadBalancingV2Client(lab.client(HOME));
  const scaling = new AutoScalingClient(lab.client(HOME));
  const { TargetGroups } = await balancing.send(
    new CreateTargetGroupCommand({ Name: "web", Protocol: "HTTP", Port: 8080, VpcId: "vpc-1", TargetType: "instance" }),
  );
  const TargetGroupArn = String(TargetGroups?.[0]?.TargetGroupArn);
  expect(TargetGroupArn).toMatch(/^arn:aws:elasticloadbalancing:eu-west-1:\d{12}:targetgroup\/web\/[0-9a-f]{16}$/);
  await scaling.send(
    new CreateAutoScalingGroupCommand({
      AutoScalingGroupName: "web",
      MinSize: 0,
      MaxSize: 2,
      DesiredCapacity: 2,
      AvailabilityZones: [`${HOME}a`],
      LaunchTemplate: { LaunchTemplateName: "web" },
      TargetGroupARNs: [TargetGroupArn],
    }),
  );
  const states = async () =>
    (await balancing.send(new DescribeTargetHealthCommand({ TargetGroupArn }))).TargetHealthDescriptions?.map(
      ({ TargetHealth }) => TargetHealth?.State,
    );
  const seen = new Set<string | undefined>();
  await vi.waitFor(async () => {
    const now = await states();
    for (const state of now ?? []) seen.add(state);
    expect(now).toEqual(["healthy", "healthy"]);
  }, 10_000);
  expect([...seen]).toEqual(["initial", "healthy"]);
  await lab.world.call("elasticloadbalancing", "LabSetTargetHealth", { TargetGroupArn, Trouble: "502" }, { region: HOME });
  expect(await states()).toEqual(["unhealthy", "unhealthy"]);
  await scaling.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: "web", DesiredCapacity: 0 }));
  expect(await states()).toEqual([]);
  await expect(balancing.send(new DescribeTargetHealthCommand({ TargetGroupArn: `${TargetGroupArn}0` }))).rejects.toMatchObject({
    name: "TargetGroupNotFoundException",
  });
});

test("an invalidation asked for twice with one reference is one, and is done a while later", async () => {
  const lab = await labWith((world) => [createCloudFront(world, { invalidationMs: 200 })]);
  await lab.world.call("cloudfront", "LabPutDistribution", { DistributionId: "E1SHOP" }, { region: "us-east-1" });
  const cdn = new CloudFrontClient(lab.client("us-east-1"));
  const ask = (...Items: string[]) =>
    cdn.send(
      new CreateInvalidationCommand({
        DistributionId: "E1SHOP",
        InvalidationBatch: { CallerReference: "evacuation", Paths: { Quantity: Items.length, Items } },
      }),
    );
  const first = (await ask("/*")).Invalidation;
  expect(first?.Status).toBe("InProgress");
  expect((await ask("/*")).Invalidation?.Id).toBe(first?.Id);
  await expect(ask("/other")).rejects.toMatchObject({ name: "InvalidArgument" });
  await vi.waitFor(async () => {
    const { Invalidation } = await cdn.send(new GetInvalidationCommand({ DistributionId: "E1SHOP", Id: first?.Id }));
    expect(Invalidation).toMatchObject({ Status: "Completed", InvalidationBatch: { Paths: { Items: ["/*"] } } });
  }, 10_000);
  await expect(cdn.send(new GetInvalidationCommand({ DistributionId: "E2", Id: first?.Id }))).rejects.toMatchObject({
    name: "NoSuchDistribution",
  });
});
