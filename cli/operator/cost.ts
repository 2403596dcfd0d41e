/** `understudy cost`: what the plan's backups will come to in a month, in 80 columns. Asks nobody: sizes are said by whoever asks. */
import { readFileSync } from "node:fs";
import { type Cost, costOf, LIST_PRICES, type Prices, type Size } from "../../core/cost.ts";
import type { Plan } from "../../core/plan/schema.ts";

export interface CostAnswer {
  readonly prices: Prices;
  readonly first: Cost;
  readonly settled: Cost;
}

const USUAL = { gb: 100, change: 3 };

type Said = Readonly<Record<string, string | boolean | undefined>>;

export function askCost(plan: Plan, { gb, provisioned, change, prices }: Said): CostAnswer {
  if (plan.backups.length === 0) throw new Error('The plan has no backups: there is nothing to be counted. Add them under "backups".');
  const known = Object.keys(plan.databases);
  const data = sizesOf("gb", gb, known);
  const storage = sizesOf("provisioned", provisioned, known);
  const percent = numberOf("change", String(change ?? USUAL.change), 0, 100);
  const sizes = Object.fromEntries(
    known.map((name): [string, Size] => {
      const size = data[name] ?? USUAL.gb;
      return [name, { gb: size, provisionedGb: storage[name] ?? size, change: percent / 100 }];
    }),
  );
  const own = prices === undefined ? LIST_PRICES : pricesIn(String(prices));
  return { prices: own, first: costOf(plan, sizes, "first", own), settled: costOf(plan, sizes, "settled", own) };
}

/** "120" is of each, "shop=120,users=5" of some. */
function sizesOf(option: string, said: string | boolean | undefined, known: readonly string[]): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const part of String(said ?? "")
    .split(",")
    .filter(Boolean)) {
    const [name, text] = part.includes("=") ? (part.split("=") as [string, string]) : [null, part];
    if (name !== null && !known.includes(name)) throw new Error(`--${option} names "${name}", expected one of: ${known.join(", ")}.`);
    for (const each of name === null ? known : [name]) sizes[each] = numberOf(option, text, 0.001, 1_000_000);
  }
  return sizes;
}

function numberOf(option: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= from && value <= to) return value;
  throw new Error(`--${option} is "${text}", expected a number from ${from} to ${to}, or some like shop=120,users=5.`);
}

function pricesIn(file: string): Prices {
  const said = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const names = Object.keys(LIST_PRICES) as (keyof Prices)[];
  for (const [name, value] of Object.entries(said))
    if (!names.includes(name as keyof Prices) || typeof value !== "number" || value < 0)
      throw new Error(`${file}: "${name}" is ${JSON.stringify(value)}, expected a price of zero or more of one of: ${names.join(", ")}.`);
  return { ...LIST_PRICES, ...said };
}

const usd = (value: number): string => `${value.toFixed(2)} USD`;
const gb = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

export function costPage({ first, settled, prices }: CostAnswer): string {
  const rows = settled.policies.map((policy, index) => {
    const begun = first.policies[index] as Cost["policies"][number];
    return [
      policy.database.padEnd(30),
      gb(policy.snapshots).padStart(9),
      gb(policy.storedGb).padStart(9),
      gb(begun.storedGb).padStart(9),
      gb(policy.copiedGb).padStart(9),
      gb(policy.sentGb).padStart(9),
    ].join(" ");
  });
  const line = (words: string, of: (cost: Cost) => number) =>
    `  ${words.padEnd(46)}${usd(of(first)).padStart(14)}${usd(of(settled)).padStart(14)}`;
  return [
    "database                       snapshots  GB there 1st month GB copied   GB sent",
    ...rows,
    "GB there: in each of the two regions. Copied and sent: in a month.",
    "",
    `  ${"a month".padEnd(46)}${"the first".padStart(14)}${"later".padStart(14)}`,
    ...settled.regions.map(({ region, freeGb }, index) =>
      line(`snapshots in ${region} (${gb(freeGb)} GB free)`, (cost) => cost.regions[index]?.usd ?? 0),
    ),
    line("copies to the other region", (cost) => cost.transferUsd),
    line("dumps that leave AWS", (cost) => cost.egressUsd),
    line("keys of your own", (cost) => cost.keysUsd),
    line("together", (cost) => cost.usd),
    "",
    `At ${prices.snapshotStorage} USD a GB and month, ${prices.transfer} a GB copied, ${prices.egress} a GB sent (list`,
    "prices of us-east-1; --prices FILE for yours). What the other provider takes,",
    "and the instances of drills and dumps while they run, come besides.",
  ].join("\n");
}
