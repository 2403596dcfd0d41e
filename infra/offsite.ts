/** The function that carries dumps to another provider: deployed only where the plan has any, because it restores, and deletes what it restored. */
import type { Plan } from "../core/plan/schema.ts";
import type { Json } from "./cloudformation.ts";

export const OFFSITE_FUNCTION = "offsite";

export const hasOffsite = (plan: Plan): boolean => plan.backups.some(({ offsite }) => offsite !== undefined);

/** As serverless.yml has functions. */
export function offsiteFunctions(plan: Plan, stack: string, code: string): Record<string, Json> {
  if (!hasOffsite(plan)) return {};
  const { subnetIds, securityGroupIds } = plan.network;
  return {
    [OFFSITE_FUNCTION]: {
      name: `${stack}-${OFFSITE_FUNCTION}`,
      description: "Durable; restores the newest copy for a while and carries a dump of it to another provider",
      handler: `${code}/${OFFSITE_FUNCTION}/index.handler`,
      role: "OffsiteRole",
      // Lambda's longest: what is not carried by then is carried by the next run. CPU comes with memory.
      timeout: 900,
      memorySize: 1024,
      vpc: { subnetIds: [...subnetIds], securityGroupIds: [...securityGroupIds] },
      package: { patterns: [`${code}/${OFFSITE_FUNCTION}/**`] },
      durableConfig: { executionTimeout: 172_800, retentionPeriodInDays: 90 },
    },
  };
}
