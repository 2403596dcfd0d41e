/**
 * Carries one table from the source into parts: asks for slices that take about half a second, cuts rows into parts, hands each part over
 * as soon as it is whole. What earlier runs have finished is not sent again.
 */
import { Readable } from "node:stream";
import type { Part, Place, Table } from "../core/offsite-dump.ts";
import { NAMES } from "../core/offsite-dump.ts";
import { FIRST, LONGEST_MS, nextSize, type Size } from "../core/offsite-slices.ts";
import { Problem } from "../core/problem.ts";
import type { DumpKeys } from "./keys.ts";
import type { Pace } from "./pace.ts";
import { PartMaker } from "./part-maker.ts";
import { lastRowOf, RowCutter, rowsIn } from "./row-cutter.ts";
import { CutShort, type Slice, type Source } from "./source.ts";

export interface Carrying {
  readonly source: Source;
  readonly keys: DumpKeys;
  readonly pace: Pace;
  readonly now: () => number;
  /** A part ends with what reaches it. */
  readonly partBytes: number;
  /** Of the next part. */
  number(): number;
  /** Is told how long each query took. */
  took(ms: number): void;
  /** Takes a part over; resolves when the next one may be made. */
  finished(part: Unsealed, maker: PartMaker): Promise<void>;
}

/** A part before its bytes are settled. */
export type Unsealed = Omit<Part, "plainSha256" | "storedBytes" | "storedSha256" | "etag">;

/** false: the run's time was over first. */
export function carryTable(carrying: Carrying, index: number, table: Table, done: readonly Part[]): Promise<boolean> {
  if (done.at(-1)?.ends) return Promise.resolve(true);
  if (table.way === "whole") return carryWhole(carrying, index, table, done);
  return table.way === "key" ? carryByKey(carrying, index, table, done) : carryByBlocks(carrying, index, table, done);
}

/** Pieces of rows that are read while those before them are compressed. */
const AHEAD = 16;

async function carryByKey(carrying: Carrying, index: number, table: Table, done: readonly Part[]): Promise<boolean> {
  const last = done.at(-1)?.place;
  const slices = new Slices(carrying, table, last?.by === "key" ? last.last : null);
  let maker: PartMaker | null = null;
  const keyIn = (row: string) => carrying.source.keyOf(table, row);
  const hand = async (ends: boolean): Promise<void> => {
    if (maker === null) return;
    const place: Place = { by: "key", first: keyIn(maker.firstRow), last: keyIn(maker.lastRow) };
    await carrying.finished(partOf(carrying, index, table, maker, place, ends), maker);
    maker = null;
  };
  for await (const { rows, count } of Readable.from(slices.pieces(), { highWaterMark: AHEAD }) as AsyncIterable<Piece>) {
    if (maker !== null && maker.plainBytes >= carrying.partBytes) await hand(false);
    maker ??= new PartMaker(carrying.keys, NAMES.part(carrying.number()));
    await maker.add(rows, count);
  }
  await hand(!slices.timeOver);
  return !slices.timeOver;
}

interface Piece {
  /** Whole ones. */
  readonly rows: Buffer;
  readonly count: number;
}

/** All rows of a table behind a key, one query after the other. */
class Slices {
  /** The run's time was over before the table's end. */
  timeOver = false;
  private readonly carrying: Carrying;
  private readonly table: Table;
  private after: readonly string[] | null;

  constructor(carrying: Carrying, table: Table, after: readonly string[] | null) {
    this.carrying = carrying;
    this.table = table;
    this.after = after;
  }

  async *pieces(): AsyncGenerator<Piece> {
    const { carrying, table } = this;
    for (let size: Size = FIRST; ; ) {
      if (!(await carrying.pace.turn())) {
        this.timeOver = true;
        return;
      }
      const begunMs = carrying.now();
      let count = 0;
      let bytes = 0;
      let newest: Buffer | undefined;
      let cutShort = false;
      const cutter = new RowCutter();
      try {
        for await (const some of carrying.source.rows(table, { by: "key", after: this.after, rows: size.count }, size.limitMs))
          for (const rows of cutter.add(some)) {
            const piece = { rows, count: rowsIn(rows) };
            count += piece.count;
            bytes += rows.length;
            newest = rows;
            yield piece;
          }
        cutter.mustBeWhole(table);
      } catch (error) {
        if (!(error instanceof CutShort)) throw error;
        cutShort = true;
      }
      if (newest) this.after = carrying.source.keyOf(table, lastRowOf(newest));
      if (cutShort && count === 0 && size.limitMs >= LONGEST_MS) throw tooSlow(table);
      const tookMs = carrying.now() - begunMs;
      carrying.took(tookMs);
      if (!cutShort && count < size.count) return;
      size = nextSize(size, { count, bytes, tookMs, cutShort });
    }
  }
}

