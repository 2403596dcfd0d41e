/** The tests' plan without the packaged product: enough for runbooks that run from their source. Used where the product is changed on purpose. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { tightPlan } from "../cli/tight-plan.ts";
import { readPlanFile } from "../infra/plan-file.ts";

export default function setup(project: TestProject): void {
  const folder = join(import.meta.dirname, "..", "dist", "plan-alone");
  for (const each of ["move", "package"]) mkdirSync(join(folder, each), { recursive: true });
  const planFile = join(folder, "plan.yml");
  writeFileSync(planFile, tightPlan(readFileSync(join(import.meta.dirname, "..", "recovery-plan.yml"), "utf8")));
  writeFileSync(join(folder, "move", "plan.json"), JSON.stringify(readPlanFile(planFile)));
  project.provide("planFile", planFile);
  project.provide("packageFolder", join(folder, "package"));
}
