/**
 * `npm run bench:offsite`: how fast a database leaves for another provider, against the tool everybody uses, on the same server and
 * machine; then once more with three kills on the way, and back by the kit alone with equal checksums. Ends by itself.
 */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createS3 } from "../lab/cloud/s3.ts";
import { World } from "../lab/cloud/world.ts";
import { throwawayFolder } from "../lab/folder.ts";
import { startWire } from "../lab/wire/server.ts";
import { type BenchServer, mariaDbServer, postgresServer } from "./bench-offsite-servers.ts";
import type { DumpOrder } from "./offsite-worker.ts";

const HELP = `npm run bench:offsite -- [options]

  --engine NAME   postgres or mariadb; both when left out
  --rows NUMBER   rows of the one table (4000000, about a gigabyte)
  --rounds NUMBER measurements of each tool, in turn (2)`;

const BUCKET = "elsewhere";
const REGION = "eu-central-1";
const LIMIT_MS = 20 * 60_000;
const MIB = 2 ** 20;

interface Elsewhere {
  readonly endpoint: string;
  receipts(): Promise<string[]>;
  download(folder: string): Promise<string>;
  close(): Promise<void>;
}

/** A provider of its own for each dump: the lab's S3, in this process. */
async function elsewhere(): Promise<Elsewhere> {
  const world = new World({ dir: "/nonexistent" });
  world.register(createS3(world));
  const wire = await startWire(world, { port: 0, principalFor: () => `arn:aws:iam::${world.account}:user/offsite` });
  await world.start();
  const call = (operation: string, input: object) => world.call("s3", operation, { Bucket: BUCKET, ...input }, { region: REGION });
  await call("CreateBucket", { CreateBucketConfiguration: { LocationConstraint: REGION } });
  const keys = async (): Promise<string[]> => ((await call("ListObjectsV2", {})).Contents ?? []).map(({ Key }: { Key: string }) => Key);
  return {
    endpoint: wire.url,
    receipts: async () => (await keys()).filter((key) => key.includes("/receipts/")),
    async download(folder) {
      for (const key of await keys()) {
        const file = join(folder, key);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, Buffer.from((await call("GetObject", { Key: key })).Body));
      }
      return join(folder, dirname((await keys()).find((key) => key.endsWith("/manifest")) ?? ""));
    },
    async close() {
      await wire.close();
      await world.close();
    },
  };
}

interface Told {
  readonly beganAnew: string | null;
  readonly sentParts: number;
  readonly maxMemoryBytes: number;
  readonly longestQueryMs: number | null;
  readonly totals: { readonly parts: number; readonly plainBytes: number; readonly storedBytes: number };
}

