/** Moves that people order, in virtual time: planned ones, approved ones, ones back; and the rules that a broken one breaks. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { simulationCode } from "../../cli/simulation-code.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { readPlanFile } from "../../infra/plan-file.ts";
import type { Operation, Service } from "../../lab/cloud/world.ts";
import { Code } from "../../lab/simulation/environments.ts";
import { type PlannedKill, plannedKill } from "../../lab/simulation/kills.ts";
import { order } from "../../lab/simulation/people.ts";
import { byHand, type RunResult, type Stage, simulate } from "../../lab/simulation/run.ts";
import { sceneOf } from "../../lab/simulation/scene.ts";
import { ServiceError } from "../../lab/wire/errors.ts";

const MINUTES = 60_000;
let given: Plan;
let sources: Record<string, string>;

beforeAll(async () => {
  given = readPlanFile(join(import.meta.dirname, "../../recovery-plan.yml"));
  sources = await simulationCode();
});

type Edit = readonly [functions: readonly string[], from: string, to: string];

interface Staged {
  readonly plan?: Plan;
  readonly edits?: readonly Edit[];
  readonly minutes?: number;
  readonly kill?: PlannedKill;
  readonly script: (stage: Stage) => void;
}

async function staged({ plan = byHand(given), edits = [], minutes = 8, kill, script }: Staged): Promise<RunResult> {
  const edited = { ...sources };
  for (const [functions, from, to] of edits) {
    for (const name of functions) {
      expect(edited[name]).toContain(from);
      edited[name] = (edited[name] as string).replaceAll(from, to);
    }
  }
  const code = new Map(Object.entries(edited).map(([name, source]) => [name, new Code(name, source)]));
  const later = (stage: Stage) => stage.clock.after(2 * MINUTES, () => script(stage));
  return await simulate({ seed: 7, plan, code, safetyMs: minutes * MINUTES, skewMs: 0, script: later, ...(kill ? { kill } : {}) });
}

/** The plan with one standby, in the recovery region. */
function coldPlan(): Plan {
  for (let seed = 1; ; seed++) {
    const { plan } = sceneOf(given, seed, 0);
    const { standbys, failover } = plan.databases.shop as Plan["databases"][string];
    const { people } = plan.approvals as { people: number };
    const fits = standbys.length === 1 && standbys[0]?.region === plan.regions.recovery && people === 1 && failover.mode === "automatic";
    if (fits && plan.records[0]?.repoint === "record" && !plan.network.primary) return byHand(plan);
  }
}

const ask = ({ town }: Stage, verb: string, more: object = {}) =>
  void order(town, "alice", { verb, database: "shop", generation: 1, target: null, overrides: [], reason: "it is time", ...more });
/** Says yes to whatever a mail asks. */
const approveAll = (stage: Stage) =>
  stage.log.listen((event) => {
    const request = event.kind === "mail" ? /-- approve (\S+)/.exec(event.data.text)?.[1] : undefined;
    if (request) stage.clock.after(5000, () => void order(stage.town, "alice", { verb: "approve", request }));
  });
const broken = (result: RunResult) => [...new Set(result.violations.map(({ rule }) => rule))];
const mails = (result: RunResult) => result.events.filter(({ kind }) => kind === "mail").map(({ words }) => words);

test("a person orders a switchover: the name moves, nothing is lost (S23)", async () => {
  const result = await staged({ script: (stage) => ask(stage, "switchover") });
  expect(result).toMatchObject({ violations: [], outcome: "served", generation: 2, lost: { priced: 0, unseen: 0 } });
});

test("a move, a standby built anew, and back: the name never leads to the fenced instance (S20, S25)", async () => {
  const result = await staged({
    plan: given,
    minutes: 25,
    script: (stage) => {
      ask(stage, "switchover");
      stage.clock.after(18 * MINUTES, () => ask(stage, "failback", { generation: 2 }));
    },
  });
  expect(result).toMatchObject({ violations: [], outcome: "served", generation: 3 });
  expect(mails(result).some((text) => text.includes("shop-a-g2"))).toBe(true);
});

test("the only standby is in another region: a person approves, and it is moved with the primary fenced", async () => {
  const result = await staged({
    plan: coldPlan(),
    script: (stage) => {
      approveAll(stage);
      stage.rds.kill(stage.primary, 30 * MINUTES);
    },
  });
  expect(result).toMatchObject({ violations: [], outcome: "served", generation: 2 });
  expect(result.events.some(({ kind, words }) => kind === "effect" && /^move .*: shop-a gets the groups/.test(words))).toBe(true);
});

test("one call to RDS gets no answer while an approved move begins: that is no dark region, and the primary is fenced first (S2)", async () => {
  const result = await staged({
    plan: coldPlan(),
    script: (stage) => {
      approveAll(stage);
      stage.log.listen(({ kind, data }) => {
        if (kind !== "record" || data.record.claim?.stage !== "claimed") return;
        stage.dark.add(stage.primary.region);
        stage.clock.after(7000, () => stage.dark.delete(stage.primary.region));
      });
      stage.rds.kill(stage.primary, 30 * MINUTES);
    },
  });
  expect(result).toMatchObject({ violations: [], outcome: "served", generation: 2 });
  expect(result.events.some(({ kind, words }) => kind === "effect" && /^move .*: shop-a gets the groups/.test(words))).toBe(true);
});

