/**
 * The new primary gets new standbys, in the regions the plan has them, each like the instance whose place it takes. An execution of its
 * own, started when a move has ended: it may take hours, and its failure fails nothing else. What it makes is found again by name.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { isCode } from "../aws/errors.ts";
import { startExecution } from "../aws/functions.ts";
import { createReplica, describeInstance, describeShape, type InstanceShape, reboot, settle } from "../aws/rds.ts";
import type { DatabaseRecord } from "../core/facts.ts";
import type { News } from "../core/news.ts";
import { Problem } from "../core/problem.ts";
import { type Missing, missingStandbys } from "../core/rebuild.ts";
import { engineOf } from "../databases/engines.ts";
import { endpointOf, LOOK_MS, targetOf } from "./observe.ts";
import { changeRecord, readRecord } from "./record.ts";
import { type Protected, protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { deletable, settled } from "./switchover-news.ts";
import { tell } from "./tell.ts";
import { notYet, type Proof, patiently, proven, reasonOf, until } from "./until.ts";

export interface RebuildResult {
  readonly outcome: "rebuilt" | "nothing missing" | "failed";
  readonly standbys: readonly string[];
}

/** Looks, every EVERY_SECONDS: an instance of some size takes hours. */
const PATIENCE = { create: 360, available: 4000, settle: 360, follow: 720 };
const EVERY_SECONDS = 5;
const BACKUP_RETENTION_DAYS = 7;

export const rebuildName = (database: string, generation: number): string => `rebuild-${database}-g${generation}`;

/** Started at the end of a move. That it could not be started is told and fails nothing. */
export async function startRebuild(settings: Settings, database: Protected, record: DatabaseRecord): Promise<{ started: boolean }> {
  if (database.plan.failover.rebuild === "by-hand") return { started: false };
  const input: MoveInput = { kind: "rebuild", database: database.name, generation: record.generation, attempt: 1 };
  try {
    await startExecution(settings.region, settings.functions.move, rebuildName(database.name, record.generation), input);
    return { started: true };
  } catch (error) {
    await tell(settings, failedNews(database, record.generation, "the standbys", `it could not be started: ${reasonOf(error)}`));
    return { started: false };
  }
}

export async function rebuild(input: MoveInput, ctx: DurableContext, settings: Settings): Promise<RebuildResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const work = new Rebuild(settings, database, input.generation);
  const missing = await ctx.step("see what is missing", () => work.missing(), patiently);
  const made: string[] = [];
  for (const each of missing) {
    const { name } = each;
    try {
      await until(ctx, `${name} is being created`, PATIENCE.create, () => work.created(each), EVERY_SECONDS);
      await until(ctx, `${name} is available`, PATIENCE.available, () => work.available(each), EVERY_SECONDS);
      await until(ctx, `${name} has its settings`, PATIENCE.settle, () => work.settled(each), EVERY_SECONDS);
      await until(ctx, `${name} follows the primary`, PATIENCE.follow, () => work.follows(each), EVERY_SECONDS);
      await ctx.step(`note ${name}`, () => work.note(each), patiently);
      made.push(name);
      await ctx.step(`tell of ${name}`, () => work.tellOf(each), patiently);
    } catch (error) {
      const reason = reasonOf(error);
      await ctx.step(`tell that ${name} is missing`, () => tell(settings, failedNews(database, input.generation, name, reason)), patiently);
    }
  }
  return { outcome: missing.length === 0 ? "nothing missing" : made.length === missing.length ? "rebuilt" : "failed", standbys: made };
}

class Rebuild {
  private readonly settings: Settings;
  private readonly database: Protected;
  private readonly generation: number;

  constructor(settings: Settings, database: Protected, generation: number) {
    this.settings = settings;
    this.database = database;
    this.generation = generation;
  }

  /** A later move has its own rebuild: this one then stops. */
  private async record(): Promise<DatabaseRecord> {
    const record = (await readRecord(this.settings, this.database)).value;
    if (record.generation === this.generation) return record;
    throw new Problem("Outdated", `generation ${record.generation} has begun, this rebuild is for ${this.generation}`, {
      hint: "The move that began it starts a rebuild of its own.",
    });
  }

  async missing(): Promise<Missing[]> {
    return missingStandbys(this.database.plan, await this.record());
  }

  /** The first model RDS still knows, and the groups with which it was open to its clients. */
  private async model(
    { region, models, slot }: Missing,
    record: DatabaseRecord,
  ): Promise<{ like: InstanceShape; open: readonly string[] }> {
    for (const id of models) {
      const like = await describeShape(region, id);
      if (!like) continue;
      const closed = [this.database.plan.fenceSecurityGroups, this.database.plan.drainSecurityGroups ?? {}].map((groups) => groups[region]);
      const open = record.networks?.[id] ?? like.securityGroups.filter((group) => !closed.includes(group));
      if (open.length > 0) return { like, open };
    }
    throw new Problem("NoModel", `nothing in ${region} shows what ${slot} looked like`, { hint: "Create this standby by hand." });
  }

  private async source(record: DatabaseRecord): Promise<InstanceShape> {
    const source = await describeShape(record.regions[record.primary] as string, record.primary);
    if (source) return source;
    throw new Error(`RDS does not describe the primary ${record.primary}`);
  }

