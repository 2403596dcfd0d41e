/** Writes the report of a main job: one screen, 80 columns, numbers first. Pure. */

export interface Report {
  readonly plan: string;
  readonly database: string;
  readonly name: string;
  readonly killedAtMs: number;
  /** Moments of the outage, in order; each stage ends at its moment. */
  readonly stages: readonly (readonly [stage: string, endedAtMs: number | null])[];
  readonly acknowledged: number;
  readonly lost: readonly number[];
  readonly troubles: number;
  readonly rule: number | null;
  readonly sentence: string | null;
  readonly dnsBefore: string | null;
  readonly dnsAfter: string | null;
  readonly backups: readonly { readonly id: string; readonly region: string; readonly status: string; readonly takenAt: string }[];
  readonly mails: readonly { readonly to: string; readonly subject: string; readonly atMs: number }[];
  /** What was promised, and whether it happened. */
  readonly promises: readonly (readonly [promise: string, kept: boolean])[];
}

const COLUMNS = 80;

const seconds = (ms: number) => (ms / 1000).toFixed(1);

export function outageSeconds(report: Report): number | null {
  const last = report.stages.at(-1)?.[1];
  return last === null || last === undefined ? null : (last - report.killedAtMs) / 1000;
}

export function writeReport(report: Report): string {
  const outage = outageSeconds(report);
  const lines = ["", `Report: ${report.plan}, database ${report.database}`, ""];
  lines.push(`  Outage              ${outage === null ? "did not end" : `${outage.toFixed(1)} s, from the kill to the first good write`}`);
  let from = report.killedAtMs;
  for (const [stage, at] of report.stages) {
    if (at === null) {
      lines.push(`    ${stage.padEnd(18)}never`);
      continue;
    }
    // A stage that ended before the one above it took no time of its own.
    const took = Math.max(0, at - from);
    lines.push(`    ${stage.padEnd(18)}${seconds(took).padStart(5)} s  ${"▪".repeat(Math.min(40, Math.round(took / 150)))}`);
    from = Math.max(from, at);
  }
  lines.push(`  Rows acknowledged   ${report.acknowledged}`);
  lines.push(
    `  Rows lost           ${report.lost.length}${report.lost.length > 0 ? ` (orders ${report.lost.slice(0, 8).join(", ")}${report.lost.length > 8 ? ", …" : ""})` : ""}`,
  );
  lines.push(`  Failed tries        ${report.troubles} (the client's own, during the outage)`);
  lines.push("", ...wrap(`Rule ${report.rule ?? "?"}: ${report.sentence?.replace(/ \(rule \d+\)$/, "") ?? "no decision was seen"}`, "  "));
  lines.push("", `  DNS  ${report.name}`, `    before  ${report.dnsBefore ?? "nothing"}`, `    after   ${report.dnsAfter ?? "nothing"}`);
  lines.push("", "  Backups");
  for (const { region, id, status, takenAt } of report.backups)
    lines.push(`    ${region.padEnd(13)} ${id}  ${status}, ${takenAt.slice(11, 19)}Z`);
  if (report.backups.length === 0) lines.push("    none");
  lines.push("", "  Mails");
  for (const mail of report.mails) lines.push(`    ${new Date(mail.atMs).toISOString().slice(11, 19)}  ${mail.to}: ${mail.subject}`);
  if (report.mails.length === 0) lines.push("    none");
  lines.push("", "  Promised");
  for (const [promise, kept] of report.promises) lines.push(`    ${kept ? "✔" : "✘"} ${promise}`);
  lines.push("");
  return lines.map((line) => (line.length <= COLUMNS ? line : `${line.slice(0, COLUMNS - 1)}…`)).join("\n");
}

function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.length + word.length + 1 > COLUMNS && line.trim() !== "") {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? word : ` ${word}`;
  }
  return [...lines, line];
}
