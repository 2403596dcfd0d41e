/** A lab with every service and nothing in it, for tests that break it and look through real clients. Ends with the test. */
import { LambdaClient } from "@aws-sdk/client-lambda";
import { RDSClient } from "@aws-sdk/client-rds";
import { Route53Client } from "@aws-sdk/client-route-53";
import { S3Client } from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import { APP_GROUP } from "../../lab/estate.ts";
import type { Fault } from "../../lab/faults/index.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { createSecurityGroup } from "../../lab/given.ts";
import { type Lab, startLab } from "../../lab/lab.ts";
import { waitFor } from "../../lab/look.ts";
import { packageOf } from "./fixtures/packages.ts";

export const REGION = "eu-central-1";
export const AWAY = "eu-west-1";
export const PASSWORD = "long-enough";

/** Printed, so that what chance broke can be had again: SEED=… npx vitest run … */
export const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));
console.log(`seed ${SEED}`);

export class BrokenLab {
  readonly lab: Lab;
  private readonly clients: { destroy(): void }[] = [];

  constructor(lab: Lab) {
    this.lab = lab;
  }

  static async open(): Promise<BrokenLab> {
    const opened = new BrokenLab(await startLab({ folder: throwawayFolder(), seed: SEED }));
    onTestFinished(async () => {
      for (const client of opened.clients) client.destroy();
      await opened.lab.close();
    });
    return opened;
  }

  private settings(region: string, maxAttempts: number) {
    return { endpoint: this.lab.wire.url, region, maxAttempts, credentials: { accessKeyId: "tester", secretAccessKey: "x" } };
  }

  private own<C extends { destroy(): void }>(client: C): C {
    this.clients.push(client);
    return client;
  }

  rds = (region = REGION, maxAttempts = 1) => this.own(new RDSClient(this.settings(region, maxAttempts)));
  s3 = (region = REGION, maxAttempts = 1) => this.own(new S3Client({ ...this.settings(region, maxAttempts), forcePathStyle: true }));
  route53 = () => this.own(new Route53Client(this.settings("us-east-1", 1)));
  lambda = (region = REGION) => this.own(new LambdaClient(this.settings(region, 1)));

  inject(fault: Fault) {
    return this.lab.faults.inject(fault);
  }

  call(service: string, operation: string, input: unknown, region = REGION) {
    return this.lab.world.call(service, operation, input, { region });
  }

  told(part: string) {
    return this.lab.world.story.filter(({ what }) => what.includes(part));
  }

  async bucket(name = "things", region = REGION): Promise<void> {
    await this.call("s3", "CreateBucket", { Bucket: name, CreateBucketConfiguration: { LocationConstraint: region } }, region);
  }

  /** The `caller` fixture, deployed under a name. */
  async deployCaller(name: string, region = REGION): Promise<void> {
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
    };
    const { Role } = await this.call("iam", "CreateRole", { RoleName: name, AssumeRolePolicyDocument: trust }, region);
    // What these tests break is not the permission.
    const PolicyDocument = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
    await this.call("iam", "PutRolePolicy", { RoleName: name, PolicyName: "everything", PolicyDocument }, region);
    const code = { ZipFile: await packageOf("caller.mjs", name) };
    const input = {
      FunctionName: name,
      Runtime: "nodejs24.x",
      Handler: `dist/${name}/index.handler`,
      Role: Role.Arn,
      Timeout: 20,
      Code: code,
    };
    await this.call("lambda", "CreateFunction", input, region);
  }

  async invoke(name: string, event: unknown, region = REGION) {
    const input = { FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) };
    const { Payload, FunctionError } = await this.call("lambda", "Invoke", input, region);
    return { failed: FunctionError as string | undefined, body: JSON.parse(Buffer.from(Payload).toString("utf8")) };
  }

  /** A database, available, and where its clients reach it. */
  async database(id: string, more: Record<string, unknown> = {}): Promise<{ host: string; port: number }> {
    await createSecurityGroup(this.lab.world, REGION, APP_GROUP, "databases", [5432]);
    await this.call("rds", "CreateDBInstance", {
      DBInstanceIdentifier: id,
      Engine: "postgres",
      DBInstanceClass: "db.t4g.micro",
      AllocatedStorage: 20,
      DBName: "shop",
      MasterUsername: "keeper",
      MasterUserPassword: PASSWORD,
      VpcSecurityGroupIds: [APP_GROUP],
      ...more,
    });
    return await this.available(id);
  }

  async available(id: string): Promise<{ host: string; port: number }> {
    const { Address, Port } = await waitFor(`${id} to be available`, 30_000, async () => {
      const { DBInstances } = await this.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: id });
      return DBInstances[0].DBInstanceStatus === "available" && DBInstances[0].Endpoint;
    });
    const hosts = this.lab.world.state<Record<string, string>>("hosts", () => ({}));
    return { host: hosts[Address.toLowerCase()] as string, port: Port };
  }
}
