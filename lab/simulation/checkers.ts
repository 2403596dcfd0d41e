/**
 * What must hold in every run, judged from what happened alone: nothing here knows how Understudy decides. Each violation names the
 * requirement it breaks; the numbers are those of the failover requirements.
 */
import type { EventLog, SimulationEvent } from "./log.ts";
import { CLIENTS, type Instance, type SimulatedRds } from "./rds.ts";
import type { Acknowledged } from "./shop.ts";

export interface Violation {
  readonly atMs: number;
  readonly rule: string;
  readonly words: string;
}

/** The record of the database as it stands in the bucket; its fields are the product's. */
export interface RecordSeen {
  readonly generation: number;
  readonly primary: string;
  readonly standbys: readonly string[];
  readonly retired: readonly { readonly instance: string }[];
  readonly attempts: number;
  readonly claim: {
    readonly execution: string;
    readonly kind: string;
    readonly target: string;
    readonly stage: string;
    readonly takenAtMs: number;
    readonly order: { readonly id: string; readonly overrides: readonly number[]; readonly allowDataLoss?: boolean } | null;
  } | null;
  readonly lastMove: { readonly execution: string; readonly outcome: string } | null;
}

export interface Evidence {
  readonly log: EventLog;
  readonly rds: SimulatedRds;
  readonly maxLagMs: number;
  /** RDS has so long to fail a primary over by itself. */
  readonly nativeGraceMs: number;
  /** The record now; undefined before it is first written. */
  record(): RecordSeen | undefined;
  /** The instance the clients' name leads to now. */
  named(): Instance | undefined;
  /** When RDS in this region was last met without an answer; 0: never. */
  darkAtMs(region: string): number;
}

const EFFECTS = [
  "ModifyDBInstance",
  "RebootDBInstance",
  "StopDBInstance",
  "PromoteReadReplica",
  "ChangeResourceRecordSets",
  "CreateDBInstanceReadReplica",
  "FailoverDBCluster",
  "SwitchoverGlobalCluster",
  "FailoverGlobalCluster",
];
/** What a person passes over who gives up more than the limit on the lag. */
const ABOUT_LOSS = [303, 304, 305, 306];
const PLANNED = ["switchover", "failback"];

/** No function but the durable ones lives longer. */
const LIFE_MS = 75_000;
/** Late wakes, and Lambda's tries of a function that fails, take their time. */
const TELLING_LIMIT_MS = 15 * 60_000;

const GIVEN_UP = /^the event for notify is given up/;

/** A mail from just before the clients were last served may be about what then happened to them. */
const SERVED_LATELY_MS = 5 * 60_000;
const SAYS_WHY = /\(rule (10[2578]|11[01]|20[2-9]|21[0-3]|3\d\d|499)\)|failed at the stage|died before it was done/;

/** A server that would take writes if somebody reached it. */
const isPrimary = (instance: Instance): boolean => !instance.server.inRecovery;

const hasClients = ({ server }: Instance): boolean => [...server.sessions].some(({ from }) => from === CLIENTS);

export class Checkers {
  readonly violations: Violation[] = [];
  /** Rows that were acknowledged and are gone: before the last acknowledged heartbeat, which the lag limit prices, and after it. */
  readonly lost = { priced: 0, unseen: 0 };
  /** When a heartbeat was last acknowledged that a vote then told of, by server: what a probe dies with, no decision could know. */
  private readonly lastBeats = new Map<string, number>();
  /** The last one of each probe, and whose it was. */
  private readonly untoldBeats = new Map<string, { readonly server: string; readonly atMs: number }>();
  /** When the far probe itself last heard of one, by server. */
  private readonly probed = new Map<string, number>();
  /** The same when the move was claimed: what is acknowledged to a probe later, no decision could know. */
  private lostForMsAtClaim = 0;
  /** When the last move ended. */
  private endedAtMs = 0;
  private beatsAtClaim: ReadonlyMap<string, number> = new Map();
  private readonly evidence: Evidence;
  private lastRecord: RecordSeen | undefined;
  private readonly namesBefore = new Set<string>();
  private name: string | undefined;
  private acknowledgedBy: string | undefined;
  /** The last write of the client that follows the name. */
  private served: { readonly by: string; readonly atMs: number } | undefined;
  private readonly retired = new Set<string>();
  private readonly acknowledged: Acknowledged[] = [];
  /** What was acknowledged before the last promotion is judged by then. */
  private sincePromotion = 0;
  private readonly mails: { readonly text: string; readonly atMs: number }[] = [];
  /** Primaries that were left open because their region was dark and a person wanted the move all the same. */
  private readonly leftOpen = new Set<string>();
  /** Standbys that a rebuild has made. */
  private readonly rebuilt = new Set<string>();
  private lastClaim: RecordSeen["claim"] = null;
  /** Decisions people must hear of, until they have. */
  private untold: { readonly rule: string; readonly by: string; readonly atMs: number; readonly order: string | undefined }[] = [];
  private readonly lostNews: string[] = [];
  /** Orders that became a claim: what another watcher thought of one in the same moment is of no interest. */
  private readonly followed = new Set<string>();

