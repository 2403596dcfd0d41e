/** The commands as a user runs them, each a process of its own: what they print, how they end, what they leave behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { waitFor } from "../../lab/look.ts";

const ROOT = join(import.meta.dirname, "..", "..");

interface Command {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

/** A mark in the environment finds every process the command has started, however deep. */
function command(args: string[], env: Record<string, string> = {}): Command & { left: () => string[] } {
  const mark = `UNDERSTUDY_TEST_MARK=${process.pid}-${Math.random()}`;
  const [name, value] = mark.split("=") as [string, string];
  let said = "";
  const child = spawn(process.execPath, [join(ROOT, "cli", "run.mjs"), ...args], {
    cwd: ROOT,
    env: { ...process.env, [name]: value, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (said += chunk));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, said: () => said, ended, left: () => marked(mark, child.pid) };
}

/** Command lines of the processes that carry the mark, or whose command line names a folder of the command's. */
function marked(mark: string, but: number | undefined): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== but)
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
        return environment.split("\0").includes(mark) ? [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")] : [];
      } catch {
        return [];
      }
    });
}

/** Databases run with an environment of their own; they are known by the folder they serve. */
const databasesIn = (folder: string): string[] =>
  readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.includes(folder) ? [line] : [];
      } catch {
        return [];
      }
    });

test("npm start tells the whole story, keeps every promise and leaves no process", async () => {
  const start = command(["cli/start.ts", "--plan", inject("planFile")]);
  expect(await start.ended, start.said()).toBe(0);
  const said = start.said();
  expect(said).toMatch(/Outage {14}[\d.]+ s, from the kill to the first good write/);
  for (const stage of ["detect", "decide", "fence", "promote", "repoint", "first good write"])
    expect(said).toMatch(new RegExp(`^ {4}${stage} +[\\d.]+ s`, "m"));
  expect(said).toMatch(/Rows lost {11}0\n/);
  expect(said).toContain("Rule 401: Failover to shop-b");
  expect(said).not.toContain("✘");
  const [, folder] = /The world is kept in ([^;]+);/.exec(said) ?? [];
  expect(start.left()).toEqual([]);
  expect(databasesIn(folder as string)).toEqual([]);
  for (const line of said.split("\n").slice(said.split("\n").findIndex((it) => it.startsWith("Report:")))) {
    if (!line.startsWith("The world is kept")) expect(line.length, line).toBeLessThanOrEqual(80);
  }
});

test.each([["SIGINT"], ["SIGTERM"]] as const)("npm run lab ends on %s and leaves no process and no folder", async (signal) => {
  const lab = command(["cli/lab.ts", "--json", "--plan", inject("planFile")]);
  const facts = await waitFor("the lab's line", 60_000, () => /^\{.*\}$/m.exec(lab.said())?.[0]);
  const { folder, endpoint } = JSON.parse(facts) as { folder: string; endpoint: string };
  expect((await fetch(endpoint)).status).toBe(403);
  expect(databasesIn(folder).length).toBeGreaterThan(0);
  lab.child.kill(signal);
  await lab.ended;
  expect(lab.left()).toEqual([]);
  expect(databasesIn(folder)).toEqual([]);
  expect(() => readdirSync(folder)).toThrow(/ENOENT/);
});

test("a wrong plan: the line, the field, a non-zero exit, nothing started", async () => {
  const file = join(ROOT, "dist", "wrong-plan.yml");
  writeFileSync(
    file,
    readFileSync(inject("planFile"), "utf8").replace("instance: shop-b, region: eu-central-1", "instance: shop-b, region: us-east-1"),
  );
  const start = command(["cli/start.ts", "--plan", file]);
  expect(await start.ended).toBe(1);
  expect(start.said()).toMatch(/wrong-plan\.yml:\d+:\d+ databases\.shop\.standbys\[0\]\.region: expected one of the plan's regions/);
  expect(start.said()).not.toContain("Packaging");
});

test("the lab's port is in use: which one, what to do, a non-zero exit", async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) =>
    other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port)),
  );
  onTestFinished(() => void other.close());
  const lab = command(["cli/lab.ts", "--port", String(port)]);
  expect(await lab.ended).toBe(1);
  expect(lab.said()).toContain(`Port ${port} on 127.0.0.1 is in use`);
  expect(lab.left()).toEqual([]);
});

test("a database's port is taken on the whole machine: which one, and the plan's field to change", async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) =>
    other.listen(0, "0.0.0.0", () => resolve((other.address() as { port: number }).port)),
  );
  onTestFinished(() => void other.close());
  const file = join(ROOT, "dist", "taken-port.yml");
  writeFileSync(file, readFileSync(inject("planFile"), "utf8").replace("port: 5432", `port: ${port}`));
  const lab = command(["cli/lab.ts", "--plan", file]);
  expect(await lab.ended).toBe(1);
  expect(lab.said()).toMatch(new RegExp(`Port ${port} is taken on every address of this machine.*\`port\` in the plan`));
  expect(lab.left()).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)("PostgreSQL would have to run as root: refused with the reason", async () => {
  const lab = command(["cli/lab.ts", "--plan", inject("planFile")], { UNDERSTUDY_DB_UID: "0" });
  expect(await lab.ended).toBe(1);
  expect(lab.said()).toContain("PostgreSQL refuses to run as root");
  expect(lab.left()).toEqual([]);
});

test("an option nobody knows: named, a non-zero exit", async () => {
  const lab = command(["cli/lab.ts", "--prot", "1"]);
  expect(await lab.ended).toBe(1);
  expect(lab.said()).toContain("Unknown option '--prot'");
});
