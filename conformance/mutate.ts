/**
 * Is a suite alive? Each behaviour of a list is switched off in a copy of the project, one at a time, and the test that must notice is
 * run there. Whoever has a list asks: mutations.ts for the lab, test/guards/mutate.ts for the product's guards. Not part of npm test.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
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
/** As many at once; a test that is only loaded must not fail, so no more than the machine has cores. */
const LANES = Math.min(3, availableParallelism());

interface Outcome {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** Every test of the file, in its order, by its full name. */
  readonly all: readonly string[];
  readonly output: string;
}

/** A copy of the project in which one behaviour at a time is switched off. */
class Lane {
  private readonly folder = mkdtempSync(join(tmpdir(), "mutations-"));

  constructor() {
    process.once("exit", () => rmSync(this.folder, { recursive: true, force: true }));
    for (const each of COPIED) cpSync(join(ROOT, each), this.at(each), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), this.at("node_modules"));
    writeFileSync(
      this.at("vitest.config.ts"),
      `export default { test: { include: ["test/**/*.test.ts"], globalSetup: [process.env.MUTATED_SETUP], testTimeout: 120_000, hookTimeout: 60_000, teardownTimeout: 5000 } };\n`,
    );
  }

  private at(path: string): string {
    return join(this.folder, path);
  }

  /** What deploys the product needs it compiled from the copy; everything else makes do with the plan. */
  private setupFor(file: string): string {
    return /from "\.\/shop\.ts"/.test(readFileSync(this.at(file), "utf8")) ? "test/packaged.ts" : "test/plan-alone.ts";
  }

  /** Runs the tests whose full names contain one of `names`. */
  async run(file: string, names: readonly string[]): Promise<Outcome> {
    const report = this.at("report.json");
    rmSync(report, { force: true });
    const pattern = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
    const args = [join(ROOT, "node_modules/vitest/vitest.mjs"), "run", file, "-t", pattern, "--reporter=json", `--outputFile=${report}`];
    const env = { ...process.env, CONFORMANCE_PATIENCE_MS: "8000", MUTATED_SETUP: this.setupFor(file) };
    const child = spawn(process.execPath, args, { cwd: this.folder, env, stdio: ["ignore", "pipe", "pipe"] });
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
    return { passed: of("passed"), failed: of("failed"), all: results.map(({ fullName }) => fullName), output };
  }

  /** Switches the behaviour off and answers how to switch it on again. */
  switchOff({ behaviour, file, from, to }: Mutation, listFile: string): () => void {
    const path = this.at(file);
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

  /**
   * The tests that have to run for this one to pass in a project that is well: itself, or whatever stands before it in its file too. A
   * test that fails alone would seem to notice everything.
   */
  async needed([file, name]: Mutation["test"]): Promise<readonly string[]> {
    const alone = await this.run(file, [name]);
    if (isWell(alone, name)) return [name];
    const last = alone.all.findLastIndex((full) => full.includes(name));
    const chain = alone.all.slice(0, last + 1);
    const together = last < 0 ? alone : await this.run(file, chain);
    if (last >= 0 && isWell(together, name)) return chain;
    throw new Error(
      `"${name}" of ${file} is not well to begin with; failed: ${together.failed.join() || "nothing"}\n${together.output.slice(-2000)}`,
    );
  }
}

const isWell = ({ passed, failed }: Outcome, name: string): boolean => failed.length === 0 && passed.some((full) => full.includes(name));

/** Does the work of each in turn, in as many lanes as there are. */
async function inLanes<Work>(
  lanes: readonly Lane[],
  works: readonly Work[],
  work: (lane: Lane, one: Work) => Promise<void>,
): Promise<void> {
  const left = [...works];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await work(lane, one);
    }),
  );
}

/** Tries the whole list and prints a line for each; every change must be possible, and every test must pass, before anything is switched off. */
export async function mutate(list: readonly Mutation[], listFile: string): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const lanes = Array.from({ length: LANES }, () => new Lane());
  for (const mutation of list) (lanes[0] as Lane).switchOff(mutation, listFile)();
  const tests = new Map(list.map(({ test }) => [test.join("\n"), test]));
  const needed = new Map<string, readonly string[]>();
  console.log(`${tests.size} tests are tried before anything is switched off; ${LANES} run at once.`);
  const unwell: string[] = [];
  await inLanes(lanes, [...tests], async (lane, [key, test]) => {
    await lane.needed(test).then(
      (names) => void needed.set(key, names),
      (error: Error) => void unwell.push(error.message),
    );
  });
  if (unwell.length > 0) throw new Error(unwell.join("\n\n"));

  let noticed = 0;
  await inLanes(lanes, list, async (lane, mutation) => {
    const [file, name] = mutation.test;
    const switchOn = lane.switchOff(mutation, listFile);
    const { failed, output } = await lane.run(file, needed.get(mutation.test.join("\n")) as readonly string[]);
    switchOn();
    const seen = failed.some((full) => full.includes(name));
    if (seen) noticed += 1;
    console.log(`${seen ? "noticed    " : "NOT NOTICED"} ${mutation.behaviour}`);
    if (!seen) console.log(output.slice(-1500));
  });
  console.log(`noticed ${noticed} of ${list.length}`);
  process.exitCode = noticed === list.length ? 0 : 1;
}
