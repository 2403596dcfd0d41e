/**
 * The steps of one failover: each looks first, does only what is missing, and is safe to run again. Every effect makes sure of
 * the claim before it acts. `failover.ts` tells in which order they come.
 */
import { setTimeout as pause } from "node:timers/promises";
import { cnameOf, resolve } from "../aws/dns.ts";
import type { Stored } from "../aws/documents.ts";
import { isCode } from "../aws/errors.ts";
import { describeInstance, promoteReplica, reboot, setSecurityGroups } from "../aws/rds.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { diagnose } from "../core/diagnosis.ts";
import { type Drift, driftAfter } from "../core/drift.ts";
import { evidenceOf, type Story } from "../core/evidence.ts";
import type { DatabaseRecord, Facts, InstanceFacts, Retired } from "../core/facts.ts";
import type { Climbed } from "../core/ladder.ts";
import type { News } from "../core/news.ts";
import { policyOf } from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import { decide } from "../core/rules.ts";
import { attemptWrite, type DatabaseEngine, engineOf, refusedWrite } from "../databases/engines.ts";
import { keepEvidence } from "./evidence.ts";
import type { Stage } from "./failover.ts";
import { groupsOf, isFenced, STOPPED, silenceOf } from "./fences.ts";
import { endpointOf, LOOK_MS, observe, targetOf, tryDescribe } from "./observe.ts";
import { endReadOnly, makeReadOnly } from "./read-only.ts";
import { endClaim, noteOnClaim, readRecord } from "./record.ts";
import { attemptOf, type Mover, type Way } from "./repoint.ts";
import { wayOf } from "./repoint-way.ts";
import type { Protected, Settings } from "./settings.ts";
import { notYet, type Proof, proven } from "./until.ts";

export interface Drained extends Proof {
  /** The newest heartbeat it has, and the count of rows that came with it. */
  readonly newest: NonNullable<Story["drained"]>;
}

/** What is seen of a fence. */
export interface Shut extends Proof {
  /** Since when it is known to let people in. */
  readonly letInAtMs?: number;
}

export interface Confirmed {
  readonly atMs: number;
  /** null: the move goes ahead. */
  readonly refusal: string | null;
  readonly rule: number;
  readonly sentence: string;
  readonly primary: string;
  readonly standby: string;
  /** Why the old primary cannot be fenced, where it cannot; a person has approved the move all the same. */
  readonly unfenced: string | null;
  readonly facts: Facts;
}

/** What only the move itself knows of its story. */
export type Told = Omit<Story, "execution" | "kind" | "name" | "policy" | "confirmed"> & { readonly confirmed: Confirmed };

export class Move {
  readonly settings: Settings;
  readonly database: Protected;
  readonly execution: string;
  readonly generation: number;
  /** How the clients' names are moved. */
  protected readonly way: Way;
  /** Region of every instance, as the record had it when the move was confirmed. */
  regions: Readonly<Record<string, string>> = {};
  /** The record as the last look saw it. */
  private seen: Stored<DatabaseRecord> | undefined;
  /** A write that was begun at the fenced primary: it is refused or silent while its sessions are being cut, and clients wait for both. */
  private tried: Promise<Shut> | undefined;

  constructor(settings: Settings, database: Protected, execution: string, generation: number) {
    this.settings = settings;
    this.database = database;
    this.execution = execution;
    this.generation = generation;
    this.way = wayOf(settings, database);
  }

  private get mover(): Mover {
    const { execution, generation } = this;
    return { execution, generation, attempt: attemptOf(execution), holdsClaim: () => this.holdsClaim() };
  }

  /** What people call this move. */
  protected get words(): Story["kind"] {
    return "failover";
  }

  protected get engine(): DatabaseEngine {
    return engineOf(this.database.plan.engine);
  }

  protected regionOf(id: string): string {
    const region = this.regions[id];
    if (region) return region;
    throw new Problem("UnknownInstance", `the record of ${this.database.name} names no region for ${id}`, {
      hint: "Look at the record: somebody changed it while the move ran.",
    });
  }

  protected fenceGroup(id: string): string {
    return this.database.plan.fenceSecurityGroups[this.regionOf(id)] as string;
  }

