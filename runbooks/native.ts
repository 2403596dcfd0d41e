/**
 * After RDS has failed a primary over by itself: proves with a write through the clients' name that it worked, keeps the evidence and
 * tells. Changes nothing, so it needs no claim.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { resolve } from "../aws/dns.ts";
import { appendDocument } from "../aws/documents.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { InstanceFacts, Outage } from "../core/facts.ts";
import type { News } from "../core/news.ts";
import { engineOf } from "../databases/engines.ts";
import type { MoveResult } from "./failover.ts";
import { nativeExecution, readNativeNote } from "./native-watch.ts";
import { describeMember, endpointOf, LOOK_MS, targetOf, tryDescribe, writerOf } from "./observe.ts";
import { readRecord, readVote } from "./record.ts";
import { wrongAnswer } from "./repoint.ts";
import { type Protected, protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { tell } from "./tell.ts";
import { notYet, type Proof, patiently, proven, reasonOf, until } from "./until.ts";

/** In looks of about a second. */
const PATIENCE = { probe: 120, name: 300 };
/** An outage that ended longer before the move was seen is another one: the watcher looks each minute. */
const SAME_OUTAGE_MS = 10 * 60_000;

interface Seen {
  readonly atMs: number;
  readonly primary: InstanceFacts | null;
  readonly before: string | null;
  readonly writer: string | null;
}

export async function nativeSeen(input: MoveInput, ctx: DurableContext, settings: Settings): Promise<MoveResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const execution = nativeExecution(database.name, input.generation, input.attempt);
  const seen = await ctx.step("see what RDS did", () => lookAtMove(settings, database, input.attempt), patiently);
  const id = seen.primary?.id ?? database.plan.primary.instance;
  let proof: Proof;
  try {
    // The probe measures the outage; where it cannot reach the primary, the write below still can.
    await until(ctx, "the probe reaches it", PATIENCE.probe, () => probeReaches(settings, database, id)).catch(() => null);
    proof = await until(ctx, "a write through the name arrives", PATIENCE.name, () =>
      writesByName(settings, database, execution, seen.primary),
    );
  } catch (error) {
    proof = notYet(reasonOf(error));
  }
  const outage = await ctx.step("read how long it took", () => outageOf(settings, database, id, seen.atMs), patiently);
  const evidence = `evidence/${database.name}/${execution}.json`;
  await ctx.step(
    "keep the evidence",
    () => appendDocument(settings.state, evidence, { execution, database: database.name, ...seen, outage, proof }),
    patiently,
  );
  const news = seenNews(database, execution, seen, outage, proof, evidence);
  await ctx.step("tell", () => tell(settings, news), patiently);
  return { outcome: proof.holds ? "succeeded" : "failed", sentence: news.sentence, evidence };
}

async function lookAtMove(settings: Settings, database: Protected, count: number): Promise<Seen> {
  const record = (await readRecord(settings, database)).value;
  const note = (await readNativeNote(settings, database.name))?.value ?? null;
  const found = await tryDescribe(record.regions[record.primary] as string, record.primary, (region, id) =>
    describeMember(database, region, id),
  );
  const primary = found === "dark" ? null : found;
  // The watcher notes the move after it has started this execution: by now it may have, or not yet.
  const noted = note !== null && note.count >= count;
  return {
    atMs: storeNowMs(),
    primary,
    before: noted ? (note?.before ?? null) : (note?.writer ?? null),
    writer: noted ? (note?.writer ?? null) : await writerOf(primary),
  };
}

async function probeReaches(settings: Settings, database: Protected, primary: string): Promise<Proof> {
  const vote = await readVote(settings, database.name, "far");
  return vote?.primary === primary && vote.primarySeen === "alive"
    ? proven("the probe writes to it")
    : notYet("the probe does not reach it");
}

/** The clients' own way: resolve the name, connect to what it gives, write. */
export async function writesByName(
  settings: Settings,
  database: Protected,
  execution: string,
  primary: InstanceFacts | null,
): Promise<Proof> {
  const target = await targetOf(settings, database, endpointOf(primary));
  if (!target || !primary?.address) return notYet("RDS names no endpoint for the primary");
  const { name, repoint } = database.record;
  const wrong = repoint === "latch" ? null : await wrongAnswer(name, primary.address.toLowerCase());
  if (wrong) return notYet(wrong);
  const [byName, byPrimary] = await Promise.all([resolve(name), resolve(primary.address)]);
  if (byName === null || byName !== byPrimary)
    return notYet(`${name} resolves to ${byName ?? "nothing"}, expected ${byPrimary ?? "an address"}`);
  await engineOf(database.plan.engine).writeCanary({ ...target, host: name }, execution, LOOK_MS);
  return proven(`a write through ${name} (${byName}) arrived`);
}

/** As the probe in the recovery region measured it; null when it missed nothing. */
export async function outageOf(settings: Settings, database: Protected, primary: string, nowMs: number): Promise<Outage | null> {
  const vote = await readVote(settings, database.name, "far");
  const outage = vote?.primary === primary ? (vote.lastOutage ?? null) : null;
  return outage && nowMs - outage.toMs < SAME_OUTAGE_MS ? outage : null;
}

export const outageWords = (outage: Outage | null): string =>
  outage ? `${((outage.toMs - outage.fromMs) / 1000).toFixed(1)} s, as the probe measured it` : "none that the probe saw";

function seenNews(database: Protected, execution: string, seen: Seen, outage: Outage | null, proof: Proof, evidence: string): News {
  const id = seen.primary?.id ?? database.plan.primary.instance;
  const { name } = database.record;
  const moved = `RDS failed ${id} over by itself, from ${seen.before ?? "unknown"} to ${seen.writer ?? "unknown"}`;
  return {
    kind: proof.holds ? "Native Failover Seen" : "Native Failover Unproven",
    id: execution,
    database: database.name,
    atMs: seen.atMs,
    sentence: proof.holds
      ? `${moved}: ${name} leads to it and took a write. Outage: ${outageWords(outage)}.`
      : `${moved}, but no write through ${name} arrived: ${proof.seen}.`,
    details: [
      ["Primary", `${id} (the same, with the same endpoint)`],
      [seen.primary?.native?.kind === "cluster" ? "Writer" : "Zone", seen.primary?.native?.at ?? "unknown"],
      ["Outage", outageWords(outage)],
      ["Proof", proof.seen],
      ["Evidence", evidence],
    ],
    next: proof.holds
      ? "Nothing: RDS keeps a standby again within minutes. Clients that keep connections open, or an address for longer than 30 s, may need a restart."
      : `Look at ${id} and at the record ${name} now: RDS has moved the primary, and its clients do not reach it.`,
  };
}
