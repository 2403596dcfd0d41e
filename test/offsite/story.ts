/** What the offsite tests of both engines share: dumps in this process and in one that is killed, and a restore by the kit alone. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import type { DumpOrder } from "../../cli/offsite-worker.ts";
import type { Target } from "../../databases/engines.ts";
import { waitFor } from "../../lab/look.ts";
import { type DumpOptions, type DumpOutcome, dump } from "../../offsite/dump.ts";
import { Kit } from "../../offsite/kit.ts";
import { openSource } from "../../offsite/open.ts";
import type { Provider } from "./provider.ts";

export type EngineName = "postgres" | "mariadb";

export interface Story {
  readonly engine: EngineName;
  readonly source: Target;
  readonly masterKey: Buffer;
}

let dumps = 0;
const nextToken = (): string => String(++dumps).padStart(4, "0");

export const newKey = (): Buffer => randomBytes(32);

export async function dumpNow({ engine, source, masterKey }: Story, at: Provider, more: Partial<DumpOptions> = {}): Promise<DumpOutcome> {
  return await dump({
    openSource: () => openSource(engine, source),
    load: (opened) => opened.load(),
    store: at.store(),
    masterKey,
    database: "shop",
    kit: Kit.beside(),
    accepted: [],
    token: nextToken(),
    now: Date.now,
    sleep,
    untilMs: Date.now() + 60_000,
    deadlineMs: Date.now() + 120_000,
    tell: () => {},
    ...more,
  });
}

/** Kills a dump with SIGKILL while it sends its part `number`, and leaves the provider well again. */
export async function killedAtPart({ engine, source, masterKey }: Story, at: Provider, number: number): Promise<void> {
  const name = `parts/${String(number).padStart(6, "0")}`;
  at.mood = (method, key) => (method === "PUT" && key.endsWith(name) ? "hold" : "pass");
  const { endpoint, region, bucket } = at;
  const order: DumpOrder = { engine, target: source, endpoint, region, bucket, masterKey: masterKey.toString("hex"), token: nextToken() };
  const child = spawn(process.execPath, [join(import.meta.dirname, "..", "..", "cli", "offsite-worker.ts")], {
    env: { PATH: process.env.PATH, DUMP_ORDER: JSON.stringify(order) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => (said += chunk));
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once("exit", (_, signal) => resolve(signal)));
  try {
    await waitFor(`the dump sends ${name}`, 30_000, () => {
      if (child.exitCode !== null) throw new Error(`the worker ended by itself: ${said}`);
      return at.held.some((key) => key.endsWith(name));
    });
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
  at.held.splice(0);
  at.mood = () => "pass";
}

export const CLIENTS = { postgres: "psql", mariadb: "mariadb" } as const;

export interface Said {
  readonly code: number | null;
  readonly text: string;
}

/** Runs the kit of a downloaded dump: a shell, its tools, and the engine's client. */
export async function runKit(
  verb: string,
  folder: string,
  masterKey: Buffer,
  target?: Target,
  engine: EngineName = "postgres",
): Promise<Said> {
  const secrets = mkdtempSync(join(tmpdir(), "understudy-key-"));
  onTestFinished(() => rmSync(secrets, { recursive: true, force: true }));
  const keyFile = join(secrets, "master.key");
  writeFileSync(keyFile, `${masterKey.toString("hex")}\n`, { mode: 0o600 });
  const client: string[] = [];
  const port = String(target?.port);
  if (target && engine === "postgres") client.push("-h", target.host, "-p", port, "-U", target.username, "-d", target.database);
  if (target && engine === "mariadb")
    client.push("-h", target.host, "-P", port, "-u", target.username, `-p${target.password}`, target.database);
  const child = spawn("sh", [join(folder, "restore.sh"), verb, keyFile, ...client], {
    env: { PATH: process.env.PATH, PGPASSWORD: target?.password },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, text };
}

/** A dump of the provider as a folder of this machine. */
export async function downloaded(at: Provider, id: string, under = "shop"): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "understudy-dump-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await at.download(`${under}/${id}`, folder);
  return folder;
}

export const partsSent = (at: Provider, id: string): string[] =>
  at.puts.filter((key) => key.startsWith(`shop/${id}/parts/`)).map((key) => key.slice(-6));
