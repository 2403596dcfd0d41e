/** What goes wrong around a dump: the provider fails, refuses or rots, the source is busy, the time is over. */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Target } from "../../databases/engines.ts";
import { PostgresCluster } from "../../lab/engines/postgres.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { ask } from "./ask.ts";
import { type Provider, provider } from "./provider.ts";
import { CLIENTS, downloaded, dumpNow, newKey, partsSent, runKit, type Story } from "./story.ts";

const folder = throwawayFolder();
const primary = new PostgresCluster(join(folder.path, "primary"));
let story: Story;
let at: Provider;
const target = (database = "shop"): Target => ({
  host: "127.0.0.1",
  port: primary.port as number,
  database,
  username: "shop",
  password: "correct-horse",
});

const run = (...statements: string[]) => ask(target(), ...statements);

beforeAll(async () => {
  await primary.init();
  await primary.start();
  await primary.provision({ user: "shop", password: "correct-horse", database: "shop" });
  await run(
    "create table orders (id int primary key, words text)",
    "insert into orders select n, md5(n::text) from generate_series(1, 40000) n",
  );
  await run("create database untouched");
  story = { engine: "postgres", source: target(), masterKey: newKey() };
});

beforeEach(async () => {
  at = await provider();
});

afterAll(async () => {
  await primary.kill();
  await folder.leave();
});

/** In many small parts. */
const dumped = (more: Parameters<typeof dumpNow>[2] = {}) => dumpNow(story, at, { partBytes: 30_000, ...more });

const isPart = (method: string, key: string, from: number) => method === "PUT" && Number(/\/parts\/(\d+)$/.exec(key)?.[1] ?? 0) >= from;

describe("the provider (R18)", () => {
  test("that answers 503 for a while is waited for", async () => {
    let refused = 0;
    at.mood = (method, key) => (isPart(method, key, 2) && ++refused <= 3 ? { status: 503, code: "SlowDown" } : "pass");
    const { state } = await dumped();
    expect(state).toBe("finished");
    expect(refused).toBeGreaterThan(3);
  });

  test("that goes on answering 503 ends the run with what to do, and what is finished is kept", async () => {
    at.mood = (method, key) => (isPart(method, key, 3) ? { status: 503, code: "ServiceUnavailable" } : "pass");
    await expect(dumped({ store: at.store(500) })).rejects.toMatchObject({
      name: "OffsiteUnreachable",
      retry: true,
      hint: expect.stringContaining("What is finished is kept"),
    });
    await goesOnBehind(2);
  });

  test("that says nothing at all ends the run in the same way", async () => {
    at.mood = (method, key) => (isPart(method, key, 3) ? "hold" : "pass");
    await expect(dumped({ store: at.store(500, 300) })).rejects.toMatchObject({ name: "OffsiteUnreachable", retry: true });
    await goesOnBehind(2);
  });

  test("whose credentials expire on the way ends the run at once, with whom to ask, and what is finished is kept", async () => {
    let asked = 0;
    at.mood = (method, key) => (isPart(method, key, 3) && ++asked > 0 ? { status: 400, code: "ExpiredToken" } : "pass");
    await expect(dumped()).rejects.toMatchObject({
      name: "OffsiteRefused",
      retry: false,
      hint: expect.stringContaining("Renew the provider's credentials"),
    });
    expect(asked).toBe(1);
    await goesOnBehind(2);
  });

  test("that loses a part before the manifest is written is found out, and there is no dump", async () => {
    let removed = false;
    at.mood = (method, key) => {
      if (isPart(method, key, 4) && !removed) {
        removed = true;
        void at.keys().then((keys) => at.remove(keys.find((each) => each.endsWith("parts/000002")) as string));
      }
      return "pass";
    };
    await expect(dumped()).rejects.toMatchObject({
      name: "OffsiteAltered",
      message: expect.stringContaining("parts/000002"),
    });
    expect((await at.keys()).some((key) => key.endsWith("/manifest"))).toBe(false);
  });

  async function goesOnBehind(parts: number): Promise<void> {
    at.mood = () => "pass";
    const outcome = await dumped();
    expect(outcome).toMatchObject({ state: "finished", beganAnew: null });
    expect(outcome.sentParts).toBe(outcome.manifest!.totals.parts - parts);
    const sent = partsSent(at, outcome.id);
    expect(new Set(sent).size).toBe(sent.length);
  }
});

