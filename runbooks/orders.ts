/** What becomes of a person's order: who ordered is proven first, then it is done or refused. Both are answered, and told. */

import { storeNowMs } from "../aws/store-clock.ts";
import {
  acknowledgeCommand,
  approveCommand,
  drillCommand,
  holdCommand,
  moveCommand,
  pruneCommand,
  releaseBrakeCommand,
  releaseCommand,
  restoreCommand,
  resumeCommand,
  siteCommand,
  withdrawCommand,
} from "../core/commands.ts";
import type { News } from "../core/news.ts";
import type { OperatorOrder } from "../core/order.ts";
import { personOf } from "../core/people.ts";
import { Problem } from "../core/problem.ts";
import { databaseOfRequest, isOpen } from "../core/requests.ts";
import type { ListAnswer, OrderAnswer } from "./answers.ts";
import { audience, identify } from "./identity.ts";
import { allowPrune, holdOrRelease } from "./order-backups.ts";
import { pause, releaseBrake, setFree } from "./order-brakes.ts";
import { agree, ask, withdraw } from "./order-moves.ts";
import { askDrill, askRestore } from "./order-restores.ts";
import { readRecord } from "./record.ts";
import { requestsOf } from "./requests.ts";
import { type Protected, protectedDatabase, protectedDatabases, type Settings, sitePlan } from "./settings.ts";
import { agreeSite, askSite, withdrawSite } from "./site-orders.ts";
import { tell } from "./tell.ts";

export async function takeOrder(settings: Settings, order: OperatorOrder): Promise<OrderAnswer | ListAnswer> {
  const nowMs = storeNowMs();
  let by: string | null = null;
  try {
    by = await identify(settings, order, nowMs);
    return await done(settings, order, by, nowMs);
  } catch (error) {
    // A Problem is an answer; anything else is Lambda's to report.
    if (!(error instanceof Problem)) throw error;
    const { name, message, hint } = error;
    console.warn(JSON.stringify({ what: "order refused", verb: order.verb, by, name, message }));
    if (name === "NotAllowed") await tell(settings, strangerNews(order, message, hint, nowMs));
    return {
      accepted: false,
      sentence: message,
      next: hint,
      commands: name === "ProofMissing" ? commandsFor(order) : [],
      request: null,
      execution: null,
    };
  }
}

async function done(settings: Settings, order: OperatorOrder, by: string | null, nowMs: number): Promise<OrderAnswer | ListAnswer> {
  const database = (name: string) => protectedDatabase(settings.plan, name);
  switch (order.verb) {
    case "requests":
      return await list(settings, order.database === null ? protectedDatabases(settings.plan) : [database(order.database)], nowMs);
    case "pause":
      return await pause(settings, database(order.database), order, by, nowMs);
    case "release-brake":
      return await releaseBrake(settings, order.id, proven(by), nowMs);
    case "resume":
    case "acknowledge":
      return await setFree(settings, database(order.database), order, proven(by), nowMs);
    case "evacuate":
    case "return":
      return await askSite(settings, sitePlan(settings.plan, order.site), order, proven(by), nowMs);
    case "approve":
    case "withdraw": {
      const site = settings.plan.sites?.find(({ name }) => name === databaseOfRequest(order.request));
      if (site) return await (order.verb === "approve" ? agreeSite : withdrawSite)(settings, site, order, proven(by), nowMs);
      const known = database(databaseOfRequest(order.request) ?? "");
      return order.verb === "approve"
        ? await agree(settings, known, order, proven(by), nowMs)
        : await withdraw(settings, known, order, proven(by), nowMs);
    }
    case "hold":
    case "release":
      return await holdOrRelease(settings, database(order.database), order, proven(by), nowMs);
    case "prune":
      return await allowPrune(settings, database(order.database), order, proven(by), nowMs);
    case "restore":
      return await askRestore(settings, database(order.database), order, proven(by), nowMs);
    case "drill":
      return await askDrill(settings, database(order.database), order.id, proven(by), nowMs);
    default:
      return await ask(settings, database(order.database), order, proven(by), nowMs);
  }
}

/** Only what needs a proof comes here, and identify() lets nothing else through. */
function proven(by: string | null): string {
  if (by !== null) return by;
  throw new Problem("ProofMissing", "Refused: this needs a proof of who orders it.", { hint: "Order with npm run understudy." });
}

async function list(settings: Settings, databases: readonly Protected[], nowMs: number): Promise<ListAnswer> {
  const entries = await Promise.all(
    databases.map(async (database) => {
      const { generation, primary } = (await readRecord(settings, database)).value;
      const requests = (await requestsOf(settings, database.name, generation)).map((request) => ({
        ...request,
        open: isOpen(request, generation, nowMs),
      }));
      return [database.name, { generation, primary, requests }] as const;
    }),
  );
  return { audience: audience(settings), databases: Object.fromEntries(entries) };
}

/** Told once a day for each, however often they try. */
function strangerNews(order: OperatorOrder, sentence: string, hint: string, nowMs: number): News {
  const who = /arn:\S+/.exec(sentence)?.[0] ?? "unknown";
  return {
    kind: "Order Refused",
    id: `stranger-${personOf(who).replaceAll("/", "-")}-${new Date(nowMs).toISOString().slice(0, 10)}`,
    database: "site" in order ? order.site : "database" in order && order.database !== null ? order.database : "(all)",
    atMs: nowMs,
    sentence,
    details: [["Ordered", order.verb]],
    next: `Find out who that is. ${hint}`,
  };
}

/** The command that signs what came without a proof. */
function commandsFor(order: OperatorOrder): string[] {
  switch (order.verb) {
    case "approve":
      return [approveCommand(order.request)];
    case "withdraw":
      return [withdrawCommand(order.request)];
    case "resume":
      return [resumeCommand(order.database)];
    case "acknowledge":
      return [acknowledgeCommand(order.database)];
    case "release-brake":
      return [releaseBrakeCommand()];
    case "evacuate":
    case "return":
      return [siteCommand(order.verb, order.site)];
    case "failover":
    case "switchover":
    case "failback":
    case "reboot-failover":
      return [moveCommand(order.verb, order.database, order)];
    case "restore":
      return [restoreCommand(order.database, order)];
    case "drill":
      return [drillCommand(order.database)];
    case "hold":
      return [holdCommand(order.database, order.backup)];
    case "release":
      return [releaseCommand(order.database, order.backup)];
    case "prune":
      return [pruneCommand(order.database, order.most)];
    default:
      return [];
  }
}
