/**
 * The probe's laps: write a heartbeat to the primary, ask the standby about its link and lag, carry the count of misses
 * forward in the vote. A witness, not a judge: it says what it saw and since when.
 */
import { setTimeout as pause } from "node:timers/promises";
import { putDocument } from "../aws/documents.ts";
import { invokeAsync } from "../aws/functions.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { DatabaseRecord, Endpoint, Vote } from "../core/facts.ts";
import { policyOf } from "../core/policy.ts";
import { type Cast, nextVote } from "../core/vote.ts";
import { engineOf } from "../databases/engines.ts";
import { metricLine } from "./metrics.ts";
import { describeMember, endpointOf, heartbeatName, isCluster, LOOK_MS, look, lookAtStandby, targetOf, tryDescribe } from "./observe.ts";
import { readRecord, readVote, seeRecord, voteKey } from "./record.ts";
import { type Protected, protectedDatabases, type Settings } from "./settings.ts";

/** Endpoints never change during an instance's life; they are read again when the record names other instances. */
const endpoints = new Map<string, Endpoint>();

const ASK_MS = 2_000;

/** Where RDS in the region is dark, the place the last vote names is as good. */
async function endpoint(database: Protected, region: string, id: string, before: Vote | null): Promise<Endpoint | null> {
  const known = endpoints.get(`${region}/${id}`);
  if (known) return known;
  const asked = tryDescribe(region, id, (where, what) => describeMember(database, where, what));
  const remembered = before?.endpoints[id];
  // A dark region is silent for longer than a vote counts: whoever knows the place already does not wait that long.
  const described = remembered ? await Promise.race([asked, pause(ASK_MS, "dark" as const)]).catch(() => "dark" as const) : await asked;
  const found = described === "dark" ? (before?.endpoints[id] ?? null) : endpointOf(described);
  if (found) endpoints.set(`${region}/${id}`, found);
  return found;
}

/** The vote this probe cast last, by database; read from S3 at the start of its minute. */
const lastVotes = new Map<string, Vote | null>();

export interface Lap extends Cast {
  readonly record: DatabaseRecord;
}

export async function probeLap(settings: Settings, database: Protected): Promise<Lap> {
  const { place } = settings;
  const engine = engineOf(database.plan.engine);
  // The one in the primary's network writes its votes alone.
  const record = place === "near" ? await seeRecord(settings, database) : (await readRecord(settings, database)).value;
  const before = (lastVotes.has(database.name) ? lastVotes.get(database.name) : await readVote(settings, database.name, place)) ?? null;
  // Another cluster of a global database takes no questions by its writer's name.
  const ids = isCluster(database) ? [record.primary] : [record.primary, ...record.standbys];
  const found = await Promise.all(ids.map((id) => endpoint(database, record.regions[id] ?? database.plan.primary.region, id, before)));
  const [primaryTarget, ...standbyTargets] = await Promise.all(found.map((each) => targetOf(settings, database, each)));

  const startedAtMs = storeNowMs();
  let rowsChanged: number | null = null;
  const [seen, ...answers] = await Promise.all([
    look(engine, primaryTarget ?? null, async (target) => {
      const heartbeat = { database: heartbeatName(database.name, place), atMs: startedAtMs, generation: record.generation };
      rowsChanged = await engine.beat(target, heartbeat, LOOK_MS);
    }),
    ...standbyTargets.map((target) => lookAtStandby(target, database, heartbeatName(database.name, place))),
  ]);

  const cast = nextVote(
    before,
    {
      record,
      startedAtMs,
      endedAtMs: storeNowMs(),
      seen: { ...seen, rowsChanged },
      answers: Object.fromEntries(record.standbys.map((id, index) => [id, answers[index] ?? null])),
      endpoints: Object.fromEntries(ids.flatMap((id, index) => (found[index] ? [[id, found[index]]] : []))),
    },
    policyOf(settings.plan, database.plan),
  );
  lastVotes.set(database.name, cast.vote);
  await putDocument(settings.state, voteKey(database.name, place), cast.vote);
  return { record, ...cast };
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
    const { vote, firstMiss, wakes } = await probeLap(settings, database);
    console.log(metricLine(settings, database.name, settings.place, vote.atMs, metrics(vote)));
    // The near probe wakes nobody: the far one sees the same, and reaches the watcher when the primary region is dark.
    if (settings.place === "near") return;
    const wake = { source: "understudy.probe", database: database.name };
    if (wakes) {
      console.warn(JSON.stringify({ what: "votes turned", database: database.name, vote }));
      await invokeAsync(settings.region, settings.functions.watch, wake);
    } else if (firstMiss) await invokeAsync(settings.region, settings.functions.watch, { ...wake, firstMiss });
  } catch (error) {
    console.error(JSON.stringify({ what: "lap failed", database: database.name, error: String(error) }));
  }
}

function metrics(vote: Vote): Record<string, number> {
  const values = { PrimaryLost: vote.primarySeen === "lost" ? 1 : 0, ReplicationLost: vote.linkSeen === "streaming" ? 0 : 1 };
  return vote.lagSeconds === null ? values : { ...values, ReplicaLagSeconds: vote.lagSeconds };
}
