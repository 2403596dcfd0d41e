/** Runs a program of an engine to its end, as the databases' user. */
import { spawn } from "node:child_process";
import { databaseUser } from "./folders.ts";

/** Rejects with the end of what the program said when it fails. */
export function run(program: string, args: readonly string[], cwd = "/"): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...databaseUser(),
      cwd,
      // The folders of the system's own tools: MariaDB's installer is a shell script.
      env: { LC_ALL: "C", TZ: "UTC", PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stdout.on("data", (chunk) => (said += chunk));
    child.stderr.on("data", (chunk) => (said += chunk));
    child.once("error", (cause) => reject(new Error(`${program} cannot be run: ${cause.message}`, { cause })));
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} failed (${code}):\n${said.trim().split("\n").slice(-8).join("\n")}`)),
    );
  });
}
