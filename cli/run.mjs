/**
 * The way in on any machine with Node 20 and npm: installs what is missing, then runs a command of the project on the project's own
 * Node 24. Plain JavaScript, because the Node that starts it may be too old for anything else.
 *   node cli/run.mjs cli/start.ts --plan my-plan.yml
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [command, ...args] = process.argv.slice(2);

install();
run(projectNode());

function install() {
  const stamp = join(root, "node_modules", ".understudy-lock");
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.log("Installing what is missing (npm ci); this takes about half a minute, once.");
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const [file, ...before] = npm;
  const done = spawnSync(file, [...before, "ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (done.status !== 0) {
    console.error(
      `Installing failed (npm ci ended with ${done.status ?? done.signal}). Run "npm ci" in ${root} to see why, then try again.`,
    );
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}

/** The Node the lockfile brings on Linux; elsewhere the one at hand, if it is new enough. */
function projectNode() {
  const own = join(root, "node_modules", ".bin", "node");
  if (existsSync(own)) return own;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  console.error(
    `Understudy needs Node 24; this is ${process.versions.node}, and for ${process.platform}/${process.arch} none comes with the project. Install Node 24 and try again.`,
  );
  process.exit(1);
}

function run(node) {
  const path = [join(root, "node_modules", ".bin"), process.env.PATH].join(":");
  // Node keeps what it compiled, types stripped, for the next start: this halves a command's way to its first line.
  const compiled = process.env.NODE_COMPILE_CACHE ?? join(root, "node_modules", ".cache", "compiled");
  const env = { ...process.env, PATH: path, NODE_COMPILE_CACHE: compiled };
  const child = spawn(node, [join(root, command), ...args], { cwd: root, stdio: "inherit", env });
  // A Ctrl-C reaches the child by itself; this process only waits for its end. A signal to this process alone is passed on.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal === "SIGINT" && process.stdin.isTTY ? 0 : signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
}
