/**
 * `npm run bench:lab-start`: how long an empty lab takes from the start of the command `npm run lab` runs to its first answered AWS call, as the median of
 * five and as a multiple of a bare `node -e 0`. Measures; judges nothing, and is no test: a busy machine would fail it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = join(import.meta.dirname, "..");
const RUNS = 5;
const LAB = [join(ROOT, "cli", "run.mjs"), "cli/lab.ts", "--empty", "--json"];

/** A first call to each, the lab being new: what a service needs of the SDK is loaded by then. */
const CALLS = {
  "sts GetCallerIdentity": { service: "sts", body: "Action=GetCallerIdentity&Version=2011-06-15" },
  "rds DescribeDBInstances": { service: "rds", body: "Action=DescribeDBInstances&Version=2014-10-31" },
} as const;

const bare = median(Array.from({ length: RUNS }, bareMs));
console.log(`an empty lab, from the command's start; medians of ${RUNS}`);
console.log(`node -e 0                          ${bare.toFixed(0).padStart(5)} ms`);
for (const name of Object.keys(CALLS) as (keyof typeof CALLS)[]) {
  const runs: number[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await labMs(name));
  const ms = median([...runs]);
  console.log(
    `first answer, ${name.padEnd(24)} ${ms.toFixed(0).padStart(5)} ms   ${(ms / bare).toFixed(1)} times a bare node   (${runs.map((run) => run.toFixed(0)).join(", ")})`,
  );
}

function bareMs(): number {
  const from = performance.now();
  spawnSync(process.execPath, ["-e", "0"]);
  return performance.now() - from;
}

async function labMs(name: keyof typeof CALLS): Promise<number> {
  const from = performance.now();
  const lab = spawn(process.execPath, LAB, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const { endpoint } = JSON.parse(await firstLine(lab)) as { endpoint: string };
    const { service, body } = CALLS[name];
    const answer = await fetch(endpoint, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: `AWS4-HMAC-SHA256 Credential=lab/20300101/eu-central-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
      },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${name} was answered with ${answer.status}: ${text}`);
    return performance.now() - from;
  } finally {
    const ended = lab.exitCode === null && lab.signalCode === null ? once(lab, "exit") : undefined;
    lab.kill("SIGTERM");
    await ended;
  }
}

/** The lab says where it is in one line, once it answers. */
function firstLine(lab: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: lab.stdout as NodeJS.ReadableStream }).once("line", resolve);
    lab.once("exit", (code, signal) => reject(new Error(`The lab ended with ${code ?? signal} before it answered.`)));
  });
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}