async function carryByBlocks(carrying: Carrying, index: number, table: Table, done: readonly Part[]): Promise<boolean> {
  const last = done.at(-1)?.place;
  let from = last?.by === "blocks" ? last.to : 0;
  let size: Size = { ...FIRST, count: 100 };
  while (from < table.blocks) {
    if (!(await carrying.pace.turn())) return false;
    const to = Math.min(from + size.count, table.blocks);
    const begunMs = carrying.now();
    const maker = new PartMaker(carrying.keys, NAMES.part(carrying.number()));
    // Rows here have no order that a later query could go on from: a slice is whole or nothing.
    const cutShort = await take(carrying, table, { by: "blocks", from, to }, size.limitMs, (piece) => maker.add(piece));
    const tookMs = carrying.now() - begunMs;
    carrying.took(tookMs);
    if (cutShort) {
      maker.abandon();
      if (size.limitMs >= LONGEST_MS) throw tooSlow(table);
      size = nextSize(size, { count: 0, bytes: 0, tookMs: 0, cutShort });
      continue;
    }
    size = nextSize(size, { count: to - from, bytes: maker.plainBytes, tookMs, cutShort });
    await carrying.finished(partOf(carrying, index, table, maker, { by: "blocks", from, to }, to === table.blocks), maker);
    from = to;
  }
  return true;
}

/**
 * One query for all rows. A run that goes on reads from the start again and sends only what was not sent: each part that was must come
 * out with the same hash.
 */
async function carryWhole(carrying: Carrying, index: number, table: Table, done: readonly Part[]): Promise<boolean> {
  if (!(await carrying.pace.turn())) return false;
  let ordinal = 0;
  let maker: PartMaker | null = null;
  const hand = async (ends: boolean): Promise<void> => {
    if (maker === null) return;
    const before = done[ordinal];
    const place: Place = { by: "whole", ordinal: ordinal++ };
    if (before === undefined) await carrying.finished(partOf(carrying, index, table, maker, place, ends), maker);
    else if (maker.abandon() !== before.plainSha256) throw disordered(table);
    maker = null;
  };
  await take(carrying, table, { by: "whole" }, LONGEST_MS, async (piece) => {
    for (const rows of inParts(piece, () => carrying.partBytes - (maker?.plainBytes ?? 0))) {
      maker ??= new PartMaker(carrying.keys, NAMES.part(carrying.number()));
      await maker.add(rows);
      if (maker.plainBytes < carrying.partBytes) continue;
      await hand(false);
      // The server waits with the rest meanwhile. A run that sends nothing would leave the next one no better off.
      if (ordinal > done.length && !(await carrying.pace.turn())) throw new TimeOver();
    }
  }).catch((error) => {
    if (!(error instanceof TimeOver)) throw error;
    maker?.abandon();
    ordinal = -1;
  });
  if (ordinal < 0) return false;
  await hand(true);
  return true;
}

class TimeOver extends Error {}

/** Cuts behind the row that reaches the bound, wherever the bytes were cut before: the same rows make the same parts. */
function* inParts(rows: Buffer, room: () => number): Generator<Buffer> {
  let rest = rows;
  while (rest.length > 0) {
    const left = room();
    const end = rest.length <= left ? rest.length : rest.indexOf(10, Math.max(0, left - 1)) + 1;
    yield rest.subarray(0, end);
    rest = rest.subarray(end);
  }
}

/** Whole rows of a slice, as they come. true: the server has ended it before its end. */
async function take(
  { source }: Carrying,
  table: Table,
  slice: Slice,
  limitMs: number,
  give: (rows: Buffer) => Promise<void>,
): Promise<boolean> {
  const cutter = new RowCutter();
  try {
    for await (const bytes of source.rows(table, slice, limitMs)) for (const rows of cutter.add(bytes)) await give(rows);
  } catch (error) {
    if (error instanceof CutShort) return true;
    throw error;
  }
  cutter.mustBeWhole(table);
  return false;
}

function partOf({ source, number }: Carrying, table: number, of: Table, maker: PartMaker, place: Place, ends: boolean): Unsealed {
  return { number: number(), table, rows: maker.rows, plainBytes: maker.plainBytes, place, ends, check: source.check(of, place) };
}

const tooSlow = (table: Table): Problem =>
  new Problem("SourceSlow", `${table.name} gives not one row in ${LONGEST_MS / 1000} s`, {
    hint: "Look what the server is busy with; a volume fresh from a snapshot is slow at first. What is finished is kept.",
    retry: true,
  });

const disordered = (table: Table): Problem =>
  new Problem("SourceDisordered", `${table.name} has no key, and its rows come in another order than before`, {
    hint: "Give the table a primary key, or begin anew (beginAnew) with enough time to finish in one run.",
  });
