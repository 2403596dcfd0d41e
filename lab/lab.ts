/**
 * Puts the lab together: its accounts with their services, the one port they answer on, a DNS server, a mail sink. What is deployed
 * into it and what befalls it is others' business.
 */
import type { Plan } from "../core/plan/schema.ts";
import { makeAccount } from "./account.ts";
import { Accounts } from "./accounts.ts";
import { type DnsServer, startDns } from "./cloud/dns.ts";
import type { Lambda } from "./cloud/lambda/index.ts";
import { type MailSink, startMailSink } from "./cloud/mail.ts";
import type { RdsService } from "./cloud/rds/index.ts";
import { type Timings, World } from "./cloud/world.ts";
import { deployPackage } from "./deployment.ts";
import { buildEstate, type ShopDatabase } from "./estate.ts";
import { labPaths } from "./faults/http.ts";
import { createFaults, type Faults } from "./faults/index.ts";
import { type LabFolder, readWorld, writeWorld } from "./folder.ts";
import type { Permissions } from "./permissions/authorize.ts";
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
  /** Another account's world, made when it is asked for the first time. */
  account(id: string): Promise<World>;
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
    const faults = createFaults(world, { rds: () => first.rds, lambda: () => first.lambda });
    const mail = await startMailSink(world);
    closers.push(() => mail.stop());
    const accounts = new Accounts(world, (of) => makeAccount(of, outside));
    const dns = await startDns(world, { records: (name) => accounts.records(name) });
    closers.push(() => dns.close());
    const url = () => (wire as Wire).url;
    const outside = { ...options, url, dns: `127.0.0.1:${dns.port}`, smtpPort: mail.port, faults, accounts };
    wire = await startWire(world, {
      port: options.port ?? 0,
      worldOf: async (key) => (await accounts.ofKey(key)).world,
      principalFor: (key) => accounts.principalFor(key),
      // Who may not is refused before anything can go wrong with the call.
      before: async (request, call, body) => {
        const { iam, permissions } = await accounts.of(call.caller.account);
        if (call.service === "sts") iam.mustBeSigned(request, body);
        await permissions.before(request, call);
        return await faults.before(request, call);
      },
      extra: labPaths(world, faults),
    });
    closers.push(() => wire?.close());
    closers.push(() => accounts.close());
    // What is broken on purpose ends with the lab: one that goes on later begins whole.
    closers.push(() => faults.clear());
    const first = await accounts.start();
    return {
      world,
      wire,
      dns,
      mail,
      rds: first.rds,
      lambda: first.lambda,
      permissions: first.permissions,
      faults,
      account: async (id) => (await accounts.of(id)).world,
      estate: (plan) => buildEstate(world, plan),
      deploy: (plan, packageFolder) => deployPackage(world, plan, packageFolder),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
