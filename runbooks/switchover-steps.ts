/**
 * The steps only a planned move has: close the primary to everybody but Understudy, end the sessions, see both sides equal, and open
 * it again when the move is called off. Each looks first and is safe to run again. `switchover.ts` tells in which order they come.
 */
import { isCode } from "../aws/errors.ts";
import { describeInstance, setSecurityGroups } from "../aws/rds.ts";
import type { DatabaseRecord, InstanceFacts, Retired } from "../core/facts.ts";
import type { News } from "../core/news.ts";
import { Problem } from "../core/problem.ts";
import { refusedWrite, type Target } from "../databases/engines.ts";
import { type Confirmed, Move } from "./failover-steps.ts";
import { groupsOf } from "./fences.ts";
import { endpointOf, LOOK_MS, targetOf } from "./observe.ts";
import { readRecord } from "./record.ts";
import type { Protected, Settings } from "./settings.ts";
import { calledOff, deletable, settled } from "./switchover-news.ts";
import { notYet, type Proof, proven } from "./until.ts";

/** RDS took the request and said no: nothing has begun. */
const REFUSED = ["AccessDenied", "UnauthorizedOperation", "InvalidParameterCombination", "InvalidParameterValue", "DBInstanceNotFound"];

export class PlannedMove extends Move {
  readonly kind: "switchover" | "failback";

  constructor(settings: Settings, database: Protected, execution: string, generation: number, kind: "switchover" | "failback") {
    super(settings, database, execution, generation);
    this.kind = kind;
  }

  protected override get words(): "switchover" | "failback" {
    return this.kind;
  }

  protected async at(id: string): Promise<Target> {
    const target = await targetOf(this.settings, this.database, endpointOf(await this.instance(id)));
    if (target) return target;
    throw new Error(`RDS names no endpoint for ${id}`);
  }

  /** null: RDS knows no such instance. */
  protected async known(id: string): Promise<InstanceFacts | null> {
    return await describeInstance(this.regionOf(id), id);
  }

  protected drainGroup(id: string): string {
    const group = this.database.plan.drainSecurityGroups?.[this.regionOf(id)];
    if (group) return group;
    throw new Problem("NoDrainGroup", `the plan names no drainSecurityGroups for ${this.regionOf(id)}, where ${id} runs`, {
      hint: "Add one whose only inbound rule admits Understudy's functions.",
    });
  }

  /** Keeps on the claim what the primary's network was, before anything changes: whoever finds this execution dead gives it back. */
  async noteNetwork(id: string): Promise<void> {
    const { claim, networks } = (await readRecord(this.settings, this.database)).value;
    if (claim?.stage === "promoted") return;
    const closed = [this.drainGroup(id), this.fenceGroup(id)];
    const open = groupsOf(await this.instance(id)).filter((group) => !closed.includes(group));
    const network = open.length > 0 ? open : (claim?.network ?? networks?.[id]);
    if (network) return await this.note({ stage: "fencing", network });
    throw new Problem("NetworkUnknown", `${id} is closed to its clients, and the record does not say which security groups it had`, {
      hint: "Give it its security groups by hand, then order again.",
    });
  }

  private async isIn(id: string, groups: readonly string[]): Promise<boolean> {
    const { securityGroups } = await this.instance(id);
    return (
      [...securityGroups].sort().join() ===
      groups
        .map((group) => `${group}:active`)
        .sort()
        .join()
    );
  }

  protected async moveInto(id: string, groups: readonly string[]): Promise<void> {
    if (
      groupsOf(await this.instance(id))
        .sort()
        .join() !== [...groups].sort().join()
    )
      await setSecurityGroups(this.regionOf(id), id, groups);
  }

  /** Leaves the instance open to Understudy's functions alone. Connections that stand are not touched by this. */
  async closed(id: string): Promise<Proof> {
    await this.holdsClaim();
    const group = this.drainGroup(id);
    if (await this.isIn(id, [group])) return proven(`${id} has no group but ${group}`);
    await this.moveInto(id, [group]);
    return notYet(`${id} is not closed to its clients yet`);
  }

  /** From here on no client writes. A commit of our own, after theirs, makes sure that theirs are on the disk and in the log. */
  async nobodyElse(id: string): Promise<Proof> {
    await this.holdsClaim();
    const target = await this.at(id);
    const { all: others } = await this.engine.cutSessions(target, LOOK_MS);
    await this.engine.writeCanary(target, `${this.execution}-last`, LOOK_MS);
    return others.length > 0
      ? notYet(`${others.join(", ")} had sessions on ${id}; they are ended`)
      : proven(`nobody has a session on ${id}`);
  }

