/** Copies that want into one region at the same time, under AWS's durable kit: two databases, few slots, dead executions, a full region. */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { afterEach, expect, test } from "vitest";
import { COPY_LIMITS, type CopyQueue, type Wanted } from "../../core/copy-queue.ts";
import { readJson, waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead, minutesBetweenLooks } from "./bench.ts";

const LEDGER = {
  database: `
  ledger:
    engine: postgres
    database: ledger
    port: 5432
    secret: understudy/ledger
    primary: { instance: ledger-a, region: eu-central-1 }
    standbys: [{ instance: ledger-b, region: eu-central-1 }]
    fenceSecurityGroups: { eu-central-1: sg-0a1b2c3d4e5f6fe1c }
    failover: { probeEverySeconds: 1, missedProbes: 2, maxLagSeconds: 3, cooldownMinutes: 60 }`,
  record: "  - { name: db.books.internal, zone: Z08BOOKSHELF00001, ttlSeconds: 1, database: ledger }",
  backup: "  - { database: ledger, everyMinutes: 360, copyTo: eu-west-1 }",
};
const open = bench((text) =>
  text
    .replace("\nrecords:\n", `${LEDGER.database}\nrecords:\n${LEDGER.record}\n`)
    .replace("\nbackups:\n", `\nbackups:\n${LEDGER.backup}\n`),
);
const [HOME, AWAY] = ["eu-central-1", "eu-west-1"];

const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0)) each();
});

interface Result {
  readonly outcome: string;
  readonly sentence: string;
  readonly snapshot: string;
}

async function run(database: string, slot: string): Promise<Result> {
  const { handler } = await import("../../functions/backup.ts");
  const execution = await new LocalDurableTestRunner({ handlerFunction: handler as never }).run({ payload: { database, slot } });
  return execution.getResult() as Result;
}

const call = (operation: string, input: object, region = AWAY) => open().lab.world.call("rds", operation, input, { region });
const queue = async () => await readJson<CopyQueue>(open().lab, AWAY, open().bucket, `copies/${AWAY}.json`);
const newsOf = (kind: string, since: number) =>
  open()
    .news.slice(since)
    .filter((each) => each.kind === kind);
const onCopy = (run: (before: (input: unknown) => unknown) => (input: unknown) => unknown) =>
  undo.push(instead(open().lab, "rds", "CopyDBSnapshot", run));
const hurry = (minutes: number) => undo.push(minutesBetweenLooks(open().lab, minutes));
const refuse = (message: string) => new ServiceError("SnapshotQuotaExceeded", message, 400);

async function underWay(): Promise<string[]> {
  const { DBSnapshots } = await call("DescribeDBSnapshots", {});
  const copies = DBSnapshots.filter((it: { SourceRegion?: string; Status: string }) => it.SourceRegion && it.Status !== "available");
  return copies.map((it: { DBSnapshotIdentifier: string }) => it.DBSnapshotIdentifier);
}

test("two databases are copied where RDS takes one copy at a time: one waits its turn, and nothing fails (R8, R10)", async () => {
  const since = open().news.length;
  let most = 0;
  let refusals = 0;
  hurry(1);
  onCopy((before) => async (input) => {
    if ((await underWay()).length >= 1) {
      refusals++;
      throw refuse("Cannot copy more than 1 snapshots across regions");
    }
    const answer = await before(input);
    most = Math.max(most, (await underWay()).length);
    return answer;
  });
  const results = await Promise.all([run("shop", "20261121t0000"), run("ledger", "20261121t0000")]);
  expect(results.map(({ outcome }) => outcome)).toEqual(["completed", "completed"]);
  expect([most, refusals > 0]).toEqual([1, true]);
  expect(newsOf("Backup Failed", since)).toEqual([]);
  expect(await queue()).toMatchObject({ waiting: [], inFlight: [], tally: { copied: 2, failed: 0 } });
});

test("two backups of one database at once: one copy after the other, without a refusal of RDS (R9)", async () => {
  let most = 0;
  let refusals = 0;
  onCopy((before) => async (input) => {
    const answer = await (before(input) as Promise<unknown>).catch((error: unknown) => {
      refusals++;
      throw error;
    });
    most = Math.max(most, (await underWay()).length);
    return answer;
  });
  const results = await Promise.all([run("shop", "20261121t0600"), run("shop", "20261121t1200")]);
  expect(results.map(({ outcome }) => outcome)).toEqual(["completed", "completed"]);
  expect([most, refusals]).toEqual([1, 0]);
});