  /** Looks again with its own eyes: the claim must be ours, and the rules must still say failover. */
  async confirm(): Promise<Confirmed> {
    const { facts, stored } = await observe(this.settings, this.database);
    this.seen = stored;
    const { record } = facts;
    const unfenced =
      facts.primaryRegion === "dark"
        ? `RDS in ${record.regions[record.primary]} does not answer, so ${record.primary} cannot be fenced`
        : null;
    const base = { atMs: facts.atMs, primary: record.primary, standby: record.claim?.target ?? "(none)", unfenced, facts };
    if (record.claim?.execution !== this.execution) {
      const sentence = `Refused: the claim ${this.execution} is not the one on record (${record.claim?.execution ?? "none"}). (rule 201)`;
      return { ...base, refusal: sentence, rule: 201, sentence };
    }
    if (record.claim.stage === "promoted") {
      const sentence = `Goes on with the move of ${record.database} to ${record.claim.target}, which had promoted it. (rule ${record.claim.rule})`;
      return { ...base, refusal: null, rule: record.claim.rule, sentence };
    }
    const unclaimed: Facts = { ...facts, record: { ...record, claim: null } };
    const policy = policyOf(this.settings.plan, this.database.plan);
    const target = facts.standbys.find(({ id }) => id === record.claim?.target)?.instance;
    const known: Facts = { ...unclaimed, nameTrouble: target ? await this.way.trouble(target) : null };
    const decision = decide(known, diagnose(known, policy), policy, record.claim.order);
    const { rule, sentence } = decision;
    const goesBack = decision.kind === "switchover" && record.claim.kind === "failback";
    if (decision.kind !== record.claim.kind && !goesBack) return { ...base, refusal: sentence, rule, sentence };
    if (decision.target === record.claim.target) {
      if (unfenced !== null) await this.staysDark(record);
      return { ...base, refusal: null, rule, sentence };
    }
    const other = `Refused: ${record.claim.target} was claimed, and ${decision.target} is the better standby by now. (rule ${rule})`;
    return { ...base, refusal: other, rule, sentence: other };
  }

  /** Confirms, and notes the groups to give back should the move end before the promotion: nothing may be touched before that. */
  async confirmAndNote(): Promise<Confirmed> {
    const confirmed = await this.confirm();
    const { record, primary } = confirmed.facts;
    this.regions = record.regions;
    // An execution that succeeds a dead one keeps the first note.
    if (confirmed.refusal !== null || primary === null || record.claim?.stage === "promoted") return confirmed;
    const network = groupsOf(primary).filter((group) => group !== this.fenceGroup(primary.id));
    await this.note(network.length > 0 ? { stage: "fencing", network } : { stage: "fencing" }, this.seen);
    return confirmed;
  }

  /** A call that failed is no dark region: only one that stays silent has its primary left open. Else it is confirmed anew. */
  private async staysDark({ primary, regions }: DatabaseRecord): Promise<void> {
    for (let looks = 0; looks < DARK_LOOKS; looks++) {
      await pause(DARK_PAUSE_MS);
      if ((await tryDescribe(regions[primary] as string, primary)) !== "dark") throw new Error(`RDS in ${regions[primary]} answers again`);
    }
  }

  /** Every effect first makes sure that the claim is still ours: a stale runner must not act. */
  protected async holdsClaim(): Promise<void> {
    const record = (await readRecord(this.settings, this.database)).value;
    if (record.claim?.execution === this.execution && record.generation === this.generation) return;
    throw new Problem(
      "ClaimLost",
      `the claim ${this.execution} is gone (${record.claim?.execution ?? "none"}, generation ${record.generation})`,
      {
        hint: "Another move or a person took over; look at the record before anything else.",
      },
    );
  }

  protected async instance(id: string): Promise<InstanceFacts> {
    const found = await describeInstance(this.regionOf(id), id);
    if (!found)
      throw new Problem("InstanceGone", `RDS no longer knows ${id}`, { hint: "Somebody deleted it; find out who before going on." });
    return found;
  }

  /** Notes on the claim how far the move has come, for whoever finds its execution dead. */
  async note(note: Parameters<typeof noteOnClaim>[3], seen?: Stored<DatabaseRecord>): Promise<void> {
    if (!(await noteOnClaim(this.settings, this.database, this.execution, note, seen))) await this.holdsClaim();
  }

  /** What RDS says of an instance, for whoever is about to change it: the claim must be ours. */
  private async ours(id: string): Promise<InstanceFacts> {
    const [instance] = await Promise.all([this.instance(id), this.holdsClaim()]);
    return instance;
  }

  protected isFenced(instance: InstanceFacts): boolean {
    return isFenced(instance, this.fenceGroup(instance.id));
  }

