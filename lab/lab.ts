/**
 * Puts the lab together: one world, its services, the one port they answer on, a DNS server, a mail sink. What is deployed into it
 * and what befalls it is others' business.
 */
import type { Plan } from "../core/plan/schema.ts";
import { createAutoScaling } from "./cloud/autoscaling.ts";
import { createCloudWatch, extractEmf } from "./cloud/cloudwatch.ts";
import { type DnsServer, startDns } from "./cloud/dns.ts";
import { createEc2 } from "./cloud/ec2.ts";
import { createEventBridge } from "./cloud/eventbridge.ts";
import { createIam } from "./cloud/iam.ts";
import { createKms } from "./cloud/kms.ts";
import { createLambda, type Lambda } from "./cloud/lambda/index.ts";
import { type MailSink, startMailSink } from "./cloud/mail.ts";
import { createRds, type RdsService } from "./cloud/rds/index.ts";
import { createRoute53, servedRecords } from "./cloud/route53.ts";
import { createS3 } from "./cloud/s3.ts";
import { createScheduler } from "./cloud/scheduler.ts";
import { createSecretsManager } from "./cloud/secretsmanager.ts";
import { createSns } from "./cloud/sns.ts";
import { createSsm } from "./cloud/ssm.ts";
import { createSts } from "./cloud/sts.ts";
import { type Timings, World } from "./cloud/world.ts";
import { deployPackage } from "./deployment.ts";
import { buildEstate, type ShopDatabase } from "./estate.ts";
import { labPaths } from "./faults/http.ts";
import { createFaults, type Faults } from "./faults/index.ts";
import { type LabFolder, readWorld, writeWorld } from "./folder.ts";
import { createPermissions, type Permissions } from "./permissions/authorize.ts";
import { startWire, type Wire } from "./wire/server.ts";

export interface LabOptions {
  readonly folder: LabFolder;
  /** 0 takes a free port. */
  readonly port?: number;
  readonly timings?: Partial<Timings>;
  readonly seed?: number;
  /** Goes on with what an earlier lab left in the folder. */
  readonly resume?: boolean;
  /** Durable waits pass this many times faster. */
  readonly durableSpeed?: number;
  /** Operations of a durable execution that travel with an invocation; the function asks for the rest. */
  readonly durableFirstPage?: number;
}

export interface Lab {
  readonly world: World;
  readonly wire: Wire;
  readonly dns: DnsServer;
  readonly mail: MailSink;
  readonly rds: RdsService;
  readonly lambda: Lambda;
  readonly permissions: Permissions;
  /** What is broken on purpose. */
  readonly faults: Faults;
  /** The databases, names and secrets a plan speaks of. */
  estate(plan: Plan): Promise<ShopDatabase[]>;
  /** Deploys what `serverless package` left in `folder`, and the primary region's small stack. */
  deploy(plan: Plan, folder: string): Promise<void>;
  /** Writes the world down and ends every process. */
  close(): Promise<void>;
}

export async function startLab(options: LabOptions): Promise<Lab> {
  const { folder } = options;
  const state = options.resume ? readWorld(folder.path) : undefined;
  if (options.resume && !state) throw new Error(`There is no lab to resume in ${folder.path}: npm start leaves one.`);
  const world = new World({ dir: folder.path, timings: options.timings, seed: options.seed, state });
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
    writeWorld(folder.path, world.save());
    await folder.leave();
  };
  try {
    let wire: Wire | undefined;
    const iam = createIam(world);
    const permissions = createPermissions(world);
    const faults = createFaults(world, { rds: () => rds, lambda: () => lambda });
    wire = await startWire(world, {
      port: options.port ?? 0,
      principalFor: (key) => iam.principalFor(key),
      // Who may not is refused before anything can go wrong with the call.
      before: async (request, call, body) => {
        if (call.service === "sts") iam.mustBeSigned(request, body);
        await permissions.before(request, call);
        return await faults.before(request, call);
      },
      extra: labPaths(world, faults),
    });
    const { url } = wire;
    closers.push(() => wire?.close());
    const dns = await startDns(world, { records: servedRecords(world) });
    closers.push(() => dns.close());
    const mail = await startMailSink(world);
    closers.push(() => mail.stop());
    const rds = createRds(world);
    const lambda = createLambda(world, {
      endpoint: () => url,
      dns: () => `127.0.0.1:${dns.port}`,
      onLogLine: (region, line) => extractEmf(world, region, line),
      variables: faults.variables,
      durableSpeed: options.durableSpeed,
      durableFirstPage: options.durableFirstPage,
    });
    for (const service of [
      iam,
      permissions,
      createSts(world, { onAssume: (key) => iam.remember(key) }),
      createEc2(world),
      createS3(world),
      createSecretsManager(world),
      createSsm(world),
      createKms(world),
      createAutoScaling(world),
      createScheduler(world),
      createRoute53(world),
      createSns(world, { smtp: () => ({ host: "127.0.0.1", port: mail.port }), autoConfirm: true, url: () => url }),
      createCloudWatch(world),
      createEventBridge(world, { carry: faults.carry }),
      rds,
      lambda,
    ]) {
      world.register(faults.around(service));
    }
    closers.push(() => world.close());
    // What is broken on purpose ends with the lab: one that goes on later begins whole.
    closers.push(() => faults.clear());
    await world.start();
    return {
      world,
      wire,
      dns,
      mail,
      rds,
      lambda,
      permissions,
      faults,
      estate: (plan) => buildEstate(world, plan),
      deploy: (plan, packageFolder) => deployPackage(world, plan, packageFolder),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
