/** What RDS moves by itself, in virtual time: Multi-AZ instances, clusters, global databases, and the fence's other rungs. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { simulationCode } from "../../cli/simulation-code.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { readPlanFile } from "../../infra/plan-file.ts";
import { Code } from "../../lab/simulation/environments.ts";
import type { PlannedKill } from "../../lab/simulation/kills.ts";
import { order } from "../../lab/simulation/people.ts";
import { failOver } from "../../lab/simulation/rds-native.ts";
import { byHand, type RunOptions, type RunResult, type Stage, simulate } from "../../lab/simulation/run.ts";
import { ofClusters, sceneOf, withLadder } from "../../lab/simulation/scene.ts";

const MINUTES = 60_000;
let given: Plan;
let sources: Record<string, string>;

beforeAll(async () => {
  given = byHand(readPlanFile(join(import.meta.dirname, "../../recovery-plan.yml")));
  sources = await simulationCode();
});

type Edit = readonly [functions: readonly string[], from: string, to: string];

interface Staged extends Partial<RunOptions> {
  readonly edits?: readonly Edit[];
  readonly minutes?: number;
  readonly kill?: PlannedKill;
  readonly script: (stage: Stage) => void;
}

async function staged({ plan = given, edits = [], minutes = 8, script, ...more }: Staged): Promise<RunResult> {
  const edited = { ...sources };
  for (const [functions, from, to] of edits) {
    for (const name of functions) {
      expect(edited[name]).toContain(from);
      edited[name] = (edited[name] as string).replaceAll(from, to);
    }
  }
  const code = new Map(Object.entries(edited).map(([name, source]) => [name, new Code(name, source)]));
  const later = (stage: Stage) => stage.clock.after(2 * MINUTES, () => script(stage));
  return await simulate({ seed: 7, plan, code, safetyMs: minutes * MINUTES, skewMs: 0, ...more, script: later });
}

const cluster = () => ofClusters(given, false);
const globalDatabase = () => ofClusters(given, true);
const ask = ({ town }: Stage, verb: string, more: object = {}) =>
  void order(town, "alice", { verb, database: "shop", generation: 1, target: null, overrides: [], reason: "it is time", ...more });
const broken = (result: RunResult) => [...new Set(result.violations.map(({ rule }) => rule))];
const mails = (result: RunResult) => result.events.filter(({ kind }) => kind === "mail").map(({ words }) => words);
const effects = (result: RunResult) => result.events.filter(({ kind }) => kind === "effect").map(({ words }) => words);
const told = (result: RunResult, words: string | RegExp) => expect(mails(result).join("\n")).toMatch(words);
/** Its host dies, and there is nowhere for RDS to go. */
const killForGood = ({ rds, primary }: Stage) => {
  if (primary.native) primary.native.alone = Number.POSITIVE_INFINITY;
  rds.kill(primary, 30 * MINUTES);
};
/** Its host dies, and RDS goes to its own standby. */
const takenOver = ({ rds, primary }: Stage) => void failOver(rds, primary, [30, 120]);
const loseRegion = ({ dark, network, primary }: Stage, minutes: number, clock: Stage["clock"]) => {
  const heals = ["probe", "watch", "move", "order", "shop-there"].map((from) => network.cut(from, primary.id));
  dark.add(primary.region);
  primary.server.stop();
  clock.after(minutes * MINUTES, () => {
    for (const heal of heals) heal();
    dark.delete(primary.region);
    if (!primary.server.up && primary.status === "available") primary.server.start();
  });
};

describe("a Multi-AZ instance with a replica beside it", () => {
  test("its host dies: RDS fails it over, nothing is promoted and nothing lost (S8)", async () => {
    const result = await staged({ multiAz: true, script: takenOver });
    expect(result).toMatchObject({ violations: [], outcome: "served", generation: 1, lost: { priced: 0, unseen: 0 } });
    expect(effects(result)).toEqual([]);
    told(result, "RDS failed shop-a over by itself");
  });

  test("both of its zones are gone: the replica is promoted once RDS's time is up", async () => {
    const result = await staged({ multiAz: true, script: killForGood });
    expect(result).toMatchObject({ violations: [], outcome: "served", generation: 2 });
    const at = (kind: string, words: string) =>
      result.events.find((event) => event.kind === kind && event.words.includes(words))?.atMs ?? 0;
    expect(at("effect", "is promoted") - at("instance", "its host dies")).toBeGreaterThan(180_000);
  });

  test("a person orders its failover: the writer is elsewhere, and the generation stays", async () => {
    const result = await staged({ multiAz: true, script: (stage) => ask(stage, "reboot-failover") });
    expect(result).toMatchObject({ violations: [], outcome: "served", generation: 1, lost: { priced: 0, unseen: 0 } });
    told(result, "RDS moved shop-a to its own standby");
  });
});