  /** A rung that the plan may have before the others. */
  async readOnly({ facts }: Confirmed, id: string): Promise<Climbed> {
    await this.holdsClaim();
    return await makeReadOnly(this.database, facts.record, id, async () => {
      const target = await targetOf(this.settings, this.database, endpointOf(await this.instance(id)));
      return target ? await refusedWrite(this.engine, target, this.execution, LOOK_MS, silenceOf(facts, id)) : "it has no endpoint";
    });
  }

  /** A silent region of the old primary must not end a move that needs it no more: then it is said, and a person's. */
  async readOnlyEnded({ facts }: Confirmed, id: string): Promise<{ seen: string }> {
    await this.holdsClaim();
    await endReadOnly(this.database, facts.record, id);
    return { seen: `the parameter group of ${id} is as it was` };
  }

  /** Leaves the instance with the fence's group alone. RDS takes the change once the instance is in a state that allows it. */
  async networkTaken({ facts }: Confirmed, id: string): Promise<Proof> {
    const instance = await this.ours(id);
    if (this.isFenced(instance)) {
      this.tried = this.tryWrite(facts, instance);
      // Its failure is heard where it is waited for.
      this.tried.catch(() => {});
      return proven(`${id} has no group but ${instance.securityGroups.join()}`);
    }
    const fence = this.fenceGroup(id);
    if (groupsOf(instance).join() !== fence) await setSecurityGroups(this.regionOf(id), id, [fence]);
    return notYet(`the network of ${id} is not taken away yet: ${instance.securityGroups.join(", ")}`);
  }

  /** Undoes the fence of a move that ends before the promotion. Whoever has lost the claim leaves everything to the one who has it. */
  async giveNetworkBack(id: string): Promise<{ given: boolean }> {
    const { claim } = (await readRecord(this.settings, this.database)).value;
    if (claim?.execution !== this.execution || !claim.network) return { given: false };
    await endReadOnly(this.database, { regions: this.regions }, id);
    if (groupsOf(await this.instance(id)).join() === claim.network.join()) return { given: true };
    await setSecurityGroups(this.regionOf(id), id, claim.network);
    return { given: true };
  }

  /**
   * Security groups stop new connections and leave those that are open alone (EC2: connection tracking), so a hung primary
   * that wakes up could still acknowledge. A reboot ends them, seen as such; the fence outlives it.
   */
  async sessionsCut(id: string): Promise<Proof> {
    const before = await this.ours(id);
    if (WITHOUT_SESSIONS.includes(before.status)) return proven(`${id} is ${before.status}`);
    const status = await reboot(this.regionOf(id), id);
    return WITHOUT_SESSIONS.includes(status) ? proven(`${id} is ${status}`) : notYet(`${id} was told to reboot and is still ${status}`);
  }

  /**
   * Proven by what RDS says is in force, and by a write that was begun after it and to which nobody answers: a security group drops
   * packets in silence, so whoever refuses has been reached, and a server that is down or restarts refuses through an open group too.
   */
  async fenceHolds({ facts }: Confirmed, id: string, { letInAtMs }: Shut): Promise<Shut> {
    const { tried } = this;
    this.tried = undefined;
    const instance = await this.instance(id);
    if (!this.isFenced(instance)) return notYet(`the network of ${id} is back: ${instance.securityGroups.join(", ")}`);
    const without = WITHOUT_SESSIONS.includes(instance.status);
    if (letInAtMs !== undefined && without)
      return { ...notYet(`${id} let somebody in and is ${instance.status}: until it is back, silence proves nothing`), letInAtMs };
    return await (tried ?? this.tryWrite(facts, instance, letInAtMs));
  }

  private async tryWrite(facts: Facts, instance: InstanceFacts, knownAtMs?: number): Promise<Shut> {
    const { id } = instance;
    const target = await targetOf(this.settings, this.database, endpointOf(instance));
    if (!target) return notYet(`RDS names no endpoint for ${id}`);
    const { wrote, answered, seen } = await attemptWrite(this.engine, target, this.execution, LOOK_MS, silenceOf(facts, id));
    if (!answered || (!wrote && STOPPED.includes(instance.status))) return proven(`a write to ${id} is refused: ${seen}`);
    const what = wrote ? `${id} takes writes` : `${id} answers (${seen})`;
    const letInAtMs = knownAtMs ?? storeNowMs();
    if (storeNowMs() - letInAtMs < LATE_FENCE_MS) return { ...notYet(`${what} through its fence`), letInAtMs };
    throw new Problem("FenceOpen", `${what} though it has no group but ${this.fenceGroup(id)}`, {
      hint: "Take the rules out of that group which let anybody in.",
    });
  }

