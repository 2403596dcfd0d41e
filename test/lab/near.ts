/** The tests' plan with a probe in the primary's network too, compiled once a test file. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { packageProduct } from "../../cli/package.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";

const NEAR_NETWORK = `
  primary:
    subnetIds: [subnet-0a1b2c3d4e5f60003]
    securityGroupIds: [sg-0a1b2c3d4e5f6bbbb]
`;

/** A plan's text with the primary's network in it. */
export const withNearProbe = (text: string): string =>
  text.replace(/\n {2}securityGroupIds: .*\n/, (line) => `${line.trimEnd()}${NEAR_NETWORK}`);

export function nearPlan(): { plan: Plan; text: string } {
  const text = withNearProbe(readFileSync(inject("planFile"), "utf8"));
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  if (!parsed.plan.network.primary) throw new Error("the primary's network did not get into the plan");
  return { plan: parsed.plan, text };
}

export async function packageNear(): Promise<{ plan: Plan; folder: string }> {
  const { plan, text } = nearPlan();
  const out = "dist/test-near";
  const folder = join(import.meta.dirname, "..", "..", out);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}-plan.yml`, text);
  return { plan, folder: await packageProduct(`${folder}-plan.yml`, out) };
}
