/** A function, its alias, a rule: as the template would have deployed them, put into a world without a packager. */
import { stateOf } from "../cloud/lambda/functions.ts";
import type { World } from "../cloud/world.ts";

export interface Installed {
  readonly region: string;
  readonly name: string;
  /** The bundle's name. */
  readonly code: string;
  /** Seconds. */
  readonly timeout: number;
  /** The execution's timeout in seconds, where it is durable. */
  readonly durable?: number | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

export const functionArn = (world: World, region: string, name: string): string =>
  `arn:aws:lambda:${region}:${world.account}:function:${name}`;

/** What serverless.yml gives every function. */
export const environmentOf = (world: World, bucket: string, region: string): Record<string, string> => ({
  ACCOUNT_ID: world.account,
  STATE_BUCKET: bucket,
  TOPIC_ARN: `arn:aws:sns:${region}:${world.account}:understudy`,
  WATCH_FUNCTION: "watch",
  MOVE_FUNCTION: "move",
  BACKUP_FUNCTION: "backup",
  RESTORE_FUNCTION: "restore",
  DRILL_FUNCTION: "drill",
  SITE_FUNCTION: "site",
  OFFSITE_FUNCTION: "offsite",
  MACHINE_FUNCTION: "machine",
  VAULT_FUNCTION: "vault",
  BUCKET_FUNCTION: "bucket",
});

export function installFunction(world: World, { region, name, code, timeout, durable, environment }: Installed): void {
  const version = {
    version: "1",
    runtime: "nodejs24.x",
    handler: "index.handler",
    role: `arn:aws:iam::${world.account}:role/${name}`,
    description: "",
    timeoutSeconds: timeout,
    memorySizeMb: 256,
    environment: { ...environment },
    architectures: ["arm64"],
    codeSha256: "",
    codeSizeBytes: 0,
    codeFolder: code,
    ...(durable ? { durable: { ExecutionTimeout: durable, RetentionPeriodInDays: 90 } } : {}),
    shown: {},
    lastModified: "",
  };
  const anyone = { Sid: "any", Effect: "Allow" as const, Principal: "*" as const, Action: "lambda:InvokeFunction", Resource: "*" };
  stateOf(world).functions[`${region}/${name}`] = {
    name,
    region,
    versions: { $LATEST: { ...version, version: "$LATEST" }, "1": version },
    aliases: { durable: { version: "1", description: "" } },
    policies: { "": [anyone] },
    eventInvoke: {},
  };
}

/** `when`: a ScheduleExpression or an EventPattern. */
export async function installRule(world: World, region: string, name: string, when: Record<string, string>, target: string): Promise<void> {
  await world.call("events", "PutRule", { Name: name, ...when }, { region });
  await world.call("events", "PutTargets", { Rule: name, Targets: [{ Id: "target", Arn: target, RoleArn: "role" }] }, { region });
}
