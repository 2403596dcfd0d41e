/** Breaking a lab from outside: over HTTP, and with the command. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { AWAY, BrokenLab, REGION } from "./faults-lab.ts";

const ROOT = join(import.meta.dirname, "..", "..");

// biome-ignore lint/suspicious/noExplicitAny: JSON of the lab's own paths
type Json = any;

async function open() {
  const broken = await BrokenLab.open();
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { "content-type": "application/json" },
  ) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await fetch(`${broken.lab.wire.url}/_lab/${path}`, { method, ...(body === undefined ? {} : { body: text, headers }) });
    return { status: answer.status, body: (await answer.json()) as Json };
  };
  return { broken, ask };
}

test("a fault over HTTP: put in force, listed with its strikes, ended", async () => {
  const { broken, ask } = await open();
  const made = await ask("POST", "faults", { fault: "throttle", service: "s3" });
  expect(made).toMatchObject({ status: 201, body: { id: "f1", fault: { fault: "throttle", service: "s3" } } });
  await expect(broken.s3().send(new ListBucketsCommand())).rejects.toMatchObject({ name: "SlowDown" });
  const { body } = await ask("GET", "faults");
  expect(body.faults).toMatchObject([{ id: "f1", strikes: 1 }]);
  expect(body.vocabulary.databaseKilled).toMatchObject({ fields: { region: { required: true }, instance: { required: true } } });
  expect(await ask("DELETE", "faults/f1")).toEqual({ status: 200, body: { ended: "f1" } });
  expect(await ask("DELETE", "faults/f1")).toMatchObject({ status: 404, body: { error: "No fault f1 is in force." } });
  await broken.s3().send(new ListBucketsCommand());
  await ask("POST", "faults", { fault: "delay", ms: 1 });
  await ask("POST", "faults", { fault: "controlPlaneDark" });
  expect((await ask("DELETE", "faults")).body).toEqual({ ended: ["f2", "f3"] });
});

test("an unknown fault, a wrong field, no JSON, a strange path: each is told what was expected", async () => {
  const { ask } = await open();
  expect(await ask("POST", "faults", { fault: "flood" })).toMatchObject({
    status: 400,
    body: {
      problems: [{ field: "fault", problem: expect.stringMatching(/^"flood" is no fault the lab knows, expected one of throttle/) }],
    },
  });
  expect(await ask("POST", "faults", { fault: "delay", ms: "soon" })).toMatchObject({
    status: 400,
    body: { error: 'ms: expected a whole number of milliseconds from 1 to 86400000, got "soon"' },
  });
  expect(await ask("POST", "faults", "{no")).toMatchObject({ status: 400, body: { error: expect.stringMatching(/^Expected JSON, like/) } });
  expect((await ask("POST", "faults", "{}", { "content-type": "text/plain" })).status).toBe(415);
  expect((await ask("GET", "weather")).body.error).toMatch(/^Expected GET or POST \/_lab\/faults/);
});

test("a web page cannot break anything", async () => {
  const { broken, ask } = await open();
  const page = { "content-type": "application/json", origin: "https://shop.example" };
  expect((await ask("POST", "faults", { fault: "controlPlaneDark" }, page)).status).toBe(403);
  expect(broken.lab.faults.list()).toEqual([]);
});

test("the story goes on where it was left; health says who is there", async () => {
  const { broken, ask } = await open();
  await broken.bucket();
  const first = (await ask("GET", "story")).body;
  await ask("POST", "faults", { fault: "controlPlaneDark" });
  const second = (await ask("GET", `story?since=${first.next}&kind=fault`)).body;
  expect(second.lines.map(({ what }: { what: string }) => what)).toContain("fault f1 begins: controlPlaneDark");
  expect(second.lines.every(({ kind }: { kind: string }) => kind === "fault")).toBe(true);
  expect((await ask("GET", "story?since=yesterday")).status).toBe(400);
  expect((await ask("GET", "health")).body).toMatchObject({ ok: true, account: "111122223333", faults: 1 });
});

test("the command breaks, lists and mends; a mistake is one line and a non-zero exit", async () => {
  const { broken } = await open();
  const command = (...words: string[]) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      execFile(
        process.execPath,
        ["cli/fault.ts", ...words],
        { cwd: ROOT, env: { PATH: process.env.PATH, AWS_ENDPOINT_URL: broken.lab.wire.url } },
        (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }),
      );
    });
  await broken.database("shop-a");
  expect(await command("databaseHung", "--region", REGION, "--instance", "shop-a")).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^f1 is in force: \{"fault":"databaseHung"/),
  });
  expect((await command("list")).out).toMatch(/^f1 {2}struck 0 times/);
  expect(await command("databaseHung", "--region", AWAY, "--instance", "shop-a")).toEqual({
    code: 1,
    out: "",
    err: 'instance: there is no instance "shop-a" in eu-west-1\n',
  });
  expect(await command("stop", "f1", "--endpoint", broken.lab.wire.url)).toMatchObject({ code: 0, out: "Ended: f1.\n" });
  expect(await command("clear")).toMatchObject({ code: 0, out: "Ended: nothing was broken.\n" });
  expect(await command("list", "--endpoint", "http://127.0.0.1:1")).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^No lab answers at/),
  });
  expect((await command("--help")).out).toMatch(/databasePartitioned --region --instance --from \[--function\] \[--forMs\]/);
});
