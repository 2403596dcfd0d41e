/**
 * A copy's place among those that want into one region, or into the vault: the queue's document in the state bucket, looked at and changed
 * by every backup that waits. A look gives the free slots away, to whomever is first; whoever finds itself admitted starts. Nothing waits here: the
 * caller's durable wait looks again. Whose execution died is found out by what RDS lists.
 */
import { setTimeout as pause } from "node:timers/promises";
import { placeName, type Where } from "../aws/clients.ts";
import { createDocument, readDocument, replaceDocument } from "../aws/documents.ts";
import { codeOf } from "../aws/errors.ts";
import { listSnapshots } from "../aws/rds.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { faultOf, isHeldUp } from "../core/copy-fault.ts";
import { forecast, toForetell } from "../core/copy-forecast.ts";
import { foreseenNews, fullNews, lateNews } from "../core/copy-news.ts";
import {
  admit,
  backOff,
  COPY_LIMITS,
  type CopyQueue,
  EMPTY_QUEUE,
  ended,
  enter,
  foretold,
  inLine,
  isToBeSeen,
  type ListedCopy,
  mayBegin,
  overdue,
  reconcile,
  started,
  told,
  type Wanted,
} from "../core/copy-queue.ts";
import { Problem } from "../core/problem.ts";
import { slugOf } from "../core/vault.ts";
import type { Settings } from "./settings.ts";
import { tell } from "./tell.ts";
import { notYet, type Proof } from "./until.ts";

const copiesKey = (place: string): string => `copies/${slugOf(place)}.json`;

export class CopyLine {
  private readonly settings: Settings;
  private readonly where: Where;
  /** What people call it. */
  private readonly region: string;

  constructor(settings: Settings, where: Where) {
    this.settings = settings;
    this.where = where;
    this.region = placeName(where);
  }

  /** One look of a copy that wants to start. A refusal for want of a slot sends it back into the line, and is no failure. */
  async startInTurn(wanted: Wanted, start: () => Promise<Proof>): Promise<Proof> {
    const queue = await this.takeTurn(wanted);
    try {
      if (!mayBegin(queue, wanted.id, storeNowMs())) return notYet(this.placeOf(queue, wanted));
      const proof = await this.begin(wanted, start);
      if (proof.holds) await this.change((now) => started(now, wanted.id, storeNowMs()));
      return proof;
    } finally {
      await this.tellOverdue(queue);
      await this.foretell(queue);
    }
  }

  /** Its slot is free again, or its place in the line. */
  async leave(id: string, how: "available" | "failed"): Promise<void> {
    await this.change((queue) => ended(queue, id, how, storeNowMs()));
  }

  /** For a copy that is late under way, when nobody else may be looking. */
  async tellOfLate(): Promise<void> {
    await this.tellOverdue(await this.change((now) => now));
  }

  private async takeTurn(wanted: Wanted): Promise<CopyQueue> {
    let listed: { readonly copies: ListedCopy[]; readonly atMs: number; readonly forMs: number } | undefined;
    return await this.change(async (before) => {
      const nowMs = storeNowMs();
      if (isToBeSeen(before, nowMs)) listed ??= { atMs: nowMs, copies: await this.listed(), forMs: storeNowMs() - nowMs };
      const seen = listed && listed.atMs > before.seenAtMs ? reconcile(before, listed.copies, listed.atMs, listed.forMs) : before;
      return admit(enter(seen, wanted, nowMs), COPY_LIMITS, nowMs);
    });
  }

  private async begin(wanted: Wanted, start: () => Promise<Proof>): Promise<Proof> {
    try {
      return await start();
    } catch (error) {
      const { message } = error as Error;
      const fault = faultOf(codeOf(error), message);
      if (!isHeldUp(fault)) throw error;
      const now = await this.change((before) => backOff(before, wanted.id, fault, Math.random(), storeNowMs()));
      if (fault === "region is full") await tell(this.settings, fullNews(this.region, now, wanted.database, message, storeNowMs()));
      return notYet(`${fault}: ${message}; ${this.placeOf(now, wanted)}`);
    }
  }

  /** One call a page. Copies within the region take no slot; those in the vault all are, of what is shared with it. */
  private async listed(): Promise<ListedCopy[]> {
    const within = typeof this.where === "string" ? null : this.where.region;
    return (await listSnapshots(this.where)).flatMap(({ id, status, copyOf, copiedFrom, instanceId }) => {
      const from = copiedFrom ?? (copyOf === null ? null : within);
      return from === null ? [] : [{ id, kind: "instance", source: sourceOf(from, instanceId), status }];
    });
  }

  private placeOf(queue: CopyQueue, { id }: Wanted): string {
    const before = inLine(queue).findIndex((entry) => entry.id === id);
    return `${id} waits for a slot in ${this.region}: ${before} before it, ${queue.inFlight.length + queue.strangers.length} under way`;
  }

  private async foretell(queue: CopyQueue): Promise<void> {
    const nowMs = storeNowMs();
    const [first, ...others] = toForetell(queue, forecast(queue, COPY_LIMITS, nowMs), nowMs);
    if (!first || !(await tell(this.settings, foreseenNews(this.region, queue, [first, ...others], nowMs)))) return;
    const ids = [first, ...others].map(({ id }) => id);
    await this.note((now) => foretold(now, ids, nowMs));
  }

  private async tellOverdue(queue: CopyQueue): Promise<void> {
    const nowMs = storeNowMs();
    const ids: string[] = [];
    for (const entry of overdue(queue, nowMs)) {
      if (!(await tell(this.settings, lateNews(this.region, queue, entry, nowMs)))) break;
      ids.push(entry.id);
    }
    if (ids.length > 0) await this.note((now) => told(now, ids));
  }

  /** What is not noted is told again by the next look, under the same id, which people read once. */
  private async note(change: (queue: CopyQueue) => CopyQueue): Promise<void> {
    await this.change(change).catch(() => {});
  }

  /** Changes the queue over whatever it is by then. `change` may be called more than once; what it gives back unchanged is not written. */
  private async change(change: (queue: CopyQueue) => CopyQueue | Promise<CopyQueue>): Promise<CopyQueue> {
    const { state } = this.settings;
    const key = copiesKey(this.region);
    for (let tries = 0; tries < TRIES; tries++) {
      const stored = await readDocument<CopyQueue>(state, key);
      const before = stored?.value ?? EMPTY_QUEUE;
      const next = await change(before);
      if (next === before) return before;
      if (await (stored ? replaceDocument(state, key, next, stored.etag) : createDocument(state, key, next))) return next;
      await pause(Math.random() * CROWD_MS);
    }
    throw new Problem("QueueCrowded", `${TRIES} others were faster to write ${key}`, { hint: "It is tried again.", retry: true });
  }
}

const TRIES = 12;
/** Where many write at once, they come again apart. */
const CROWD_MS = 400;

export const sourceOf = (region: string, instanceId: string): string => `${region}/${instanceId}`;