  /** What the standby has received and not applied would be lost by a promotion; it is applied first. */
  async drained(id: string): Promise<Proof | Drained> {
    const target = await targetOf(this.settings, this.database, endpointOf(await this.instance(id)));
    if (!target) return notYet(`RDS names no endpoint for ${id}`);
    const answer = await this.engine.askStandby(target, this.database.name, LOOK_MS);
    const torn = !answer.drained && (await this.engine.endsTorn(target, LOOK_MS));
    if (!answer.drained && !torn) return notYet(`${id} is still applying what it received`);
    // The history goes on from here: what the old primary has beyond it is on the old primary alone.
    const position = await this.engine.position(target, LOOK_MS);
    const { heartbeatAtMs, rowsChanged } = answer;
    return {
      ...proven(`${id} has applied everything it received, up to ${position.log}${torn ? "; of the record after it, it has a part" : ""}`),
      position,
      newest: { heartbeatAtMs, rowsChanged },
    };
  }

  /** Noted first, and by that sure of the claim: whoever succeeds this execution goes on from here. */
  async promote(id: string): Promise<{ atMs: number; already: boolean }> {
    const [instance] = await Promise.all([this.instance(id), this.note({ stage: "promoted" })]);
    if (instance.sourceId === null) return { atMs: storeNowMs(), already: true };
    try {
      await promoteReplica(this.regionOf(id), id, BACKUP_RETENTION_DAYS);
      return { atMs: storeNowMs(), already: false };
    } catch (error) {
      // Asked before, and the answer was lost: it is on its way.
      if (isCode(error, "InvalidDBInstanceState") && ["modifying", "rebooting"].includes((await this.instance(id)).status))
        return { atMs: storeNowMs(), already: true };
      throw error;
    }
  }

  /**
   * Whether a promotion that could not be asked for has not begun all the same: a reply that was lost is not a refusal, and RDS says
   * "available" for a moment longer. Half a minute without a change is the proof.
   */
  async isStillReplica(id: string): Promise<boolean> {
    for (let looks = 0; looks < 30; looks++) {
      const { sourceId, status } = await this.instance(id);
      if (sourceId === null || status !== "available") return false;
      await pause(1000);
    }
    return true;
  }

  /** "available" is also what a promotion that has not begun says: no longer a replica, and a write that arrives, are the proof. */
  async takesWrites(id: string): Promise<Proof> {
    const instance = await this.instance(id);
    if (instance.sourceId !== null) return notYet(`${id} is still a replica`);
    const target = await targetOf(this.settings, this.database, endpointOf(instance));
    if (!target) return notYet(`RDS names no endpoint for ${id}`);
    const refusal = await refusedWrite(this.engine, target, this.execution, LOOK_MS);
    return refusal === null ? proven(`${id} took a write`) : notYet(`${id} does not take writes yet: ${refusal}`);
  }

  async readName(): Promise<{ target: string | null; address: string | null }> {
    const { name } = this.database.record;
    return { target: await cnameOf(name), address: await resolve(name) };
  }

  async changeName(id: string): Promise<{ atMs: number; target: string; changeId: string | null }> {
    const target = await this.instance(id);
    const { changeId } = await this.way.change(target, this.mover);
    return { atMs: storeNowMs(), target: target.address as string, changeId };
  }

  /** The clients' own way: resolve the name, connect to what it gives, write. It must be the new primary that answers, at every server. */
  async writesThroughName(id: string): Promise<Proof> {
    const instance = await this.instance(id);
    const settled = await this.way.settled(instance, this.mover);
    if (!settled.holds) return settled;
    const target = await targetOf(this.settings, this.database, endpointOf(instance));
    const { name } = this.database.record;
    const [byName, byInstance] = await Promise.all([resolve(name), resolve(instance.address ?? "")]);
    if (!target || byName === null || byName !== byInstance)
      return notYet(`${name} resolves to ${byName ?? "nothing"}, expected ${byInstance ?? "an address"}`);
    await this.engine.writeCanary({ ...target, host: name }, this.execution, LOOK_MS);
    return proven(`a write through ${name} (${byName}) arrived; ${settled.seen}`);
  }

