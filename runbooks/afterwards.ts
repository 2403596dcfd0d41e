/**
 * The look afterwards: waits for the old primary to be back behind its fence, climbs the rungs that must not delay a move, and keeps
 * what was seen beside the move's evidence. An execution of its own, started when a move has ended: no client waits for it, and its
 * failure fails nothing else.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { appendDocument } from "../aws/documents.ts";
import { isCode } from "../aws/errors.ts";
import { startExecution } from "../aws/functions.ts";
import { describeInstance, setMasterPassword, stopInstance } from "../aws/rds.ts";
import { readCredentials } from "../aws/secrets.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { type Afterwards, evidenceKey } from "../core/evidence.ts";
import type { DatabaseRecord, InstanceFacts, Retired } from "../core/facts.ts";
import { type Climbed, hasRung } from "../core/ladder.ts";
import { noting } from "./evidence.ts";
import { isFenced } from "./fences.ts";
import { changeRecord, readRecord } from "./record.ts";
import { retiredPassword } from "./retired-password.ts";
import { type Protected, protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { eventually, notYet, type Proof, patiently, proven, reasonOf } from "./until.ts";

export interface AfterwardsResult {
  readonly outcome: "kept" | "nobody to look at";
}

/** Minutes; an execution ends after four hours. What comes later the watch over former primaries sees (fences.ts). */
const PATIENCE = { back: 120, credentials: 15, stop: 60 };

/** RDS's status while it changes a master user's password. */
const RESETTING = "resetting-master-credentials";

/** Started at the end of a move. Whatever keeps it from starting keeps nothing else. */
export async function startAfterwards(settings: Settings, database: Protected, record: DatabaseRecord): Promise<{ started: boolean }> {
  const { generation } = record;
  const input: MoveInput = { kind: "afterwards", database: database.name, generation, attempt: 1 };
  try {
    await startExecution(settings.region, settings.functions.move, `afterwards-${database.name}-g${generation}`, input);
    return { started: true };
  } catch (error) {
    console.error(JSON.stringify({ what: "no look afterwards", database: database.name, error: String(error) }));
    return { started: false };
  }
}

export async function afterwards(input: MoveInput, plain: DurableContext, settings: Settings): Promise<AfterwardsResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const { ctx, steps } = noting(plain, `afterwards-${database.name}-g${input.generation}`);
  const look = new Look(settings, database);
  const found = await ctx.step("find the old primary", () => look.find(input.generation - 1), patiently);
  if (!found) return { outcome: "nobody to look at" };
  const { retired, region } = found;
  const back = await climb(ctx, "the old primary is back", PATIENCE.back, retired.atMs, () => look.isBack(retired.instance, region));
  const rungs: Climbed[] = [];
  if (hasRung(database.plan.failover, "credentials") && back.holds) {
    const asked = await climb(ctx, "other credentials are asked for", PATIENCE.credentials, back.atMs, () =>
      look.asksForCredentials(retired, region),
    );
    const changed = asked.holds
      ? await climb(ctx, "its credentials are other ones", PATIENCE.credentials, back.atMs, () => look.hasOthers(retired, region, asked))
      : asked;
    rungs.push({ rung: "credentials", ...changed });
  }
  if (hasRung(database.plan.failover, "stop") && back.holds) {
    const stopped = await climb(ctx, "the old primary is stopped", PATIENCE.stop, back.atMs, () => look.isStopped(retired, region));
    rungs.push({ rung: "stop", ...stopped });
    if (stopped.holds) await ctx.step("note that it is stopped", () => look.noteOn(retired, { stoppedAtMs: stopped.atMs }), patiently);
  }
  const kept: Afterwards = {
    version: 1,
    execution: found.move,
    instance: retired.instance,
    back: { holds: back.holds, seen: back.seen, atMs: back.atMs, afterMs: back.tookMs },
    rungs,
    steps,
  };
  await ctx.step("keep what was seen", () => look.keep(kept), patiently);
  return { outcome: "kept" };
}

/** How it ended, and how long after `fromMs`; what does not come about is an answer too. */
async function climb(
  ctx: DurableContext,
  name: string,
  minutes: number,
  fromMs: number,
  look: () => Promise<Proof>,
): Promise<Omit<Climbed, "rung">> {
  const proof = await eventually(ctx, name, minutes, look).catch((error: unknown) => ({
    holds: false,
    seen: reasonOf(error),
    atMs: fromMs,
  }));
  return { holds: proof.holds, seen: proof.seen, atMs: proof.atMs, tookMs: Math.max(0, proof.atMs - fromMs) };
}

