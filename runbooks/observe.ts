/** Reads the world once, for one database. Whatever cannot be read is null, "dark" or "unknown" in the facts; it never stops the look. */

import { resolve } from "../aws/dns.ts";
import type { Stored } from "../aws/documents.ts";
import { isNoAnswer } from "../aws/errors.ts";
import { describeInstance } from "../aws/rds.ts";
import { describeCluster } from "../aws/rds-clusters.ts";
import { readCredentials } from "../aws/secrets.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { Brake, Condition, DatabaseRecord, Endpoint, Facts, InstanceFacts, Sight, Standby, StandbyFacts } from "../core/facts.ts";
import { type DatabaseEngine, engineOf, type Target } from "../databases/engines.ts";
import { newestRdsEvent } from "./rds-events.ts";
import { readBrake, readRecord, readVote } from "./record.ts";
import type { ProbePlace, Protected, Settings } from "./settings.ts";

/** How long one look at a database may take: longer than a slow answer, shorter than a lap. */
export const LOOK_MS = 1_500;
/** An answer that takes longer is slow. */
const SLOW_MS = 750;

export async function targetOf(settings: Settings, database: Protected, endpoint: Endpoint | null): Promise<Target | null> {
  if (!endpoint) return null;
  const credentials = await readCredentials(settings.region, database.plan.secret, Date.now());
  return { ...endpoint, database: database.plan.database, ...credentials };
}

export const endpointOf = (instance: InstanceFacts | null): Endpoint | null =>
  instance?.address && instance.port ? { host: instance.address, port: instance.port } : null;

export interface Seen {
  readonly sight: Sight;
  readonly condition: Condition;
  /** Whether the write was acknowledged. */
  readonly wrote: boolean;
  /** What stood in the way, in words. */
  readonly trouble: string | null;
}

/** Tries a write. Any answer of the server, an error too, means it is alive: slow or unwilling is not dead. */
export async function look(engine: DatabaseEngine, target: Target | null, write: (target: Target) => Promise<void>): Promise<Seen> {
  if (!target) return { sight: "lost", condition: "gone", wrote: false, trouble: "RDS names no endpoint for it" };
  const startedAtMs = performance.now();
  try {
    await write(target);
    return { sight: "alive", condition: performance.now() - startedAtMs > SLOW_MS ? "slow" : "writes", wrote: true, trouble: null };
  } catch (error) {
    const trouble = (error as Error).message || String((error as { code?: unknown }).code);
    const condition = engine.conditionOf(error);
    return { sight: condition === "gone" || condition === "hung" ? "lost" : "alive", condition, wrote: false, trouble };
  }
}

/** `heartbeat` names whose heart is looked for: the far probe's, unless the near one asks. */
export async function lookAtStandby(target: Target | null, database: Protected, heartbeat = database.name): Promise<StandbyFacts | null> {
  if (!target) return null;
  return await engineOf(database.plan.engine)
    .askStandby(target, heartbeat, LOOK_MS)
    .catch(() => null);
}

/** The newest heartbeat the standby has applied, of either probe: both are dated by the store's clock. */
async function askForEveryHeart(settings: Settings, target: Target | null, database: Protected): Promise<StandbyFacts | null> {
  const [answer, near] = await Promise.all([
    lookAtStandby(target, database),
    settings.plan.network.primary ? lookAtStandby(target, database, heartbeatName(database.name, "near")) : null,
  ]);
  const beats = [answer, near].flatMap((each) => each?.heartbeatAtMs ?? []);
  return answer && { ...answer, heartbeatAtMs: beats.length > 0 ? Math.max(...beats) : null };
}

/** Each probe beats a heart of its own: two of them never write one row. */
export const heartbeatName = (database: string, place: ProbePlace) => (place === "far" ? database : `${database}/near`);

export const isCluster = (database: Protected): boolean => database.plan.primary.cluster !== undefined;

/** A member of a database, in the words of an instance: a cluster's endpoint is its writer's. */
export async function describeMember(database: Protected, region: string, id: string, quickly = false): Promise<InstanceFacts | null> {
  return await (isCluster(database) ? describeCluster : describeInstance)(region, id, quickly);
}

