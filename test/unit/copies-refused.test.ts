// biome-ignore-all lint/suspicious/noExplicitAny: recorded answers of RDS
/**
 * AWS refuses copies for want of a slot, and some of them are there already: the answers of a real night, recorded, play through the
 * queue. The recordings stand beside the checkout; without them there is nothing to play.
 */
import { describe, expect, test } from "vitest";
import { faultOf, isHeldUp } from "../../core/copy-fault.ts";
import { notTheSame, type Origin } from "../../core/copy-origin.ts";
import {
  admit,
  backOff,
  COPY_LIMITS,
  type CopyQueue,
  EMPTY_QUEUE,
  ended,
  enter,
  type ListedCopy,
  reconcile,
  started,
  type Wanted,
} from "../../core/copy-queue.ts";
import { type Recording, readRecordings } from "../conformance/recorded.ts";

const NIGHT = "test_rds_snapshot_region_copy_many/";
const recordings = readRecordings().filter(({ name }) => name.startsWith(NIGHT));
const numbered = ({ name }: Recording): number => Number(/_(\d+)\.json$/.exec(name)?.[1]);
const answers = recordings.filter(({ operation }) => operation === "CopyDBSnapshot").sort((a, b) => numbered(a) - numbered(b));
const snapshots: any[] = recordings.find(({ operation }) => operation === "DescribeDBSnapshots")?.data.DBSnapshots ?? [];

const START = Date.parse("2016-12-28T13:01:58Z");
const MINUTE = 60_000;
/** An automated snapshot's name is no name for a copy. */
const copyName = (snapshot: any): string => snapshot.DBSnapshotIdentifier.replace(":", "-");
const originOf = (snapshot: any): Origin => ({
  instanceId: snapshot.DBInstanceIdentifier,
  copyOf: snapshot.DBSnapshotArn,
  takenAtMs: snapshot.SnapshotCreateTime.getTime(),
  tags: {},
});
/** A copy as RDS answers with it: while it is pending it has no time. */
const asCopied = (copy: any): Origin => ({
  instanceId: copy.DBInstanceIdentifier,
  copyOf: copy.SourceDBSnapshotIdentifier,
  takenAtMs: null,
  tags: {},
});

/** RDS of that night: what it said to the sixth and the seventh who asked, and to each of the others what it said of their copy. */
class RecordedRds {
  readonly used = new Set<string>();
  private asks = 0;

  ask(id: string): Recording {
    this.asks++;
    const nth = answers[this.asks - 1];
    const of = (answer: Recording) =>
      answer.data.DBSnapshot?.DBSnapshotIdentifier === id || answer.fault?.message.includes(` ${id} already`);
    const answer = nth?.fault?.code === "SnapshotQuotaExceeded" ? nth : answers.find(of);
    if (!answer || this.used.has(answer.name)) throw new Error(`nothing is recorded for the ask ${this.asks}, of ${id}`);
    this.used.add(answer.name);
    return answer;
  }
}

/** Every minute the free slots are given away, and whoever has one asks. A copy takes ten minutes. */
function play(sourceOf: (snapshot: any) => string, alreadyThere: (snapshot: any) => Origin) {
  const rds = new RecordedRds();
  const wanted = snapshots.map(
    (snapshot): Wanted => ({
      id: copyName(snapshot),
      kind: "instance",
      database: snapshot.DBInstanceIdentifier,
      source: sourceOf(snapshot),
      breaksAtMs: START + 24 * 60 * MINUTE,
      dueAtMs: START + 24 * 60 * MINUTE,
    }),
  );
  let queue: CopyQueue = wanted.reduce((before, each, index) => enter(before, each, START + index), EMPTY_QUEUE);
  const listed = new Map<string, ListedCopy & { readonly sinceMs: number }>();
  const refusals: string[] = [];
  const notOurs: string[] = [];
  for (let nowMs = START + MINUTE; queue.waiting.length + queue.inFlight.length > 0; nowMs += MINUTE) {
    if (nowMs > START + 24 * 60 * MINUTE) throw new Error("the night never ends");
    for (const [id, copy] of listed) if (nowMs - copy.sinceMs >= 10 * MINUTE) listed.set(id, { ...copy, status: "available" });
    queue = admit(reconcile(queue, [...listed.values()], nowMs), COPY_LIMITS, nowMs);
    for (const { id, source, startedAtMs } of queue.inFlight) {
      if (startedAtMs !== null) continue;
      const snapshot = snapshots.find((each) => copyName(each) === id);
      const { fault, data } = rds.ask(id);
      const means = fault && faultOf(fault.code, fault.message);
      if (!means) {
        expect(notTheSame(asCopied(data.DBSnapshot), originOf(snapshot))).toBe(null);
        listed.set(id, { id, kind: "instance", source, status: data.DBSnapshot.Status, sinceMs: nowMs });
        queue = started(queue, id, nowMs);
      } else if (isHeldUp(means)) {
        refusals.push(means);
        queue = backOff(queue, id, means, 0.5, nowMs);
      } else {
        expect(means).toBe("exists");
        const reason = notTheSame(alreadyThere(snapshot), originOf(snapshot));
        if (reason !== null) notOurs.push(reason);
        queue = ended(queue, id, reason === null ? "available" : "failed", nowMs);
      }
    }
  }
  return { queue, rds, refusals, notOurs };
}

const itsOwnCopy = (snapshot: any): Origin => ({ ...originOf(snapshot), takenAtMs: null });

describe.skipIf(answers.length === 0)("a night at AWS: nine copies, two refusals for want of a slot, three that are there already", () => {
  test.each<[string, (snapshot: any) => string]>([
    ["of one database, one copy after another", (snapshot) => `us-east-1/${snapshot.DBInstanceIdentifier}`],
    ["as if each were of a database of its own, all at once, where AWS takes five", (snapshot) => `us-east-1/${copyName(snapshot)}`],
  ])("%s: nothing is lost, nothing counts twice, no refusal is a failure", (_, sourceOf) => {
    const { queue, rds, refusals, notOurs } = play(sourceOf, itsOwnCopy);
    expect(rds.used.size).toBe(answers.length);
    expect(refusals).toEqual(["slots are taken", "slots are taken"]);
    expect(notOurs).toEqual([]);
    expect(queue).toMatchObject({ waiting: [], inFlight: [], tally: { copied: snapshots.length, failed: 0 } });
  });

  test("what is there already is a copy of something else: people hear of each, the others are copied all the same", () => {
    const { queue, notOurs } = play(
      (snapshot) => `us-east-1/${snapshot.DBInstanceIdentifier}`,
      (snapshot) => ({ ...itsOwnCopy(snapshot), copyOf: "arn:aws:rds:us-west-1:111122223333:snapshot:daily" }),
    );
    expect(notOurs).toHaveLength(3);
    for (const reason of notOurs) expect(reason).toMatch(/^is a copy of arn:aws:rds:us-west-1:.*, not of arn:aws:rds:us-east-1:/);
    expect(queue.tally).toMatchObject({ copied: 6, failed: 3 });
  });
});
