/**
 * The latch: which side of a name answers, as Route 53's data plane finds out from one metric a node in the recovery region. Pure: the
 * truth table, the way from one side to another, who sits where. ARCHITECTURE.md tells why it is built so, with AWS's pages.
 *
 * A name with n sides is a chain of n - 1 nodes. Each node is a failover pair: its PRIMARY record leads to the node's own side and
 * carries the node's health check, its SECONDARY leads on (to the next node, or to the last side) and carries none, so that no two
 * checks can contradict each other. A node's bit says "lead on".
 */

export type Bit = 0 | 1;

/** What the latch last said, kept in the recovery region. The metric repeats it, Route 53 acts on it; neither remembers for us. */
export interface Latch {
  readonly database: string;
  /** Who sits on each side; null: nobody. */
  readonly sides: readonly (string | null)[];
  /** One for each node. */
  readonly bits: readonly Bit[];
  /** Of the move that spoke last. Who comes with less is late and is refused. */
  readonly generation: number;
  readonly attempt: number;
  readonly saidBy: string;
  readonly saidAtMs: number;
}

/** What CloudWatch has of a node's metric in the period that counts: the greatest value, or nothing at all. */
export type Stream = Bit | "missing";

/**
 * A node's bit as Route 53 sees it: the data stream of an alarm "Maximum >= 1", a health check with LastKnownStatus, not inverted,
 * never disabled. A check that never had data counts as healthy, so a new latch rests on its first side.
 *
 * | stream  | last known | health    | the node   |
 * |---------|------------|-----------|------------|
 * | 0       | any        | healthy   | stays      |
 * | 1       | any        | unhealthy | leads on   |
 * | missing | 0, none    | healthy   | stays      |
 * | missing | 1          | unhealthy | leads on   |
 */
export const seenBit = (stream: Stream, lastKnown: Bit | null): Bit => (stream === "missing" ? (lastKnown ?? 0) : stream);

/** The side that answers: the first node that does not lead on, or the last side. No input leaves the name without an answer. */
export function answeredSide(bits: readonly Bit[]): number {
  const stays = bits.indexOf(0);
  return stays < 0 ? bits.length : stays;
}

/**
 * The bits to put, stage by stage, so that another side answers in the end. A stage begins when the one before is seen in DNS. While a
 * stage spreads, in whatever order its bits take effect, only the old side or the new one answers.
 */
export function stagesTo(bits: readonly Bit[], target: number): (readonly Bit[])[] {
  const from = answeredSide(bits);
  if (target < 0 || target > bits.length) throw new RangeError(`a latch with ${bits.length} nodes has no side ${target}`);
  if (target === from) return [];
  const flipped = (now: readonly Bit[], node: number, bit: Bit) => now.map((old, at) => (at === node ? bit : old));
  if (target < from) return [flipped(bits, target, 0)];
  // Nodes behind the one that answers are seen by nobody: they are set first.
  const behind = bits.map((old, at): Bit => (at > from && at < target ? 1 : at === target ? 0 : old));
  const last = flipped(behind, from, 1);
  return behind.some((bit, at) => bit !== bits[at]) ? [behind, last] : [last];
}

/** What a stage must show in DNS before the next one: the node behind the one that answers leads to the target's side. */
export const nodeToProve = (bits: readonly Bit[]): number => answeredSide(bits) + 1;

/** The latch before anybody has spoken: it rests on its first side. `sideCount` is the number of sides the stack has made. */
export function firstLatch(database: string, members: readonly string[], sideCount: number, nowMs: number): Latch {
  const sides = Array.from({ length: sideCount }, (_, at) => members[at] ?? null);
  const bits = Array.from({ length: sideCount - 1 }, (): Bit => 0);
  return { database, sides, bits, generation: 1, attempt: 0, saidBy: "the plan", saidAtMs: nowMs };
}

/** The plan has grown: more sides, at the end. What answers stays as it is. */
export function withSides(latch: Latch, sideCount: number): Latch {
  const more = sideCount - latch.sides.length;
  if (more <= 0) return latch;
  const grown = <Value>(list: readonly Value[], value: Value) => [...list, ...Array.from({ length: more }, () => value)];
  return { ...latch, sides: grown(latch.sides, null), bits: grown<Bit>(latch.bits, 0) };
}

/**
 * Seats instances that have none on sides whose instance is no longer among the members. Whoever sits stays, and the side that
 * answers is never given away.
 */
export function seated(latch: Latch, members: readonly string[]): Latch {
  const waiting = members.filter((member) => !latch.sides.includes(member));
  if (waiting.length === 0) return latch;
  const answered = answeredSide(latch.bits);
  const sides = latch.sides.map((old, at) => {
    if (at === answered || (old !== null && members.includes(old))) return old;
    return waiting.shift() ?? old;
  });
  return { ...latch, sides };
}

/**
 * The side for an instance that is no member yet and is to become the primary: the one it has, an empty one, one whose instance is no
 * member any more, else the last one. Never the side that answers, unless it is its own.
 */
export function sideFor(latch: Latch, id: string, members: readonly string[]): number {
  const own = latch.sides.indexOf(id);
  if (own >= 0) return own;
  const answered = answeredSide(latch.bits);
  const silent = latch.sides.map((old, side) => ({ old, side })).filter(({ side }) => side !== answered);
  const free = silent.find(({ old }) => old === null) ?? silent.find(({ old }) => old !== null && !members.includes(old));
  const found = free ?? silent.at(-1);
  if (!found) throw new RangeError(`a latch with ${latch.sides.length} side has none for ${id}`);
  return found.side;
}

/** Whether a move of this generation and attempt comes after the last one that spoke, or is that one. */
export const mayFollow = (last: { generation: number; attempt: number }, now: { generation: number; attempt: number }): boolean =>
  now.generation > last.generation || (now.generation === last.generation && now.attempt >= last.attempt);

/** "db.shop.internal" → "db-latch.shop.internal", the node that clients' name leads to; then "db-latch-1…". */
export const nodeName = (name: string, node: number): string => withSuffix(name, node === 0 ? "latch" : `latch-${node}`);
/** "db-side-0.shop.internal": leads to the endpoint of whoever sits there. */
export const sideName = (name: string, side: number): string => withSuffix(name, `side-${side}`);

function withSuffix(name: string, suffix: string): string {
  const [label = "", ...rest] = name.split(".");
  return [`${label}-${suffix}`, ...rest].join(".");
}

/** Every name the latch of a record uses besides the record's own. */
export const latchNames = (name: string, sideCount: number): string[] => [
  ...Array.from({ length: sideCount - 1 }, (_, node) => nodeName(name, node)),
  ...Array.from({ length: sideCount }, (_, side) => sideName(name, side)),
];

export const LATCH_NAMESPACE = "Understudy/Latch";
export const LATCH_METRIC = "LeadOn";
export const latchDimensions = (plan: string, database: string, node: number) => [
  { Name: "Plan", Value: plan },
  { Name: "Database", Value: database },
  { Name: "Node", Value: String(node) },
];
