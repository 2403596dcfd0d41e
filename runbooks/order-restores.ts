/**
 * Restores and drills that people order. One that is to become the primary is a request like a move to another region; everything else
 * starts at once, for it touches nothing there is. Who orders is proven before (identity.ts).
 */
import { startExecution } from "../aws/functions.ts";
import { approveCommand, withdrawCommand } from "../core/commands.ts";
import type { RestoreAsked } from "../core/order.ts";
import { calledAs } from "../core/people.ts";
import { Problem } from "../core/problem.ts";
import { agreed, isEnough, type MoveRequest, peopleNeeded, requestId } from "../core/requests.ts";
import { drillName, isRestoredName, RESTORE_ACTS, restoredName } from "../core/restore.ts";
import { type OrderAnswer, taken, yes } from "./answers.ts";
import type { DrillInput } from "./drill.ts";
import { newestPoint, pointPrice } from "./last-resort.ts";
import { readRecord } from "./record.ts";
import { createRequest, expireMinutes } from "./requests.ts";
import { type RestoreInput, restoreExecution } from "./restore-steps.ts";
import type { Protected, Settings } from "./settings.ts";
import { tell } from "./tell.ts";

export async function askRestore(
  settings: Settings,
  database: Protected,
  asked: RestoreAsked,
  by: string,
  nowMs: number,
): Promise<OrderAnswer> {
  const { generation } = (await readRecord(settings, database)).value;
  if (asked.generation !== generation)
    throw new Problem("OldOrder", `Refused: the order is for generation ${asked.generation}, the record is at ${generation}.`, {
      hint: "Look again before you order.",
    });
  if (asked.instance !== null && !isRestoredName(database.name, asked.instance))
    throw new Problem("NotRestored", `Refused: ${asked.instance} is no instance that was restored for ${database.name}.`, {
      hint: `Their names are like ${restoredName(database.name, nowMs)}; leave --instance out to restore a new one.`,
    });
  if (asked.instance !== null && !asked.promote)
    throw new Problem("NothingToDo", `Refused: ${asked.instance} is restored already.`, { hint: "Add --promote to make it the primary." });
  const name = asked.instance ?? restoredName(database.name, nowMs);
  const { from, at, region, reason, overrides } = asked;
  if (!asked.promote) {
    const input: RestoreInput = {
      ...{ database: database.name, order: asked.id, generation, name, from, at, region, reason },
      by: calledAs(by),
      request: null,
      again: false,
    };
    return await start(settings, input, restoreExecution(`${database.name}-${asked.id}`), nowMs);
  }
  const newest = from === null && at === null ? await newestPoint(settings, database.name) : null;
  const wanted = asked.instance ?? from ?? (at === null ? "the newest backup" : `the automated backups as of ${at}`);
  const request: MoveRequest = {
    id: requestId(database.name, generation, asked.id),
    ...{ database: database.name, generation, verb: "restore", target: name, overrides, reason },
    targetRegion: newest?.region ?? region ?? "the region of the backup",
    restore: { from, at, region },
    askedBy: by,
    askedAtMs: nowMs,
    expiresAtMs: nowMs + expireMinutes(settings.plan) * 60_000,
    decision: {
      rule: RESTORE_ACTS,
      sentence: `Approval is needed to make ${name} the primary of ${database.name}, out of ${wanted}. (rule ${RESTORE_ACTS})`,
      diagnosis: "not looked at yet",
    },
    price: { lagSeconds: newest === null ? null : Math.round((nowMs - newest.takenAtMs) / 1000), rowsAtRisk: null },
    people: peopleNeeded(settings.plan.approvals && { people: settings.plan.approvals.people }, { otherRegion: true, overrides }),
    approvals: [{ by, atMs: nowMs }],
    withdrawnBy: null,
    usedBy: null,
    mark: null,
    due: false,
  };
  const made: MoveRequest = { ...request, due: isEnough(request) };
  await createRequest(settings, made);
  if (made.due) return await startApproved(settings, made, nowMs);
  const until = new Date(made.expiresAtMs).toISOString();
  await tell(settings, {
    kind: "Approval Needed",
    id: `${made.id}-asked`,
    database: database.name,
    atMs: nowMs,
    sentence: made.decision.sentence,
    details: [
      ["Price", newest === null ? "all that was written since that backup" : pointPrice(newest, nowMs)],
      [
        "Will be done",
        `${name} is restored and verified; then the old primary is fenced where it can be reached, and the clients' name follows`,
      ],
      ["Asked by", `${by}: ${reason}`],
      ...(overrides.length > 0 ? [["Passes over", overrides.map((rule) => `rule ${rule}`).join(", ")] as [string, string]] : []),
      ["People", `${agreed(made)} of ${made.people} have agreed`],
      ["Void after", until],
    ],
    next: `${made.people - agreed(made)} more must agree, by then:`,
    commands: [approveCommand(made.id), withdrawCommand(made.id)],
  });
  return yes(made.decision.sentence, `${agreed(made)} of ${made.people} people have agreed. Until ${until} another may approve:`, {
    commands: [approveCommand(made.id)],
    request: made.id,
  });
}

export async function askDrill(settings: Settings, database: Protected, id: string, by: string, nowMs: number): Promise<OrderAnswer> {
  const name = drillName(database.name, nowMs);
  const input: DrillInput = { database: database.name, name, by: calledAs(by) };
  try {
    await startExecution(settings.region, settings.functions.drill, name, input);
  } catch (cause) {
    throw new Problem("NotStarted", `Nothing was changed: the drill could not be started (${(cause as Error).message}).`, {
      hint: "Order it again.",
      retry: true,
      cause,
    });
  }
  const sentence = `${calledAs(by)} ordered a drill of ${database.name}: its newest copy becomes ${name}, is looked through, and is deleted.`;
  await tell(settings, taken(id, database.name, sentence, nowMs));
  return yes(sentence, "A mail says what it finds.", { execution: name });
}

/** Enough people have agreed. The restore believes the request's document alone, so nothing is won by starting it by hand. */
export async function startApproved(settings: Settings, request: MoveRequest, nowMs: number): Promise<OrderAnswer> {
  const { database, generation, id, target, reason, restore } = request;
  const input: RestoreInput = {
    ...{ database, generation, reason, name: target, order: id, request: id },
    ...(restore ?? { from: null, at: null, region: null }),
    by: request.approvals.map(({ by }) => calledAs(by)).join(" and "),
    // Its name says when it was ordered: one of before is not restored again.
    again: target !== restoredName(database, request.askedAtMs),
  };
  return await start(settings, input, restoreExecution(id), nowMs);
}

async function start(settings: Settings, input: RestoreInput, execution: string, nowMs: number): Promise<OrderAnswer> {
  try {
    await startExecution(settings.region, settings.functions.restore, execution, input);
  } catch (cause) {
    throw new Problem("NotStarted", `Nothing was changed: the restore could not be started (${(cause as Error).message}).`, {
      hint: input.request === null ? "Order it again." : `Approve it again: ${approveCommand(input.request)}`,
      retry: true,
      cause,
    });
  }
  const becomes = input.request === null ? "beside the original; nothing moves" : "and is to become the primary";
  const sentence = `${input.by} ordered a restore of ${input.database} as ${input.name}, ${becomes}.`;
  await tell(settings, taken(execution, input.database, sentence, nowMs));
  return yes(sentence, "Mails say how it goes.", { request: input.request, execution });
}