/** "dark": RDS in the region does not answer. */
export async function tryDescribe(region: string, id: string, describe = describeInstance): Promise<InstanceFacts | null | "dark"> {
  try {
    return await describe(region, id, true);
  } catch (error) {
    if (isNoAnswer(error)) return "dark";
    throw error;
  }
}

/** Which host writes, where RDS moves the writer by itself: a Multi-AZ instance keeps its name, and the address behind it changes; a cluster names its member. */
export async function writerOf(primary: InstanceFacts | null): Promise<string | null> {
  if (primary?.native?.kind === "cluster") return primary.native.at;
  return primary?.native && primary.address ? await resolve(primary.address) : null;
}

export interface Observation {
  readonly facts: Facts;
  readonly stored: Stored<DatabaseRecord>;
  readonly brake: Stored<Brake>;
}

/** A look at RDS that takes longer leaves what was read beside it too old. */
const STALE_MS = 1_000;

/** `known`: the record as it was read a moment ago. */
export async function observe(settings: Settings, database: Protected, known?: Stored<DatabaseRecord>): Promise<Observation> {
  const engine = engineOf(database.plan.engine);
  const readAll = () =>
    Promise.all([readVote(settings, database.name, "far"), readVote(settings, database.name, "near"), readBrake(settings)]);
  const early = readAll();
  // Its failure is heard where it is waited for.
  early.catch(() => {});
  const begunAtMs = performance.now();
  const stored = known ?? (await readRecord(settings, database));
  const record = stored.value;
  const regionOf = (id: string) => record.regions[id] ?? database.plan.primary.region;
  const describe = (region: string, id: string, quickly = false) => describeMember(database, region, id, quickly);
  const [primary, ...described] = await Promise.all([
    tryDescribe(regionOf(record.primary), record.primary, describe),
    ...record.standbys.map((id) => tryDescribe(regionOf(id), id, describe)),
  ]);
  // A dark region keeps one waiting for seconds, and votes are good for ten.
  const read = performance.now() - begunAtMs > STALE_MS ? readAll() : early;
  // Where RDS is dark, what the probe last knew is good enough to ask the database itself.
  const target = async (id: string, found: InstanceFacts | null | "dark") =>
    await targetOf(settings, database, found === "dark" ? ((await read)[0]?.endpoints[id] ?? null) : endpointOf(found));
  const lookAtPrimary = async (): Promise<Sight> => {
    const own = await target(record.primary, primary);
    if (!own && primary === "dark") return "unknown";
    // Not a heartbeat: those are dated by one clock, the probe's.
    return (await look(engine, own, (at) => engine.writeCanary(at, `watch-${database.name}`, LOOK_MS))).sight;
  };
  const lookAt = async (id: string, found: InstanceFacts | null | "dark"): Promise<Standby> => {
    const place = await target(id, found);
    const askedAtMs = performance.now();
    const answer = await askForEveryHeart(settings, place, database);
    const standby: Standby = { id, region: regionOf(id), instance: found === "dark" ? null : found, answer };
    return answer ? { ...standby, answeredInMs: Math.ceil(performance.now() - askedAtMs) } : standby;
  };
  const [[vote, nearVote, brake], ownLook, standbys] = await Promise.all([
    read,
    lookAtPrimary(),
    Promise.all(record.standbys.map((id, index) => lookAt(id, described[index] ?? null))),
  ]);
  const writer = primary === "dark" ? null : await writerOf(primary);
  const atMs = storeNowMs();
  const facts: Facts = {
    database: database.name,
    atMs,
    record,
    vote,
    nearVote,
    ownLook,
    primaryRegion: primary === "dark" ? "dark" : "answers",
    primary: primary === "dark" ? null : primary,
    ...(writer === null ? {} : { writer }),
    primaryEvent: newestRdsEvent(record.primary, atMs),
    standbys,
    brake: brake.value,
  };
  return { facts, stored, brake };
}
