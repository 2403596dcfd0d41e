/**
 * Tells every story to the lab and to moto at once, call by call, and compares what comes back. A throttled call is made again, as
 * clients do, and a call that waits is asked again until it sees what it waits for; each counts once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Difference, differences } from "./compare.ts";
import { type Entry, type Explanations, explanations, readEntries } from "./explain.ts";
import { at, type Json } from "./json.ts";
import { normalAnswer } from "./normal.ts";
import type { Answer, Oracle } from "./oracle.ts";
import { STORIES } from "./script/index.ts";
import type { Call, Story } from "./story.ts";

export interface Verdict {
  readonly calls: number;
  readonly equal: number;
  readonly explained: number;
  readonly unexplained: readonly Finding[];
  /** Entries of differences.json that no longer explain anything. */
  readonly idle: readonly Entry[];
  readonly byService: Readonly<Record<string, number>>;
}

export interface Finding {
  readonly story: string;
  readonly call: string;
  readonly parameters: Json;
  readonly differences: readonly Difference[];
}

interface Side {
  readonly endpoint: string;
  readonly account: string;
}

export interface Judged {
  readonly oracle: Oracle;
  readonly lab: Side;
  readonly stories?: readonly Story[];
  readonly entries?: readonly Entry[];
}

const MOTO_ACCOUNT = "123456789012";
const PATIENCE_MS = 40_000;

export async function judge({ oracle, lab, stories = STORIES, entries = readEntries() }: Judged): Promise<Verdict> {
  const known = explanations(entries);
  const startedAt = Date.now();
  const told = await Promise.allSettled(
    stories.map(async (story) => {
      const sides = [
        new Teller(oracle, lab, startedAt),
        new Teller(oracle, { endpoint: oracle.moto, account: MOTO_ACCOUNT }, startedAt),
      ] as const;
      const findings: CallFinding[] = [];
      for (const call of story.calls) findings.push(await tell(story, call, sides, known));
      return findings;
    }),
  );
  const broken = told.flatMap((story) => (story.status === "rejected" ? [(story.reason as Error).message] : []));
  if (broken.length > 0) throw new Error(`The script cannot be told:\n${broken.join("\n")}`);
  const all = told.flatMap((story) => (story.status === "fulfilled" ? story.value : []));
  const services = all.map((finding) => finding.call.split(":")[0]!);
  return {
    calls: all.length,
    equal: all.filter((finding) => finding.kind === "equal").length,
    explained: all.filter((finding) => finding.kind === "explained").length,
    unexplained: all.filter((finding) => finding.kind === "unexplained"),
    idle: known.idle(),
    byService: Object.fromEntries([...new Set(services)].sort().map((name) => [name, services.filter((each) => each === name).length])),
  };
}

type CallFinding = Finding & { readonly kind: "equal" | "explained" | "unexplained" };

async function tell(story: Story, call: Call, sides: readonly [Teller, Teller], known: Explanations): Promise<CallFinding> {
  const [operation, parameters = {}, more = {}] = call;
  const name = `${more.service ?? story.service}:${operation}`;
  try {
    const [lab, moto] = await Promise.all(sides.map((side) => side.tell(story, call)));
    const found = differences(lab, moto);
    const left = found.filter((difference) => !known.find({ name, as: more.as }, difference));
    const kind = found.length === 0 ? "equal" : left.length === 0 ? "explained" : "unexplained";
    return { kind, story: story.title, call: more.as ? `${name} (${more.as})` : name, parameters, differences: left };
  } catch (error) {
    throw new Error(`${story.title}, ${name} ${JSON.stringify(parameters)}: ${(error as Error).message}`, { cause: error });
  }
}

/** One side's way through a story: what it kept, and what those values are called in the other side's terms. */
class Teller {
  private readonly oracle: Oracle;
  private readonly side: Side;
  private readonly kept = new Map<string, string>();
  private readonly names = new Map<string, string>();

  constructor(oracle: Oracle, side: Side, startedAt: number) {
    this.oracle = oracle;
    this.side = side;
    this.keep("account", side.account);
    // Whole five minutes, so that a period begins there on both sides.
    const whole = Math.floor(startedAt / 300_000) * 300_000;
    // The one to come is further off than a run lasts: an answer dated with the real time is never taken for it.
    for (const minutes of [-20, -15, -10, -9, -8, -5, 0, 10]) {
      const time = new Date(whole + minutes * 60_000).toISOString();
      this.kept.set(`minute${minutes}`, time);
      this.names.set(time.replace(".000Z", "+00:00"), `<minute${minutes}>`);
    }
    this.kept.set("long ago", new Date(startedAt - 30 * 86_400_000).toISOString());
  }

  async tell(story: Story, [operation, parameters = {}, more = {}]: Call): Promise<Json> {
    const missing = this.missing(parameters);
    if (missing) return { error: `not asked: no earlier answer held the ${missing}` };
    const request = {
      endpoint: this.side.endpoint,
      service: more.service ?? story.service,
      region: more.region ?? story.region,
      operation,
      parameters: this.filled(parameters),
    };
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.oracle.ask(request);
      const throttled = "code" in answer && answer.code === "Throttling";
      if (!throttled && sees(answer, more.until)) {
        for (const [name, path] of Object.entries(more.keep ?? {})) {
          const value = "output" in answer ? at(answer.output, path) : undefined;
          if (typeof value === "string") this.keep(name, value);
        }
        return normalAnswer(answer, this.names);
      }
      if (Date.now() > deadline)
        throw new Error(`${this.side.endpoint} never showed ${JSON.stringify(more.until)}: ${JSON.stringify(answer).slice(0, 500)}`);
      await sleep(throttled ? 210 : 100);
    }
  }

  private keep(name: string, value: string): void {
    this.kept.set(name, value);
    this.names.set(value, `<${name}>`);
  }

  /** The first kept value the parameters need and no answer gave. */
  private missing(parameters: Json): string | undefined {
    const names = [...JSON.stringify(parameters).matchAll(/\$\{([^}]+)\}/g)].map(([, name]) => name!);
    return names.find((name) => !this.kept.has(name));
  }

  private filled(value: Json): Json {
    if (typeof value === "string") return value.replace(/\$\{([^}]+)\}/g, (_, name: string) => this.kept.get(name)!);
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map((item: Json) => this.filled(item));
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.filled(each)]));
  }
}

function sees(answer: Answer, until: NonNullable<Call[2]>["until"]): boolean {
  if (until === undefined) return true;
  if (until === "gone") return "code" in answer;
  // What is not there does not become available: an error ends the wait, and is compared.
  return "code" in answer || at(answer.output, until[0]) === until[1];
}
