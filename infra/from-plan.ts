/** All that serverless.yml takes from the plan; bundles the functions on the way. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { alarms } from "./alarms.ts";
import { bucketFunctions } from "./buckets.ts";
import { bundle } from "./bundle.ts";
import type { Json } from "./cloudformation.ts";
import { latches } from "./latch.ts";
import { machineFunctions } from "./machines.ts";
import { mails } from "./mails.ts";
import { offsiteFunctions } from "./offsite.ts";
import { readPlanFile } from "./plan-file.ts";
import { primaryRegionTemplate, rdsEvents } from "./primary-region.ts";
import { roles } from "./roles.ts";
import { storage } from "./storage.ts";
import { vaultFunctions } from "./vault.ts";
import { VAULT_TEMPLATE, vaultAccountTemplate } from "./vault-account.ts";

export interface FromPlan {
  /** Names the stack, and begins the name of everything in it. */
  readonly stack: string;
  readonly region: string;
  /** Folder of the bundles, relative to the project. */
  readonly code: string;
  readonly vpc: { readonly subnetIds: readonly string[]; readonly securityGroupIds: readonly string[] };
  readonly rdsEvents: Json;
  /** Those that not every plan has. */
  readonly functions: Readonly<Record<string, Json>>;
  readonly resources: Json;
}

const asText = (template: object): string => `${JSON.stringify(template, null, 2)}\n`;

let made: Promise<FromPlan> | undefined;

/** serverless.yml asks once a variable; the work is done once. */
export function fromPlan(options: { planFile: string; out: string }): Promise<FromPlan> {
  made ??= make(options);
  return made;
}

async function make({ planFile, out }: { planFile: string; out: string }): Promise<FromPlan> {
  const plan = readPlanFile(planFile);
  const stack = `understudy-${plan.name}`;
  await bundle(plan, out);
  const folder = join(import.meta.dirname, "..", out);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "primary-region.json"), asText(primaryRegionTemplate(plan, stack)));
  const vault = vaultAccountTemplate(plan, stack);
  await (vault ? writeFile(join(folder, VAULT_TEMPLATE), asText(vault)) : rm(join(folder, VAULT_TEMPLATE), { force: true }));
  return {
    stack,
    region: plan.regions.recovery,
    code: out,
    vpc: { subnetIds: plan.network.subnetIds, securityGroupIds: plan.network.securityGroupIds },
    rdsEvents: rdsEvents(plan),
    functions: Object.assign(
      {},
      ...[offsiteFunctions, bucketFunctions, machineFunctions, vaultFunctions].map((of) => of(plan, stack, out)),
    ),
    resources: { ...storage(), ...mails(plan), ...alarms(plan), ...latches(plan), ...roles(plan, stack) } as unknown as Json,
  };
}