test("the last copy took days: people hear that this one will be late before it is", async () => {
  const { lab, bucket, news } = open();
  const since = news.length;
  const before = await queue();
  const slow = { ...before, minutes: { ...before?.minutes, [`${HOME}/ledger-a`]: 3000 }, foretoldAtMs: 0 };
  const Body = Buffer.from(JSON.stringify(slow));
  await lab.world.call("s3", "PutObject", { Bucket: bucket, Key: `copies/${AWAY}.json`, Body }, { region: AWAY });
  const { outcome, snapshot } = await run("ledger", "20261122t0900");
  expect(outcome).toBe("completed");
  expect(newsOf("Copy Delayed", since).map(({ id }) => id)).toEqual([`${snapshot}-will-be-late`]);
  // It took moments, and so it is expected to from now on.
  expect((await queue())?.minutes[`${HOME}/ledger-a`]).toBeLessThan(60);
});

test("forty databases ask at the same moment: twenty copies start, and the next when one is there (R8)", async () => {
  const { CopyLine } = await import("../../runbooks/copy-slot.ts");
  const { readSettings } = await import("../../runbooks/settings.ts");
  const { proven } = await import("../../runbooks/until.ts");
  const before = await queue();
  let running = 0;
  let most = 0;
  /** As a durable wait does: what fails is looked at again. */
  const patiently = (work: () => Promise<boolean>) =>
    waitFor("its turn", 80_000, async () => {
      await new Promise((resolve) => setTimeout(resolve, 300 * Math.random()));
      return await work().catch(() => false);
    });
  const copy = async (n: number) => {
    const line = new CopyLine(readSettings(), AWAY);
    const wanted = wantedBy(`db${n}`);
    const start = async () => {
      most = Math.max(most, ++running);
      return proven("it has started");
    };
    await patiently(async () => (await line.startInTurn(wanted, start)).holds);
    await waitFor("all slots to be taken", 80_000, () => most >= COPY_LIMITS.instance);
    running--;
    await patiently(() => line.leave(wanted.id, "available").then(() => true));
  };
  await Promise.all(Array.from({ length: 40 }, (_, n) => copy(n)));
  expect(most).toBe(COPY_LIMITS.instance);
  const after = await queue();
  expect(after).toMatchObject({ waiting: [], inFlight: [], tally: { most: { instance: COPY_LIMITS.instance }, failed: 0 } });
  expect(after?.tally.copied).toBe((before?.tally.copied ?? 0) + 40);
}, 120_000);

const wantedBy = (database: string): Wanted => ({
  ...{ id: `understudy-${database}-20261121t1200`, kind: "instance", database, source: `${HOME}/${database}` },
  ...{ breaksAtMs: Date.now() - 1, dueAtMs: Date.now() + 86_400_000 },
});

test("all slots are held by executions that died before they started their copies: they are free again after some minutes", async () => {
  const { lab } = open();
  const { CopyLine } = await import("../../runbooks/copy-slot.ts");
  const { readSettings } = await import("../../runbooks/settings.ts");
  const line = new CopyLine(readSettings(), AWAY);
  for (let n = 0; n < COPY_LIMITS.instance; n++) {
    const wanted = wantedBy(`dead${n}`);
    // Its process ends here.
    void line.startInTurn(wanted, () => new Promise(() => {}));
    await waitFor("its place", 5000, async () => (await queue())?.inFlight.some(({ id }) => id === wanted.id));
  }
  hurry(1);
  let lists = 0;
  undo.push(
    instead(lab, "rds", "DescribeDBSnapshots", (before) => (input) => {
      if (!(input as { DBSnapshotIdentifier?: string }).DBSnapshotIdentifier) lists++;
      return before(input);
    }),
  );
  const startedAtMs = Date.now();
  const { outcome } = await run("shop", "20261121t1800");
  const minutes = (Date.now() - startedAtMs) / 60_000;
  expect(outcome).toBe("completed");
  expect(minutes).toBeGreaterThan(4);
  // One list of the region a minute at most, however many copies there are.
  expect(lists).toBeLessThanOrEqual(minutes + 1);
  expect(await queue()).toMatchObject({ waiting: [], inFlight: [], tally: { failed: 0 } });
});

