/**
 * Compiles the product once a run for the tests' plan: the example with a tight confirmation window. UNDERSTUDY_PACKAGE and
 * UNDERSTUDY_PLAN name a folder and a plan that were made before, for whoever runs a test many times.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { packageProduct } from "../cli/package.ts";
import { tightPlan } from "../cli/tight-plan.ts";

declare module "vitest" {
  interface ProvidedContext {
    planFile: string;
    packageFolder: string;
  }
}

const ROOT = join(import.meta.dirname, "..");

export default async function setup(project: TestProject): Promise<void> {
  const { UNDERSTUDY_PACKAGE, UNDERSTUDY_PLAN } = process.env;
  if (UNDERSTUDY_PACKAGE && UNDERSTUDY_PLAN) {
    project.provide("planFile", UNDERSTUDY_PLAN);
    project.provide("packageFolder", UNDERSTUDY_PACKAGE);
    return;
  }
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const planFile = join(ROOT, "dist", "test-plan.yml");
  writeFileSync(planFile, tightPlan(readFileSync(join(ROOT, "recovery-plan.yml"), "utf8")));
  project.provide("planFile", planFile);
  project.provide("packageFolder", await packageProduct(planFile, "dist/test"));
}
