/** Compiles the product for a plan, exactly as a user would: `serverless package`. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../core/problem.ts";
import { OVERDUE } from "../infra/overdue.ts";
import { VAULT_TEMPLATE } from "../infra/vault-account.ts";

const ROOT = join(import.meta.dirname, "..");

/** The compiler keeps a state of its own in `.serverless`, whatever folder it is told, so one packages at a time. Holds its owner's pid. */
const TURN = join(ROOT, "dist", "packaging.pid");

/** Returns the folder with the compiled template and the zips. `out` is where the bundles go. */
export async function packageProduct(planFile: string, out = "dist"): Promise<string> {
  await takeTurn();
  try {
    return await packageOnce(planFile, out);
  } finally {
    await rm(TURN, { force: true });
  }
}

async function takeTurn(): Promise<void> {
  await mkdir(dirname(TURN), { recursive: true });
  for (;;) {
    try {
      return await writeFile(TURN, String(process.pid), { flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = Number(await readFile(TURN, "utf8").catch(() => "0"));
    // Who died in its turn gives it up; who is about to write its pid has not died.
    if (owner > 0 && !isAlive(owner)) await rm(TURN, { force: true });
    await sleep(50);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function packageOnce(planFile: string, out: string): Promise<string> {
  const folder = join(ROOT, out === "dist" ? ".serverless" : join(out, "package"));
  const args = ["package", "--param", `plan=${planFile}`, "--param", `out=${out}`, "--package", folder];
  const child = spawn(join(ROOT, "node_modules", ".bin", "serverless"), args, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env.PATH}`,
      SLS_NOTIFICATIONS_MODE: "off",
      SLS_INTERACTIVE_SETUP_ENABLE: "0",
    },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code === 0) {
    await rm(join(folder, VAULT_TEMPLATE), { force: true });
    for (const name of ["primary-region.json", VAULT_TEMPLATE].filter((each) => existsSync(join(ROOT, out, each))))
      await copyFile(join(ROOT, out, name), join(folder, name));
    for (const name of ["probe", OVERDUE]) await cp(join(ROOT, out, name), join(folder, name), { recursive: true });
  }
  if (code !== 0)
    throw new Problem("NotPackaged", `serverless package ended with ${code}:\n${said.trim()}`, { hint: "Run: npx serverless package" });
  return folder;
}
