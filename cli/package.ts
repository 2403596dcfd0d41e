/** Compiles the product for a plan, exactly as a user would: `serverless package`. */
import { spawn } from "node:child_process";
import { copyFile, cp } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";

const ROOT = join(import.meta.dirname, "..");

/** The compiler keeps a state of its own in `.serverless`, whatever folder it is told: of two at once, one may take it from the other. */
const TOOK_THE_STATE = /ENOENT[^\n]*\.serverless/;
const TRIES = 4;

/** Returns the folder with the compiled template and the zips. `out` is where the bundles go. */
export async function packageProduct(planFile: string, out = "dist"): Promise<string> {
  for (let tried = 1; ; tried++) {
    try {
      return await packageOnce(planFile, out);
    } catch (error) {
      if (tried === TRIES || !TOOK_THE_STATE.test((error as Error).message)) throw error;
    }
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
    await copyFile(join(ROOT, out, "primary-region.json"), join(folder, "primary-region.json"));
    await cp(join(ROOT, out, "probe"), join(folder, "probe"), { recursive: true });
  }
  if (code !== 0)
    throw new Problem("NotPackaged", `serverless package ended with ${code}:\n${said.trim()}`, { hint: "Run: npx serverless package" });
  return folder;
}
