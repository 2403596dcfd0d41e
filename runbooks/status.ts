/** The state of everything in one answer: what is on record, what can be seen now, what would be decided, where the backups lie. */
import { readCname } from "../aws/dns.ts";
import { listSnapshots } from "../aws/rds.ts";
import { diagnose } from "../core/diagnosis.ts";
import { answeredSide } from "../core/latch.ts";
import { policyOf } from "../core/policy.ts";
import { decide } from "../core/rules.ts";
import { observe } from "./observe.ts";
import { readLatch } from "./repoint-latch.ts";
import { type Protected, protectedDatabases, type Settings } from "./settings.ts";

export async function status(settings: Settings): Promise<Record<string, unknown>> {
  const databases = await Promise.all(protectedDatabases(settings.plan).map((database) => statusOf(settings, database)));
  return {
    plan: settings.plan.name,
    region: settings.region,
    at: new Date().toISOString(),
    databases: Object.fromEntries(databases.map((entry) => [entry.database, entry])),
  };
}

async function statusOf(settings: Settings, database: Protected): Promise<{ database: string } & Record<string, unknown>> {
  const { facts } = await observe(settings, database);
  const policy = policyOf(settings.plan, database.plan);
  const diagnosis = diagnose(facts, policy);
  const decision = decide(facts, diagnosis, policy);
  const [record, backups] = await Promise.all([
    // With us-east-1 dark the status is still worth reading.
    readCname(database.record.zone, database.record.name).catch(() => null),
    // Every instance: before a failover the backups were another one's.
    Promise.all(database.backup ? Object.keys(facts.record.regions).map((id) => listSnapshots(database.backup?.copyTo as string, id)) : []),
  ]);
  const ours = backups.flat().filter((snapshot) => snapshot.tags["understudy:database"] === database.name);
  const latch = database.record.repoint === "latch" ? ((await readLatch(settings, database))?.value ?? null) : undefined;
  return {
    database: database.name,
    generation: facts.record.generation,
    primary: facts.record.primary,
    standbys: facts.record.standbys,
    retired: facts.record.retired,
    pause: facts.record.pause,
    move: facts.record.claim,
    lastMove: facts.record.lastMove,
    diagnosis: diagnosis.name,
    decision: decision.sentence,
    lagSeconds: Object.fromEntries(Object.entries(diagnosis.prices).map(([id, price]) => [id, price.lagSeconds])),
    vote: facts.vote,
    name: { record: database.record.name, target: record?.target ?? null, ttlSeconds: record?.ttlSeconds ?? null },
    ...(latch === undefined ? {} : { latch: latch && { ...latch, answers: latch.sides[answeredSide(latch.bits)] } }),
    backups: ours.map(({ id, region, status: state, takenAtMs }) => ({
      id,
      region,
      status: state,
      takenAt: takenAtMs === null ? null : new Date(takenAtMs).toISOString(),
    })),
  };
}
