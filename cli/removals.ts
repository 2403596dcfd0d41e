/**
 * `npm run permissions:removals`: is every permission needed, and is its loss seen? For each action of each role the rehearsal's test
 * is run, as a run of its own, on a template without that action, and must fail with an AccessDenied that names the role and the
 * action. An action that stands in several statements of a role is also taken out of each of them alone. First it must pass with nothing taken away. Exits non-zero when a removal went unnoticed. Not part of npm test.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readPlanFile } from "../infra/plan-file.ts";
import { endWell } from "./endings.ts";
import { type Granted, grantedBy } from "./granted.ts";
import { packageProduct } from "./package.ts";
import { tightPlan } from "./tight-plan.ts";

const HELP = `npm run permissions:removals -- [options]

  --plan FILE     the plan whose roles are tried (recovery-plan.yml)
  --only TEXT     only removals that hold the text, like "MoveRole rds:"
  --at-a-time N   test runs side by side (3)`;

const ROOT = join(import.meta.dirname, "..");
const TEST_FILE = "test/permissions/rehearsal.test.ts";
const TEST_NAME = "no role is refused anything";
/** Far above what a run takes; one that hangs is stopped and counts as failed for another reason. */
const LIMIT_MS = 150_000;
const GRACE_MS = 20_000;

interface Ran {
  readonly verdict: "passed" | "failed";
  /** Why it failed; empty when it passed. */
  readonly message: string;
  readonly seconds: number;
}

await endWell(async (atEnd) => {
  const { values } = parseArgs({
    options: {
      plan: { type: "string", default: "recovery-plan.yml" },
      only: { type: "string", default: "" },
      "at-a-time": { type: "string", default: "3" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const atATime = Number(values["at-a-time"]);
  if (!Number.isInteger(atATime) || atATime < 1)
    throw new Error(`--at-a-time: expected a whole number from 1, got "${values["at-a-time"]}".`);
  readPlanFile(values.plan);
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const planFile = join(ROOT, "dist", "removals-plan.yml");
  writeFileSync(planFile, tightPlan(readFileSync(values.plan, "utf8")));
  console.log(`Packaging ${values.plan} (serverless package)`);
  const packaged = await packageProduct(planFile, "dist/removals");
  const removals = removalsOf(grantedBy(packaged)).filter(({ taken }) => taken.includes(values.only));
  if (removals.length === 0) throw new Error(`--only: no removal, like "MoveRole rds:PromoteReadReplica", holds "${values.only}".`);

  const reports = mkdtempSync(join(tmpdir(), "removals-"));
  atEnd(() => rmSync(reports, { recursive: true, force: true }));
  const running = new Set<ChildProcess>();
  let ending = false;
  atEnd(async () => {
    ending = true;
    await Promise.all([...running].map(stop));
  });
  const run = (taken: string | undefined, at: number) => runTest(planFile, packaged, taken, join(reports, `${at}.json`), running);

  const whole = await run(undefined, 0);
  if (whole.verdict !== "passed")
    throw new Error(`With nothing taken away the test "${TEST_NAME}" of ${TEST_FILE} must pass, and it does not:\n${whole.message}`);
  console.log(
    `With nothing taken away the rehearsal passes (${whole.seconds} s). Taking ${removals.length} permissions away, one at a time:`,
  );

  const startedAtMs = Date.now();
  const queue = removals.entries();
  let noticed = 0;
  let done = 0;
  const worker = async () => {
    for (const [at, removal] of queue) {
      if (ending) return;
      const ran = await run(removal.taken, at + 1);
      if (ending) return;
      const refusal = refusalIn(ran, removal);
      const otherwise = ran.verdict === "passed" ? "the test passed" : `the test failed otherwise:\n${ran.message}`;
      if (refusal) noticed++;
      const counted = `${++done}/${removals.length}`.padStart(7);
      console.log(`${counted} ${`${ran.seconds} s`.padStart(5)}  without ${removal.taken}: ${refusal ?? `UNNOTICED, ${otherwise}`}`);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  if (ending) return;

  const roles = new Set(removals.map(({ role }) => role)).size;
  const pairs = new Set(removals.map(({ role, action }) => `${role} ${action}`)).size;
  const seconds = Math.round((Date.now() - startedAtMs) / 1000);
  console.log(
    `${noticed} of ${removals.length} removals made a test fail with AccessDenied naming role and action (${roles} roles, ${pairs} pairs of role and action) in ${seconds} s.`,
  );
  if (noticed < removals.length) throw new Error(`${removals.length - noticed} removals went unnoticed: see above.`);
});

interface Removal {
  /** What UNDERSTUDY_WITHOUT says. */
  readonly taken: string;
  readonly role: string;
  readonly action: string;
}

function removalsOf(granted: readonly Granted[]): Removal[] {
  const pairs = Map.groupBy(granted, ({ role, action }) => `${role} ${action}`);
  return [...pairs.values()].flatMap((grants) =>
    grants.flatMap(({ role, sid, action }, at) => [
      ...(at === 0 ? [{ taken: `${role} ${action}`, role, action }] : []),
      ...(grants.length > 1 ? [{ taken: `${role} ${sid} ${action}`, role, action }] : []),
    ]),
  );
}

/** The test's own words when they name the pair; undefined for any other end. */
function refusalIn({ verdict, message }: Ran, { role, action }: Removal): string | undefined {
  const words = `AccessDenied: ${role} may not ${action} on `;
  const line = message.split("\n")[0]?.replace(/^Error: /, "");
  return verdict === "failed" && line?.startsWith(words) ? line : undefined;
}

async function runTest(
  planFile: string,
  packaged: string,
  taken: string | undefined,
  report: string,
  running: Set<ChildProcess>,
): Promise<Ran> {
  const startedAtMs = Date.now();
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", TEST_FILE, "-t", TEST_NAME, "--reporter=json", `--outputFile=${report}`], {
    cwd: ROOT,
    // A group of its own, so that its end is the end of all its processes.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, UNDERSTUDY_PLAN: planFile, UNDERSTUDY_PACKAGE: packaged, UNDERSTUDY_WITHOUT: taken ?? "" },
  });
  running.add(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const limit = setTimeout(() => void stop(child), LIMIT_MS);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(limit);
  running.delete(child);
  const seconds = Math.round((Date.now() - startedAtMs) / 1000);
  return { ...judgement(report, said), seconds };
}

function judgement(report: string, said: string): Omit<Ran, "seconds"> {
  let results: { status: string; failureMessages: string[] }[] = [];
  try {
    const { testResults } = JSON.parse(readFileSync(report, "utf8")) as { testResults: { assertionResults: typeof results }[] };
    results = testResults.flatMap(({ assertionResults }) => assertionResults).filter(({ status }) => ["passed", "failed"].includes(status));
  } catch {
    // No report: nothing was judged, which what it said explains.
  }
  const [result] = results;
  if (!result) return { verdict: "failed", message: `the run left no result: ${said.trim().slice(-2000)}` };
  return result.status === "passed"
    ? { verdict: "passed", message: "" }
    : { verdict: "failed", message: result.failureMessages.join("\n") };
}

/** Asks the whole group to end, and ends it when it does not. A test's process takes a signal only once its test is over. */
async function stop(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  const reaches = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-pid, signal);
    } catch {
      return false;
    }
  };
  const late = Date.now() + GRACE_MS;
  for (let left = reaches("SIGTERM"); left; left = reaches(Date.now() > late ? "SIGKILL" : 0)) await pause(100);
}
