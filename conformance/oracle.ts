/**
 * The Python process that holds the moto server and the botocore clients, as one function: a call goes in, its answer comes out.
 * Judges nothing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Json } from "./json.ts";

export interface Request {
  readonly endpoint: string;
  readonly service: string;
  readonly region: string;
  readonly operation: string;
  readonly parameters: Json;
}

export type Answer =
  | { readonly status: number; readonly output: Json }
  | { readonly status: number; readonly code: string; readonly message: string };

export interface Oracle {
  readonly moto: string;
  readonly versions: { readonly moto: string; readonly botocore: string };
  /** Rejects when botocore did not send the call: that is a mistake in the script. */
  ask(request: Request): Promise<Answer>;
  close(): Promise<void>;
}

type Line = { id: number; unsent?: string } & Answer;

export async function startOracle(python: string): Promise<Oracle> {
  const child = spawn(python, ["-u", join(import.meta.dirname, "oracle.py")], { stdio: ["pipe", "pipe", "pipe"], env: environment() });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk).slice(-4000);
  });
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  const lines = createInterface({ input: child.stdout });
  const first = new Promise<string | undefined>((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(undefined));
  });
  child.once("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error(`The oracle's Python ended: ${errors}`));
    waiting.clear();
  });
  const hello = await first;
  if (hello === undefined) throw new Error(`The oracle did not start: ${errors}`);
  lines.on("line", (text) => {
    const { id, unsent, ...answer } = JSON.parse(text) as Line;
    const call = waiting.get(id);
    waiting.delete(id);
    if (unsent) call?.reject(new Error(unsent));
    else call?.resolve(answer);
  });
  let last = 0;
  return {
    ...(JSON.parse(hello) as Pick<Oracle, "moto" | "versions">),
    ask: (request) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve, reject });
        child.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
      }),
    close: () => end(child),
  };
}

/** Nothing of the caller's AWS settings reaches the clients. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(AWS_|MOTO_|PYTHON)/.test(name));
  return { ...Object.fromEntries(own), AWS_EC2_METADATA_DISABLED: "true", AWS_CONFIG_FILE: "/dev/null", NO_PROXY: "127.0.0.1" };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.stdin?.end();
  const late = setTimeout(() => child.kill("SIGKILL"), 3000);
  await gone;
  clearTimeout(late);
}
