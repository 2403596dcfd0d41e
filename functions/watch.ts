/**
 * Looks at every database (or the one named), and starts a move when a rule says so. Woken by the probe, an alarm, RDS, its minute, a
 * person; and by `order`, which hands over what people ask for and waits for the answer.
 */
import middy from "@middy/core";
import { type HandOver, readHandOver } from "../events/hand-over.ts";
import { readWake, type Wake } from "../events/wake.ts";
import type { OrderAnswer } from "../runbooks/answers.ts";
import { answerRequest } from "../runbooks/carry-out.ts";
import { tendLatch } from "../runbooks/latch.ts";
import { type Look, lookFor } from "../runbooks/look-through.ts";
import { noteRdsEvent } from "../runbooks/rds-events.ts";
import { type Protected, protectedDatabase, readSettings } from "../runbooks/settings.ts";
import { warmMove } from "../runbooks/warm.ts";
import { type WatchResult, watchLap } from "../runbooks/watch.ts";
import { databasesOf, reads } from "./handler.ts";

export const handler = middy<Wake | HandOver, WatchResult[] | OrderAnswer | Look>()
  .use(reads<Wake | HandOver>((event, reading) => readHandOver(event) ?? readWake(event, reading)))
  .handler(async (event: Wake | HandOver) => {
    const settings = readSettings();
    if (event.kind === "request") return await answerRequest(settings, protectedDatabase(settings.plan, event.database), event.request);
    if (event.kind === "first-miss") return await warmMove(settings, protectedDatabase(settings.plan, event.database));
    if (event.kind === "look") return await lookFor(settings, protectedDatabase(settings.plan, event.database), event.order);
    if (event.kind === "rds") {
      const { subject: instance, eventId, message, atMs } = event;
      noteRdsEvent({ instance, eventId, message, atMs });
    }
    const databases = databasesOf(event);
    const tended = Promise.all(databases.map(tend));
    const results = await Promise.all(databases.map((database) => watchLap(settings, database)));
    await tended;
    return results;
  });

/** A latch that cannot be tended holds by itself: no reason to fail the lap. */
async function tend(database: Protected): Promise<void> {
  await tendLatch(readSettings(), database).catch((error: unknown) =>
    console.error(JSON.stringify({ what: "latch not tended", database: database.name, error: String(error) })),
  );
}