test("the primary's region is dark and stays so for a while: the approved move goes ahead, and the primary is fenced afterwards (S4)", async () => {
  const result = await staged({
    plan: coldPlan(),
    minutes: 20,
    script: (stage) => {
      approveAll(stage);
      stage.dark.add(stage.primary.region);
      stage.rds.kill(stage.primary, 10 * MINUTES);
      stage.clock.after(10 * MINUTES, () => stage.dark.delete(stage.primary.region));
    },
  });
  expect(result).toMatchObject({ violations: [], outcome: "served", generation: 2 });
  expect(mails(result).some((text) => text.includes("The former primary shop-a is fenced"))).toBe(true);
});

test("the watcher dies between taking an order up and claiming the move: a later one carries it out (S15)", async () => {
  const result = await staged({
    script: (stage) => {
      const s3 = stage.world.services.get("s3") as Service;
      const put = s3.operations.PutObject as Operation;
      const failsUntilMs = stage.clock.nowMs + 30_000;
      s3.operations.PutObject = (input, caller) => {
        const claims = String(input.Key).endsWith("/record.json") && JSON.parse(String(input.Body)).claim;
        if (claims && stage.clock.nowMs < failsUntilMs) throw new ServiceError("InternalError", "We encountered an internal error.", 500);
        return put(input, caller);
      };
      ask(stage, "switchover");
    },
  });
  expect(result).toMatchObject({ violations: [], outcome: "served", generation: 2, lost: { priced: 0, unseen: 0 } });
});

test("every other seed kills a move or a rebuild, and so many runs give every place its turn", () => {
  const turns = new Map<string, number>();
  for (let seed = 1; seed <= 20_000; seed++) {
    const kill = plannedKill(seed);
    if (kill) turns.set(JSON.stringify(kill), (turns.get(JSON.stringify(kill)) ?? 0) + 1);
  }
  expect(turns.size).toBe(2 * (120 + 40));
  expect(Math.min(...turns.values())).toBeGreaterThan(20);
});

describe("the process of a move dies at one place after another, and the move is done all the same (S11)", () => {
  const places = Array.from(
    { length: 8 },
    (_, at): PlannedKill => ({ of: "move", place: 3 + at * 6, when: at % 2 === 0 ? "before" : "after" }),
  );
  const stories: [string, (stage: Stage) => void][] = [
    ["a switchover", (stage) => ask(stage, "switchover")],
    ["a failover", (stage) => stage.rds.kill(stage.primary, 30 * MINUTES)],
  ];
  test.each(stories)("%s", async (_, script) => {
    const kills = new Set<string>();
    for (const kill of places) {
      const result = await staged({ minutes: 5, kill, script });
      expect(result, JSON.stringify(kill)).toMatchObject({ violations: [], outcome: "served", generation: 2 });
      for (const each of result.kills) kills.add(each);
    }
    expect(kills.size).toBeGreaterThanOrEqual(7);
  });
});

describe("the checkers are alive: a product that is wrong in one place breaks the rule that forbids it", () => {
  const switchover = (stage: Stage) => ask(stage, "switchover");

  test("a planned move that does not wait for the standby", async () => {
    const edits: Edit[] = [[["move"], "if (!this.engine.hasReached(", "if (false && !this.engine.hasReached("]];
    const lagging = (stage: Stage) => {
      stage.standby.server.settle();
      stage.standby.server.lagMs = 29_000;
      stage.log.listen(({ kind, words }) => {
        if (kind === "effect" && words.includes("is promoted")) stage.network.cut(stage.standby.id, stage.primary.id);
      });
      stage.clock.after(MINUTES, () => ask(stage, "switchover"));
    };
    expect(broken(await staged({ edits, script: lagging }))).toContain("S23");
  });

  test("a planned move that leaves the primary open", async () => {
    const edits: Edit[] = [
      [
        ["move"],
        "const group = this.drainGroup(id);\n    if (await this.isIn(id, [group]))",
        "const group = this.drainGroup(id);\n    if (true)",
      ],
      [["move"], "async askFence(id) {", "async askFence(id) { return { atMs: 0 };"],
      [["move"], "if (strangers.length > 0)", "if (false)"],
    ];
    expect(broken(await staged({ edits, script: switchover }))).toContain("S2");
  });

  test("a rebuild that settles what is in use", async () => {
    const edits: Edit[] = [[["move"], "if (now.parametersPending) {", "{ await reboot(missing.region, (await this.record()).primary);"]];
    expect(broken(await staged({ plan: given, minutes: 20, edits, script: switchover }))).toContain("S10");
  });

  test("a network that is changed where protections are restored", async () => {
    const killed = (stage: Stage) => stage.rds.kill(stage.primary, 30 * MINUTES);
    const wrong: Edit[] = [
      [
        ["move"],
        "DeletionProtection: changes.deletionProtection ?? void 0,",
        'DeletionProtection: true, VpcSecurityGroupIds: ["sg-other"],',
      ],
    ];
    expect(broken(await staged({ edits: wrong, script: killed }))).toContain("S10");
  });
});
