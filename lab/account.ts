/** One account of the lab: every service of AWS, made for one world. Which accounts there are is in accounts.ts. */
import type { Accounts } from "./accounts.ts";
import { createAutoScaling } from "./cloud/autoscaling.ts";
import { createCloudFront } from "./cloud/cloudfront.ts";
import { createCloudWatch, extractEmf } from "./cloud/cloudwatch.ts";
import { createEc2 } from "./cloud/ec2.ts";
import { createElbV2 } from "./cloud/elbv2.ts";
import { createEventBridge } from "./cloud/eventbridge.ts";
import { createIam, type Iam } from "./cloud/iam.ts";
import { createKms } from "./cloud/kms.ts";
import { createLambda, type Lambda } from "./cloud/lambda/index.ts";
import { createRds, type RdsService } from "./cloud/rds/index.ts";
import { createRoute53 } from "./cloud/route53.ts";
import { createS3 } from "./cloud/s3.ts";
import { createScheduler } from "./cloud/scheduler.ts";
import { createSecretsManager } from "./cloud/secretsmanager.ts";
import { createSns } from "./cloud/sns.ts";
import { createSsm } from "./cloud/ssm.ts";
import { createSts } from "./cloud/sts.ts";
import type { World } from "./cloud/world.ts";
import type { FaultHooks } from "./faults/index.ts";
import { createPermissions, type Permissions } from "./permissions/authorize.ts";

export interface Account {
  readonly world: World;
  readonly iam: Iam;
  readonly permissions: Permissions;
  readonly rds: RdsService;
  readonly lambda: Lambda;
}

/** What all accounts share with the rest of the lab. */
export interface Outside {
  /** Of the one port. */
  url(): string;
  readonly dns: string;
  readonly smtpPort: number;
  readonly faults: FaultHooks;
  readonly accounts: Accounts;
  readonly durableSpeed?: number | undefined;
  readonly durableFirstPage?: number | undefined;
}

/** The account's services, registered in its world and not yet started. */
export function makeAccount(world: World, { url, dns, smtpPort, faults, accounts, durableSpeed, durableFirstPage }: Outside): Account {
  const iam = createIam(world);
  const permissions = createPermissions(world);
  const rds = createRds(world);
  const lambda = createLambda(world, {
    endpoint: url,
    dns: () => dns,
    onLogLine: (region, line) => extractEmf(world, region, line),
    variables: faults.variables,
    durableSpeed,
    durableFirstPage,
  });
  for (const service of [
    iam,
    permissions,
    createSts(world, { onAssume: (key) => accounts.remember(key) }),
    createEc2(world),
    createS3(world),
    createSecretsManager(world),
    createSsm(world),
    createKms(world),
    createAutoScaling(world),
    createElbV2(world),
    createCloudFront(world),
    createScheduler(world),
    createRoute53(world),
    createSns(world, { smtp: () => ({ host: "127.0.0.1", port: smtpPort }), autoConfirm: true, url }),
    createCloudWatch(world),
    createEventBridge(world, { carry: faults.carry }),
    rds,
    lambda,
  ]) {
    world.register(faults.around(service));
  }
  return { world, iam, permissions, rds, lambda };
}
