/**
 * What `order` hands over to `watch`, and waits for: a look for an order that is new, a request that is due. The look changes nothing;
 * of the request only its name goes along, what counts stands in its document.
 */
import { invokeAndWait } from "../aws/functions.ts";
import { statusCommand } from "../core/commands.ts";
import type { Order } from "../core/facts.ts";
import { Problem } from "../core/problem.ts";
import type { MoveRequest } from "../core/requests.ts";
import { type OrderAnswer, yes } from "./answers.ts";
import type { Look } from "./look-through.ts";
import type { Protected, Settings } from "./settings.ts";

/** What the rules say of this order now. */
export async function lookThrough(settings: Settings, database: Protected, order: Order): Promise<Look> {
  try {
    return answered<Look>(await ask(settings, { database: database.name, order }), "decision");
  } catch (cause) {
    throw new Problem("NobodyLooked", `Nothing was changed: the watcher did not look (${(cause as Error).message}).`, {
      hint: "Order it again.",
      retry: true,
      cause,
    });
  }
}

/** The request stays due when nobody answers: the watcher's next minute takes it up. */
export async function handOver(settings: Settings, { database, id, expiresAtMs }: MoveRequest): Promise<OrderAnswer> {
  try {
    return answered<OrderAnswer>(await ask(settings, { database, request: id }), "accepted");
  } catch (error) {
    const why = (error as Error).message;
    console.error(JSON.stringify({ what: "not handed over", database, request: id, error: String(error) }));
    return yes(
      `Enough people have agreed to the request ${id}, but the watcher did not answer (${why}). Whether the move has started is not known.`,
      `The request stays: the watcher looks for it each minute until ${new Date(expiresAtMs).toISOString()}. A mail tells what becomes of it; or look:`,
      { request: id, commands: [statusCommand()] },
    );
  }
}

const ask = (settings: Settings, payload: object): Promise<unknown> => invokeAndWait(settings.region, settings.functions.watch, payload);

function answered<Answer>(answer: unknown, field: keyof Answer & string): Answer {
  if (answer !== null && typeof answer === "object" && field in answer) return answer as Answer;
  throw new Error(`it answered ${JSON.stringify(answer)?.slice(0, 200)}`);
}