describe("the time and the source (R32)", () => {
  test("a run whose time is over hands over to the next one", async () => {
    let turns = 0;
    let clockMs = Date.now();
    const load = async () => {
      if (++turns === 3) clockMs += 900_000;
      return { lagSeconds: 0, runningThreads: 1 };
    };
    const first = await dumped({ load, now: () => clockMs, untilMs: clockMs + 600_000, deadlineMs: clockMs + 9_000_000 });
    expect(first).toMatchObject({ state: "to be continued", manifest: null });
    expect(first.sentParts).toBeGreaterThan(1);
    const second = await dumped();
    expect(second).toMatchObject({ state: "finished", id: first.id, beganAnew: null });
    expect(second.sentParts).toBe(second.manifest!.totals.parts - first.sentParts);
  });

  test("a source that lags or is busy is left alone until it is at rest", async () => {
    const looks = [0, 0, 4.2, 3, 0.5].map((lagSeconds) => ({ lagSeconds, runningThreads: 2 }));
    const told: string[] = [];
    const load = async () => looks.shift() ?? { lagSeconds: 0, runningThreads: 2 };
    const { state } = await dumped({ load, tell: (sentence) => told.push(sentence), sleep: async () => {} });
    expect(state).toBe("finished");
    expect(told).toEqual(["Pauses: replication is 4.2 s behind, the limit is 1 s.", "Goes on: the source is at rest again."]);
  });

  test("a source that never comes to rest ends at the deadline with what to do", async () => {
    const endMs = Date.now() + 1_000_000;
    let clockMs = Date.now();
    const sleep = async () => {
      clockMs += 60_000;
    };
    const load = async () => ({ lagSeconds: null, runningThreads: 80 });
    const late = dumped({ load, sleep, now: () => clockMs, untilMs: endMs, deadlineMs: endMs });
    await expect(late).rejects.toMatchObject({ name: "OffsiteLate", message: expect.stringContaining("80 threads are running") });
  });
});

const noClient = spawnSync(CLIENTS.postgres, ["--version"]).status !== 0;

describe.skipIf(noClient)("one byte that has turned in the store is found before anything is restored", () => {
  const turned = (file: string, at: number): void => {
    const bytes = readFileSync(file);
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(file, bytes);
  };

  test("in a part, the schema, the index or the manifest; a part that is gone, a dump without a manifest, another key", async () => {
    const { id, manifest } = await dumped();
    const kit = await downloaded(at, id);
    expect((await runKit("verify", kit, story.masterKey)).code).toBe(0);
    const cases: [string, number, RegExp][] = [
      ["parts/000003", 1_000, /CHANGED: parts\/000003 has another SHA-256\n.*nothing was restored/s],
      ["schema-pre", 40, /CHANGED: schema-pre has another SHA-256/],
      ["index", 20, /the index is not what was stored/],
      ["manifest", 20, /the manifest is not what was stored/],
    ];
    for (const [name, place, says] of cases) {
      const file = join(kit, name);
      turned(file, place);
      const said = await runKit("restore", kit, story.masterKey, target("untouched"));
      expect(said.text).toMatch(says);
      expect(said.code).toBe(1);
      turned(file, place);
    }
    const other = await runKit("restore", kit, newKey(), target("untouched"));
    expect(other.text).toMatch(/is not the key it was sealed with/);
    rmSync(join(kit, "parts/000002"));
    expect((await runKit("restore", kit, story.masterKey, target("untouched"))).text).toMatch(/MISSING: parts\/000002/);
    rmSync(join(kit, "manifest"));
    expect((await runKit("restore", kit, story.masterKey, target("untouched"))).text).toMatch(/never finished/);
    // Nobody has so much as said hello to it.
    expect(await run("select sessions::int from pg_stat_database where datname = 'untouched'")).toEqual([{ sessions: 0 }]);
    expect(manifest!.totals.rows).toBe(40_000);
  });
});
