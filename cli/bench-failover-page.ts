/** What `npm run bench:failover` prints. Pure. */
import { actedMs, awsMs, type Run, STAGES, spread } from "./bench-failover-stages.ts";

export interface Group {
  readonly engine: string;
  readonly setting: string;
  /** Who moved the database. */
  readonly mover: "Understudy" | "job server";
  readonly runs: readonly Run[];
  /** null: nothing was promised. */
  readonly barSeconds: number | null;
}

/** All but the detection window and the TTL. */
export const ACTED_BAR_SECONDS = 1;

const seconds = (ms: number, digits = 2): string => (ms / 1000).toFixed(digits);
const range = (values: readonly number[]): string => {
  const { median, least, most } = spread(values);
  return `${seconds(median).padStart(6)} s   ${seconds(least)} to ${seconds(most)}`;
};

export const titleOf = ({ engine, setting, mover, runs }: Group): string => `${engine}, ${mover}, ${setting}: ${runs.length} runs`;

export function runLine(run: Run): string {
  const stages = STAGES.flatMap((stage) => (run.stages[stage] === undefined ? [] : [`${stage} ${seconds(run.stages[stage])}`]));
  return `  ${seconds(run.outageMs).padStart(6)} s  ${stages.join(", ")}; lost ${run.lost}; ${run.drawn}`;
}

export function groupLines(group: Group): string[] {
  const { runs, barSeconds } = group;
  const outage = spread(runs.map((run) => run.outageMs));
  const acted = spread(runs.map(actedMs));
  const own = spread(runs.map((run) => actedMs(run) - awsMs(run)));
  const lines = [titleOf(group), `  outage        ${range(runs.map((run) => run.outageMs))}`];
  for (const stage of STAGES) {
    const took = runs.flatMap((run) => run.stages[stage] ?? []);
    if (took.length === 0) continue;
    const aws = runs.flatMap((run) => run.awsMs[stage] ?? []);
    const part = aws.length > 0 ? `   of it AWS's own ${seconds(spread(aws).median)}` : "";
    lines.push(`    ${stage.padEnd(11)} ${range(took)}${part}`);
  }
  lines.push(
    `  all but detect and TTL ${seconds(acted.median)} s (${seconds(acted.least)} to ${seconds(acted.most)}), of it our own ${seconds(own.median)} s`,
  );
  lines.push(`  acknowledged orders lost: ${runs.map((run) => run.lost).join(" ")}`);
  if (barSeconds !== null) {
    const verdict = (met: boolean) => (met ? "✔" : "✘");
    lines.push(`  ${verdict(outage.median < barSeconds * 1000)} the outage's median is under ${barSeconds} s`);
    lines.push(
      `  ${verdict(own.median < ACTED_BAR_SECONDS * 1000)} all but detect, TTL and AWS's own is under ${ACTED_BAR_SECONDS} s` +
        `   ${verdict(acted.median < ACTED_BAR_SECONDS * 1000)} with AWS's own, as the lab plays it`,
    );
  }
  return lines;
}

/** Medians beside each other, and how many times longer the job server takes; of one run on one machine. */
export function comparison(groups: readonly Group[]): string[] {
  const lines: string[] = [];
  for (const engine of new Set(groups.map((group) => group.engine))) {
    const median = (group: Group) => spread(group.runs.map((run) => run.outageMs)).median;
    const ofEngine = groups.filter((group) => group.engine === engine);
    const ours = ofEngine.filter(({ mover }) => mover === "Understudy");
    if (ours.length === 0) continue;
    const naive = ofEngine.filter(({ mover }) => mover === "job server");
    const cell = (text: string) => text.padStart(26);
    lines.push("", `${engine.padEnd(26)}${ours.map(({ setting }) => cell(setting)).join("")}`);
    lines.push(`${"Understudy".padEnd(26)}${ours.map((group) => cell(`${seconds(median(group), 1)} s`)).join("")}`);
    for (const group of naive) {
      const cells = ours.map((other) => cell(`${seconds(median(group), 1)} s, ${(median(group) / median(other)).toFixed(1)} times`));
      lines.push(`${`job server, ${group.setting}`.padEnd(26)}${cells.join("")}`);
    }
  }
  return lines;
}
