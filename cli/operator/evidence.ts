/** The evidence of a move as `npm run understudy -- evidence` prints it, in 80 columns: the summary first, then every step. */
import { type Evidence, newestMove } from "../../core/evidence.ts";
import { answer, duration, iso, seenRows, total } from "../../core/evidence-page.ts";
import type { FoundEvidence } from "../../runbooks/evidence-found.ts";
import { wrapped } from "./pages.ts";

const WIDTH = 80;
const clock = (ms: number): string => iso(ms).slice(11, 23);

/** A word that fits no line is broken: keys and host names are longer than a terminal's column. */
const broken = (text: string, columns: number): string => text.replace(new RegExp(`\\S{${columns}}(?=\\S)`, "g"), "$& ");

/** A label, and a text that stays in its column. */
const row = (label: string, text: string, width: number): string => {
  const indent = " ".repeat(width + 4);
  return wrapped(broken(text, WIDTH - width - 4), indent).replace(indent, `  ${label.padEnd(width)}  `);
};

function table(title: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const width = Math.min(32, Math.max(...rows.map(([label]) => label.length)));
  return ["", title, ...rows.map(([label, text]) => row(label, text, width))];
}

export function evidenceText(found: FoundEvidence): string {
  const { evidence, database, moves, after, actual, page } = found;
  if (!evidence) {
    const known = [...moves].sort(newestMove);
    return known.length === 0
      ? `There is no evidence of a move of ${database} yet.`
      : `There is no evidence of that move. There is of:\n${known.map((name) => `  ${name}`).join("\n")}`;
  }
  const others = moves.filter((name) => name !== evidence.execution);
  return [
    wrapped(`${evidence.execution}: ${evidence.kind} of ${database}, ${evidence.from} to ${evidence.to}, ${evidence.outcome}`),
    wrapped(evidence.sentence),
    wrapped(evidence.because),
    ...(evidence.order ? [wrapped(`Ordered by ${evidence.order.by}, ${iso(evidence.order.atMs)}: ${evidence.order.reason}`)] : []),
    ...table(
      `Where the time went: ${duration(total(evidence.split))}`,
      evidence.split.map(({ part, ms, source }) => [part, `${duration(ms).padStart(8)}  ${source}`]),
    ),
    ...table(
      "Proofs",
      evidence.proofs.map(({ what, holds, seen }) => [`${holds ? "yes" : "NO "} ${what}`, seen]),
    ),
    ...table(
      "The fence, rung by rung",
      evidence.ladder.map(({ rung, holds, seen, tookMs }) => [`${holds ? "yes" : "NO "} ${rung}`, `${seen} (${duration(tookMs)})`]),
    ),
    ...table(
      "What the rules weighed",
      evidence.guards.map(({ what, value, limit }) => [what, `${value} (${limit})`]),
    ),
    ...table(
      "What was seen",
      seenRows(evidence, String).map(([label = "", text = ""]) => [label, text]),
    ),
    ...table("Learned later", learned(after, actual)),
    "",
    `Steps, with ${evidence.calls} calls to AWS (UTC)`,
    ...evidence.steps.flatMap(stepLines),
    "",
    ...(page ? [wrapped(`The page for people is ${page} in the state bucket.`)] : []),
    ...(others.length > 0 ? [wrapped(`Other moves: ${others.join(", ")}`)] : []),
  ].join("\n");
}

function learned(after: FoundEvidence["after"], actual: FoundEvidence["actual"]): [string, string][] {
  return [
    ...(after
      ? [[`${after.instance} is back`, `${after.back.seen}, ${duration(after.back.afterMs)} after the move`] as [string, string]]
      : []),
    ...(after?.rungs ?? []).map(({ rung, holds, seen, tookMs }): [string, string] => [
      `fence: ${rung}`,
      `${holds ? "" : "NOT DONE: "}${seen}, ${duration(tookMs)}`,
    ]),
    ...(actual
      ? [
          ["lost for good", `${actual.transactions} transactions: ${actual.named}`] as [string, string],
          ["they are kept by", String(actual.rescue ?? "nothing")] as [string, string],
        ]
      : []),
  ];
}

function stepLines({ name, atMs, endedAtMs, looks, seen, failed, calls }: Evidence["steps"][number]): string[] {
  const took = `${duration(endedAtMs - atMs)}${looks > 1 ? `, ${looks} looks` : ""}`;
  const indent = " ".repeat(16);
  return [
    wrapped(`${failed ? "FAILED: " : ""}${name} (${took})`, indent).replace(indent, `  ${clock(atMs)}  `),
    ...(seen ? [wrapped(broken(seen, WIDTH - 16), indent)] : []),
    ...calls.map((call) => {
      const what = `${call.service} ${call.operation}${call.target ? ` ${call.target}` : ""}`;
      const end = `${answer(call)}, ${duration(call.tookMs)}`;
      const line = `${indent}${what}`;
      return line.length + 2 + end.length <= WIDTH
        ? `${line}${end.padStart(WIDTH - line.length)}`
        : wrapped(broken(`${what} ${end}`, WIDTH - 16), indent);
    }),
  ];
}
