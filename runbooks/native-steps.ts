/**
 * The steps of a move that RDS makes itself: each looks first, does only what is missing, and is safe to run again. `native-move.ts`
 * tells in which order they come. Nothing here touches a network, a replica or a record.
 */
import { reboot } from "../aws/rds.ts";
import { failOverCluster } from "../aws/rds-clusters.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { diagnose } from "../core/diagnosis.ts";
import type { Story } from "../core/evidence.ts";
import type { InstanceFacts } from "../core/facts.ts";
import type { News } from "../core/news.ts";
import { policyOf } from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import { decide } from "../core/rules.ts";
import { type Confirmed, Move } from "./failover-steps.ts";
import { readNativeNote, writeNativeNote } from "./native-watch.ts";
import { describeMember, isCluster, observe, writerOf } from "./observe.ts";
import { readRecord } from "./record.ts";
import { notYet, type Proof, proven } from "./until.ts";

export class NativeMove extends Move {
  protected override get words(): Story["kind"] {
    return "reboot with failover";
  }

  override async confirm(): Promise<Confirmed> {
    const { facts } = await observe(this.settings, this.database);
    const { record } = facts;
    const base = { atMs: facts.atMs, primary: record.primary, standby: record.primary, unfenced: null, facts };
    if (record.claim?.execution !== this.execution) {
      const sentence = `Refused: the claim ${this.execution} is not the one on record (${record.claim?.execution ?? "none"}). (rule 201)`;
      return { ...base, refusal: sentence, rule: 201, sentence };
    }
    const { claim } = record;
    if (claim.stage === "promoted") {
      const sentence = `Goes on with the move of ${record.primary} to RDS's own standby, which RDS had been asked for. (rule ${claim.rule})`;
      return { ...base, refusal: null, rule: claim.rule, sentence };
    }
    const policy = policyOf(this.settings.plan, this.database.plan);
    const unclaimed = { ...facts, record: { ...record, claim: null } };
    const { kind, rule, sentence } = decide(unclaimed, diagnose(unclaimed, policy), policy, claim.order);
    return { ...base, refusal: kind === "native" ? null : sentence, rule, sentence };
  }

  /** null when RDS no longer knows it. */
  async described(id: string): Promise<InstanceFacts | null> {
    return await describeMember(this.database, this.regionOf(id), id);
  }

  /** Noted before RDS is asked: from then on the move can only be finished. Whoever succeeds a dead execution finds the first note. */
  async noteWriter(id: string): Promise<string | null> {
    const { claim } = (await readRecord(this.settings, this.database)).value;
    if (claim?.stage === "promoted" && claim.writer !== undefined) return claim.writer;
    const writer = await writerOf(await this.described(id));
    await this.note({ stage: "promoted", writer });
    return writer;
  }

  protected override async instance(id: string): Promise<InstanceFacts> {
    const found = await this.described(id);
    if (found) return found;
    throw new Problem("InstanceGone", `RDS no longer knows ${id}`, { hint: "Somebody deleted it; find out who before going on." });
  }

  async ask(id: string, before: string | null): Promise<{ atMs: number; already: boolean }> {
    await this.holdsClaim();
    const instance = await this.instance(id);
    if (instance.status !== "available" || (await writerOf(instance)) !== before) return { atMs: storeNowMs(), already: true };
    if (isCluster(this.database)) await failOverCluster(this.regionOf(id), id);
    else await reboot(this.regionOf(id), id, "into the other zone");
    return { atMs: storeNowMs(), already: false };
  }

  async settled(id: string): Promise<Proof> {
    const { status } = await this.instance(id);
    return status === "available" ? proven(`${id} is available`) : notYet(`${id} is ${status}`);
  }

  /** The address behind the name tells, not the zone: RDS may go on naming the old one for minutes. */
  async moved(id: string, before: string | null): Promise<Proof> {
    const writer = await writerOf(await this.instance(id));
    if (writer !== null && writer !== before) return proven(`${before ?? "unknown"} before, ${writer} now`);
    return notYet(`${id} is still at ${before ?? "an address nobody knows"}; RDS gives a failover up soon after another one`);
  }

  /** The watcher must not take it for one that RDS made by itself. */
  async noteMoved(id: string): Promise<void> {
    const writer = await writerOf(await this.instance(id));
    for (;;) {
      const known = await readNativeNote(this.settings, this.database.name);
      if (writer === null || known?.value.by === this.execution) return;
      const note = { primary: id, writer, count: (known?.value.count ?? 0) + 1, before: known?.value.writer ?? null };
      if (await writeNativeNote(this.settings, this.database.name, { ...note, atMs: storeNowMs(), by: this.execution }, known)) return;
    }
  }

  override startedNews(confirmed: Confirmed): News {
    return { ...super.startedNews(confirmed), next: "Nothing yet: another mail says how it ends. Expect an outage of one to two minutes." };
  }

  doneNews(sentence: string, confirmed: Confirmed, evidence: string, atMs: number): News {
    const news = this.news("Move Succeeded", `${sentence} (rule ${confirmed.rule})`, confirmed, "Nothing: the endpoint is the same.");
    const same: [string, string][] = [
      ["Execution", this.execution],
      ["Primary", `${confirmed.primary} (the same, with the same endpoint)`],
      ["Clients' name", this.database.record.name],
      ["Generation", `${this.generation}`],
    ];
    return { ...news, atMs, details: [["Why", confirmed.sentence], ...same, ["Evidence", evidence]] };
  }

  nativeFailedNews(sentence: string, primary: string): News {
    return {
      kind: "Move Failed",
      id: `${this.execution}-failed`,
      move: this.words,
      database: this.database.name,
      atMs: storeNowMs(),
      sentence,
      details: [
        ["Execution", this.execution],
        ["Primary", primary],
      ],
      next: `Look at ${primary} now. It is still the primary on record, and Understudy has promoted nothing.`,
    };
  }
}
