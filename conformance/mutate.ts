/**
 * Is a suite alive? Each behaviour of a list is switched off in a copy of the project, one at a time, and the test that must notice is
 * run there. Whoever has a list asks: mutations.ts for the lab, test/guards/mutate.ts for the product's guards. Not part of npm test.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Mutation {
  /** The behaviour, as it is while it works. */
  readonly behaviour: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** The test's file, and a part of its full name that only it has. */
  readonly test: readonly [file: string, name: string];
}

const ROOT = join(import.meta.dirname, "..");
const COPIED = [
  "aws",
  "cli",
  "conformance",
  "core",
  "databases",
  "events",
  "functions",
  "infra",
  "lab",
  "offsite",
  "runbooks",
  "recovery-plan.yml",
  "serverless.yml",
  "test",
  "package.json",
];
const copy = mkdtempSync(join(tmpdir(), "mutations-"));
process.once("exit", () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

for (const each of COPIED) cpSync(join(ROOT, each), join(copy, each), { recursive: true });
symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
writeFileSync(
  join(copy, "vitest.config.ts"),
  `export default { test: { include: ["test/**/*.test.ts"], globalSetup: [process.env.MUTATED_SETUP], testTimeout: 120_000, hookTimeout: 60_000, teardownTimeout: 5000, bail: 1 } };\n`,
);

/** What deploys the product needs it compiled from the copy; everything else makes do with the plan. */
const setupFor = (file: string): string =>
  /from "\.\/shop\.ts"/.test(readFileSync(join(copy, file), "utf8")) ? "test/packaged.ts" : "test/plan-alone.ts";

/** Runs the tests whose full names contain one of `names`. */
async function run(file: string, names: readonly string[]): Promise<{ passed: string[]; failed: string[]; output: string }> {
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const pattern = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const args = [join(ROOT, "node_modules/vitest/vitest.mjs"), "run", file, "-t", pattern, "--reporter=json", `--outputFile=${report}`];
  const env = { ...process.env, CONFORMANCE_PATIENCE_MS: "8000", MUTATED_SETUP: setupFor(file) };
  const child = spawn(process.execPath, args, { cwd: copy, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  await new Promise((resolve) => child.once("close", resolve));
  const results: { fullName: string; status: string; failureMessages: string[] }[] = [];
  try {
    for (const { assertionResults } of JSON.parse(readFileSync(report, "utf8")).testResults) results.push(...assertionResults);
  } catch {
    // No report: nothing ran, which the caller tells with the output.
  }
  const of = (status: string) => results.filter((result) => result.status === status).map(({ fullName }) => fullName);
  output += results.flatMap(({ failureMessages }) => failureMessages.map((message) => `\n${message}`)).join("");
  return { passed: of("passed"), failed: of("failed"), output };
}

/** Switches the behaviour off and answers how to switch it on again. */
function switchOff({ behaviour, file, from, to }: Mutation, listFile: string): () => void {
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  const places = text.split(from).length - 1;
  if (places !== 1)
    throw new Error(
      `"${behaviour}" cannot be switched off: ${file} holds the text ${places} times, not once. Correct ${listFile}:\n  ${from}`,
    );
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  return () => writeFileSync(path, text);
}

/** Tries the whole list and prints a line for each; every change must be possible, and every test must pass, before anything is switched off. */
export async function mutate(list: readonly Mutation[], listFile: string): Promise<void> {
  for (const mutation of list) switchOff(mutation, listFile)();
  for (const [file, those] of Map.groupBy(list, ({ test: [file] }) => file)) {
    const names = [...new Set(those.map(({ test: [, name] }) => name))];
    const { passed, failed, output } = await run(file, names);
    const silent = names.filter((name) => !passed.some((full) => full.includes(name)));
    if (failed.length > 0 || silent.length > 0)
      throw new Error(`${file} is not well to begin with; failed: ${failed.join()}; not run: ${silent.join()}\n${output.slice(-2000)}`);
  }

  let noticed = 0;
  for (const mutation of list) {
    const [file, name] = mutation.test;
    const switchOn = switchOff(mutation, listFile);
    const { failed, output } = await run(file, [name]);
    switchOn();
    const seen = failed.some((full) => full.includes(name));
    if (seen) noticed += 1;
    console.log(`${seen ? "noticed    " : "NOT NOTICED"} ${mutation.behaviour}`);
    if (!seen) console.log(output.slice(-1500));
  }
  console.log(`noticed ${noticed} of ${list.length}`);
  process.exitCode = noticed === list.length ? 0 : 1;
}
