/** One measured failover by the naive job server, in a lab of its own without Understudy. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Plan } from "../core/plan/schema.ts";
import { endpoint, waitFor } from "../lab/look.ts";
import type { JobOrder, JobReport, JobSettings } from "../lab/shop/job-server.ts";
import {
  type Bench,
  betweenMs,
  clientWrites,
  databaseOf,
  hotStandbyOf,
  killPrimary,
  lostOrders,
  momentOf,
  openBench,
  recordOf,
} from "./bench-failover-lab.ts";
import { type Run, stagesBetween } from "./bench-failover-stages.ts";

const JOB_SERVER = join(import.meta.dirname, "..", "lab", "shop", "job-server.ts");
const PING_TIMEOUT_MS = 2000;
const LOOK_EVERY_MS = 1000;
const START_MS = 20_000;

/** `share`: where between two pings the primary dies; 0 just before one, 1 just after. */
export async function measureNaive(plan: Plan, pingEverySeconds: number, share: number, seed: number): Promise<Run> {
  const bench = await openBench(plan, null, seed);
  let job: ChildProcess | undefined;
  try {
    const { lab, name } = bench;
    const { standby, settings } = await settingsOf(bench, pingEverySeconds);
    const said: JobReport[] = [];
    job = fork(JOB_SERVER, [], {
      env: { PATH: process.env.PATH, JOB_SERVER: JSON.stringify(settings) },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    job.on("message", (report) => said.push(report as JobReport));
    const saidAt = (what: JobReport["what"]) => said.find((report) => report.what === what)?.atMs;
    await waitFor("the job server's first ping", START_MS, () => saidAt("ready"));

    const nextPingInMs = Math.round(share * pingEverySeconds * 1000);
    const killedAtMs = await killPrimary(bench);
    job.send({ nextPingInMs } satisfies JobOrder);
    const { firstWriteAtMs, keptUntilMs } = await clientWrites(bench, killedAtMs, (pingEverySeconds + 60) * 1000);
    const failed = said.find(({ what }) => what === "failed");
    if (failed) throw new Error(`the job server failed: ${failed.words}`);

    const promotedAtMs = saidAt("promoted") as number;
    const answered: ["dns", string] = ["dns", `${recordOf(plan, name).name}. CNAME is now answered`];
    const repointedAtMs = momentOf(lab, killedAtMs, ...answered);
    return {
      seed,
      outageMs: firstWriteAtMs - killedAtMs,
      stages: stagesBetween(killedAtMs, [
        ["detect", saidAt("ping failed") as number],
        ["promote", promotedAtMs],
        ["repoint", repointedAtMs],
        ["TTL", Math.min(firstWriteAtMs, Math.max(repointedAtMs, keptUntilMs))],
        ["first write", firstWriteAtMs],
      ]),
      awsMs: {
        promote: betweenMs(lab, killedAtMs, ["state", `${standby} is asked to become a primary`], ["state", `${standby} is available`]),
        repoint: betweenMs(lab, killedAtMs, ["dns", "accepted for"], answered),
      },
      lost: await lostOrders(bench),
      drawn: `killed ${(nextPingInMs / 1000).toFixed(1)} s before the next ping`,
    };
  } finally {
    job?.disconnect();
    await bench.close();
  }
}

async function settingsOf(
  { lab, plan, name, access }: Bench,
  pingEverySeconds: number,
): Promise<{ standby: string; settings: JobSettings }> {
  const database = databaseOf(plan, name);
  const record = recordOf(plan, name);
  const { instance: standby } = hotStandbyOf(database);
  const { engine, username, password } = access;
  const where = await endpoint(lab, database.primary.region, database.primary.instance);
  const settings = {
    endpoint: lab.wire.url,
    region: database.primary.region,
    primary: { engine, username, password, database: database.database, ...where },
    standby,
    record: { name: record.name, zone: record.zone, ttlSeconds: record.ttlSeconds },
    pingEveryMs: pingEverySeconds * 1000,
    pingTimeoutMs: PING_TIMEOUT_MS,
    lookEveryMs: LOOK_EVERY_MS,
  };
  return { standby, settings };
}