class Look {
  private readonly settings: Settings;
  private readonly database: Protected;

  constructor(settings: Settings, database: Protected) {
    this.settings = settings;
    this.database = database;
  }

  /** The primary of that generation, and the move that left it. */
  async find(generation: number): Promise<{ retired: Retired; region: string; move: string } | null> {
    const { retired, regions } = (await readRecord(this.settings, this.database)).value;
    const left = retired.find((each) => each.generation === generation);
    const region = left && regions[left.instance];
    return left?.move && region ? { retired: left, region, move: left.move } : null;
  }

  async isBack(id: string, region: string): Promise<Proof> {
    const { status } = await this.instance(id, region);
    return ["available", "stopped"].includes(status) ? proven(`${id} is ${status}`) : notYet(`${id} is ${status}`);
  }

  /** Why the former primary is left as it is for now; null when nothing speaks against changing it. */
  private async hold({ instance: id, generation }: Retired, region: string, instance: InstanceFacts): Promise<string | null> {
    const { claim, retired, pause } = (await readRecord(this.settings, this.database)).value;
    const left = retired.find((each) => each.instance === id && each.generation === generation);
    if (!left) return `${id} is no former primary any more`;
    if (claim) return `${claim.execution} is running`;
    if ((pause?.untilMs ?? 0) > storeNowMs()) return "Understudy is paused";
    if (!left.fenced || !isFenced(instance, this.database.plan.fenceSecurityGroups[region] as string)) return `${id} is not fenced yet`;
    return instance.status === "available" ? null : `${id} is ${instance.status}`;
  }

  /** Noted before it is asked for: whoever has to enter later tries both. */
  async asksForCredentials(retired: Retired, region: string): Promise<Proof> {
    const { instance: id } = retired;
    const held = await this.hold(retired, region, await this.instance(id, region));
    if (held !== null) return notYet(held);
    const { secret } = this.database.plan;
    const { password } = await readCredentials(this.settings.region, secret, Date.now());
    await this.noteOn(retired, { credentialsAtMs: storeNowMs() });
    return proven(`${id} is ${await setMasterPassword(region, id, retiredPassword(password, retired))}`);
  }

  /** Nobody can try it: the fence admits nobody. RDS says that it was at it, or says nothing else for a minute. */
  async hasOthers({ instance: id }: Retired, region: string, asked: Omit<Climbed, "rung">): Promise<Proof> {
    const { status } = await this.instance(id, region);
    const wasAtIt = asked.seen.includes(RESETTING) || storeNowMs() - asked.atMs > 60_000;
    return status === "available" && wasAtIt
      ? proven(`RDS has given the master user of ${id} another password`)
      : notYet(`${id} is ${status}, and was asked for another password`);
  }

  /** Only behind its fence, and never while a move may need to ask it: then it is for the watch to stop it again. */
  async isStopped(former: Retired, region: string): Promise<Proof> {
    const { instance: id } = former;
    const instance = await this.instance(id, region);
    if (instance.status === "stopped") return proven(`${id} is stopped`);
    const held = await this.hold(former, region, instance);
    if (held !== null) return notYet(held);
    try {
      return notYet(`${id} is ${await stopInstance(region, id)}`);
    } catch (error) {
      // A replica that still follows it keeps it from being stopped.
      if (isCode(error, "InvalidDBInstanceState")) return notYet((error as Error).message);
      throw error;
    }
  }

  private async instance(id: string, region: string): Promise<InstanceFacts> {
    const found = await describeInstance(region, id);
    if (found) return found;
    throw new Error(`RDS does not know ${id} any more`);
  }

  async noteOn({ instance, generation }: Retired, note: Partial<Retired>): Promise<void> {
    await changeRecord(this.settings, this.database, (record) => ({
      ...record,
      retired: record.retired.map((each) => (each.instance === instance && each.generation === generation ? { ...each, ...note } : each)),
    }));
  }

  async keep(kept: Afterwards): Promise<void> {
    await appendDocument(this.settings.state, evidenceKey(this.database.name, kept.execution, "after.json"), kept);
  }
}
