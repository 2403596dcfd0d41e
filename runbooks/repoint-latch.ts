/**
 * The latch way: what is to answer is written down in the recovery region, said as a metric there, and done by Route 53's health checks.
 * A move calls nothing outside the recovery region, and nothing brings a former primary back but the next move.
 */
import { cnameOf } from "../aws/dns.ts";
import { createDocument, readDocument, replaceDocument, type Stored } from "../aws/documents.ts";
import { putBits } from "../aws/latch.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { InstanceFacts } from "../core/facts.ts";
import { answeredSide, type Bit, type Latch, mayFollow, nodeName, sideName, stagesTo } from "../core/latch.ts";
import type { RecordPlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";
import { addressOf, lateMover, type Mover, recordsOf, type Way, wrongAnswer } from "./repoint.ts";
import type { Protected, Settings } from "./settings.ts";
import { notYet, proven } from "./until.ts";

/** While a move waits for DNS it repeats itself this often: a minute without data would only slow it down. */
const REPEAT_MS = 2_000;

export const latchKey = (database: string): string => `databases/${database}/latch.json`;

export const readLatch = (settings: Settings, database: Protected): Promise<Stored<Latch> | null> =>
  readDocument<Latch>(settings.state, latchKey(database.name));

/** false: somebody else has written since. */
export const writeLatch = (settings: Settings, database: Protected, latch: Latch, etag: string | null): Promise<boolean> =>
  etag === null
    ? createDocument(settings.state, latchKey(database.name), latch)
    : replaceDocument(settings.state, latchKey(database.name), latch, etag);

/** Which clients' name does not lead to its latch; null: all do. */
export async function ledAstray(records: readonly RecordPlan[]): Promise<string | null> {
  for (const { name } of records) {
    const led = await cnameOf(name);
    if (led !== nodeName(name, 0))
      return `${name} does not lead to the latch (it leads to ${led ?? "nothing"}); point its CNAME at ${nodeName(name, 0)}`;
  }
  return null;
}

export function latchWay(settings: Settings, database: Protected): Way {
  const records = recordsOf(settings, database);
  let said: { atMs: number; bits: readonly Bit[]; side: number } | undefined;

  /** What is wrong on the way from a node to a side, on every name. */
  async function wrongWay(bits: readonly Bit[], from: number, side: number, target: InstanceFacts): Promise<string | null> {
    for (const { name } of records) {
      for (let node = from; node <= Math.min(side, bits.length - 1); node++) {
        const stays = node === side || node === bits.length - 1;
        const onward = stays ? sideName(name, side) : nodeName(name, node + 1);
        const wrong = await wrongAnswer(nodeName(name, node), onward);
        if (wrong) return wrong;
      }
      const wrong = await wrongAnswer(sideName(name, side), addressOf(target));
      if (wrong) return wrong;
    }
    return null;
  }

  async function sideOf(target: InstanceFacts): Promise<{ stored: Stored<Latch>; side: number }> {
    const stored = await readLatch(settings, database);
    const side = stored?.value.sides.indexOf(target.id) ?? -1;
    if (stored && side >= 0) return { stored, side };
    throw new Problem("NoSide", `${target.id} has no side of the latch of ${database.name}`, {
      hint: "The watcher seats a new standby within a minute, once Route 53's control plane answers.",
    });
  }

  /** Writes down what is to answer, over what was read, and says it. Who has written since is met at the next look. */
  async function say({ value, etag }: Stored<Latch>, bits: readonly Bit[], side: number, mover: Mover): Promise<void> {
    const { generation, attempt, execution } = mover;
    const asOfMs = storeNowMs();
    const next: Latch = { ...value, bits, generation, attempt, saidBy: execution, saidAtMs: asOfMs };
    const told = value.saidBy === execution && value.bits.join() === bits.join();
    if (!told && !(await writeLatch(settings, database, next, etag))) return;
    await putBits(settings.region, settings.plan.name, database.name, bits, asOfMs);
    said = { atMs: asOfMs, bits, side };
  }

  /** Says the next stage as soon as the one before can be seen; the last one again and again. */
  async function advance(target: InstanceFacts, mover: Mover): Promise<void> {
    await mover.holdsClaim();
    const { stored, side } = await sideOf(target);
    const latch = stored.value;
    if (!mayFollow(latch, mover)) throw lateMover(mover, database.record.name, `the latch was last moved by ${latch.saidBy}`);
    const [stage, ...later] = stagesTo(latch.bits, side);
    if (!stage) return await say(stored, latch.bits, side, mover);
    const from = answeredSide(latch.bits);
    const behind = later.length > 0 || side < from ? null : await wrongWay(latch.bits, from + 1, side, target);
    // Nobody sees the nodes behind yet: they must lead to the right side before anybody is led on.
    await say(stored, behind === null ? stage : latch.bits, side, mover);
  }

  return {
    async trouble(target) {
      const stored = await readLatch(settings, database);
      if (!stored) return `the latch of ${database.name} has not been set up yet; the watcher does so within a minute`;
      const side = stored.value.sides.indexOf(target.id);
      if (side < 0) return `${target.id} has no side of the latch of ${database.name} yet`;
      const astray = await ledAstray(records);
      if (astray !== null) return astray;
      for (const { name } of records) {
        const end = await cnameOf(sideName(name, side));
        if (end !== addressOf(target)) return `${sideName(name, side)} leads to ${end ?? "nothing"}, not yet to ${target.id}`;
      }
      return null;
    },

    async change(target, mover) {
      await advance(target, mover);
      return { changeId: null };
    },

    async settled(target, mover) {
      if (!said || storeNowMs() - said.atMs >= REPEAT_MS) await advance(target, mover);
      if (!said) return notYet(`somebody else has just written the latch of ${database.name}`);
      const wrong = await wrongWay(said.bits, 0, said.side, target);
      return wrong ? notYet(wrong) : proven(`the latch of ${database.name} leads to ${target.id}, side ${said.side}`);
    },
  };
}
