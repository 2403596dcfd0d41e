/** Deploys a package into the lab as a user deploys it on AWS: the small stack first, then the compiled template. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../core/plan/schema.ts";
import type { World } from "./cloud/world.ts";
import { deployStack, readPackage } from "./deploy/index.ts";
import { pointAtLatches } from "./latched.ts";

/** `folder` is where `serverless package` wrote; the primary region's template stands beside the bundles it names. */
export async function deployPackage(world: World, plan: Plan, folder: string): Promise<void> {
  const { template, artifacts } = readPackage(folder);
  const primary = JSON.parse(readFileSync(join(folder, "primary-region.json"), "utf8"));
  const stackName = `understudy-${plan.name}`;
  await deployStack(world, { template, artifacts, region: plan.regions.recovery, stackName });
  await deployStack(world, { template: primary, artifacts, region: plan.regions.primary, stackName: `${stackName}-primary` });
  await pointAtLatches(world, plan);
}
