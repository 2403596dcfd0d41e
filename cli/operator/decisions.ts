/** Recorded decisions: finds them in the bucket, and prints why one was made and what another policy would have made of them. */
import type { DatabasePlan, Plan } from "../../core/plan/schema.ts";
import { policyOf } from "../../core/policy.ts";
import { Problem } from "../../core/problem.ts";
import { type Changed, type Explanation, explain, type RecordedDecision, replay } from "../../core/recorded.ts";
import { wrapped } from "./pages.ts";
import { keysUnder, placeOf, readAll } from "./state.ts";

const DAY_MS = 86_400_000;
/** How far back is looked when no time is named. */
const LOOK_BACK_DAYS = 7;

export interface Explained extends Explanation {
  readonly recorded: RecordedDecision;
}

/** The newest decision at or before a time; without one, the newest of all. */
export async function explainDecision(plan: Plan, name: string, at: string | undefined): Promise<Explained> {
  databaseIn(plan, name);
  const untilMs = at === undefined ? Date.now() + DAY_MS : timeOf("at", at, "last");
  const place = await placeOf(plan);
  for (let dayMs = untilMs; dayMs > untilMs - LOOK_BACK_DAYS * DAY_MS; dayMs -= DAY_MS) {
    const keys = (await keysUnder(place, `decisions/${name}/${dayOf(dayMs)}/`)).filter((key) => keyTimeMs(key) <= untilMs);
    const [recorded] = await readAll<RecordedDecision>(place, keys.slice(-1));
    if (recorded) return { ...explain(recorded), recorded };
  }
  throw new Problem("NoDecision", `No decision about ${name} is kept from the ${LOOK_BACK_DAYS} days up to ${iso(untilMs)}.`, {
    hint: "Name another time with --at; quiet laps are kept every ten minutes only.",
  });
}

export interface Replayed {
  readonly decisions: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly changed: readonly Changed[];
}