describe("a cluster", () => {
  test("its writer dies: RDS fails it over, and people hear how long it took", async () => {
    const result = await staged({ plan: cluster(), script: takenOver });
    expect(result).toMatchObject({ violations: [], outcome: "served", generation: 1, lost: { priced: 0, unseen: 0 } });
    told(result, "RDS failed shop-here over by itself, from shop-here-1 to shop-here-2");
  });

  test("all of its members are gone: there is no standby, and people hear so (S16)", async () => {
    const result = await staged({ plan: cluster(), script: killForGood });
    expect(result.violations.filter(({ rule }) => rule !== "CONVERGES")).toEqual([]);
    told(result, /\(rule 300\)/);
  });

  test("somebody deletes it: people hear so, and the watcher goes on looking (S16)", async () => {
    const result = await staged({
      plan: cluster(),
      script: ({ rds, primary }) => {
        primary.server.stop();
        rds.instances.delete(primary.id);
      },
    });
    expect(result).toMatchObject({ violations: [], outcome: "told", generation: 1 });
    expect(result.events.filter(({ kind, words }) => kind === "durable" && words.includes("crashed"))).toEqual([]);
  });
});

describe("a global database", () => {
  test("a person orders a switchover: the other region writes, nothing is lost, and back again (S23)", async () => {
    const result = await staged({
      plan: globalDatabase(),
      minutes: 14,
      script: (stage) => {
        ask(stage, "switchover");
        stage.clock.after(6 * MINUTES, () => ask(stage, "switchover", { generation: 2 }));
      },
    });
    expect(result).toMatchObject({ violations: [], outcome: "served", generation: 3, lost: { priced: 0, unseen: 0 } });
  });

  test("its region is lost: nothing moves by itself, a failover without the word is refused, with it it is done", async () => {
    const result = await staged({
      plan: globalDatabase(),
      minutes: 16,
      script: (stage) => {
        loseRegion(stage, 14, stage.clock);
        stage.clock.after(5 * MINUTES, () => ask(stage, "failover"));
        stage.clock.after(7 * MINUTES, () => ask(stage, "failover", { allowDataLoss: true }));
      },
    });
    expect(result).toMatchObject({ violations: [], outcome: "served", generation: 2 });
    told(result, /\(rule 213\)/);
    told(result, /\(rule 212\)/);
    expect(effects(result).filter((words) => words.includes("shop-global"))).toHaveLength(1);
  });
});

describe("the fence with every rung", () => {
  test("the old primary is stopped, AWS starts it, and it is stopped again with its fence in force (S4)", async () => {
    const result = await staged({
      plan: withLadder(given),
      stoppedForMs: 5 * MINUTES,
      minutes: 25,
      script: ({ rds, primary }) => rds.kill(primary, 2 * MINUTES),
    });
    expect(result).toMatchObject({ violations: [], outcome: "served", generation: 2 });
    expect(effects(result).filter((words) => words.includes("shop-a is stopped")).length).toBeGreaterThan(1);
    told(result, "is stopped again");
  });

  test("the parameter group for it is gone: the move goes on without that rung", async () => {
    const result = await staged({
      plan: withLadder(given),
      script: ({ rds, primary }) => {
        rds.groups.delete("shop-a-own");
        primary.parameterGroup = { name: "shop-parameters", status: "in-sync" };
        rds.kill(primary, 30 * MINUTES);
      },
    });
    expect(result).toMatchObject({ violations: [], outcome: "served", generation: 2 });
  });
});