  async raiseGeneration(
    { primary, standby, unfenced }: Confirmed,
    past: Pick<Retired, "branchedAt"> & Partial<Retired>,
  ): Promise<DatabaseRecord> {
    const change = (record: DatabaseRecord): Partial<DatabaseRecord> => ({
      generation: this.generation + 1,
      primary: standby,
      // The others still follow the old primary; who follows the new one is built anew (aws-facts A6).
      standbys: [],
      retired: [
        ...this.retiredBefore(record),
        { instance: primary, generation: this.generation, atMs: storeNowMs(), fenced: unfenced === null, move: this.execution, ...past },
      ],
      networks: record.claim?.network ? { ...record.networks, [primary]: record.claim.network } : (record.networks ?? {}),
      attempts: 0,
    });
    const record = await endClaim(this.settings, this.database, this.execution, "succeeded", storeNowMs(), change);
    if (record.generation !== this.generation + 1 || record.primary !== standby) {
      throw new Problem("ClaimLost", `the record of ${this.database.name} changed hands while ${primary} was moved to ${standby}`, {
        hint: "Look at the record and at both instances.",
      });
    }
    return record;
  }

  /** Former primaries of earlier moves, as this one leaves them. */
  protected retiredBefore(record: DatabaseRecord): readonly Retired[] {
    return record.retired;
  }

  async keepEvidence(told: Told, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { settings, database, execution } = this;
    const policy = policyOf(settings.plan, database.plan);
    const story: Story = { execution, kind: this.words, name: database.record.name, policy, ...told };
    return await keepEvidence(settings, evidenceOf(story), { ...more, confirmed: told.confirmed });
  }

  /** What infrastructure code is to be told of this move. */
  drift({ primary, standby }: Confirmed): Drift {
    return driftAfter(primary, standby, this.regionOf(standby));
  }

  refusedNews(confirmed: Confirmed): News {
    return this.news(
      "Move Refused",
      confirmed.refusal ?? "",
      confirmed,
      "Nothing was changed. Look at the primary: it may be failing on and off.",
    );
  }

  startedNews(confirmed: Confirmed): News {
    return this.news(
      "Move Started",
      confirmed.sentence,
      confirmed,
      "Nothing yet: another mail says how it ends. Do not start the old primary by hand.",
    );
  }

  succeededNews(sentence: string, confirmed: Confirmed, evidence: string, atMs: number): News {
    const next = `Clients that keep connections open may need a restart. Build a new standby; ${confirmed.primary} stays fenced until then. ${this.drift(confirmed).sentence}`;
    const news = this.news("Move Succeeded", `${sentence} (rule ${confirmed.rule})`, confirmed, next);
    return { ...news, atMs, details: [["Why", confirmed.sentence], ...news.details, ["Evidence", evidence]] };
  }

  stuckNews(confirmed: Confirmed, reason: string): News {
    const { standby } = confirmed;
    const sentence = `${standby} is promoted, but ${this.database.record.name} cannot be pointed to it yet: ${reason}`;
    return this.news(
      "Move Stuck",
      sentence,
      confirmed,
      "It is tried again each minute. Look at what the reason names; do not start the old primary.",
    );
  }

  failedNews(sentence: string, stage: Stage, primary: string, standby: string): News {
    const untouched = stage === "fence" || stage === "drain";
    return {
      kind: "Move Failed",
      id: `${this.execution}-failed`,
      move: this.words,
      database: this.database.name,
      atMs: storeNowMs(),
      sentence,
      details: [
        ["Execution", this.execution],
        ["Old primary", untouched ? `${primary}: gets its network back` : `${primary}: fenced`],
        ["Target", untouched ? `${standby}: still a replica` : standby],
      ],
      next: untouched
        ? "Nothing was promoted. Look at the primary and the standby now."
        : `The watcher starts it again where it ended. Look at ${standby} and at the record ${this.database.record.name} now; ${primary} must stay fenced.`,
    };
  }

  protected news(kind: News["kind"], sentence: string, confirmed: Confirmed, next: string): News {
    return {
      kind,
      id: `${this.execution}-${kind.toLowerCase().replace(" ", "-")}`,
      move: this.words,
      database: this.database.name,
      atMs: confirmed.atMs,
      sentence,
      details: [
        ["Execution", this.execution],
        ["Old primary", confirmed.primary],
        ["New primary", confirmed.standby],
        ["Clients' name", this.database.record.name],
        ["Generation", kind === "Move Succeeded" ? `${this.generation + 1}, was ${this.generation}` : `${this.generation}`],
      ],
      next,
    };
  }
}

/** A fence may take so long to shut after RDS says that it is in force. */
const LATE_FENCE_MS = 5_000;
/** In these no session can be open that was open before the fence. */
const WITHOUT_SESSIONS = ["rebooting", ...STOPPED];
const BACKUP_RETENTION_DAYS = 7;
/** Where nothing comes back a look takes five seconds by itself, and all of them must fit into one run of the function. */
const DARK_LOOKS = 4;
const DARK_PAUSE_MS = 2000;