  constructor(evidence: Evidence) {
    this.evidence = evidence;
    evidence.log.listen((event) => this.judge(event));
  }

  beaten(server: string, by: string, atMs: number): void {
    this.untoldBeats.set(by, { server, atMs });
    if (by === "probe") this.probed.set(server, atMs);
  }

  /** A probe's vote is where everybody can read it. */
  voted(by: string): void {
    const beat = this.untoldBeats.get(by);
    if (beat) this.lastBeats.set(beat.server, Math.max(beat.atMs, this.lastBeats.get(beat.server) ?? 0));
  }

  private violated(rule: string, words: string, atMs: number): void {
    if (this.violations.some((each) => each.rule === rule && each.words === words)) return;
    this.violations.push({ atMs, rule, words });
    this.evidence.log.tell("verdict", `${rule}: ${words}`);
  }

  private judge(event: SimulationEvent): void {
    switch (event.kind) {
      case "effect":
        this.effect(event);
        break;
      case "instance":
        this.instance(event);
        break;
      case "record":
        this.record(event);
        break;
      case "name":
        this.nameMoves(event);
        break;
      case "write":
        this.write(event);
        break;
      case "decision":
        // A failover is told by the move that follows it, under its own rule.
        if (event.data.tell && !["failover", "switchover", "native"].includes(event.data.kind))
          this.decided(`(rule ${event.data.rule})`, event.data, event.atMs);
        break;
      case "mail":
        this.mails.push({ text: event.data.text, atMs: event.atMs });
        this.untold = this.untold.filter(({ rule }) => !event.data.text.includes(rule));
        break;
      case "fault":
        if (event.data.killed) this.ended(event.data.killed, event.atMs);
        break;
      case "news":
        if (event.data.failed) this.ended(event.data.failed, event.atMs);
        break;
      case "invoke":
        // Lambda has tried it three times: the alarm on the function that mails tells people of it instead (infra/alarms.ts).
        if (GIVEN_UP.test(event.words)) {
          this.lostNews.push(event.data.payload);
          this.untold = this.untold.filter(({ rule }) => !event.data.payload.includes(rule));
        }
        break;
      case "lab":
        this.violated("LAB", `the simulation itself failed: ${event.words}`, event.atMs);
        break;
    }
  }

  /** Whoever dies or fails before telling decides again when it is tried again. */
  private ended(name: string, nowMs: number): void {
    this.untold = this.untold.filter(({ by, atMs }) => by !== name || nowMs - atMs > LIFE_MS);
  }

  private decided(rule: string, { by, order }: SimulationEvent["data"], atMs: number): void {
    if (this.followed.has(order)) return;
    if (this.mails.some(({ text }) => text.includes(rule)) || this.untold.some((each) => each.rule === rule)) return;
    this.untold.push({ rule, by, atMs, order });
  }

