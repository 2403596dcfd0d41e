/** Orders that hold automation back or set it free: pause, resume, acknowledge, release the brake. Each changes one document and is told. */
import { resumeCommand } from "../core/commands.ts";
import type { DatabaseRecord } from "../core/facts.ts";
import type { DatabaseNamed, PauseAsked } from "../core/order.ts";
import { calledAs } from "../core/people.ts";
import { Problem } from "../core/problem.ts";
import { type OrderAnswer, taken, yes } from "./answers.ts";
import { changeBrake, changeRecord } from "./record.ts";
import type { Protected, Settings } from "./settings.ts";
import { tell } from "./tell.ts";

export async function pause(
  settings: Settings,
  database: Protected,
  order: PauseAsked,
  by: string | null,
  nowMs: number,
): Promise<OrderAnswer> {
  const who = by === null ? "somebody without a proof" : calledAs(by);
  const untilMs = nowMs + order.minutes * 60_000;
  const record = await changeRecord(settings, database, (now) =>
    // Without a proof nothing may end earlier than it would have.
    by === null && (now.pause?.untilMs ?? 0) >= untilMs
      ? null
      : { ...now, pause: { sinceMs: nowMs, untilMs, by: who, reason: order.reason } },
  );
  if (record.pause?.untilMs !== untilMs)
    throw new Problem(
      "PausedLonger",
      `Refused: ${database.name} is paused until ${new Date(record.pause?.untilMs ?? 0).toISOString()} already, which is longer.`,
      {
        hint: "Only an order with a proof makes a pause shorter.",
      },
    );
  const sentence = `${who} paused the automation of ${database.name} until ${new Date(untilMs).toISOString()} ("${order.reason}"). Understudy looks and tells all the same; it ends by itself.`;
  await tell(settings, taken(order.id, database.name, sentence, nowMs, resumeCommand(database.name)));
  return yes(sentence, "To end it before:", { commands: [resumeCommand(database.name)] });
}

export async function setFree(
  settings: Settings,
  database: Protected,
  order: DatabaseNamed,
  by: string,
  nowMs: number,
): Promise<OrderAnswer> {
  const who = calledAs(by);
  let sentence = "";
  await changeRecord(settings, database, (record) => {
    const change = order.verb === "resume" ? resumed(record, who, nowMs) : acknowledged(record, who);
    sentence = change.sentence;
    return change.record;
  });
  await tell(settings, taken(order.id, database.name, sentence, nowMs));
  return yes(sentence);
}

function resumed(record: DatabaseRecord, who: string, nowMs: number): { record: DatabaseRecord | null; sentence: string } {
  if ((record.pause?.untilMs ?? 0) <= nowMs) return { record: null, sentence: `The automation of ${record.database} was not paused.` };
  return { record: { ...record, pause: null }, sentence: `${who} ended the pause of ${record.database}: Understudy acts by itself again.` };
}

function acknowledged(record: DatabaseRecord, who: string): { record: DatabaseRecord | null; sentence: string } {
  const { lastMove } = record;
  if (!lastMove || lastMove.acknowledgedBy !== null)
    return {
      record: null,
      sentence: `There is nothing to acknowledge: ${lastMove ? `${lastMove.acknowledgedBy} did for ${lastMove.execution}` : "no move has ended yet"}.`,
    };
  return {
    record: { ...record, lastMove: { ...lastMove, acknowledgedBy: who } },
    sentence: `${who} acknowledged the move ${lastMove.execution} (${lastMove.outcome}): the cooldown of ${record.database} is over.`,
  };
}

export async function releaseBrake(settings: Settings, id: string, by: string, nowMs: number): Promise<OrderAnswer> {
  await changeBrake(settings, (brake) => ({ ...brake, releasedAtMs: nowMs }));
  const sentence = `${calledAs(by)} released the fleet's brake: automatic moves before now no longer count.`;
  await tell(settings, taken(id, "(all)", sentence, nowMs));
  return yes(sentence);
}
