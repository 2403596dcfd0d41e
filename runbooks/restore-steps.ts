/**
 * The steps of one restore: each looks first, does only what is missing, and is safe to run again. The new instance stands beside the
 * original, which nothing here touches. `restore.ts` tells in which order they come.
 */
import { appendDocument } from "../aws/documents.ts";
import { isNoAnswer } from "../aws/errors.ts";
import { changeProtections, describeHeld } from "../aws/protections.ts";
import { describeInstance, describeShape, type InstanceShape, listSnapshots, type SnapshotFacts } from "../aws/rds.ts";
import { automatedBackupsOf, type Restored } from "../aws/restores.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { diagnose } from "../core/diagnosis.ts";
import type { DatabaseRecord, Order } from "../core/facts.ts";
import { policyOf } from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import { type Changes, compareProtections } from "../core/protections.ts";
import { isDue, orderOf } from "../core/requests.ts";
import {
  type Chosen,
  chooseRecoveryPoint,
  type Found,
  judgeRestore,
  type RecoveryPoint,
  type RestoreJudged,
  type RestoreWish,
} from "../core/restore.ts";
import { vaultPlace } from "../core/vault.ts";
import { readBaseline } from "./baseline.ts";
import { groupsOf } from "./fences.ts";
import { observe } from "./observe.ts";
import { claim, readRecord } from "./record.ts";
import { restoredTrouble } from "./repoint-way.ts";
import { changeRequest } from "./requests.ts";
import { available, MADE_BY, verifyGroup } from "./restored.ts";
import type { Protected, Settings } from "./settings.ts";
import { startMove } from "./start.ts";
import { notYet, type Proof, proven } from "./until.ts";
import { copiesInVault } from "./vault-fetch.ts";

export interface RestoreInput {
  readonly database: string;
  /** The order's id. */
  readonly order: string;
  readonly generation: number;
  /** Of the new instance. */
  readonly name: string;
  readonly from: string | null;
  readonly at: string | null;
  readonly region: string | null;
  readonly by: string;
  readonly reason: string;
  /** The request people approved: it is to become the primary. null: it only stands beside it. */
  readonly request: string | null;
  /** It was restored before. */
  readonly again: boolean;
}

export interface Judged extends RestoreJudged {
  /** The security groups through which its clients would reach it. */
  readonly open: readonly string[];
}

export class Restore {
  readonly settings: Settings;
  readonly database: Protected;
  readonly input: RestoreInput;
  readonly execution: string;

  constructor(settings: Settings, database: Protected, input: RestoreInput) {
    this.settings = settings;
    this.database = database;
    this.input = input;
    this.execution = restoreExecution(input.request ?? `${input.database}-${input.order}`);
  }

  private async record(): Promise<DatabaseRecord> {
    return (await readRecord(this.settings, this.database)).value;
  }

  /** The order people agreed to, used up by this execution. null: too few have, or it is no longer open. */
  async agreed(): Promise<Order | null> {
    const { database, request } = this.input;
    if (request === null) return null;
    const { generation } = await this.record();
    const atMs = storeNowMs();
    const used = await changeRequest(this.settings, database, request, (now) =>
      isDue(now, generation, atMs) ? { ...now, usedBy: this.execution, due: false } : null,
    );
    return used?.usedBy === this.execution && used.verb === "restore" && used.target === this.input.name ? orderOf(used, atMs) : null;
  }

  /** Reads what there is to restore from. A region that does not answer is named, and the other is enough. */
  private async found(record: DatabaseRecord): Promise<Found> {
    const { from, at, region } = this.input;
    const { primary, recovery } = this.settings.plan.regions;
    const instances = Object.keys(record.regions);
    const dark: string[] = [];
    const unlessDark = async <T>(where: string, read: Promise<T[]>): Promise<T[]> =>
      await read.catch((error: unknown) => {
        if (!isNoAnswer(error)) throw error;
        if (!dark.includes(where)) dark.push(where);
        return [];
      });
    const ours = (tags: Readonly<Record<string, string>>) =>
      from !== null || (tags["understudy:database"] === this.database.name && tags["understudy:slot"] !== undefined);
    const places = [recovery, primary].filter((each) => region === null || each === region);
    const copies = await Promise.all(places.flatMap((where) => instances.map((id) => unlessDark(where, listSnapshots(where, id)))));
    const elsewhere = region === null || region === recovery ? await this.inVault(instances, dark) : [];
    const running = [record.primary, ...record.standbys].map((id) => ({ id, where: record.regions[id] as string }));
    const sources =
      at === null
        ? []
        : await Promise.all(
            running.map(({ id, where }) =>
              unlessDark(
                where,
                automatedBackupsOf(where, id).then((it) => (it ? [it] : [])),
              ),
            ),
          );
    return { copies: [...copies.flat(), ...elsewhere].filter(({ tags }) => ours(tags)), sources: sources.flat(), dark };
  }

