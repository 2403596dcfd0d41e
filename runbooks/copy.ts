/**
 * One snapshot's copy into another region, told top to bottom: how soon it is needed, its turn, its start, its end. However it ends, its
 * slot is free again.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { copySnapshot, type SnapshotFacts } from "../aws/rds.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { type Origin, tagsOfCopy } from "../core/copy-origin.ts";
import { deadlines, type Wanted } from "../core/copy-queue.ts";
import { CopyLine, sourceOf } from "./copy-slot.ts";
import { newestPoint } from "./last-resort.ts";
import type { Protected, Settings } from "./settings.ts";
import { available, mustBeThere, started } from "./snapshot-steps.ts";
import { eventually, type Proof, patiently, until } from "./until.ts";

export interface CopyOrder {
  readonly database: Protected;
  /** Of the snapshot and of its copy. */
  readonly name: string;
  /** Ours; the copy carries those of the snapshot too. */
  readonly tags: Record<string, string>;
  readonly from: string;
  readonly to: string;
  readonly keyFor: (original: SnapshotFacts) => string | undefined;
}

/** Slots are scarce, and a night's copies may take the night. */
const IN_LINE_MINUTES = 1440;
/** Looks of about a second; a first copy of a large database takes hours (aws-facts: queued copies show no progress). */
const PATIENCE = 86_400;

export async function copied(ctx: DurableContext, settings: Settings, order: CopyOrder): Promise<void> {
  const { name, to } = order;
  const line = new CopyLine(settings, to);
  const { wanted, original } = await ctx.step("see by when the copy is needed", () => measure(settings, order), patiently);
  try {
    await eventually(ctx, "the copy has started", IN_LINE_MINUTES, () =>
      line.startInTurn(wanted, () => started(to, name, original, () => startCopy(order))),
    );
    const { late } = await until<InTime>(ctx, "the copy is available", PATIENCE, () => availableInTime(to, name, wanted.dueAtMs));
    if (late) {
      await ctx.step("tell that the copy is late", () => line.tellOfLate(), patiently);
      await until(ctx, "the late copy is available", PATIENCE, () => available(to, name));
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

async function startCopy({ name, from, to, tags, keyFor }: CopyOrder): Promise<void> {
  const original = await mustBeThere(from, name, GONE);
  await copySnapshot(to, original.arn, name, tagsOfCopy(original.tags, tags), keyFor(original));
}

interface InTime extends Proof {
  /** It is not there yet, and its time has come. */
  readonly late?: true;
}

async function availableInTime(region: string, name: string, dueAtMs: number): Promise<InTime> {
  const proof = await available(region, name);
  return proof.holds || proof.atMs < dueAtMs ? proof : { ...proof, holds: true, late: true };
}
