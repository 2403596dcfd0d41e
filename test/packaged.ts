/**
 * What a test run needs once: the product, compiled for the tests' plan (the example with a tight confirmation window), and a place
 * for its labs. UNDERSTUDY_PACKAGE and UNDERSTUDY_PLAN name a folder and a plan that were made before, for whoever runs a test many
 * times.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
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

const MEMORY = "/dev/shm";
const GIB = 2 ** 30;

/** Labs make and remove thousands of small files: in memory, where there is enough of it, that takes a tenth of the time. */
function labsInMemory(): (() => void) | undefined {
  if (process.env.UNDERSTUDY_LABS !== undefined) return undefined;
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize < 3 * GIB || freemem() < 4 * GIB) return undefined;
    // What a run that was killed has left there is memory nobody gives back.
    for (const name of readdirSync(MEMORY)) {
      const [, pid] = /^understudy-tests-(\d+)-/.exec(name) ?? [];
      if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(MEMORY, name), { recursive: true, force: true });
    }
    const folder = mkdtempSync(join(MEMORY, `understudy-tests-${process.pid}-`));
    // The databases' user passes through.
    chmodSync(folder, 0o711);
    process.env.UNDERSTUDY_LABS = folder;
    return () => rmSync(folder, { recursive: true, force: true });
  } catch {
    return undefined;
  }
}

/** Many tests package a plan of their own: what their functions have in common is bundled once a run. */
function bundlesOnce(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "understudy-bundles-"));
  process.env.UNDERSTUDY_BUNDLES = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

export default async function setup(project: TestProject): Promise<() => void> {
  const ends = [labsInMemory(), bundlesOnce()];
  const tidy = () => {
    for (const end of ends) end?.();
  };
  const { UNDERSTUDY_PACKAGE, UNDERSTUDY_PLAN } = process.env;
  if (UNDERSTUDY_PACKAGE && UNDERSTUDY_PLAN) {
    project.provide("planFile", UNDERSTUDY_PLAN);
    project.provide("packageFolder", UNDERSTUDY_PACKAGE);
    return tidy;
  }
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const planFile = join(ROOT, "dist", "test-plan.yml");
  writeFileSync(planFile, tightPlan(readFileSync(join(ROOT, "recovery-plan.yml"), "utf8")));
  project.provide("planFile", planFile);
  project.provide("packageFolder", await packageProduct(planFile, "dist/test"));
  return tidy;
}