  private get tags(): Record<string, string> {
    return { "understudy:plan": this.settings.plan.name, "understudy:database": this.database.name };
  }

  async created(missing: Missing): Promise<Proof> {
    const { region, name } = missing;
    const record = await this.record();
    const there = await describeInstance(region, name);
    if (there?.sourceId === record.primary) return proven(`${name} is ${there.status} in ${region}`);
    if (there) {
      throw new Problem("NameTaken", `there is an instance ${name} in ${region}, and it does not follow ${record.primary}`, {
        hint: "Rename it or create the standby by hand; it is left untouched.",
      });
    }
    const { like, open } = await this.model(missing, record);
    try {
      await createReplica(region, name, await this.source(record), like, open, this.tags);
    } catch (error) {
      if (isCode(error, "DBInstanceAlreadyExists", "InvalidDBInstanceState")) return notYet((error as Error).message);
      if (
        isCode(
          error,
          "InstanceQuotaExceeded",
          "StorageQuotaExceeded",
          "KMSKeyNotAccessible",
          "InvalidParameterCombination",
          "InvalidParameterValue",
        )
      )
        throw new Problem("ReplicaRefused", `${region}: ${(error as Error).message}`, {
          hint: "See the reason; create the standby by hand.",
          cause: error,
        });
      throw error;
    }
    return notYet(`${name} was asked for`);
  }

  async available({ region, name }: Missing): Promise<Proof> {
    const found = await describeInstance(region, name);
    if (!found) throw new Problem("InstanceGone", `RDS no longer knows ${name}`, { hint: "Somebody deleted it." });
    if (["failed", "incompatible-restore", "incompatible-network", "incompatible-parameters"].includes(found.status))
      throw new Problem("ReplicaFailed", `RDS reports ${name} as ${found.status}`, { hint: "RDS's own event log has the reason." });
    return found.status === "available" && found.address ? proven(`${name} is available`) : notYet(`${name} is ${found.status}`);
  }

  /** Backups make a later promotion quick and let it feed standbys of its own; protection and parameters do not come by themselves. */
  async settled(missing: Missing): Promise<Proof> {
    const { region, name } = missing;
    const found = await this.available(missing);
    if (!found.holds) return found;
    const { like } = await this.model(missing, await this.record());
    const wanted = { ...like, backupRetentionDays: like.backupRetentionDays || BACKUP_RETENTION_DAYS };
    const now = await describeShape(region, name);
    if (!now) return notYet(`RDS does not describe ${name}`);
    const differs = (["backupRetentionDays", "deletionProtection", "parameterGroup"] as const).filter((key) => now[key] !== wanted[key]);
    if (differs.length > 0) {
      await settle(region, name, wanted);
      return notYet(`${name} gets ${differs.join(", ")}`);
    }
    if (now.parametersPending) {
      await reboot(region, name);
      return notYet(`${name} is rebooted for its parameters`);
    }
    return proven(`${name} is like ${like.id}`);
  }

  async follows({ region, name }: Missing): Promise<Proof> {
    const target = await targetOf(this.settings, this.database, endpointOf(await describeInstance(region, name)));
    if (!target) return notYet(`RDS names no endpoint for ${name}`);
    const answer = await engineOf(this.database.plan.engine).askStandby(target, this.database.name, LOOK_MS);
    return answer.inRecovery && answer.link === "streaming" ? proven(`${name} follows`) : notYet(`${name} does not follow yet`);
  }

  async note(missing: Missing): Promise<void> {
    const { region, name } = missing;
    const { open } = await this.model(missing, await this.record());
    await changeRecord(this.settings, this.database, (record) =>
      record.generation !== this.generation || record.standbys.includes(name)
        ? null
        : {
            ...record,
            standbys: [...record.standbys, name],
            regions: { ...record.regions, [name]: region },
            networks: { ...record.networks, [name]: open },
          },
    );
  }

  async tellOf({ slot, region, name }: Missing): Promise<boolean> {
    const record = (await readRecord(this.settings, this.database)).value;
    const idle = Object.keys(record.regions).filter(
      (id) => id !== record.primary && !record.standbys.includes(id) && !record.retired.some(({ instance }) => instance === id),
    );
    return await tell(this.settings, {
      kind: "Standby Rebuilt",
      id: `${rebuildName(this.database.name, this.generation)}-${name}`,
      database: this.database.name,
      atMs: Date.now(),
      sentence: `${this.database.name} has a standby again: ${name} in ${region} follows ${record.primary}, in the place of ${slot}.`,
      details: [["Standbys", record.standbys.join(", ")], ...deletable(record, [...settled(record), ...idle])],
      next: "Nothing has to be done. Instances that are not used any more cost money until you delete them; Understudy never does.",
    });
  }
}

const failedNews = (database: Protected, generation: number, what: string, reason: string): News => ({
  kind: "Standby Missing",
  id: `${rebuildName(database.name, generation)}-${what}-missing`,
  database: database.name,
  atMs: Date.now(),
  sentence: `${database.name} has no new standby: ${what} was not made, ${reason}`,
  details: [["Generation", String(generation)]],
  next: "The database runs without this standby: the next failure of its primary may find nothing to move to. Create it by hand.",
});