/** The whole history of a time, under the policy another plan has for the same database. */
export async function replayDecisions(
  plan: Plan,
  name: string,
  other: Plan,
  from: string | undefined,
  until: string | undefined,
): Promise<Replayed> {
  databaseIn(plan, name);
  const policy = policyOf(other, databaseIn(other, name));
  const untilMs = until === undefined ? Date.now() : timeOf("until", until, "last");
  const fromMs = from === undefined ? untilMs - LOOK_BACK_DAYS * DAY_MS : timeOf("from", from, "first");
  if (fromMs > untilMs) throw new Problem("BadTime", `--from ${iso(fromMs)} is after --until ${iso(untilMs)}.`, { hint: "Swap them." });
  const place = await placeOf(plan);
  let decisions = 0;
  const changed: Changed[] = [];
  for (let dayMs = fromMs; dayOf(dayMs) <= dayOf(untilMs); dayMs += DAY_MS) {
    const keys = await keysUnder(place, `decisions/${name}/${dayOf(dayMs)}/`);
    const recorded = await readAll<RecordedDecision>(
      place,
      keys.filter((key) => keyTimeMs(key) >= fromMs && keyTimeMs(key) <= untilMs),
    );
    decisions += recorded.length;
    changed.push(...replay(recorded, policy));
  }
  return { decisions, fromMs, untilMs, changed };
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
const dayOf = (atMs: number): string => iso(atMs).slice(0, 10);

/** "decisions/shop/2026-11-21/09-00-00-000Z-r401.json", as core/recorded.ts names it. */
function keyTimeMs(key: string): number {
  const [, day, hours, minutes, seconds, ms] = /(\d{4}-\d\d-\d\d)\/(\d\d)-(\d\d)-(\d\d)-(\d{3})Z/.exec(key) ?? [];
  return Date.parse(`${day}T${hours}:${minutes}:${seconds}.${ms}Z`);
}

/** A day or a time in UTC; of what ends there, its last millisecond. */
function timeOf(option: string, text: string, which: "first" | "last"): number {
  const unitMs = [
    [/^\d{4}-\d\d-\d\d$/, DAY_MS],
    [/^[\d-]{10}T\d\d:\d\dZ$/, 60_000],
    [/^[\d-]{10}T\d\d:\d\d:\d\dZ$/, 1000],
    [/^[\d-]{10}T\d\d:\d\d:\d\d\.\d{3}Z$/, 1],
  ].find(([form]) => (form as RegExp).test(text))?.[1] as number | undefined;
  const atMs = Date.parse(text);
  if (unitMs !== undefined && !Number.isNaN(atMs)) return which === "first" ? atMs : atMs + unitMs - 1;
  throw new Problem("BadTime", `--${option} is "${text}": expected a day or a time in UTC.`, {
    hint: "Like 2026-11-21, or 2026-11-21T09:05Z.",
  });
}

function databaseIn(plan: Plan, name: string): DatabasePlan {
  const database = Object.hasOwn(plan.databases, name) ? plan.databases[name] : undefined;
  if (database) return database;
  throw new Problem(
    "UnknownDatabase",
    `The plan "${plan.name}" has no database ${name}: it has ${Object.keys(plan.databases).join(", ")}.`,
    {
      hint: "Name one of these.",
    },
  );
}

export function explainPage({ recorded, rows, standbys, same, again }: Explained): string {
  const { facts, order, decision, policy } = recorded;
  const decided = rows.at(-1);
  const past = rows.filter(({ overridden }) => overridden);
  const lines = [
    `${facts.database}, ${iso(facts.atMs)}, generation ${facts.record.generation}`,
    "",
    wrapped(decision.sentence),
    "",
    labelled("diagnosis", decision.diagnosis),
    labelled("order", order ? `${order.verb} by ${order.by} ("${order.reason}")` : "none: Understudy looked by itself"),
    ...votes(recorded),
    ...standbys.map(({ id, hot, unfit }) => labelled("standby", `${id} (${hot ? "hot" : "cold"}): ${unfit ?? "fit"}`)),
    labelled(
      "policy",
      `${policy.mode}, ${policy.missedProbes} probes of ${policy.probeEverySeconds} s, lag at most ${policy.maxLagSeconds} s`,
    ),
    "",
    wrapped(
      `Rules read from the top: ${
        rows
          .slice(0, -1)
          .map(({ number }) => number)
          .join(", ") || "none before it"
      } did not decide.`,
    ),
    ...past.map(({ number, when }) => labelled(String(number), `passed over by the order: ${when}`)),
    ...(decided ? [labelled(String(decided.number), `matched: ${decided.when}`)] : []),
    "",
    wrapped(
      same
        ? "The rules of today decide the same from the same facts."
        : `The rules of today would decide otherwise, or the record was changed: ${again.sentence}`,
    ),
  ];
  return lines.join("\n");
}

function votes({ facts }: RecordedDecision): string[] {
  const each = [
    ["far probe", facts.vote],
    ["near probe", facts.nearVote],
  ] as const;
  const probes = each.flatMap(([name, vote]) => {
    if (!vote) return name === "far probe" ? [labelled(name, "no vote")] : [];
    const age = ((facts.atMs - vote.atMs) / 1000).toFixed(1);
    return [labelled(name, `${vote.primarySeen} (${vote.condition}), link ${vote.linkSeen}, ${age} s old`)];
  });
  return [
    ...probes,
    labelled("own look", facts.ownLook),
    labelled("RDS", facts.primary?.status ?? `the primary region is ${facts.primaryRegion}`),
  ];
}

const labelled = (label: string, text: string): string => wrapped(text, " ".repeat(13)).replace(/^ {13}/, `  ${label.padEnd(11)}`);

export function replayPage({ decisions, fromMs, untilMs, changed }: Replayed): string {
  const head = wrapped(
    `${decisions} kept decisions from ${iso(fromMs)} to ${iso(untilMs)}: the other policy decides ${changed.length === 0 ? "all of them the same" : `${changed.length} of them otherwise`}.`,
  );
  const each = changed.map(
    ({ atMs, was, would }) => `${iso(atMs)}\n${labelled("was", was.sentence)}\n${labelled("would be", would.sentence)}`,
  );
  const limit = wrapped("The facts are as they were: what the other policy would have changed in the world is not played on.");
  return [head, ...each, limit].join("\n\n");
}
