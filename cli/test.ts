/**
 * `npm test`: types, house rules, then every test. Ends with "N passed, N failed" alone on its line.
 * Names of files or `-t words` after `--` narrow it: npm test -- test/unit
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const bin = (name: string) => join(ROOT, "node_modules", ".bin", name);
const narrowed = process.argv.slice(2);

let failed = 0;
const checks: [string, string, string[]][] =
  narrowed.length > 0
    ? []
    : [
        ["types (tsc)", bin("tsc"), ["--noEmit"]],
        ["format, lint and who may import whom (biome)", bin("biome"), ["check", "--error-on-warnings"]],
      ];
for (const [name, file, args] of checks) {
  const { status } = spawnSync(file, args, { cwd: ROOT, stdio: "inherit" });
  console.log(`${status === 0 ? "passed" : "FAILED"}: ${name}`);
  if (status !== 0) failed++;
}

/** Far above what a healthy run takes; a run that hangs ends by itself. */
const LIMIT_MS = 25 * 60_000;
const { status, error } = spawnSync(bin("vitest"), ["run", ...narrowed], {
  cwd: ROOT,
  stdio: "inherit",
  timeout: LIMIT_MS,
  env: { ...process.env, UNDERSTUDY_CHECKS: `${checks.length - failed},${failed}` },
});
if (error) console.error(`The tests did not end within ${LIMIT_MS / 60_000} minutes and were stopped.\n0 passed, 1 failed`);
process.exitCode = failed > 0 || status !== 0 ? 1 : 0;