  /** S10: whoever changes anything holds the claim at that moment, and is the move. S2: the others are fenced before a promotion. */
  private effect({ data, atMs, words }: SimulationEvent): void {
    const claim = this.evidence.record()?.claim;
    if (!EFFECTS.includes(data.operation)) return;
    if (this.keepsFence(data) || this.undoes(data) || this.rebuilds(data) || this.protects(data)) return;
    if (data.execution === undefined || claim?.execution !== data.execution)
      this.violated("S10", `${words} while the claim is ${claim?.execution ?? "nobody's"}`, atMs);
    if (/Global/.test(data.operation)) this.globalMove(data, words, atMs);
    if (data.operation !== "PromoteReadReplica") return;
    this.native(data, atMs);
    for (const other of this.evidence.rds.instances.values()) {
      if (other.id === data.input.DBInstanceIdentifier || !isPrimary(other)) continue;
      if (!this.evidence.rds.isClosed(other)) {
        if (claim?.order && this.evidence.darkAtMs(other.region) > claim.takenAtMs - LIFE_MS) this.leftOpen.add(other.id);
        else this.violated("S2", `${data.input.DBInstanceIdentifier} is promoted and ${other.id} is not fenced`, atMs);
      } else if (hasClients(other))
        this.violated("S3", `${data.input.DBInstanceIdentifier} is promoted while sessions to ${other.id} are open`, atMs);
    }
  }

  /** A global database moves by order alone, and gives nothing up without the word. */
  private globalMove({ operation, input }: SimulationEvent["data"], words: string, atMs: number): void {
    const order = this.evidence.record()?.claim?.order;
    if (!order) this.violated("GLOBAL", `${words}, and nobody has ordered it`, atMs);
    else if (operation === "FailoverGlobalCluster" && input.AllowDataLoss && order.allowDataLoss !== true)
      this.violated("GLOBAL", `${words}, and the order does not allow loss`, atMs);
  }

  /** Nothing is promoted by itself beside a primary that RDS may yet fail over. */
  private native({ input }: SimulationEvent["data"], atMs: number): void {
    const record = this.evidence.record();
    if (!record?.claim || record.claim.order) return;
    const primary = this.evidence.rds.instances.get(record.primary);
    const lostForMs = this.lostForMsAtClaim;
    if (primary?.native && lostForMs < this.evidence.nativeGraceMs)
      this.violated(
        "NATIVE",
        `${input.DBInstanceIdentifier} is promoted, and RDS had ${Math.round(lostForMs / 1000)} s to fail ${primary.id} over`,
        atMs,
      );
  }

  /** A watcher undoes what a dead move did, under a claim of its own. */
  private undoes({ operation, input }: SimulationEvent["data"]): boolean {
    const record = this.evidence.record();
    return record?.claim?.stage === "undoing" && operation === "ModifyDBInstance" && input.DBInstanceIdentifier === record.primary;
  }

  /** A former primary may be closed again at any time, by anybody; nothing else may be done to it. */
  private keepsFence({ operation, input }: SimulationEvent["data"]): boolean {
    if (!this.evidence.record()?.retired.some(({ instance }) => instance === input.DBInstanceIdentifier)) return false;
    const { rds } = this.evidence;
    const former = rds.instances.get(input.DBInstanceIdentifier);
    if (operation === "ModifyDBInstance" && input.MasterUserPassword && !input.VpcSecurityGroupIds)
      return former !== undefined && rds.isClosed(former);
    if (operation === "RebootDBInstance" || operation === "StopDBInstance") return true;
    return operation === "ModifyDBInstance" && rds.isFence(input.VpcSecurityGroupIds ?? []);
  }

  /** A rebuild makes standbys, and settles what it has made for as long as nobody counts on it. */
  private rebuilds({ operation, input, execution }: SimulationEvent["data"]): boolean {
    const id: string = input.DBInstanceIdentifier;
    if (!execution?.startsWith("rebuild-")) return false;
    if (operation === "CreateDBInstanceReadReplica") {
      this.rebuilt.add(id);
      return true;
    }
    const record = this.evidence.record();
    const free = this.rebuilt.has(id) && record?.primary !== id && record?.claim?.target !== id;
    return free && !input.VpcSecurityGroupIds && ["ModifyDBInstance", "RebootDBInstance"].includes(operation);
  }

  /** A move that has succeeded restores what its promotion lost, on the primary it made, while nobody claims it. Network and role stay. */
  private protects({ operation, input, execution }: SimulationEvent["data"]): boolean {
    const record = this.evidence.record();
    if (operation !== "ModifyDBInstance" || input.VpcSecurityGroupIds || record?.claim) return false;
    return record?.primary === input.DBInstanceIdentifier && record?.lastMove?.execution === execution;
  }

