/**
 * The gate before a failback: each former primary of the target's region is opened to Understudy alone, asked what it has committed
 * that the present primary lacks, and closed again. What is found stands in the record, where rule 209 reads it; a snapshot keeps it
 * first. Deletes nothing, and decides nothing.
 *
 * What is proven: every transaction committed there after the branch is counted, by PostgreSQL's transaction ids or MariaDB's GTIDs.
 * What is not: which of them are RDS's own upkeep, and what a deleted row held.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { appendDocument } from "../aws/documents.ts";
import { startInstance } from "../aws/rds.ts";
import { evidenceKey } from "../core/evidence.ts";
import type { Alone, Retired } from "../core/facts.ts";
import { Problem } from "../core/problem.ts";
import type { Target } from "../databases/engines.ts";
import { changeRecord, readRecord } from "./record.ts";
import { waysInto } from "./retired-password.ts";
import type { Protected, Settings } from "./settings.ts";
import { taken } from "./snapshot-steps.ts";
import { PlannedMove } from "./switchover-steps.ts";
import { notYet, type Proof, patiently, proven, reasonOf, until } from "./until.ts";

const PATIENCE = { open: 300, ask: 60, close: 900, rescue: 300 };
/** Long: it counts transactions one by one and reads tables. Nobody is kept waiting by it. */
const ASK_MS = 20_000;

interface Answer extends Proof {
  readonly count: number;
}

export async function askRetired(
  ctx: DurableContext,
  settings: Settings,
  database: Protected,
  execution: string,
  generation: number,
): Promise<void> {
  const gate = new Gate(settings, database, execution, generation, "failback");
  const { regions, primary, asked } = await ctx.step("see whom to ask", () => gate.whom(), patiently);
  gate.regions = regions;
  for (const former of asked) {
    const { instance } = former;
    let alone: Omit<Alone, "rescue">;
    try {
      alone = await ask(ctx, gate, former, primary);
    } catch (error) {
      alone = { atMs: former.atMs, count: null, named: `it could not be asked (${reasonOf(error)})` };
    }
    let rescue: string | null = null;
    if (alone.count !== 0) {
      rescue = `understudy-rescue-${instance}-g${former.generation}`;
      const name = rescue;
      await until(ctx, `a snapshot keeps what ${instance} holds`, PATIENCE.rescue, () => gate.rescued(instance, name)).catch(() => {
        rescue = null;
      });
    }
    await ctx.step(`note what ${instance} holds`, () => gate.keep(former, { ...alone, rescue }), patiently);
  }
}

async function ask(ctx: DurableContext, gate: Gate, former: Retired, primary: string): Promise<Omit<Alone, "rescue">> {
  const { instance } = former;
  if (!(await ctx.step(`look for ${instance}`, () => gate.isThere(instance), patiently)))
    return { atMs: former.atMs, count: 0, named: "RDS does not know it any more" };
  try {
    await until(ctx, `${instance} is open to Understudy alone`, PATIENCE.open, () => gate.opened(instance));
    const { atMs, count, seen } = await until<Answer>(ctx, `${instance} is asked`, PATIENCE.ask, () => gate.asked(former, primary));
    return { atMs, count, named: seen };
  } finally {
    await until(ctx, `${instance} is fenced again`, PATIENCE.close, () => gate.fencedAgain(instance));
  }
}

class Gate extends PlannedMove {
  /** Those a failback would return to; one that was closed and equal when it was left holds nothing. */
  async whom(): Promise<{ regions: Readonly<Record<string, string>>; primary: string; asked: Retired[] }> {
    const { claim, regions, primary, retired } = (await readRecord(this.settings, this.database)).value;
    // One that has promoted already asks nobody: it only goes on.
    const home = claim?.execution === this.execution && claim.stage !== "promoted" ? regions[claim.target] : undefined;
    return {
      regions,
      primary,
      asked: retired.filter((each) => each.lossless !== true && each.acceptedBy === undefined && regions[each.instance] === home),
    };
  }

  async isThere(id: string): Promise<boolean> {
    return (await this.known(id)) !== null;
  }

  async opened(id: string): Promise<Proof> {
    // The fence's last rung had stopped it. RDS changes nothing on an instance that is stopped.
    if ((await this.instance(id)).status === "stopped") {
      await this.holdsClaim();
      await startInstance(this.regionOf(id), id);
      return notYet(`${id} is being started`);
    }
    return await this.closed(id);
  }

  async asked(former: Retired, primary: string): Promise<Answer> {
    await this.holdsClaim();
    if (!former.branchedAt)
      throw new Problem("BranchUnknown", "nobody saw where its history branched off", {
        hint: "Compare by hand; the snapshot keeps what it holds.",
      });
    const from = await this.wayInto(former);
    const { count, named } = await this.engine.alone(from, await this.at(primary), former.branchedAt, ASK_MS);
    const { heartbeatAtMs } = await this.engine.askStandby(from, this.database.name, ASK_MS);
    const heartbeat = heartbeatAtMs === null ? "" : `; its last heartbeat is of ${new Date(heartbeatAtMs).toISOString()}`;
    return { ...proven(`${named}${heartbeat}`), count };
  }

  /** The fence's rung "credentials" may have changed its password. */
  private async wayInto(former: Retired): Promise<Target> {
    const ways = waysInto(await this.at(former.instance), former);
    for (const way of ways.slice(0, -1)) {
      const refused = await this.engine.position(way, ASK_MS).then(
        () => false,
        (error: unknown) => this.engine.conditionOf(error) === "refuses",
      );
      if (!refused) return way;
    }
    return ways.at(-1) as Target;
  }

  /** Closed to everybody, whoever has the claim by now. */
  async fencedAgain(id: string): Promise<Proof> {
    if (this.isFenced(await this.instance(id))) return proven(`${id} is fenced`);
    await this.moveInto(id, [this.fenceGroup(id)]);
    return notYet(`${id} is not fenced yet`);
  }

  async rescued(id: string, name: string): Promise<Proof> {
    await this.holdsClaim();
    const tags = { "understudy:plan": this.settings.plan.name, "understudy:database": this.database.name, "understudy:rescue": id };
    const region = this.regionOf(id);
    return await taken(region, id, name, tags);
  }

  async keep(former: Retired, alone: Alone): Promise<void> {
    await this.holdsClaim();
    await changeRecord(this.settings, this.database, (record) => ({
      ...record,
      retired: record.retired.map((each) =>
        each.instance === former.instance && each.generation === former.generation ? { ...each, alone } : each,
      ),
    }));
    // What the move away from it has really cost, beside that move's evidence. The first answer stays.
    const { instance, move, branchedAt = null } = former;
    if (move && alone.count !== null)
      await appendDocument(this.settings.state, evidenceKey(this.database.name, move, "actual.json"), {
        version: 1,
        execution: move,
        instance,
        branchedAt,
        transactions: alone.count,
        named: alone.named,
        askedAtMs: alone.atMs,
        rescue: alone.rescue,
      });
  }
}
