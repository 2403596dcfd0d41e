/**
 * The probe's laps: write a heartbeat to the primary, ask the standby about its link and lag, carry the count of misses
 * forward in the vote. A witness, not a judge: it says what it saw and since when.
 */
import { setTimeout as pause } from "node:timers/promises";
import { putDocument } from "../aws/documents.ts";
import { invokeAsync } from "../aws/functions.ts";
import { describeInstance } from "../aws/rds.ts";
import type { DatabaseRecord, InstanceFacts, Vote } from "../core/facts.ts";
import { nextVote } from "../core/vote.ts";
import { engineOf } from "../databases/engines.ts";
import { LOOK_MS, look, lookAtStandby, targetOf } from "./observe.ts";
import { readRecord, readVote, voteKey } from "./record.ts";
import { type Protected, protectedDatabases, type Settings } from "./settings.ts";

/** Endpoints never change during an instance's life; they are read again when the record names other instances. */
const endpoints = new Map<string, InstanceFacts>();

async function endpoint(region: string, id: string | null): Promise<InstanceFacts | null> {
  if (!id) return null;
  const known = endpoints.get(`${region}/${id}`);
  if (known) return known;
  const found = await describeInstance(region, id);
  if (found?.address) endpoints.set(`${region}/${id}`, found);
  return found;
}

/** The vote this probe cast last, by database; read from S3 at the start of its minute. */
const lastVotes = new Map<string, Vote | null>();

export interface Lap {
  readonly record: DatabaseRecord;
  readonly vote: Vote;
  /** The primary has now been missed often enough to wake the watcher, on this very lap. */
  readonly turned: boolean;
}

export async function probeLap(settings: Settings, database: Protected): Promise<Lap> {
  const region = database.plan.primary.region;
  const engine = engineOf(database.plan.engine);
  const record = (await readRecord(settings, database)).value;
  const previous = lastVotes.has(database.name) ? lastVotes.get(database.name) : await readVote(settings, database.name);
  const [primary, standby] = await Promise.all([endpoint(region, record.primary), endpoint(region, record.standby)]);
  const [primaryTarget, standbyTarget] = await Promise.all([targetOf(settings, database, primary), targetOf(settings, database, standby)]);

  const startedAtMs = Date.now();
  const [seen, standbyAnswer] = await Promise.all([
    look(engine, primaryTarget, (target) =>
      engine.beat(target, { database: database.name, atMs: startedAtMs, generation: record.generation }, LOOK_MS),
    ),
    lookAtStandby(standbyTarget, database),
  ]);

  const { vote, turned } = nextVote(
    previous ?? null,
    { record, startedAtMs, endedAtMs: Date.now(), seen, standbyAnswer },
    database.plan.failover,
  );
  lastVotes.set(database.name, vote);
  await putDocument(settings.state, voteKey(database.name), vote);
  return { record, vote, turned };
}

/** A schedule wakes the probe each minute; it stops just before the next one starts. */
const MINUTE_MS = 59_000;
/** A lap must end before Lambda's timeout: two looks, two S3 calls, and some air. */
const LAP_BUDGET_MS = 6_000;

/** Laps through one minute. Metrics go to CloudWatch with the log. */
export async function probeThroughMinute(settings: Settings, remainingMs: () => number): Promise<{ laps: number }> {
  // Another instance of this function may have voted since this one last ran.
  lastVotes.clear();
  const endsAtMs = Date.now() + MINUTE_MS;
  const counts = await Promise.all(
    protectedDatabases(settings.plan).map(async (database) => {
      const everyMs = database.plan.failover.probeEverySeconds * 1000;
      let laps = 0;
      for (let next = Date.now(); next < endsAtMs && remainingMs() > LAP_BUDGET_MS; next = Math.max(next + everyMs, Date.now())) {
        await pause(Math.max(0, next - Date.now()));
        await lapAndTell(settings, database);
        laps++;
      }
      return laps;
    }),
  );
  return { laps: Math.max(0, ...counts) };
}

/** A lap that fails is a lap that saw nothing: it casts no vote, and the vote before grows old. */
async function lapAndTell(settings: Settings, database: Protected): Promise<void> {
  try {
    const { vote, turned } = await probeLap(settings, database);
    console.log(JSON.stringify(metrics(settings, database, vote)));
    if (turned) {
      console.warn(JSON.stringify({ what: "votes turned", database: database.name, vote }));
      await invokeAsync(settings.region, settings.functions.watch, { source: "understudy.probe", database: database.name });
    }
  } catch (error) {
    console.error(JSON.stringify({ what: "lap failed", database: database.name, error: String(error) }));
  }
}

/** CloudWatch's embedded metric format: metrics that cost no call and cannot be throttled. High resolution, for the ten-second alarm. */
function metrics(settings: Settings, database: Protected, vote: Vote): Record<string, unknown> {
  const lag = vote.lagSeconds === null ? {} : { ReplicaLagSeconds: vote.lagSeconds };
  const values = { PrimaryLost: vote.primarySeen === "lost" ? 1 : 0, ReplicationLost: vote.linkSeen === "streaming" ? 0 : 1, ...lag };
  return {
    _aws: {
      Timestamp: vote.atMs,
      CloudWatchMetrics: [
        {
          Namespace: "Understudy",
          Dimensions: [["Plan", "Database"]],
          Metrics: Object.keys(values).map((Name) => ({ Name, StorageResolution: 1 })),
        },
      ],
    },
    Plan: settings.plan.name,
    Database: database.name,
    ...values,
  };
}