describe("the process of a move dies at one place after another, and the move is done all the same (S11)", () => {
  const places = Array.from(
    { length: 6 },
    (_, at): PlannedKill => ({ of: "move", place: 3 + at * 7, when: at % 2 === 0 ? "before" : "after" }),
  );
  const stories: [string, string, () => Partial<RunOptions>, number][] = [
    ["RDS's failover of a Multi-AZ instance", "reboot-failover", () => ({ multiAz: true }), 1],
    ["RDS's failover of a cluster", "reboot-failover", () => ({ plan: cluster() }), 1],
    ["a global switchover", "switchover", () => ({ plan: globalDatabase() }), 2],
  ];
  test.each(stories)("%s", async (_, verb, more, generation) => {
    const kills = new Set<string>();
    for (const kill of places) {
      const result = await staged({ ...more(), minutes: 6, kill, script: (stage) => ask(stage, verb) });
      expect(result, JSON.stringify(kill)).toMatchObject({ violations: [], outcome: "served", generation, lost: { priced: 0, unseen: 0 } });
      expect(
        mails(result).some((text) => text.includes("(rule 404)") || text.includes("Nothing was lost")),
        JSON.stringify(kill),
      ).toBe(true);
      for (const each of result.kills) kills.add(each);
    }
    expect(kills.size).toBeGreaterThanOrEqual(5);
  });
});

describe("the checkers are alive: a product that is wrong in one place breaks the rule that forbids it", () => {
  test("a replica that is promoted while RDS may yet fail the primary over", async () => {
    const edits: Edit[] = [[["watch", "move"], "(s) => byItself(s) && rdsIsAtIt(s)", "() => false"]];
    expect(broken(await staged({ multiAz: true, edits, script: killForGood }))).toContain("NATIVE");
  });

  test("a global failover without the word", async () => {
    const edits: Edit[] = [[["order", "watch", "move"], "s.order?.allowDataLoss !== true", "false"]];
    const script = (stage: Stage) => ask(stage, "failover", { overrides: [207] });
    expect(broken(await staged({ plan: globalDatabase(), edits, script }))).toContain("GLOBAL");
  });

  test("a switchover for which RDS is asked to fail over", async () => {
    const edits: Edit[] = [[["move"], 'this.kind === "failover" ? failOverGlobal', "true ? failOverGlobal"]];
    const script = (stage: Stage) => {
      stage.standby.server.settle();
      stage.standby.server.lagMs = 20_000;
      stage.clock.after(MINUTES, () => ask(stage, "switchover"));
      stage.log.listen(({ kind, words }) => {
        if (kind === "effect" && words.includes("shop-global")) stage.standby.server.receiverStopped = true;
      });
    };
    expect(broken(await staged({ plan: globalDatabase(), edits, script }))).toEqual(expect.arrayContaining(["GLOBAL", "S23"]));
  });

  test("a name that is moved before the other region writes", async () => {
    const edits: Edit[] = [
      [["move"], "async done(target) {", 'async done(target) { return { holds: true, seen: "so it seems", atMs: 0 };'],
      [["move"], "async clusterWrites(target) {", 'async clusterWrites(target) { return { holds: true, seen: "so it seems", atMs: 0 };'],
      [["move"], "async begun(target) {", 'async begun(target) { return { holds: true, seen: "so it seems", atMs: 0 };'],
    ];
    const script = (stage: Stage) => {
      stage.standby.server.settle();
      stage.standby.server.lagMs = 60_000;
      stage.clock.after(2 * MINUTES, () => ask(stage, "switchover"));
    };
    expect(broken(await staged({ plan: globalDatabase(), edits, script }))).toContain("S21");
  });
});

test("every kind is among the scenes of a hundred seeds, and most have replicas alone", () => {
  const scenes = Array.from({ length: 100 }, (_, seed) => sceneOf(given, seed + 1, 0));
  const count = (of: (scene: (typeof scenes)[number]) => boolean) => scenes.filter(of).length;
  const shop = ({ plan }: (typeof scenes)[number]) => plan.databases.shop as Plan["databases"][string];
  const counts = {
    multiAz: count(({ multiAz }) => multiAz),
    cluster: count((scene) => shop(scene).primary.cluster !== undefined && shop(scene).primary.globalCluster === undefined),
    global: count((scene) => shop(scene).primary.globalCluster !== undefined),
    rungs: count((scene) => shop(scene).failover.fence?.length === 5),
  };
  expect(Math.min(...Object.values(counts)), JSON.stringify(counts)).toBeGreaterThan(0);
  expect(Object.values(counts).reduce((sum, each) => sum + each)).toBeLessThan(40);
});
