/** One measured failover by Understudy: a new lab, a primary killed at a moment that chance draws, and the outage cut into its stages. */
import { setTimeout as pause } from "node:timers/promises";
import type { Plan } from "../core/plan/schema.ts";
import { readJson, stateBucket, waitFor } from "../lab/look.ts";
import { Chance } from "../lab/simulation/chance.ts";
import {
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

const WELL_MS = 60_000;
const OUTAGE_MS = 60_000;

export async function measureUnderstudy(plan: Plan, packaged: string, seed: number): Promise<Run> {
  const bench = await openBench(plan, packaged, seed);
  try {
    const { lab, name } = bench;
    const database = databaseOf(plan, name);
    const standby = hotStandbyOf(database);
    const region = plan.regions.recovery;
    const bucket = await stateBucket(lab, region, `understudy-${plan.name}-watch`);
    await waitFor("the first backup's end", WELL_MS, () => lab.mail.mails.some((mail) => mail.subject.includes("backup done")));
    await waitFor("the probe's votes to be well", WELL_MS, async () => {
      const vote = await readJson<Vote>(lab, region, bucket, `databases/${name}/vote.json`);
      return vote?.primarySeen === "alive" && vote.linkSeen === "streaming" && vote.lagSeconds !== null;
    });
    // The probe's laps are due at whole multiples after its start; the kill comes at any moment between two.
    const phaseMs = Math.round(new Chance(seed).next() * database.failover.probeEverySeconds * 1000);
    await pause(phaseMs);

    const killedAtMs = await killPrimary(bench);
    const { firstWriteAtMs, keptUntilMs } = await clientWrites(bench, killedAtMs, OUTAGE_MS);
    await waitFor("the move's proof by the name", OUTAGE_MS, () => ended("a write through the name arrives"));

    function ended(step: string): number | undefined {
      return lab.world.story.find(({ at, kind, what }) => at > killedAtMs && kind === "durable" && what.endsWith(`${step} succeeded`))?.at;
    }
    const at = (step: string): number => ended(step) ?? momentOf(lab, killedAtMs, "durable", `${step} succeeded`);
    const answered: ["dns", string] = ["dns", `${recordOf(plan, name).name}. CNAME is now answered`];
    const repointedAtMs = momentOf(lab, killedAtMs, ...answered);
    return {
      seed,
      outageMs: firstWriteAtMs - killedAtMs,
      stages: stagesBetween(killedAtMs, [
        ["detect", momentOf(lab, killedAtMs, "log", '"votes turned"')],
        ["decide", at("step confirm")],
        ["fence", at("a write to the old primary is refused")],
        ["drain", at("the standby has applied what it received")],
        ["promote", at("the new primary takes writes")],
        ["repoint", repointedAtMs],
        ["TTL", Math.min(firstWriteAtMs, Math.max(repointedAtMs, keptUntilMs))],
        ["first write", firstWriteAtMs],
      ]),
      awsMs: {
        fence: betweenMs(
          lab,
          killedAtMs,
          ["call", "rds:ModifyDBInstance"],
          ["state", `${database.primary.instance} is in the security groups`],
        ),
        promote: betweenMs(
          lab,
          killedAtMs,
          ["state", `${standby.instance} is asked to become a primary`],
          ["state", `${standby.instance} is available`],
        ),
        repoint: betweenMs(lab, killedAtMs, ["dns", "accepted for"], answered),
      },
      lost: await lostOrders(bench),
      drawn: `killed ${phaseMs} ms into a lap`,
    };
  } finally {
    await bench.close();
  }
}

interface Vote {
  readonly primarySeen: string;
  readonly linkSeen: string;
  readonly lagSeconds: number | null;
}
