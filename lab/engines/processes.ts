/**
 * Child processes that never outlive the lab. Every one started here is killed, with all its descendants, when this process exits,
 * throws or is told to end. PostgreSQL's children leave the process group, so trees are read from /proc, not signalled as a group.
 */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const children = new Set<ChildProcess>();
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
let guarded = false;

/** Starts a program and keeps an eye on it until it has exited. */
export function startProcess(program: string, args: string[], options: SpawnOptions): ChildProcess {
  guard();
  const child = spawn(program, args, options);
  children.add(child);
  child.once("exit", () => children.delete(child));
  child.once("error", () => child.pid === undefined && children.delete(child));
  return child;
}

function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on("exit", () => {
    for (const child of children) if (child.pid !== undefined) killTree(child.pid);
  });
  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      // Someone else listens too: ending the process is theirs to do, and the exit handler follows.
      if (process.listenerCount(signal) === 1) process.exit(128 + number);
    });
  }
}

/** `root` and its living descendants, parents first. */
export function tree(root: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    if (parent === undefined) continue;
    const siblings = childrenOf.get(parent);
    if (siblings) siblings.push(Number(name));
    else childrenOf.set(parent, [Number(name)]);
  }
  const found = parentOf(root) === undefined ? [] : [root];
  for (const pid of found) found.push(...(childrenOf.get(pid) ?? []));
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    // The command name stands in brackets and may hold anything; the parent is the second field after it.
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]);
  } catch {
    return undefined;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** Freezes the whole tree: nothing answers, ports stay open. Looks again until no new child has appeared. */
export function stopTree(root: number): number[] {
  const stopped = new Set<number>();
  for (;;) {
    const fresh = tree(root).filter((pid) => !stopped.has(pid));
    if (fresh.length === 0) return [...stopped];
    for (const pid of fresh) {
      send(pid, "SIGSTOP");
      stopped.add(pid);
    }
  }
}

export function contTree(root: number): void {
  for (const pid of tree(root).reverse()) send(pid, "SIGCONT");
}

/** Kills the whole tree at once. Frozen first, so that no parent can start, warn or tidy anything while its children die. */
export function killTree(root: number): void {
  for (const pid of stopTree(root)) send(pid, "SIGKILL");
}

/** Processes called `name` whose working folder is `dir`, whoever their parent is: also what an earlier lab left when it was killed itself. */
export function runningIn(dir: string, name: string): number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return readlinkSync(`/proc/${entry}/cwd`) === dir && readFileSync(`/proc/${entry}/comm`, "utf8").trim() === name
        ? [Number(entry)]
        : [];
    } catch {
      return [];
    }
  });
}

/** Kills everything `runningIn` finds and resolves when it is gone. */
export async function clearOut(dir: string, name: string): Promise<void> {
  for (let left = runningIn(dir, name); left.length > 0; left = runningIn(dir, name)) {
    for (const pid of left) send(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
