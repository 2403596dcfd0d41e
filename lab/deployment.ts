// biome-ignore-all lint/suspicious/noExplicitAny: a compiled template is any JSON
/** Deploys a package into the lab as a user deploys it on AWS: the compiled template, then the small stack of the primary region. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import type { Plan } from "../core/plan/schema.ts";
import type { World } from "./cloud/world.ts";
import { deployStack, readPackage } from "./deploy/index.ts";
import { pointAtLatches } from "./latched.ts";

/** `folder` is where `serverless package` wrote; the primary region's template stands beside the bundles it names. */
export async function deployPackage(world: World, plan: Plan, folder: string): Promise<void> {
  const { template, artifacts } = readPackage(folder);
  const primary = JSON.parse(readFileSync(join(folder, "primary-region.json"), "utf8"));
  const stackName = `understudy-${plan.name}`;
  const { resources } = await deployStack(world, { template, artifacts, region: plan.regions.recovery, stackName });
  await deployStack(world, {
    ...withLocalCode(primary, folder),
    region: plan.regions.primary,
    stackName: `${stackName}-primary`,
    parameters: primary.Parameters ? { StateBucket: resources.StateBucket as string } : {},
  });
  await pointAtLatches(world, plan);
}

/** What `aws cloudformation package` does: a function's code that is a folder beside the template becomes a zip in a bucket. */
function withLocalCode(template: any, folder: string): { template: unknown; artifacts: (s3Key: string) => Uint8Array } {
  const zips = new Map<string, Uint8Array>();
  const Resources = Object.fromEntries(
    Object.entries<any>(template.Resources).map(([id, resource]) => {
      const code = resource.Properties?.Code;
      if (resource.Type !== "AWS::Lambda::Function" || typeof code !== "string") return [id, resource];
      const files = readdirSync(join(folder, code)).map((file) => [file, new Uint8Array(readFileSync(join(folder, code, file)))]);
      zips.set(code, zipSync(Object.fromEntries(files), { level: 1 }));
      return [id, { ...resource, Properties: { ...resource.Properties, Code: { S3Bucket: "packaged", S3Key: code } } }];
    }),
  );
  return { template: { ...template, Resources }, artifacts: (s3Key) => zips.get(s3Key) as Uint8Array };
}
