/**
 * The databases of a site that moves. Each is ordered by the same requests as a person's, with the people who agreed to the site's: a
 * switchover where the primary region answers, a cold failover where it does not, a failback on the way home. The rules decide; what
 * they refuse is not passed over here, but told with the command that would.
 */
import { readDocument } from "../aws/documents.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { waysPast } from "../core/commands.ts";
import { DEAD } from "../core/diagnosis.ts";
import type { DatabaseRecord, Order } from "../core/facts.ts";
import { calledAs } from "../core/people.ts";
import { Problem } from "../core/problem.ts";
import { requestId } from "../core/requests.ts";
import type { SiteClaim } from "../core/site.ts";
import { handOver, lookThrough } from "./hand-over.ts";
import { recordKey } from "./record.ts";
import { createRequest, expireMinutes, requestFor } from "./requests.ts";
import { protectedDatabase, type Settings } from "./settings.ts";
import { notYet, type Proof, proven } from "./until.ts";

export interface OrderedDatabase {
  readonly name: string;
  /** What became of it, in words. */
  readonly said: string;
  /** It was refused, and moves only when a person says more. */
  readonly refused: boolean;
  readonly commands: readonly string[];
  /** The move that was started for it. */
  readonly execution: string | null;
}

export class SiteDatabases {
  private readonly settings: Settings;
  private readonly names: readonly string[];
  private readonly claim: SiteClaim;
  /** Where they are to be. */
  private readonly region: string;

  constructor(settings: Settings, names: readonly string[], claim: SiteClaim) {
    this.settings = settings;
    this.names = names;
    this.claim = claim;
    const { primary, recovery } = settings.plan.regions;
    this.region = claim.direction === "evacuate" ? recovery : primary;
  }

  /** `round`: a request that was refused is not asked for again, another is. */
  async order(name: string, round: number): Promise<OrderedDatabase> {
    const { settings, region } = this;
    const record = await this.record(name);
    const done = (said: string): OrderedDatabase => ({ name, said, refused: false, commands: [], execution: null });
    const not = (said: string, commands: readonly string[] = []): OrderedDatabase => ({ ...done(said), refused: true, commands });
    if (record.regions[record.primary] === region) return done(`${name} runs in ${region} already, on ${record.primary}`);
    if (record.claim) return done(`${name} is being moved to ${record.claim.target} already (${record.claim.execution})`);
    const target = record.standbys.find((id) => record.regions[id] === region);
    if (!target) return not(`${name} has no standby in ${region}`);
    const database = protectedDatabase(settings.plan, name);
    const order = await this.fittest(name, record, target, round);
    const { facts, diagnosis, decision } = await lookThrough(settings, database, order);
    if ((decision.kind !== "failover" && decision.kind !== "switchover") || decision.target === null)
      return not(decision.sentence, waysPast(decision, name, order));
    const { people, takenAtMs } = this.claim;
    const expiresAtMs = storeNowMs() + expireMinutes(settings.plan) * 60_000;
    const asked = { id: order.id, verb: order.verb, overrides: [], reason: order.reason, askedBy: people[0] ?? null, expiresAtMs };
    const request = requestFor(settings.plan, facts, diagnosis, { ...decision, target: decision.target }, asked);
    // One of that name that is there already is ours, from a step that runs again.
    await createRequest(settings, { ...request, approvals: people.map((by) => ({ by, atMs: takenAtMs })), due: true });
    const answer = await handOver(settings, request);
    return answer.accepted ? { ...done(answer.sentence), execution: answer.execution } : not(answer.sentence, answer.commands);
  }

  /** Nothing is lost where the primary can help; where it cannot, it is not waited for. */
  private async fittest(name: string, { generation }: DatabaseRecord, target: string, round: number): Promise<Order> {
    const { execution, direction, people, reason } = this.claim;
    const order: Order = {
      id: requestId(name, generation, `s${execution.replace(/[^a-z0-9]/g, "").slice(-32)}r${round}`),
      verb: direction === "evacuate" ? "switchover" : "failback",
      target,
      overrides: [],
      reason,
      by: people.map(calledAs).join(" and "),
      atMs: storeNowMs(),
      generation,
    };
    if (direction === "return") return order;
    const { facts, diagnosis } = await lookThrough(this.settings, protectedDatabase(this.settings.plan, name), order);
    return facts.primaryRegion === "dark" || DEAD.includes(diagnosis.name) ? { ...order, verb: "failover" } : order;
  }

  /** Each runs where it is to run and nothing moves it any more. A move of ours that ended otherwise ends the wait. */
  async allThere(ordered: readonly OrderedDatabase[]): Promise<Proof> {
    const seen: string[] = [];
    for (const name of this.names) {
      const { primary, regions, claim, lastMove } = await this.record(name);
      const execution = ordered.find((each) => each.name === name)?.execution;
      if (regions[primary] !== this.region || claim) {
        if (execution && claim?.execution !== execution && lastMove?.execution === execution && lastMove.outcome !== "succeeded")
          throw new Problem("DatabaseStayed", `${execution} of ${name} ${lastMove.outcome}: it runs on ${primary} still.`, {
            hint: "The mail of that move says why.",
          });
        return notYet(claim ? `${claim.execution} of ${name} is running` : `${name} runs on ${primary} in ${regions[primary]}`);
      }
      seen.push(`${name} on ${primary}`);
    }
    return proven(seen.length > 0 ? `in ${this.region}: ${seen.join(", ")}` : "there are no databases to move");
  }

  private async record(name: string): Promise<DatabaseRecord> {
    const found = await readDocument<DatabaseRecord>(this.settings.state, recordKey(name));
    if (found) return found.value;
    throw new Problem("NoRecord", `There is no record of ${name} yet.`, { hint: "The probe makes it within a minute.", retry: true });
  }
}
