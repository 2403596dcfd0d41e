/**
 * Durable stories with one of everything the SDK offers, for the comparison of AWS's testing kit with the lab. The order says which
 * of them is told. No effect leaves the function, so what a story comes to depends on the durable API alone.
 */
import { type DurableContext, withDurableExecution } from "@aws/durable-execution-sdk-js";

export interface Order {
  readonly tell: keyof typeof STORIES;
}

const twice = { retryStrategy: (_error: Error, tries: number) => ({ shouldRetry: tries < 3, delay: { seconds: 1 } }) };
const once = { retryStrategy: () => ({ shouldRetry: false }) };
const fail = (words: string) => async (): Promise<never> => {
  throw new TypeError(words);
};

const STORIES = {
  async everything(context: DurableContext) {
    const seen = await context.step("observe", async () => ({ primary: "shop-a", lagSeconds: 0.5, nothing: null }));
    const tries = await context.step(
      "promote",
      async ({ attempt }) => {
        if (attempt < 3) throw new Error(`Throttling, try ${attempt}`);
        return attempt;
      },
      twice,
    );
    const polled = await context.waitForCondition("writable", async (state: number) => state + 1, {
      initialState: 0,
      waitStrategy: (state) => (state >= 3 ? { shouldContinue: false } : { shouldContinue: true, delay: { seconds: 1 } }),
    });
    await context.wait("ttl", { seconds: 2 });
    await context.wait({ seconds: 1 });
    const inner = await context.runInChildContext("repoint", async (child) => {
      const before = await child.step("read the record", async () => "shop-a");
      await child.wait("settle", { seconds: 1 });
      return await child.runInChildContext("deeper", async (deep) => await deep.step("change it", async () => `${before} to shop-b`));
    });
    const copies = await context.map(
      "copies",
      ["eu-west-1", "us-east-1"],
      async (item, region) => await item.step(`copy to ${region}`, async () => region.length),
      { maxConcurrency: 1 },
    );
    return { seen, tries, polled, inner, copies: copies.getResults(), unnamed: await context.step(async () => "no name") };
  },

  async approval(context: DurableContext) {
    return await context.waitForCallback("approve", async () => {}, { timeout: { seconds: 60 }, heartbeatTimeout: { seconds: 50 } });
  },

  async "approval, refused"(context: DurableContext) {
    return await context.waitForCallback("approve", async () => {}, { timeout: { seconds: 60 }, heartbeatTimeout: { seconds: 50 } });
  },

  async "approval, timed out"(context: DurableContext) {
    return await context.waitForCallback("approve", async () => {}, { timeout: { seconds: 1 } });
  },

  async "approval without a sign of life"(context: DurableContext) {
    return await context.waitForCallback("approve", async () => {}, { timeout: { seconds: 600 }, heartbeatTimeout: { seconds: 1 } });
  },

  async "a bare callback"(context: DurableContext) {
    const [promise] = await context.createCallback("signal", { timeout: { seconds: 60 }, heartbeatTimeout: { seconds: 50 } });
    await context.step("meanwhile", async () => "done");
    return await promise;
  },

  async "a step that fails for good"(context: DurableContext) {
    await context.step("observe", async () => "shop-a");
    return await context.step("promote", fail("the standby is gone"), twice);
  },

  async "a failure that is caught"(context: DurableContext) {
    try {
      await context.step("promote", fail("the standby is gone"), once);
    } catch (error) {
      return await context.step("tell", async () => (error as Error).message);
    }
  },

  async "a child context that fails"(context: DurableContext) {
    return await context.runInChildContext("fence", async (child) => {
      await child.step("take the network", async () => "taken");
      return await child.step("cut the sessions", fail("access denied"), once);
    });
  },

  async "a condition that throws"(context: DurableContext) {
    return await context.waitForCondition("writable", fail("no such instance"), {
      initialState: 0,
      waitStrategy: () => ({ shouldContinue: true, delay: { seconds: 1 } }),
    });
  },

  async "a map with one failure"(context: DurableContext) {
    const all = await context.map(
      "drill",
      [1, 2, 3],
      async (item, value) => await item.step(`restore ${value}`, value === 2 ? fail("no capacity") : async () => value, once),
      { maxConcurrency: 1, completionConfig: { toleratedFailureCount: 1 } },
    );
    return { good: all.getResults(), bad: all.getErrors().length };
  },

  async "two ways at once"(context: DurableContext) {
    const both = await context.parallel(
      "both",
      [
        { name: "left", func: async (branch: DurableContext) => await branch.step("l", async () => "left") },
        { name: "right", func: async (branch: DurableContext) => await branch.step("r", async () => "right") },
      ],
      { maxConcurrency: 1 },
    );
    return both.getResults();
  },

  async "another function is asked"(context: DurableContext) {
    return await context.invoke("ask", "helper", { from: "story" });
  },

  async "another function is asked and fails"(context: DurableContext) {
    return await context.invoke("ask", "helper", { from: "story", fail: true });
  },

  async "a handler that throws"() {
    throw new RangeError("nobody expected this");
  },

  async "nothing at all"() {
    return undefined;
  },

  async "a long result"(context: DurableContext) {
    return await context.runInChildContext("long", async (child) => {
      const part = await child.step("part", async () => "x".repeat(1000));
      return part.repeat(300);
    });
  },
} satisfies Record<string, (context: DurableContext) => Promise<unknown>>;

export const TITLES = Object.keys(STORIES) as Order["tell"][];

export const handler = withDurableExecution(
  async (order: Order, context: DurableContext): Promise<unknown> => await STORIES[order.tell](context),
);
