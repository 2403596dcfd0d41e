/** Compiles the product once a run for the tests' plan: the example with a tight confirmation window. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { packageProduct } from "../cli/package.ts";

declare module "vitest" {
  interface ProvidedContext {
    planFile: string;
    packageFolder: string;
  }
}

const ROOT = join(import.meta.dirname, "..");

export default async function setup(project: TestProject): Promise<void> {
  const example = readFileSync(join(ROOT, "recovery-plan.yml"), "utf8");
  const tight = example
    .replace("probeEverySeconds: 2", "probeEverySeconds: 1")
    .replace("missedProbes: 3", "missedProbes: 2")
    .replace("maxLagSeconds: 30", "maxLagSeconds: 3")
    .replace("ttlSeconds: 2", "ttlSeconds: 1");
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const planFile = join(ROOT, "dist", "test-plan.yml");
  writeFileSync(planFile, tight);
  project.provide("planFile", planFile);
  project.provide("packageFolder", await packageProduct(planFile, "dist/test"));
}
