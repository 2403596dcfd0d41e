/** A backup that has a window to begin in: inside it is tried again, behind it is told as missed and left to the next one. */
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { expect, test } from "vitest";
import { slotAt, snapshotName } from "../../core/slots.ts";
import { snapshots } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";

const EVERY_MINUTES = 360;
const WINDOW_MINUTES = 30;
const open = bench((text) =>
  text.replace("everyMinutes: 360", `everyMinutes: ${EVERY_MINUTES}\n    startWindowMinutes: ${WINDOW_MINUTES}`),
);
/** The kit's own. */
const setNow = (nowMs: number): void =>
  (LocalDurableTestRunner as unknown as { fakeClock: { setSystemTime(nowMs: number): void } }).fakeClock.setSystemTime(nowMs);

/** The next slot, a minute after its start. */
function nextSlot(): string {
  const length = EVERY_MINUTES * 60_000;
  setNow((Math.floor(Date.now() / length) + 1) * length + 60_000);
  return slotAt(Date.now(), { everyMinutes: EVERY_MINUTES });
}

async function run(slot: string) {
  const { handler } = await import("../../functions/backup.ts");
  const runner = new LocalDurableTestRunner({ handlerFunction: handler as never });
  const execution = await runner.run({ payload: { database: "shop", slot } });
  return execution.getResult() as { outcome: string; snapshot: string; sentence: string };
}

/** So many tries find the instance in a state that allows none; each comes four minutes after the one before. */
function busyFor(tries: number): { readonly tried: () => number; readonly end: () => void } {
  let tried = 0;
  const end = instead(open().lab, "rds", "CreateDBSnapshot", (before) => (input) => {
    setNow(Date.now() + 4 * 60_000);
    if (tried++ >= tries) return before(input);
    throw new ServiceError("InvalidDBInstanceState", "Instance shop-a is not currently in the available state.", 400);
  });
  return { tried: () => tried, end };
}

test("the instance is being modified for longer than the window: missed, told with the reason, nothing begun late (R4)", async () => {
  const { lab, plan, news } = open();
  const slot = nextSlot();
  const busy = busyFor(100);
  const result = await run(slot);
  busy.end();
  expect(result.outcome).toBe("failed");
  expect(result.sentence).toMatch(/could not begin before its window ended at .*: Instance shop-a is not currently in the available state/);
  expect(busy.tried()).toBeGreaterThan(3);
  expect(busy.tried()).toBeLessThanOrEqual(8);
  expect(news.at(-1)).toMatchObject({ kind: "Backup Failed" });
  expect((await snapshots(lab, [plan.regions.primary])).map(({ id }) => id)).not.toContain(snapshotName("shop", slot));
});

test("it is available again inside the window: the backup is made", async () => {
  const slot = nextSlot();
  const busy = busyFor(3);
  const result = await run(slot);
  busy.end();
  expect(result).toMatchObject({ outcome: "completed", snapshot: snapshotName("shop", slot) });
});

test("nobody started it in time: behind its window it is not started any more (R4)", async () => {
  const { startDueBackup } = await import("../../runbooks/snapshot.ts");
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  nextSlot();
  const settings = readSettings();
  const database = protectedDatabase(settings.plan, "shop");
  const behindMs = Date.now() + WINDOW_MINUTES * 60_000;
  expect(await startDueBackup(settings, database, behindMs)).toBeNull();
});
