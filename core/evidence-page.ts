/**
 * The evidence of a move as one page for people: a screen of summary, then everything that was done, in its order. It needs nothing but
 * itself: no script, no other file. Whatever came from outside is text and stays text. Pure.
 */
import type { Call, Evidence, Part, Step } from "./evidence.ts";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
export const escaped = (text: unknown): string => String(text).replace(/[&<>"']/g, (sign) => ENTITIES[sign] as string);

export const iso = (ms: number): string => new Date(ms).toISOString();
/** 480 ms, 7.3 s, 12 min, 3.5 h. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}
const clock = (ms: number): string => iso(ms).slice(11, 23);

const TITLE: Readonly<Record<Evidence["kind"], string>> = {
  failover: "Failover",
  switchover: "Switchover",
  failback: "Failback",
  restore: "Restore",
  "reboot with failover": "Reboot with failover",
  "global failover": "Global failover",
  "global switchover": "Global switchover",
};

const tick = (holds: boolean): string => (holds ? '<span class="ok">✓</span>' : '<span class="no">✗</span>');

/** The figure people ask for first: how long clients could not write. */
export const total = (split: readonly Part[]): number => split.reduce((sum, { ms }) => sum + ms, 0);

const STYLE = `:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6570;--line:#d9dee3;--wash:#f4f6f8;--paper:#fff;--good:#1a7f4b;--bad:#b3261e;--hue:#2f6fb3}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa5b0;--line:#353c44;--wash:#20252b;--paper:#15191d;--good:#4cc38a;--bad:#ff8a80;--hue:#7fb3e6}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}p,h1,summary{overflow-wrap:anywhere}
main{max-width:70rem;margin:0 auto;padding:1.5rem 1rem 4rem}h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1rem;margin:2rem 0 .5rem}
p{margin:.4rem 0}.soft{color:var(--soft)}.big{font-size:1.1rem}.ok,.no{font-weight:600}.ok{color:var(--good)}.no{color:var(--bad)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.75rem;margin:1.25rem 0}
.cards div{background:var(--wash);border-radius:.5rem;padding:.6rem .8rem}.cards b{display:block;font-size:1.1rem}.cards span{color:var(--soft);font-size:.85rem}
.bar{display:flex;height:1.1rem;border-radius:.3rem;overflow:hidden;gap:1px}.bar i{background:var(--hue);min-width:2px}.bar i:nth-child(even){opacity:.6}
table{width:100%;border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line)}td{overflow-wrap:break-word}td:last-child,details td:nth-child(2){overflow-wrap:anywhere}th{font-weight:600;font-size:.85rem;color:var(--soft)}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}code{font:.85em ui-monospace,monospace}
details{border-bottom:1px solid var(--line);padding:.35rem 0}summary{cursor:pointer}summary .t{font-variant-numeric:tabular-nums;color:var(--soft)}details table{margin:.3rem 0 .5rem 1rem;width:calc(100% - 1rem);font-size:.9rem}
@media(max-width:40rem){.wide{display:none}.bar{height:.9rem}details table{margin-left:0;width:100%}}`;

export function evidencePage(pack: Evidence): string {
  const { database, execution, outcome, sentence, split, price, order } = pack;
  const title = `${TITLE[pack.kind]} of ${database}: ${pack.from} to ${pack.to}`;
  const endedAtMs = pack.steps.at(-1)?.endedAtMs ?? pack.confirmed.facts.atMs;
  const planned = pack.kind !== "failover" && pack.kind !== "global failover";
  const loss = planned
    ? pack.kind === "reboot with failover"
      ? "nothing: RDS keeps both zones equal"
      : "nothing: both sides were equal"
    : (price.drained ?? price.before).words;
  const cards: [string, string][] = [
    ["outcome", outcome === "succeeded" ? `generation ${pack.generation + 1}` : `still generation ${pack.generation}`],
    [
      planned ? "from the order to the proof" : "from the first failed look to the proof",
      split.length > 0 ? duration(total(split)) : "not known",
    ],
    [planned || price.drained ? "not on the new primary" : "would have been lost", loss],
    ["asked for by", order ? order.by : `Understudy, rule ${pack.rule}`],
  ];
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><meta name="robots" content="noindex">`,
    `<title>${escaped(title)}</title><style>${STYLE}</style></head><body><main>`,
    `<h1>${escaped(title)} <span class="${outcome === "succeeded" ? "ok" : "no"}">${outcome}</span></h1>`,
    `<p class="big">${escaped(sentence)}</p>`,
    `<p>${escaped(pack.because)}</p>`,
    ...(order ? [`<p>Ordered by ${escaped(order.by)}, ${escaped(iso(order.atMs))}: “${escaped(order.reason)}”</p>`] : []),
    ...(pack.resumed ? ["<p>An execution before this one had begun it and died; what that one called stands in its own story.</p>"] : []),
    `<p class="soft">${escaped(execution)}, ended ${escaped(iso(endedAtMs))} (UTC). Clients' name: ${escaped(pack.name)}.</p>`,
    `<div class="cards">${cards.map(([label, value]) => `<div><b>${escaped(value)}</b><span>${escaped(label)}</span></div>`).join("")}</div>`,
    ...splitSection(split),
    section(
      "Proofs",
      ["", "what", "at", "what was seen"],
      pack.proofs.map(({ what, holds, seen, atMs }) => [
        tick(holds),
        escaped(what),
        `<span class="n">${clock(atMs).slice(0, 8)}</span>`,
        escaped(seen),
      ]),
    ),
    section(
      "The fence, rung by rung",
      ["", "rung", "took", "what was seen"],
      pack.ladder.map(({ rung, holds, seen, tookMs }) => [
        tick(holds),
        escaped(rung),
        `<span class="n">${duration(tookMs)}</span>`,
        escaped(seen),
      ]),
    ),
    section(
      "What the rules weighed",
      ["guard", "value", "limit"],
      pack.guards.map((guard) => [escaped(guard.what), escaped(guard.value), escaped(guard.limit)]),
    ),
    section("What was seen", ["witness", "word"], seenRows(pack)),
    "<h2>Everything that was done</h2>",
    `<p class="soft">${pack.steps.length} steps, ${pack.calls} calls to AWS. Open a step to see its calls.</p>`,
    ...pack.steps.map(stepDetails),
    `<p class="soft">The data behind this page lies beside it as ${escaped(execution)}.json. Neither is ever changed.</p>`,
    "</main></body></html>",
    "",
  ].join("\n");
}

function splitSection(split: readonly Part[]): string[] {
  const all = total(split);
  if (all === 0) return [];
  const bars = split
    .filter(({ ms }) => ms > 0)
    .map(({ part, ms }) => `<i title="${escaped(part)}" style="flex:${Math.max(ms, all / 200)}"></i>`);
  return [
    section(
      "Where the time went",
      ["part", "took", "ends with"],
      split.map(({ part, ms, source }) => [escaped(part), `<span class="n">${duration(ms)}</span>`, escaped(source)]),
      `<div class="bar">${bars.join("")}</div>`,
    ),
  ];
}

export function seenRows(
  { diagnosis, confirmed: { facts }, price, alone }: Evidence,
  text: (value: unknown) => string = escaped,
): string[][] {
  const { vote, nearVote } = facts;
  const word = (seen: string, trouble: string | null | undefined) => text(trouble ? `${seen} (${trouble})` : seen);
  return [
    ["diagnosis", text(diagnosis.name)],
    ["probe in the recovery region", word(diagnosis.probe, vote?.primaryTrouble)],
    ...(nearVote ? [["probe in the primary's network", word(diagnosis.nearProbe, nearVote.primaryTrouble)]] : []),
    ["the standbys' links", text(diagnosis.link)],
    ["the move's own look", text(diagnosis.ownLook)],
    ["RDS said", text(alone.says)],
    ["waiting for RDS", text(alone.waiting)],
    ["price before the act", text(price.before.words)],
    ...(price.drained ? [["once all received was applied", text(price.drained.words)]] : []),
  ];
}

function section(title: string, heads: readonly string[], rows: readonly (readonly string[])[], before = ""): string {
  if (rows.length === 0) return "";
  const head = heads.map((each) => `<th>${each}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("");
  return `<h2>${title}</h2>${before}<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

function stepDetails(step: Step): string {
  const { name, atMs, endedAtMs, looks, seen, failed, calls } = step;
  const took = `${duration(endedAtMs - atMs)}${looks > 1 ? `, ${looks} looks` : ""}`;
  const rows = calls.map(
    (call) =>
      `<tr><td class="n wide">${clock(call.atMs)}</td><td><code>${escaped(`${call.service} ${call.operation}`)}</code> ${escaped(call.target ?? "")}</td><td class="wide">${escaped(call.region)}</td><td class="n">${duration(call.tookMs)}</td><td class="${call.answer === "ok" ? "ok" : "no"}">${escaped(answer(call))}</td></tr>`,
  );
  const table = rows.length === 0 ? "<p class='soft'>No call to AWS.</p>" : `<table>${rows.join("")}</table>`;
  const end = failed ? ' <span class="no">failed</span>' : "";
  return `<details><summary><span class="t">${clock(atMs)}</span> <b>${escaped(name)}</b>${end} <span class="soft">${escaped(took)}</span>${seen ? `<br>${escaped(seen)}` : ""}</summary>${table}</details>`;
}

export const answer = ({ answer: word, times, tries }: Call): string =>
  `${word}${times > 1 ? ` ×${times}` : ""}${tries > times ? `, ${tries} tries` : ""}`;
