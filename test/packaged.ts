/**
 * What a test run needs once: the product, compiled for the tests' plan (the example with a tight confirmation window), and a place
 * for its labs.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { freemem } from "node:os";
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

const MEMORY = "/dev/shm";
const GIB = 2 ** 30;

/** Labs make and remove thousands of small files: in memory, where there is enough of it, that takes a tenth of the time. */
function labsInMemory(): (() => void) | undefined {
  if (process.env.UNDERSTUDY_LABS !== undefined) return undefined;
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize < 3 * GIB || freemem() < 4 * GIB) return undefined;
    const folder = mkdtempSync(join(MEMORY, "understudy-tests-"));
    // The databases' user passes through.
    chmodSync(folder, 0o711);
    process.env.UNDERSTUDY_LABS = folder;
    return () => rmSync(folder, { recursive: true, force: true });
  } catch {
    return undefined;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const tidy = labsInMemory();
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
  return () => tidy?.();
}
