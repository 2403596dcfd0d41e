import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { simulationCode } from "../../cli/simulation-code.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { readPlanFile } from "../../infra/plan-file.ts";
import { Code } from "../../lab/simulation/environments.ts";
import { type RunResult, type Stage, simulate } from "../../lab/simulation/run.ts";

const MINUTES = 60_000;
let plan: Plan;
let code: Map<string, Code>;

beforeAll(async () => {
  plan = readPlanFile(join(import.meta.dirname, "../../recovery-plan.yml"));
  code = new Map(Object.entries(await simulationCode()).map(([name, source]) => [name, new Code(name, source)]));
});

const seeded = (seed: number, minutes = 5) => simulate({ seed, plan, code, safetyMs: minutes * MINUTES, skewMs: 200 });
/** One disaster in fair weather, two minutes after the start. */
const staged = (script: (stage: Stage) => void, minutes = 5) =>
  simulate({
    seed: 7,
    plan,
    code,
    safetyMs: minutes * MINUTES,
    skewMs: 0,
    script: (stage) => stage.clock.after(2 * MINUTES, () => script(stage)),
  });
const mails = (result: RunResult) => result.events.filter((event) => event.kind === "mail").map((event) => event.words);

test("the same seed tells the same story, line by line; another seed another", async () => {
  const [once, again, other] = [await seeded(11), await seeded(11), await seeded(12)];
  expect(again.events.map((event) => `${event.atMs} ${event.words}`)).toEqual(once.events.map((event) => `${event.atMs} ${event.words}`));
  expect(again.hash).toBe(once.hash);
  expect(other.hash).not.toBe(once.hash);
});

test("nothing that real time or chance could change is asked for in a run", async () => {
  const asked: string[] = [];
  const random = Math.random;
  const now = Date.now;
  Math.random = () => {
    asked.push("Math.random");
    return random();
  };
  Date.now = () => {
    // The tests' own runner looks at the clock too.
    if (/lab\/|\.cjs/.test(new Error("where").stack ?? "")) asked.push("Date.now");
    return now();
  };
  try {
    await seeded(13, 2);
  } finally {
    Math.random = random;
    Date.now = now;
  }
  expect(asked).toEqual([]);
});

describe("a staged disaster in virtual time", () => {
  test("the primary's host dies: one move, proven, told, nothing lost", async () => {
    const result = await staged(({ rds, primary }) => rds.kill(primary, 30 * MINUTES));
    expect(result).toMatchObject({ violations: [], outcome: "served", generation: 2, lost: { priced: 0, unseen: 0 } });
    expect(mails(result).at(-1)).toContain("shop now runs on shop-b");
  });

  test("the probe alone does not reach the primary: nothing is moved", async () => {
    const result = await staged(({ network, primary }) => void network.cut("probe", primary.id));
    expect(result).toMatchObject({ violations: [], outcome: "served", generation: 1 });
    expect(result.events.filter((event) => event.kind === "effect")).toEqual([]);
  });

  test("replication had stopped long before the primary dies: refused, and told", async () => {
    const result = await staged(({ rds, primary, standby, clock }) => {
      standby.server.settle();
      standby.server.receiverStopped = true;
      clock.after(2 * MINUTES, () => rds.kill(primary, 30 * MINUTES));
    });
    expect(result).toMatchObject({ violations: [], outcome: "told", generation: 1 });
    expect(mails(result).some((text) => /\(rule 30[36]\)/.test(text))).toBe(true);
  });

  test("the primary hangs and wakes while it is being fenced: no client's write is taken by both", async () => {
    const result = await staged(({ primary, clock }) => {
      primary.server.hang();
      clock.after(25_000, () => primary.server.wake());
    });
    expect(result.violations).toEqual([]);
  });
});

describe("the checkers are alive: a product that is wrong in one place breaks the rule that forbids it", () => {
  type Edit = readonly [functions: readonly string[], from: string, to: string];

  async function brokenBy(edits: readonly Edit[], script: (stage: Stage) => void, minutes = 5): Promise<string[]> {
    const sources = await simulationCode();
    for (const [functions, from, to] of edits) {
      for (const name of functions) {
        expect(sources[name]).toContain(from);
        sources[name] = (sources[name] as string).replaceAll(from, to);
      }
    }
    const changed = new Map(Object.entries(sources).map(([name, source]) => [name, new Code(name, source)]));
    const result = await simulate({
      seed: 7,
      plan,
      code: changed,
      safetyMs: minutes * MINUTES,
      skewMs: 0,
      script: (stage) => stage.clock.after(2 * MINUTES, () => script(stage)),
    });
    return result.violations.map((violation) => violation.rule);
  }
  const killed = ({ rds, primary }: Stage) => rds.kill(primary, 30 * MINUTES);
  const hung = ({ primary }: Stage) => primary.server.hang();

  test("a fence that is believed before it is in force", async () => {
    expect(await brokenBy([[["move"], "isFenced(instance) {", "isFenced(instance) { return true;"]], killed)).toContain("S2");
  });

  test("sessions that are left open behind the fence", async () => {
    const edit: Edit = [["move"], 'WITHOUT_SESSIONS = ["rebooting"', 'WITHOUT_SESSIONS = ["available", "rebooting"'];
    expect(await brokenBy([edit], hung)).toContain("S3");
  });

  test("a move that acts without its claim", async () => {
    const edits: Edit[] = [
      [["watch"], "const won = await replaceDocument(", "const won = await (async () => true)("],
      [["move"], "record.claim?.execution !== this.execution", "false"],
      [["move"], 'record.claim?.target ?? "(none)"', '"shop-b"'],
      [["move"], "record.claim.order", "null"],
      [["move"], "decision.kind !== record.claim.kind", "false"],
      [["move"], "decision.target === record.claim.target", "true"],
      [["move"], "async holdsClaim() {", "async holdsClaim() { return;"],
    ];
    expect(await brokenBy(edits, killed)).toContain("S10");
  });

  test("a lag that is not looked at", async () => {
    const edit: Edit = [["watch", "move"], "(prices[id]?.lagSeconds ?? 0) > policy.maxLagSeconds", "false"];
    const rules = await brokenBy([edit], ({ rds, primary, standby, clock }) => {
      standby.server.settle();
      standby.server.lagMs = 90_000;
      clock.after(2 * MINUTES, () => rds.kill(primary, 30 * MINUTES));
    });
    expect(rules).toContain("S5");
  });

  test("a name that goes back", async () => {
    const back = (stage: Stage) => {
      killed(stage);
      stage.clock.after(10 * MINUTES, () => stage.pointName(stage.primary));
    };
    expect(await brokenBy([], back, 15)).toContain("S20");
  });

  test("a mail that is not sent", async () => {
    expect(await brokenBy([[["notify"], "await publish(", "await (async () => 'x')("]], killed)).toContain("S16");
  });

  test("a claim that is never given up", async () => {
    const edits: Edit[] = [[["move", "watch"], "record.claim?.execution === execution ?", "false ?"]];
    expect(await brokenBy(edits, killed)).toContain("CONVERGES");
  });
});