/** null: it was killed. */
async function dumpOnce({ engine, full }: BenchServer, at: Elsewhere, masterKey: string, killAtReceipts = Infinity): Promise<Told | null> {
  const token = randomBytes(2).toString("hex");
  const order: DumpOrder = { engine, target: full, endpoint: at.endpoint, region: REGION, bucket: BUCKET, masterKey, token };
  const child = spawn(process.execPath, [join(import.meta.dirname, "offsite-worker.ts")], {
    env: { ...process.env, DUMP_ORDER: JSON.stringify(order) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  while (killAtReceipts !== Infinity && child.exitCode === null) {
    if ((await at.receipts()).length >= killAtReceipts) child.kill("SIGKILL");
    if (child.killed) break;
    await sleep(20);
  }
  const code = await ended;
  if (child.killed) return null;
  if (code !== 0) throw new Error(`the dump ended with ${code}`);
  return JSON.parse(said) as Told;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

async function timed<T>(work: () => Promise<T>): Promise<[ms: number, T]> {
  const begunMs = performance.now();
  const result = await work();
  return [performance.now() - begunMs, result];
}

async function bench(server: BenchServer, folder: string, rows: number, rounds: number): Promise<boolean> {
  const name = `${server.engine} ${server.version}`;
  const [filledMs, bytes] = await timed(() => server.fill(rows));
  console.log(`${name}: ${rows} rows, ${Math.round(bytes / MIB)} MiB, made in ${seconds(filledMs)}`);
  const masterKey = randomBytes(32).toString("hex");
  const before = await server.checksum(server.full);

  const theirs: number[] = [];
  const ours: number[] = [];
  let memory = 0;
  let parts = 0;
  for (let round = 1; round <= rounds; round++) {
    const file = join(folder, "peer");
    const [peerMs] = await timed(() => server.peer(file));
    const peerBytes = statSync(file).size;
    rmSync(file);
    const at = await elsewhere();
    const [ownMs, told] = await timed(() => dumpOnce(server, at, masterKey));
    await at.close();
    if (!told) throw new Error("the dump was killed by somebody else");
    theirs.push(peerMs);
    ours.push(ownMs);
    memory = Math.max(memory, told.maxMemoryBytes);
    parts = told.totals.parts;
    const { plainBytes, storedBytes } = told.totals;
    console.log(
      `  ${server.peerName} ${seconds(peerMs)}, ${Math.round(peerBytes / MIB)} MiB; offsite dump ${seconds(ownMs)}, ${Math.round(plainBytes / MIB)} MiB as ${Math.round(storedBytes / MIB)} MiB in ${parts} parts, ${Math.round(told.maxMemoryBytes / MIB)} MiB of memory, longest query ${told.longestQueryMs} ms`,
    );
  }
  const ratio = Math.min(...theirs) / Math.min(...ours);
  console.log(`  speed: ${ratio.toFixed(2)} of ${server.peerName} (best of ${rounds}); memory at most ${Math.round(memory / MIB)} MiB`);

  const at = await elsewhere();
  try {
    let sent = 0;
    for (const part of [0.25, 0.5, 0.75]) {
      const kill = Math.max(1, Math.floor(parts * part));
      if ((await dumpOnce(server, at, masterKey, kill)) !== null) throw new Error("the dump ended before it was killed: give it more rows");
      sent = (await at.receipts()).length;
    }
    const told = await dumpOnce(server, at, masterKey);
    console.log(
      `  killed three times (SIGKILL): the last run sent ${told?.sentParts} of ${told?.totals.parts} parts, ${sent} were there; anew: ${told?.beganAnew ?? "no"}`,
    );
    const kit = await at.download(join(folder, "downloaded"));
    const keyFile = join(folder, "master.key");
    writeFileSync(keyFile, masterKey, { mode: 0o600 });
    const { host, port, username, password, database } = server.empty;
    const client =
      server.engine === "postgres"
        ? ["-h", host, "-p", String(port), "-U", username, "-d", database]
        : ["-h", host, "-P", String(port), "-u", username, `-p${password}`, database];
    const [restoredMs, restored] = await timed(async () =>
      spawnSync("sh", [join(kit, "restore.sh"), "restore", keyFile, ...client], { encoding: "utf8", env: { PATH: process.env.PATH } }),
    );
    const last = restored.stdout.trim().split("\n").at(-1);
    if (restored.status !== 0) throw new Error(`the kit ended with ${restored.status}: ${last}\n${restored.stderr}`);
    const equal = (await server.checksum(server.empty)) === before;
    console.log(`  restored by the kit in ${seconds(restoredMs)}: ${last}; checksums of the servers are ${equal ? "equal" : "DIFFERENT"}`);
    return equal && told !== null && told.beganAnew === null;
  } finally {
    await at.close();
    rmSync(join(folder, "downloaded"), { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    engine: { type: "string" },
    rows: { type: "string", default: "4000000" },
    rounds: { type: "string", default: "2" },
    help: { type: "boolean", short: "h" },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const folder = throwawayFolder();
const late = setTimeout(() => {
  console.error(`The measurement has taken ${LIMIT_MS / 60_000} minutes and ends.`);
  process.exit(1);
}, LIMIT_MS);
let well = true;
for (const [engine, start] of [
  ["postgres", postgresServer],
  ["mariadb", mariaDbServer],
] as const) {
  if (values.engine && values.engine !== engine) continue;
  const server = await start(join(folder.path, engine));
  try {
    well = (await bench(server, folder.path, Number(values.rows), Number(values.rounds))) && well;
  } finally {
    await server.stop();
  }
}
clearTimeout(late);
await folder.leave();
process.exit(well ? 0 : 1);