/** A process that is dead once `last` has had its effect: nothing follows, not even its note. */
function dyingAfter(last: string): DurableContext {
  const step = async (name: string, work: () => Promise<unknown>) => {
    const value = await work();
    return name === last ? await new Promise<never>(() => {}) : value;
  };
  const waitForCondition = (
    name: string,
    look: (state: unknown) => Promise<unknown>,
    { initialState, waitStrategy }: { initialState: unknown; waitStrategy: (state: unknown, tries: number) => { shouldContinue: boolean } },
  ) =>
    step(name, async () => {
      let state = initialState;
      for (let tries = 1; ; tries++) {
        state = await look(state);
        if (!waitStrategy(state, tries).shouldContinue) return state;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
  return { step, waitForCondition } as unknown as DurableContext;
}

test("an execution is killed while its copy is under way: resumed, it finds its own place, and there is one copy (R12)", async () => {
  const { backup } = await import("../../runbooks/backup.ts");
  const { readSettings } = await import("../../runbooks/settings.ts");
  let copies = 0;
  onCopy((before) => (input) => {
    copies++;
    return before(input);
  });
  const slot = "20261122t0000";
  void backup({ database: "shop", slot }, dyingAfter("the copy has started"), readSettings());
  await waitFor("its copy to be under way", 20_000, async () => (await queue())?.inFlight.some(({ startedAtMs }) => startedAtMs !== null));
  const before = await queue();
  const { outcome } = await run("shop", slot);
  expect(outcome).toBe("completed");
  expect(copies).toBe(1);
  const after = await queue();
  expect(after).toMatchObject({ waiting: [], inFlight: [] });
  expect(after?.tally.copied).toBe((before?.tally.copied ?? 0) + 1);
});

test("the region is full for a while: people hear of it at once, the copy is made when there is room, and nothing has failed", async () => {
  const since = open().news.length;
  let refusals = 2;
  hurry(1);
  onCopy((before) => (input) => {
    if (refusals-- > 0) throw refuse("Cannot create more than 100 manual snapshots");
    return before(input);
  });
  const startedAtMs = Date.now();
  const { outcome } = await run("shop", "20261122t0600");
  expect(outcome).toBe("completed");
  expect(Date.now() - startedAtMs).toBeGreaterThan(60 * 60_000);
  const [told] = newsOf("Copy Delayed", since);
  expect(told?.id).toMatch(/^copies-eu-west-1-full-/);
  expect(told?.sentence).toBe("eu-west-1 takes no more snapshots: Cannot create more than 100 manual snapshots");
  expect(newsOf("Backup Failed", since)).toEqual([]);
});

test("a copy waits past its time: people hear of it once, and it goes on waiting (R10)", async () => {
  const since = open().news.length;
  const isLate = ({ id }: { id: string }) => id.endsWith("-late") && !id.endsWith("-will-be-late");
  let late = 0;
  hurry(10);
  onCopy((before) => (input) => {
    if (open().news.slice(since).some(isLate)) late++;
    if (late < 3) throw refuse("Cannot copy more than 20 snapshots across regions");
    return before(input);
  });
  const { outcome, snapshot } = await run("ledger", "20261122t0600");
  expect(outcome).toBe("completed");
  const told = newsOf("Copy Delayed", since).filter(isLate);
  expect(told).toMatchObject([{ id: `${snapshot}-late`, database: "ledger", sentence: expect.stringContaining("is late: it was due at") }]);
  expect(newsOf("Backup Failed", since)).toEqual([]);
});

test("a copy is under way past its time: people hear of it, and the backup is complete when it is there", async () => {
  const since = open().news.length;
  undo.push(
    instead(open().lab, "rds", "DescribeDBSnapshots", (before) => async (input) => {
      const page = (await before(input)) as { DBSnapshots: { Status: string; SourceRegion?: string; DBSnapshotIdentifier: string }[] };
      const told = newsOf("Copy Delayed", since).length > 0;
      for (const it of page.DBSnapshots) if (!told && it.SourceRegion && it.DBSnapshotIdentifier.endsWith("t1200")) it.Status = "pending";
      return page;
    }),
  );
  // Its objective was broken long ago, so it is due before the next backup is: here, a moment after it was taken.
  const { newestPointKey } = await import("../../core/restore.ts");
  const point = await readJson<object>(open().lab, AWAY, open().bucket, newestPointKey("ledger"));
  const plan = (await import("../../runbooks/settings.ts")).readSettings().plan.backups.find(({ database }) => database === "ledger");
  expect(point).not.toBe(null);
  Object.assign(plan ?? {}, { everyMinutes: 0.05 });
  undo.push(() => Object.assign(plan ?? {}, { everyMinutes: 360 }));
  const { outcome, snapshot } = await run("ledger", "20261122t1200");
  expect(outcome).toBe("completed");
  expect(newsOf("Copy Delayed", since).map(({ id }) => id)).toContain(`${snapshot}-late`);
});

const tagsOf = async (id: string, region: string) => {
  const { DBSnapshots } = await call("DescribeDBSnapshots", { DBSnapshotIdentifier: id }, region);
  return Object.fromEntries(DBSnapshots[0].TagList.map(({ Key, Value }: { Key: string; Value: string }) => [Key, Value]));
};

test("the tags of a snapshot go along with its copy, but not those that AWS keeps for itself (R15)", async () => {
  const { lab } = open();
  const arn = `arn:aws:rds:${HOME}:${lab.world.account}:db:ledger-a`;
  await call("AddTagsToResource", { ResourceName: arn, Tags: [{ Key: "team", Value: "books" }] }, HOME);
  await call("ModifyDBInstance", { DBInstanceIdentifier: "ledger-a", CopyTagsToSnapshot: true, ApplyImmediately: true }, HOME);
  undo.push(
    instead(lab, "rds", "DescribeDBSnapshots", (before) => async (input) => {
      const page = (await before(input)) as { DBSnapshots: { SourceRegion?: string; TagList: object[] }[] };
      const stack = { Key: "aws:cloudformation:stack-name", Value: "books" };
      const marked = (it: (typeof page.DBSnapshots)[number]) => (it.SourceRegion ? it : { ...it, TagList: [...it.TagList, stack] });
      return { ...page, DBSnapshots: page.DBSnapshots.map(marked) };
    }),
  );
  const { outcome, snapshot } = await run("ledger", "20261122t1800");
  expect(outcome).toBe("completed");
  expect(await tagsOf(snapshot, AWAY)).toEqual({
    ...{ team: "books", "understudy:database": "ledger" },
    ...{ "understudy:plan": open().plan.name, "understudy:slot": "20261122t1800" },
  });
});

test("the answer to CopyDBSnapshot is lost: the copy that is there is of the same source, and counts (R14)", async () => {
  let lost = 0;
  onCopy((before) => async (input) => {
    await before(input);
    lost++;
    throw new ServiceError("InternalFailure", "the reply never came", 500);
  });
  const { outcome } = await run("ledger", "20261123t0000");
  expect(outcome).toBe("completed");
  expect(lost).toBeGreaterThan(0);
});

test("the answer to CopyDBSnapshot is lost, and the second try is throttled: RDS is asked what is under way before another copy of it starts (R9)", async () => {
  let tries = 0;
  onCopy((before) => async (input) => {
    tries++;
    if (tries > 3) return await before(input);
    if (tries > 1) throw new ServiceError("Throttling", "Rate exceeded", 400);
    await before(input);
    throw new ServiceError("InternalFailure", "the reply never came", 500);
  });
  const unclear: boolean[] = [];
  undo.push(
    instead(open().lab, "s3", "PutObject", (before) => (input) => {
      const { Key, Body } = input as { Key: string; Body: Uint8Array };
      const { waiting = [], seenAtMs = 0 } = Key.startsWith("copies/") ? (JSON.parse(Buffer.from(Body).toString("utf8")) as CopyQueue) : {};
      unclear.push(waiting.some(({ refusedAtMs = 0 }) => refusedAtMs > seenAtMs));
      return before(input);
    }),
  );
  const { outcome } = await run("ledger", "20261124t0000");
  expect(outcome).toBe("completed");
  expect(tries).toBeGreaterThan(2);
  expect(unclear).toContain(true);
});

test("a copy of our name and with our tags is of another snapshot: an error for people, left untouched (R14)", async () => {
  const { lab, plan, news } = open();
  const slot = "20261123t0600";
  const id = `understudy-ledger-${slot}`;
  const other = `arn:aws:rds:${HOME}:${lab.world.account}:snapshot:understudy-ledger-20261123t0000`;
  const tags = { "understudy:plan": plan.name, "understudy:database": "ledger", "understudy:slot": slot };
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await call("CopyDBSnapshot", { SourceDBSnapshotIdentifier: other, TargetDBSnapshotIdentifier: id, Tags });
  const { outcome, sentence } = await run("ledger", slot);
  expect(outcome).toBe("failed");
  expect(sentence).toContain(`is a copy of ${other}, not of arn:aws:rds:${HOME}:${lab.world.account}:snapshot:${id}`);
  expect(news.at(-1)?.kind).toBe("Backup Failed");
  expect((await queue())?.inFlight).toEqual([]);
});
