/**
 * The steps of a global database's move: each looks first, does only what is missing, and is safe to run again. RDS is asked in the
 * target's region throughout: the primary's may be dark. `native-global.ts` tells in which order they come.
 */
import { describeGlobal, failOverGlobal, type GlobalFacts, switchOverGlobal } from "../aws/rds-clusters.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { Story } from "../core/evidence.ts";
import type { DatabaseRecord, InstanceFacts } from "../core/facts.ts";
import type { News } from "../core/news.ts";
import { policyOf } from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import { refusedWrite } from "../databases/engines.ts";
import { decideNow } from "./decisions.ts";
import type { Confirmed } from "./failover-steps.ts";
import { NativeMove } from "./native-steps.ts";
import { endpointOf, LOOK_MS, observe, targetOf } from "./observe.ts";
import { endClaim } from "./record.ts";
import type { Protected, Settings } from "./settings.ts";
import { notYet, type Proof, proven } from "./until.ts";

export class GlobalMove extends NativeMove {
  readonly kind: "failover" | "switchover";

  constructor(settings: Settings, database: Protected, execution: string, generation: number, kind: "failover" | "switchover") {
    super(settings, database, execution, generation);
    this.kind = kind;
  }

  protected override get words(): Story["kind"] {
    return `global ${this.kind}`;
  }

  private get id(): string {
    return this.database.plan.primary.globalCluster ?? "";
  }

  private arnOf(cluster: string): string {
    return `arn:aws:rds:${this.regionOf(cluster)}:${this.settings.account}:cluster:${cluster}`;
  }

  override async confirm(): Promise<Confirmed> {
    const { facts } = await observe(this.settings, this.database);
    const { record } = facts;
    const { claim } = record;
    const base = { atMs: facts.atMs, primary: record.primary, standby: claim?.target ?? "(none)", unfenced: null, facts };
    if (claim?.execution !== this.execution) {
      const sentence = `Refused: the claim ${this.execution} is not the one on record (${claim?.execution ?? "none"}). (rule 201)`;
      return { ...base, refusal: sentence, rule: 201, sentence };
    }
    if (claim.stage === "promoted") {
      const sentence = `Goes on with the ${this.kind} of ${record.database} to ${claim.target}, which RDS may have been asked for. (rule ${claim.rule})`;
      return { ...base, refusal: null, rule: claim.rule, sentence };
    }
    const policy = policyOf(this.settings.plan, this.database.plan);
    const unclaimed = { ...facts, record: { ...record, claim: null } };
    const { decision } = await decideNow(this.settings, this.database, unclaimed, policy, claim.order);
    const { rule, sentence } = decision;
    return { ...base, refusal: decision.kind === this.kind && decision.target === claim.target ? null : sentence, rule, sentence };
  }

  private async now(target: string): Promise<GlobalFacts> {
    const found = await describeGlobal(this.regionOf(target), this.id);
    if (found) return found;
    throw new Problem("GlobalClusterGone", `RDS knows no global database ${this.id}`, { hint: "Look who removed it before going on." });
  }

  /** ARNs are compared by what follows the partition: other partitions than "aws" call theirs otherwise. */
  private is(arn: string | null, cluster: string): boolean {
    return arn?.split(":").slice(2).join(":") === this.arnOf(cluster).split(":").slice(2).join(":");
  }

  override async ask(target: string): Promise<{ atMs: number; already: boolean }> {
    await this.holdsClaim();
    const { writer, move, members } = await this.now(target);
    if (move !== null || this.is(writer, target)) return { atMs: storeNowMs(), already: true };
    const arn = members.find((each) => this.is(each, target));
    if (!arn)
      throw new Problem("NoSuchMember", `${target} is no cluster of the global database ${this.id}`, {
        hint: "Look at the plan's standbys.",
      });
    await (this.kind === "failover" ? failOverGlobal : switchOverGlobal)(this.regionOf(target), this.id, arn);
    return { atMs: storeNowMs(), already: false };
  }

  async begun(target: string): Promise<Proof> {
    const { status, writer, move } = await this.now(target);
    if (this.is(writer, target)) return proven(`${target} is the writer of ${this.id}`);
    return move ? proven(`${this.id} is ${status}, ${move.status}`) : notYet(`${this.id} is ${status}, and nothing moves`);
  }

  /** Begun and then no longer under way, with the old writer: RDS has cancelled it, and everything is as before. */
  async done(target: string): Promise<Proof> {
    const { status, writer, move } = await this.now(target);
    if (this.is(writer, target) && move === null) return proven(`${target} is the writer of ${this.id}, which is ${status}`);
    if (move === null && status === "available")
      throw new Problem("Cancelled", `RDS has cancelled the ${this.kind}: ${this.id} is available, and ${writer} still writes`, {
        hint: "Look at the cluster's events.",
      });
    return notYet(`${this.id} is ${status}${move ? `, ${move.status}` : ""}; ${writer} writes`);
  }

  async clusterWrites(target: string): Promise<Proof> {
    const cluster: InstanceFacts = await this.instance(target);
    const place = await targetOf(this.settings, this.database, endpointOf(cluster));
    if (!place || cluster.native?.at === null) return notYet(`${target} has no writer yet`);
    const refusal = await refusedWrite(this.engine, place, this.execution, LOOK_MS);
    return refusal === null ? proven(`${target} took a write`) : notYet(`${target} does not take writes yet: ${refusal}`);
  }

  /** Both sides change places: RDS makes the old primary a standby of the new one, at once or when its region is back. */
  async exchange({ primary, standby }: Confirmed): Promise<DatabaseRecord> {
    const change = (record: DatabaseRecord): Partial<DatabaseRecord> => ({
      generation: this.generation + 1,
      primary: standby,
      standbys: [...record.standbys.filter((id) => id !== standby), primary],
      attempts: 0,
    });
    const record = await endClaim(this.settings, this.database, this.execution, "succeeded", storeNowMs(), change);
    if (record.generation === this.generation + 1 && record.primary === standby) return record;
    throw new Problem("ClaimLost", `the record of ${this.database.name} changed hands while ${primary} was moved to ${standby}`, {
      hint: "Look at the record and at both clusters.",
    });
  }

  /** RDS says that nothing moves and the old one writes: whatever failed, the database is where it was. */
  async isUnmoved(target: string): Promise<boolean> {
    const { status, writer, move } = await this.now(target);
    return move === null && status === "available" && !this.is(writer, target);
  }

  override startedNews(confirmed: Confirmed): News {
    return { ...super.startedNews(confirmed), next: "Nothing yet: another mail says how it ends. AWS states minutes for it." };
  }

  movedNews(sentence: string, confirmed: Confirmed, evidence: string, atMs: number): News {
    const { primary } = confirmed;
    const next =
      this.kind === "switchover"
        ? `Nothing: ${primary} follows the new primary.`
        : `Keep clients away from ${primary} until RDS has made it a standby again: Aurora stops its writes only where it can reach it, and keeps a snapshot of what it had alone.`;
    const news = this.news("Move Succeeded", `${sentence} (rule ${confirmed.rule})`, confirmed, next);
    return { ...news, atMs, details: [["Why", confirmed.sentence], ...news.details, ["Evidence", evidence]] };
  }

  globalFailedNews(sentence: string, primary: string, target: string, unmoved: boolean): News {
    const next = unmoved
      ? `Nothing was moved: ${primary} is still the writer.`
      : `Look at the global database ${this.id} now: RDS may have moved it to ${target}. The watcher starts the move again where it ended.`;
    return { ...this.nativeFailedNews(sentence, primary), next };
  }
}
