/**
 * `npm run size`: each bundle's size and median import time in a fresh process, against the limits. Reads what the last
 * `serverless package` left in dist/; bundles first when there is nothing.
 */
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BUCKET_FUNCTION } from "./buckets.ts";
import { bundle, FUNCTIONS } from "./bundle.ts";
import { OFFSITE_FUNCTION } from "./offsite.ts";
import { readPlanFile } from "./plan-file.ts";

const ROOT = join(import.meta.dirname, "..");
const DURABLE = ["backup", "drill", "machine", "move", "restore", "site", "vault"];
/** `whole`: with the databases' clients and S3's as they are; it starts once a day. */
const LIMITS = { plain: { kb: 400, ms: 60 }, durable: { kb: 700, ms: 75 }, whole: { kb: 2_300, ms: 400 } };
const RUNS = 11;

if (!existsSync(join(ROOT, "dist", "watch", "index.mjs"))) await bundle(readPlanFile(join(ROOT, "recovery-plan.yml")), "dist");

// Of a plan without offsite dumps there is none for them.
const made = FUNCTIONS.filter((name) => existsSync(join(ROOT, "dist", name, "index.mjs")));
console.log(`bundle     size KB (limit)   import ms, median of ${RUNS} (limit)`);
let over = 0;
for (const name of made) {
  const file = join(ROOT, "dist", name, "index.mjs");
  const limit = [OFFSITE_FUNCTION, BUCKET_FUNCTION].includes(name) ? LIMITS.whole : DURABLE.includes(name) ? LIMITS.durable : LIMITS.plain;
  const kb = statSync(file).size / 1000;
  const ms = median(Array.from({ length: RUNS }, () => importMs(file)));
  const bad = kb > limit.kb || ms > limit.ms;
  if (bad) over++;
  console.log(
    `${name.padEnd(10)} ${kb.toFixed(0).padStart(5)} (${limit.kb})       ${ms.toFixed(1).padStart(6)} (${limit.ms})${bad ? "   over the limit" : ""}`,
  );
}
if (over > 0) {
  console.error(`${over} of ${made.length} bundles are over their limit.`);
  process.exitCode = 1;
}

function importMs(file: string): number {
  const script = `const t = performance.now(); await import(${JSON.stringify(pathToFileURL(file).href)}); console.log(performance.now() - t);`;
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    env: { PATH: process.env.PATH, AWS_REGION: "eu-west-1" },
    encoding: "utf8",
  });
  return Number(out.trim().split("\n").at(-1));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}