  /** S35: never two that would take writes. S5: what a promotion gives up is not more than the limit on the lag allows. */
  private instance({ data, atMs }: SimulationEvent): void {
    const { rds } = this.evidence;
    if (data.leftOpen) this.leftOpen.add(data.leftOpen);
    if (data.failedOver) this.failedOver(data.failedOver, atMs);
    for (const id of this.leftOpen) {
      const left = rds.instances.get(id) as Instance;
      if ((rds.isClosed(left) && !hasClients(left)) || !isPrimary(left)) this.leftOpen.delete(id);
    }
    const open = [...rds.instances.values()].filter((each) => isPrimary(each) && !rds.isClosed(each) && !this.leftOpen.has(each.id));
    if (open.length > 1) this.violated("S35", `${open.map((each) => each.id).join(" and ")} both take writes`, atMs);
    if (!data.promoted) return;
    const promoted = this.evidence.rds.instances.get(data.promoted);
    const old = this.evidence.rds.instances.get(data.from);
    this.sincePromotion = this.acknowledged.length;
    if (!promoted || !old) return;
    const kept = new Set(promoted.server.log.map((row) => row.key));
    const claim = this.lastClaim?.target === promoted.id ? this.lastClaim : null;
    const planned = PLANNED.includes(claim?.kind ?? "");
    const accepted = claim?.order?.allowDataLoss || (claim?.order?.overrides.some((rule) => ABOUT_LOSS.includes(rule)) ?? false);
    const lastBeat = (claim ? this.beatsAtClaim : this.lastBeats).get(old.id) ?? 0;
    for (const row of this.acknowledged) {
      if (row.server !== old.id || kept.has(row.key)) continue;
      if (planned) this.violated("S23", `${row.key}, acknowledged by ${old.id}, is lost by a ${claim?.kind}`, atMs);
      // After it, clients wrote to a primary that the probe no longer reached: no lag tells of those rows.
      if (row.atMs > lastBeat) this.lost.unseen++;
      else this.lost.priced++;
      if (!accepted && row.atMs < lastBeat - this.evidence.maxLagMs)
        this.violated("S5", `${row.key}, acknowledged ${(lastBeat - row.atMs) / 1000} s before the last heartbeat, is lost`, atMs);
    }
  }

  /**
   * RDS's own failover inside a region loses nothing. What a cluster took in before it came to follow another is not its failover's: its
   * region was cut off while clients in it wrote on, and whoever ordered the move gave that up.
   */
  private failedOver(id: string, atMs: number): void {
    const instance = this.evidence.rds.instances.get(id);
    if (!instance || !isPrimary(instance)) return;
    const kept = new Set(instance.server.log.map((row) => row.key));
    const lost = this.acknowledged.slice(this.sincePromotion).find((row) => row.server === id && !kept.has(row.key));
    if (lost) this.violated("NATIVE", `${lost.key}, acknowledged by ${id}, is lost by RDS's own failover`, atMs);
  }

  /** A generation rises by one, with another primary; a claim is given up before another is made. */
  private record({ data, atMs }: SimulationEvent): void {
    const before = this.lastRecord;
    const now = data.record as RecordSeen;
    this.lastRecord = now;
    this.lastClaim = now.claim ?? this.lastClaim;
    if (now.lastMove?.execution !== before?.lastMove?.execution) this.endedAtMs = atMs;
    const order = now.claim?.order?.id;
    if (order !== undefined) {
      this.followed.add(order);
      this.untold = this.untold.filter((each) => each.order !== order);
    }
    if (!before) return;
    if (now.claim && !before.claim) {
      this.beatsAtClaim = new Map(this.lastBeats);
      this.lostForMsAtClaim = this.evidence.rds.clock.nowMs - (this.probed.get(now.primary) ?? 0);
    }
    const step = now.generation - before.generation;
    if (step < 0 || step > 1) this.violated("GENERATION", `the generation goes from ${before.generation} to ${now.generation}`, atMs);
    if ((step === 1) !== (now.primary !== before.primary))
      this.violated(
        "GENERATION",
        `the primary goes from ${before.primary} to ${now.primary} at generation ${before.generation} to ${now.generation}`,
        atMs,
      );
    // Who takes over from a dead execution has the same target.
    const succeeds = before.claim?.target === now.claim?.target && ["promoted", "undoing"].includes(now.claim?.stage ?? "");
    if (before.claim && now.claim && before.claim.execution !== now.claim.execution && !succeeds)
      this.violated("S10", `the claim goes from ${before.claim.execution} to ${now.claim.execution}`, atMs);
    if (step === 1 && before.claim === null) this.violated("S10", "the generation rises without a claim", atMs);
  }

