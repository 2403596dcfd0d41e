/**
 * The lab's own paths on its one port: `/_lab/faults`, `/_lab/story`, `/_lab/health`. Plain JSON for curl, scripts and the fault command.
 * They are for this machine's user alone: a web page that is open in a browser gets nothing from them.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { World } from "../cloud/world.ts";
import type { Faults } from "./index.ts";
import { checkFault, describeVocabulary, FaultRefused } from "./vocabulary.ts";

const MAX_BODY_BYTES = 64 * 1024;
const MOST_LINES = 5000;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const refused = (status: number, problem: string): Answer => ({ status, body: { error: problem } });

/** For startWire's `extra`. */
export function labPaths(world: World, faults: Faults): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const url = new URL(request.url ?? "/", "http://lab");
    if (!url.pathname.startsWith("/_lab/") && url.pathname !== "/_lab") return false;
    answer(world, faults, request, url)
      .catch((error: Error): Answer => {
        world.tell({
          kind: "lab",
          region: "-",
          service: "faults",
          what: `${url.pathname} failed: ${error.message}`,
          detail: { stack: error.stack },
        });
        return refused(500, error.message);
      })
      .then(({ status, body }) => {
        request.resume();
        response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body, null, 1)}\n`);
      });
    return true;
  };
}

async function answer(world: World, faults: Faults, request: IncomingMessage, url: URL): Promise<Answer> {
  // A page of a foreign site may send simple requests, and may be served under a name of its own that leads here.
  if (request.headers.origin || !/^(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? ""))
    return refused(403, "The lab answers programs on this machine at 127.0.0.1 or localhost, and no web pages.");
  const [, , topic, id, ...more] = url.pathname.split("/");
  const asked = `${request.method} ${topic}`;
  if (more.length > 0 || (id && topic !== "faults")) return unknown();
  if (asked === "GET health")
    return {
      status: 200,
      body: { ok: !world.closed, account: world.account, services: [...world.services.keys()], faults: faults.list().length },
    };
  if (asked === "GET story") return story(world, url.searchParams);
  if (asked === "GET faults" && !id) return { status: 200, body: { faults: faults.list(), vocabulary: describeVocabulary() } };
  if (asked === "POST faults" && !id) return await inject(faults, request);
  if (asked === "DELETE faults" && id)
    return (await faults.end(id)) ? { status: 200, body: { ended: id } } : refused(404, `No fault ${id} is in force.`);
  if (asked === "DELETE faults") {
    const ended = faults.list().map((each) => each.id);
    await faults.clear();
    return { status: 200, body: { ended } };
  }
  return unknown();
}

const unknown = (): Answer =>
  refused(404, "Expected GET or POST /_lab/faults, DELETE /_lab/faults[/id], GET /_lab/story?since=MS&kind=KIND or GET /_lab/health.");

async function inject(faults: Faults, request: IncomingMessage): Promise<Answer> {
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) return refused(415, "Expected content-type: application/json.");
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_BODY_BYTES) return refused(413, `Expected at most ${MAX_BODY_BYTES} bytes.`);
    parts.push(part);
  }
  let given: unknown;
  try {
    given = JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch (error) {
    return refused(400, `Expected JSON, like {"fault":"throttle","service":"rds","times":3}: ${(error as Error).message}`);
  }
  try {
    const { id, fault, sinceMs } = await faults.inject(checkFault(given));
    return { status: 201, body: { id, fault, sinceMs } };
  } catch (error) {
    if (error instanceof FaultRefused) return { status: 400, body: { error: error.message, problems: error.problems } };
    throw error;
  }
}

/** Lines from `since` on (milliseconds, that one included), oldest first; `next` is what to ask from next time. */
function story(world: World, query: URLSearchParams): Answer {
  const since = Number(query.get("since") ?? 0);
  if (!Number.isFinite(since)) return refused(400, "since: expected milliseconds since 1970, as a line's `at` has it.");
  const kind = query.get("kind");
  const lines = world.story.filter((line) => line.at >= since && (!kind || line.kind === kind));
  const shown = lines.slice(0, MOST_LINES);
  return { status: 200, body: { lines: shown, next: lines[MOST_LINES]?.at ?? (shown.at(-1)?.at ?? since - 1) + 1 } };
}
