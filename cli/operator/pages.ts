/** What `npm run understudy` prints, in 80 columns; a command stands on a line of its own, however long. */
import type { ListAnswer, OrderAnswer } from "../../runbooks/answers.ts";

const WIDTH = 80;

export function wrapped(text: string, indent = ""): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, indent + line].join("\n");
}

const commands = (list: readonly string[]): string[] => (list.length === 0 ? [] : ["", ...list.map((command) => `  ${command}`)]);

export function answerPage(answer: OrderAnswer): string {
  const request = answer.request ? [`Request: ${answer.request}`] : [];
  const move = answer.execution ? [`Move: ${answer.execution}`] : [];
  return [wrapped(answer.sentence), ...request, ...move, "", wrapped(`Next: ${answer.next}`), ...commands(answer.commands)].join("\n");
}

export function requestsPage({ databases }: ListAnswer, approve: (id: string) => string): string {
  const pages = Object.entries(databases).map(([name, { generation, primary, requests }]) => {
    const head = `${name}: runs on ${primary}, generation ${generation}`;
    if (requests.length === 0) return `${head}\n  No request.`;
    const each = requests.map((request) => {
      const agreed = request.approvals.map(({ by }) => by.split("/").slice(1).join("/") || by).join(" and ") || "nobody";
      const state = request.open
        ? `${request.notBeforeMs ? `not before ${new Date(request.notBeforeMs).toISOString()}, ` : ""}open until ${new Date(request.expiresAtMs).toISOString()}`
        : request.usedBy
          ? `used by ${request.usedBy}`
          : request.withdrawnBy
            ? "withdrawn"
            : "expired";
      return [
        `  ${request.id}: ${request.verb} to ${request.target}, ${state}`,
        wrapped(request.decision.sentence, "    "),
        `    agreed: ${agreed}; ${request.people} needed`,
        ...(request.open ? [`    ${approve(request.id)}`] : []),
      ].join("\n");
    });
    return [head, ...each].join("\n");
  });
  return pages.join("\n\n");
}

interface Status {
  readonly plan: string;
  readonly region: string;
  readonly databases: Readonly<Record<string, DatabaseStatus>>;
}

interface DatabaseStatus {
  readonly generation: number;
  readonly primary: string;
  readonly standbys: readonly string[];
  readonly decision: string;
  readonly lagSeconds: Readonly<Record<string, number | null>>;
  readonly pause: { readonly untilMs: number; readonly by: string; readonly reason: string } | null;
  readonly move: { readonly execution: string } | null;
  readonly lastMove: { readonly execution: string; readonly outcome: string } | null;
  readonly name: { readonly record: string; readonly target: string | null };
  readonly backups: readonly { readonly id: string; readonly takenAt: string | null }[];
}

export function statusPage(status: Status): string {
  const pages = Object.entries(status.databases).map(([name, it]) => {
    const newest = it.backups
      .flatMap(({ takenAt }) => takenAt ?? [])
      .sort()
      .at(-1);
    const standbys = it.standbys.map((id) => `${id} (${it.lagSeconds[id] ?? "an unknown number of"} s behind)`).join(", ");
    const rows: [string, string][] = [
      ["now", it.decision],
      ["primary", `${it.primary}, generation ${it.generation}`],
      ["standbys", standbys || "none"],
      ["name", `${it.name.record} -> ${it.name.target ?? "nothing"}`],
      ["move", it.move ? `${it.move.execution} is running` : it.lastMove ? `${it.lastMove.execution} ${it.lastMove.outcome}` : "none yet"],
      ["backup", newest ?? "none"],
      ...(it.pause
        ? [["paused", `until ${new Date(it.pause.untilMs).toISOString()} by ${it.pause.by} (${it.pause.reason})`] as [string, string]]
        : []),
    ];
    return [name, ...rows.map(([label, text]) => wrapped(text, " ".repeat(13)).replace(/^ {13}/, `  ${label.padEnd(11)}`))].join("\n");
  });
  return [`${status.plan}, Understudy runs in ${status.region}`, ...pages].join("\n\n");
}