  /** Where nothing else is left, or one is named that is there alone. A vault that cannot be looked at keeps nothing else from being restored. */
  private async inVault(instances: readonly string[], dark: string[]): Promise<SnapshotFacts[]> {
    try {
      return (await copiesInVault(this.settings, this.database, instances)) ?? [];
    } catch (error) {
      const { vault } = this.settings.plan;
      if (vault) dark.push(vaultPlace(vault));
      console.error(JSON.stringify({ what: "vault not looked at", error: String(error) }));
      return [];
    }
  }

  async choose(): Promise<Chosen> {
    const { from, at, region } = this.input;
    const wish: RestoreWish = { from, region, at: at === null || at === "latest" ? (at as "latest" | null) : Date.parse(at) };
    return chooseRecoveryPoint(wish, await this.found(await this.record()), this.settings.plan.regions.recovery);
  }

  /** Where one that was restored before stands. */
  async whereItIs(): Promise<{ region: string }> {
    const { name } = this.input;
    for (const region of new Set(Object.values(this.settings.plan.regions))) {
      const shape = await describeShape(region, name).catch((error: unknown) => {
        if (isNoAnswer(error)) return null;
        throw error;
      });
      if (shape?.tags["understudy:database"] === this.database.name && shape.tags[MADE_BY]) return { region };
    }
    throw new Problem("NoSuchInstance", `there is no instance ${name} that Understudy restored for ${this.database.name}`, {
      hint: "Order without --instance: it is restored anew.",
    });
  }

  /** null: RDS does not know it, or its region does not answer. */
  private async shapeOf(record: DatabaseRecord, id: string): Promise<InstanceShape | null> {
    return await describeShape(record.regions[id] as string, id).catch(() => null);
  }

  /** As the original is, where it can be asked; by the plan where it stands in another region. */
  async like({ region }: RecoveryPoint): Promise<Restored> {
    const record = await this.record();
    const original = await this.shapeOf(record, record.primary);
    const model = record.regions[record.primary] === region ? original : null;
    const kept = (await readBaseline(this.settings, this.database.name))?.value;
    const planned = this.database.plan.restore?.[region];
    const own = (group: string | null | undefined) => (group && group !== "default" ? group : null);
    return {
      class: original?.class ?? null,
      securityGroups: [verifyGroup(this.database, region)],
      subnetGroup: planned?.subnetGroup ?? own(model?.subnetGroup),
      parameterGroup:
        planned?.parameterGroup ?? model?.parameterGroup ?? (kept?.region === region ? kept.protections.parameterGroup : null),
      publiclyAccessible: model?.publiclyAccessible ?? false,
      tags: {
        "understudy:plan": this.settings.plan.name,
        "understudy:database": this.database.name,
        [MADE_BY]: this.execution,
      },
    };
  }

  /** What guarded the original guards it too; what RDS refuses is left to people, and told. */
  async protect(region: string): Promise<{ done: string[]; left: string[] }> {
    const kept = (await readBaseline(this.settings, this.database.name))?.value;
    const held = await describeHeld(region, this.input.name);
    if (!kept || !held) return { done: [], left: ["Nothing is known of what the original had: compare the two by hand."] };
    const { mend, person } = compareProtections(kept, held, storeNowMs());
    if (mend.length === 0) return { done: [], left: [...person] };
    const answer = await changeProtections(region, this.input.name, Object.assign({}, ...mend.map(({ change }): Changes => change)));
    if (answer === null) return { done: mend.map(({ sentence }) => sentence), left: [...person] };
    const why = "later" in answer ? answer.later : answer.refused;
    return { done: [], left: [...person, ...mend.map(({ sentence }) => `Not done: ${sentence}. RDS: ${why}`)] };
  }