  /** S20: the name never returns. S1: it leads to the primary on record, or to the one a claimed move makes. */
  private nameMoves({ atMs }: SimulationEvent): void {
    const now = this.evidence.named()?.id;
    if (!now || now === this.name) return;
    // A global database's clusters change places: the one before is a standby of the next.
    const { global } = this.evidence.rds;
    if (this.namesBefore.has(now) && !global) this.violated("S20", `the name returns to ${now}`, atMs);
    if (this.name) this.namesBefore.add(this.name);
    this.name = now;
    const record = this.evidence.record();
    if (record && record.primary !== now && record.claim?.target !== now)
      this.violated("S1", `the name leads to ${now}, the record names ${record.primary}`, atMs);
    const instance = this.evidence.rds.instances.get(now);
    if (instance && !isPrimary(instance)) this.violated("S21", `the name leads to ${now}, which takes no writes`, atMs);
  }

  /** S1: once another has taken a client's write, the one before never does again. */
  private write({ data, atMs }: SimulationEvent): void {
    this.acknowledged.push(data as unknown as Acknowledged);
    if (data.client === "shop") this.served = { by: data.server, atMs };
    if (this.acknowledgedBy === data.server || this.leftOpen.has(data.server)) return;
    const { global } = this.evidence.rds;
    if (global) {
      // Who writes is RDS's word.
      if (global.writer.id !== data.server)
        this.violated("S1", `${data.server} takes a write, and ${global.writer.id} is the writer`, atMs);
      this.acknowledgedBy = data.server;
      return;
    }
    if (this.retired.has(data.server))
      this.violated("S1", `${data.server} takes a write of ${data.client} after ${this.acknowledgedBy} did`, atMs);
    if (this.acknowledgedBy) this.retired.add(this.acknowledgedBy);
    this.acknowledgedBy = data.server;
  }

  /** Whether the world is at rest: nothing claimed, and the clients are served or somebody was told why not. */
  settled(nowMs: number): "served" | "told" | undefined {
    const record = this.evidence.record();
    if (!record || record.claim || this.untold.some(({ atMs }) => nowMs - atMs < TELLING_LIMIT_MS)) return undefined;
    const end = record.lastMove?.execution;
    if (end && nowMs - this.endedAtMs < TELLING_LIMIT_MS && !this.mails.some(({ text }) => text.includes(end))) return undefined;
    const { served } = this;
    const named = this.evidence.named();
    if (named && record.primary === named.id && served?.by === named.id && nowMs - served.atMs < 5000) return "served";
    const since = (served?.atMs ?? 0) - SERVED_LATELY_MS;
    const told = this.mails.some(({ text, atMs }) => atMs > since && SAYS_WHY.test(text));
    return told ? "told" : undefined;
  }

  /** What can only be judged when all is over. */
  finish(nowMs: number): void {
    const outcome = this.settled(nowMs);
    const record = this.evidence.record();
    if (!outcome) {
      const state = record?.claim ? `the claim ${record.claim.execution} is still held` : "clients are not served and nobody was told why";
      this.violated("CONVERGES", state, nowMs);
    }
    for (const { rule, atMs } of this.untold) this.violated("S16", `the decision ${rule} was never told`, atMs);
    const last = record?.lastMove;
    const told = [...this.mails.map(({ text }) => text), ...this.lostNews];
    if (last && !told.some((text) => text.includes(last.execution)))
      this.violated("S16", `the end of ${last.execution} (${last.outcome}) was never told`, nowMs);
  }
}
