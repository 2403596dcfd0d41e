/**
 * One snapshot's copy into another region or into the vault, told top to bottom: how soon it is needed, its turn, its start, its end.
 * However it ends, its slot is free again.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import type { Where } from "../aws/clients.ts";
import { copySnapshot, type SnapshotFacts } from "../aws/rds.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { type Origin, tagsOfCopy } from "../core/copy-origin.ts";
import { deadlines, type Wanted } from "../core/copy-queue.ts";
import { CopyLine, sourceOf } from "./copy-slot.ts";
import { newestPoint } from "./last-resort.ts";
import type { Protected, Settings } from "./settings.ts";
import { available, mustBeThere, started } from "./snapshot-steps.ts";
import { eventually, type Proof, patiently } from "./until.ts";

export interface CopyOrder {
  readonly database: Protected;
  /** Of the snapshot and of its copy. */
  readonly name: string;
  /** Ours; the copy carries those of the snapshot too. */
  readonly tags: Record<string, string>;
  readonly from: string;
  readonly to: Where;
  readonly keyFor: (original: SnapshotFacts) => string | undefined;
  /** Done right before it is asked for, once its turn has come. Safe to repeat. */
  readonly before?: (original: SnapshotFacts) => Promise<void>;
}

/** Slots are scarce, and a night's copies may take the night. */
const IN_LINE_MINUTES = 1440;
/** A first copy of a large database takes hours (aws-facts: queued copies show no progress), and is looked at once a minute. */
const UNDER_WAY_MINUTES = 1440;

export async function copied(ctx: DurableContext, settings: Settings, order: CopyOrder): Promise<void> {
  const { name, to } = order;
  const line = new CopyLine(settings, to);
  const { wanted, original } = await ctx.step("see by when the copy is needed", () => measure(settings, order), patiently);
  try {
    await eventually(ctx, "the copy has started", IN_LINE_MINUTES, () =>
      line.startInTurn(wanted, () => started(to, name, original, () => startCopy(order))),
    );
    const { late } = await eventually<InTime>(ctx, "the copy is available", UNDER_WAY_MINUTES, () =>
      availableInTime(to, name, wanted.dueAtMs),
    );
    if (late) {
      await ctx.step("tell that the copy is late", () => line.tellOfLate(), patiently);
      await eventually(ctx, "the late copy is available", UNDER_WAY_MINUTES, () => available(to, name));
    }
  } catch (error) {
    await leave(ctx, line, name, "failed");
    throw error;
  }
  await leave(ctx, line, name, "available");
}

/** Should it fail, others find out by what RDS lists. */
const leave = (ctx: DurableContext, line: CopyLine, name: string, how: "available" | "failed"): Promise<void> =>
  ctx.step("leave the line of copies", () => line.leave(name, how), patiently).catch(() => {});

interface Measure {
  readonly wanted: Wanted;
  /** What tells its copy from any other of that name. */
  readonly original: Origin;
}

/** How old the newest recovery point is decides who goes first. */
async function measure(settings: Settings, { database, name, from, tags }: CopyOrder): Promise<Measure> {
  const { arn, instanceId, takenAtMs } = await mustBeThere(from, name, GONE);
  const newest = await newestPoint(settings, database.name);
  const times = deadlines(newest?.takenAtMs ?? null, takenAtMs ?? storeNowMs(), database.backup?.everyMinutes ?? 0);
  return {
    wanted: { id: name, kind: "instance", database: database.name, source: sourceOf(from, instanceId), ...times },
    original: { instanceId, copyOf: arn, takenAtMs, tags },
  };
}
const GONE = "Somebody deleted it before it was copied.";

async function startCopy({ name, from, to, tags, keyFor, before }: CopyOrder): Promise<void> {
  const original = await mustBeThere(from, name, GONE);
  await before?.(original);
  await copySnapshot(to, original.arn, name, tagsOfCopy(original.tags, tags), keyFor(original));
}

interface InTime extends Proof {
  /** It is not there yet, and its time has come. */
  readonly late?: true;
}

async function availableInTime(where: Where, name: string, dueAtMs: number): Promise<InTime> {
  const proof = await available(where, name);
  return proof.holds || proof.atMs < dueAtMs ? proof : { ...proof, holds: true, late: true };
}
