/** All that serverless.yml takes from the plan; bundles the functions on the way. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { alarms } from "./alarms.ts";
import { bundle } from "./bundle.ts";
import type { Json } from "./cloudformation.ts";
import { latches } from "./latch.ts";
import { mails } from "./mails.ts";
import { readPlanFile } from "./plan-file.ts";
import { primaryRegionTemplate, rdsEvents } from "./primary-region.ts";
import { roles } from "./roles.ts";
import { storage } from "./storage.ts";

export interface FromPlan {
  /** Names the stack, and begins the name of everything in it. */
  readonly stack: string;
  readonly region: string;
  /** Folder of the bundles, relative to the project. */
  readonly code: string;
  readonly vpc: { readonly subnetIds: readonly string[]; readonly securityGroupIds: readonly string[] };
  readonly rdsEvents: Json;
  readonly resources: Json;
}

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
  await writeFile(join(folder, "primary-region.json"), `${JSON.stringify(primaryRegionTemplate(plan, stack), null, 2)}\n`);
  return {
    stack,
    region: plan.regions.recovery,
    code: out,
    vpc: { subnetIds: plan.network.subnetIds, securityGroupIds: plan.network.securityGroupIds },
    rdsEvents: rdsEvents(plan),
    resources: { ...storage(), ...mails(plan), ...alarms(plan), ...latches(plan), ...roles(plan, stack) } as unknown as Json,
  };
}