  /** The primary's log stands still with nobody connected, and the standby has applied all of it. */
  async equal(primary: string, standby: string): Promise<Proof> {
    const again = await this.nobodyLeft(primary);
    if (again) return again;
    const [from, to] = [await this.at(primary), await this.at(standby)];
    const before = await this.engine.position(from, LOOK_MS);
    const position = await this.engine.position(to, LOOK_MS);
    const after = await this.engine.position(from, LOOK_MS);
    if (before.log !== after.log) return notYet(`the log of ${primary} moves from ${before.log} to ${after.log} with nobody connected`);
    if (!this.engine.hasReached(position, after)) return notYet(`${standby} is at ${position.log}, ${primary} at ${after.log}`);
    return { ...proven(`${primary} stands still at ${after.log}, and ${standby} has applied it`), position };
  }

  private async nobodyLeft(id: string): Promise<Proof | null> {
    const target = await this.at(id);
    const { all: others, strangers } = await this.engine.cutSessions(target, LOOK_MS);
    if (strangers.length > 0)
      throw new Problem("NotClosed", `${strangers.join(", ")} came to ${id} after it was closed to everybody but Understudy`, {
        hint: `Let ${this.drainGroup(id)} admit Understudy's functions alone.`,
      });
    if (others.length === 0) return null;
    await this.engine.writeCanary(target, `${this.execution}-last`, LOOK_MS);
    return notYet(`${others.join(", ")} had sessions on ${id}; they are ended`);
  }

  /** Asked before the promotion, so that it is in force by the time the clients' name has moved. */
  async askFence(id: string): Promise<{ atMs: number }> {
    await this.holdsClaim();
    await this.moveInto(id, [this.fenceGroup(id)]);
    return { atMs: Date.now() };
  }

  /** A refusal in RDS's own words, or null: it is asked for, or may be. */
  async promoteUnlessRefused(id: string): Promise<{ atMs: number; refusal: string | null }> {
    try {
      return { atMs: (await this.promote(id)).atMs, refusal: null };
    } catch (error) {
      if (isCode(error, ...REFUSED)) return { atMs: Date.now(), refusal: (error as Error).message };
      throw error;
    }
  }

  /** Whether a promotion that may have been asked for is under way or done. Until the API shows it some time may pass. */
  async promotionBegan(id: string): Promise<Proof> {
    const { sourceId, status } = await this.instance(id);
    if (sourceId === null) return proven(`${id} is no replica any more`);
    if (["modifying", "rebooting"].includes(status)) return proven(`${id} is ${status}`);
    const { inRecovery } = await this.engine.askStandby(await this.at(id), this.database.name, LOOK_MS);
    return inRecovery ? notYet(`${id} is ${status} and still a replica`) : proven(`${id} has left recovery`);
  }

  /** Whoever goes back has been told what stays behind; an order that does so all the same settles it. */
  protected override retiredBefore({ retired, claim }: DatabaseRecord): readonly Retired[] {
    const order = claim?.order?.id;
    if (this.kind !== "failback" || order === undefined) return retired;
    return retired.map((each) => (each.alone && each.alone.count !== 0 ? { acceptedBy: order, ...each } : each));
  }

  plannedNews(sentence: string, confirmed: Confirmed, evidence: string, atMs: number, after: DatabaseRecord): News {
    const news = this.succeededNews(sentence, confirmed, evidence, atMs);
    const next = `Clients that keep connections open have reconnected by now. ${confirmed.primary} stays fenced; nothing is deleted by Understudy.`;
    return { ...news, details: [...news.details, ...(this.kind === "failback" ? deletable(after, settled(after)) : [])], next };
  }

  calledOffNews(sentence: string, primary: string, standby: string, again: string | null): News {
    return calledOff(this.failedNews(sentence, "promote", primary, standby), primary, standby, again);
  }

  /** The old primary is its clients' again: its own groups are in force and it takes a write. */
  async reopened(id: string): Promise<Proof> {
    const { claim } = (await readRecord(this.settings, this.database)).value;
    if (claim?.execution !== this.execution) return proven("whoever holds the claim now sees to it");
    if (!claim.network) return proven(`${id} was not touched`);
    if (!(await this.isIn(id, claim.network))) {
      await this.moveInto(id, claim.network);
      return notYet(`${id} does not have its network back yet`);
    }
    const refusal = await refusedWrite(this.engine, await this.at(id), this.execution, LOOK_MS);
    return refusal === null ? proven(`${id} has its network back and took a write`) : notYet(`${id} does not take writes yet: ${refusal}`);
  }
}