  async settled(region: string): Promise<Proof> {
    const found = await available(region, this.input.name);
    return found.holds ? proven(`${this.input.name} is ready`) : notYet(found.seen);
  }

  /** The groups through which clients reach an instance of this database in that region; none when nobody knows. */
  private async openGroups(record: DatabaseRecord, region: string): Promise<readonly string[]> {
    const planned = this.database.plan.restore?.[region]?.securityGroups;
    if (planned) return planned;
    const { fenceSecurityGroups, drainSecurityGroups } = this.database.plan;
    const closed = [fenceSecurityGroups[region], drainSecurityGroups?.[region]];
    for (const id of [record.primary, ...record.standbys].filter((each) => record.regions[each] === region)) {
      const noted = record.networks?.[id];
      if (noted) return noted;
      const instance = await describeInstance(region, id).catch(() => null);
      const open = instance ? groupsOf(instance).filter((group) => !closed.includes(group)) : [];
      if (open.length > 0) return open;
    }
    return [];
  }

  /** What the rules say of making it the primary now; `made`: it is there, so the name can be held against it too. */
  private async look(order: Order, region: string, made: boolean) {
    const { settings, database, input } = this;
    const { facts, stored } = await observe(settings, database);
    const policy = policyOf(settings.plan, database.plan);
    const open = await this.openGroups(facts.record, region);
    const target = made ? await describeInstance(region, input.name) : null;
    const trouble =
      open.length === 0
        ? `the plan names no securityGroups under restore for ${region}, so clients could not reach ${input.name}`
        : !database.plan.fenceSecurityGroups[region]
          ? `the plan names no fenceSecurityGroups for ${region}, so ${input.name} could not be fenced by a later move`
          : await restoredTrouble(settings, database, facts.record, target);
    const judged = judgeRestore({ facts, diagnosis: diagnose(facts, policy), policy, order, trouble });
    return { judged: { ...judged, open } satisfies Judged, stored };
  }

  async judge(order: Order, region: string): Promise<Judged> {
    return (await this.look(order, region, false)).judged;
  }

  /** Claims the database for it and starts its move. A record that changes under the look is looked at again. */
  async claim(order: Order, region: string): Promise<Judged & { move: string | null }> {
    const { settings, input } = this;
    const held = (await this.record()).claim;
    if (held?.order?.id === order.id)
      return { refused: false, rule: held.rule, sentence: held.sentence, overridable: [], open: [], move: held.execution };
    for (let look = 1; ; look++) {
      const { judged, stored } = await this.look(order, region, true);
      if (judged.refused) return { ...judged, move: null };
      const record: DatabaseRecord = {
        ...stored.value,
        regions: { ...stored.value.regions, [input.name]: region },
        networks: { ...stored.value.networks, [input.name]: judged.open },
      };
      const { rule, sentence } = judged;
      const taken = await claim(
        settings,
        { ...stored, value: record },
        { kind: "restore", target: input.name, rule, sentence, order },
        storeNowMs(),
      );
      if (taken) {
        // Not started, it is started by the watcher's next lap (watch.ts).
        await startMove(settings, record, taken).catch((error: unknown) =>
          console.error(JSON.stringify({ what: "move not started", execution: taken.execution, error: String(error) })),
        );
        return { ...judged, move: taken.execution };
      }
      if (look >= LOOKS) throw new Error(`the record of ${input.database} changed under each of ${LOOKS} looks`);
    }
  }

  async keepEvidence(told: Record<string, unknown>): Promise<string> {
    const key = `evidence/${this.database.name}/${this.execution}.json`;
    await appendDocument(this.settings.state, key, { execution: this.execution, ...this.input, ...told });
    return key;
  }

  /** The last write the probe saw acknowledged: what is newer than the restored heart is lost as far as anybody knows. */
  async lastWriteMs(): Promise<number | null> {
    const { facts } = await observe(this.settings, this.database);
    const known = [facts.vote, facts.nearVote].flatMap((vote) =>
      vote?.database === this.database.name ? (vote.lastHeartbeatAtMs ?? []) : [],
    );
    return known.length > 0 ? Math.max(...known) : null;
  }
}

const LOOKS = 3;

export const restoreExecution = (of: string): string => `restore-${of}`;
