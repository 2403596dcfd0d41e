/**
 * Finds a Python that has the oracle's packages, moto in the version the list of differences was made with, or makes one in .venv.
 * Installs nothing outside the checkout; that there is none is an answer, with its reason, not an error.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const OWN = join(ROOT, ".venv", "bin", "python");
const REQUIREMENTS = join(import.meta.dirname, "requirements.txt");

/** Another moto differs in other places. */
const PINNED = /^moto\S*==(\S+)$/m.exec(readFileSync(REQUIREMENTS, "utf8"))?.[1];

export type Python = { readonly path: string } | { readonly missing: string };

export function findPython(): Python {
  const path = [OWN, "python3"].find(hasPackages);
  return path ? { path } : { missing: `no Python here has moto ${PINNED} and botocore` };
}

export function findOrMakePython(say: (line: string) => void): Python {
  const found = findPython();
  if ("path" in found) return found;
  if (!runs("python3", ["--version"])) return { missing: "there is no python3 on this machine" };
  say("Installing moto and botocore into .venv; this takes about half a minute, once.");
  if (!existsSync(OWN) && !runs("python3", ["-m", "venv", join(ROOT, ".venv")]))
    return { missing: "python3 -m venv .venv failed (Debian: apt-get install python3-venv)" };
  const quiet = ["--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "15"];
  if (!runs(OWN, ["-m", "pip", "install", ...quiet, "-r", REQUIREMENTS])) return { missing: "pip could not install moto and botocore" };
  return hasPackages(OWN) ? { path: OWN } : { missing: "moto and botocore are installed but cannot be imported" };
}

function hasPackages(python: string): boolean {
  return runs(python, ["-c", `import moto.server, botocore.session, flask; assert moto.__version__ == ${JSON.stringify(PINNED)}`]);
}

function runs(file: string, args: string[]): boolean {
  return spawnSync(file, args, { stdio: "ignore" }).status === 0;
}
