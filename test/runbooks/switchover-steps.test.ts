/**
 * Every step of a planned move fails in turn, before its effect and after it: until the promotion the old primary takes writes again
 * and the name has not moved. The steps are taken from the runbook as it runs: a new one is tried without being named here.
 */
import { type DurableContext, withDurableExecution } from "@aws/durable-execution-sdk-js";
import { expect, test } from "vitest";
import { Problem } from "../../core/problem.ts";
import { waitFor } from "../../lab/look.ts";
import type { MoveInput } from "../../runbooks/start.ts";
import { bench } from "./bench.ts";
import { Planned } from "./planned.ts";

const open = bench();
const shop = new Planned(open);

type Moment = "before" | "after";
type Act = (...args: unknown[]) => Promise<unknown>;

/** The context as the runbook gets it, but the step that comes in this place fails. What comes after it works. */
function failing(ctx: DurableContext, place: number, moment: Moment, met: Set<string>): DurableContext {
  const fails = new Problem("OnPurpose", "this step fails on purpose", { hint: "It is a test." });
  const through =
    (name: string, act: Act): Act =>
    async (...args) => {
      if ([...met].indexOf(name) !== place) return await act(...args);
      if (moment === "after") await act(...args);
      throw fails;
    };
  return new Proxy(ctx, {
    get(target, key) {
      const method = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      if (key !== "step" && key !== "waitForCondition") return method.bind(target);
      return (name: string, act: Act, ...rest: unknown[]) => {
        met.add(name);
        return method.call(target, name, through(name, act), ...rest);
      };
    },
  });
}

test("each step of a switchover fails, before its effect and after it: until the promotion the old primary takes writes and the name stays (S23)", async () => {
  const { lab } = open();
  const { settings } = await shop.settings();
  const { switchover } = await import("../../runbooks/switchover.ts");
  const before = await shop.groups("shop-a");
  const tried: string[] = [];
  for (let place = 0, promoted = false; !promoted; place++) {
    for (const moment of ["before", "after"] as const) {
      await shop.afresh();
      const taken = await shop.claimed("shop-b");
      if (!taken) throw new Error("the bench could not claim the database");
      const met = new Set<string>();
      const handler = withDurableExecution(
        async (input: MoveInput, ctx: DurableContext) => await switchover(input, failing(ctx, place, moment, met), settings),
      );
      const { result, status } = await shop.run({ ...taken, kind: "switchover" }, handler as never);
      const what = `${moment} "${[...met][place]}"`;
      tried.push(what);
      expect(result?.outcome, what).not.toBe("succeeded");
      promoted = (await shop.describe("shop-b")).ReadReplicaSourceDBInstanceIdentifier !== "shop-a";
      if (promoted) {
        // There is no way back: the claim stays for the execution that goes on.
        expect(what).toBe('after "promote"');
        expect((await shop.record()).claim).toMatchObject({ stage: "promoted" });
        break;
      }
      await waitFor(
        `the primary's own groups, after it failed ${what}`,
        10_000,
        async () => String(await shop.groups("shop-a")) === String(before),
      );
      expect(await shop.refusal("shop-a"), what).toBeNull();
      expect(await shop.nameTarget(), what).toBe("shop-a");
      // What failed before anything was touched leaves a claim that the watcher releases (watch.ts).
      const { claim, generation } = await shop.record();
      expect({ generation, stage: claim?.stage ?? null }, what).toEqual({ generation: 1, stage: status === "FAILED" ? "claimed" : null });
    }
  }
  expect(lab.rds.cluster("eu-central-1", "shop-a").alive()).toBe(true);
  console.log(`${tried.length} failures: ${tried.join(", ")}`);
  for (const step of [
    "it is closed to its clients",
    "its sessions are ended",
    "both stand at the same place",
    "ask for the fence",
    "promote",
  ])
    expect(tried).toContain(`before "${step}"`);
});
