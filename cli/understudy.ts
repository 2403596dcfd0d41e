/** `npm run understudy -- VERB NAME`: a person's orders to the deployed Understudy. Ends with 1 when an order is refused. */
import { parseArgs } from "node:util";
import { approveCommand } from "../core/commands.ts";
import { readPlanFile } from "../infra/plan-file.ts";
import type { FoundEvidence } from "../runbooks/evidence-found.ts";
import { endWell } from "./endings.ts";
import { backupsPage, findBackups } from "./operator/backups.ts";
import { bucketPage, findBucket } from "./operator/bucket.ts";
import { askCost, costPage } from "./operator/cost.ts";
import { explainDecision, explainPage, replayDecisions, replayPage } from "./operator/decisions.ts";
import { Door } from "./operator/door.ts";
import { evidenceText } from "./operator/evidence.ts";
import { findSet, machinePage } from "./operator/machine.ts";
import { answerPage, requestsPage, statusPage } from "./operator/pages.ts";
import { HELP, helpOf, optionsOf, VERBS } from "./operator/verbs.ts";

await endWell(async () => {
  const [name, ...rest] = process.argv.slice(2);
  if (name === undefined || name === "--help") return console.log(HELP);
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (!verb) throw new Error(`"${name}" is no verb: expected one of ${Object.keys(VERBS).join(", ")}.`);
  const { values, positionals } = parseArgs({ args: rest, options: optionsOf(verb), allowPositionals: true });
  if (values.help) return console.log(helpOf(name, verb));
  const [subject, ...more] = positionals;
  const takes = verb.subject.split(" ").length;
  if (positionals.length > takes || (subject !== undefined && verb.subject === "") || (subject === undefined && /^\w/.test(verb.subject)))
    throw new Error(`Expected: npm run understudy -- ${name} ${verb.subject}. See --help.`);

  const plan = readPlanFile(String(values.plan ?? "recovery-plan.yml"));
  const door = new Door(plan);
  const print = (answer: unknown, page: () => string) => console.log(values.json ? JSON.stringify(answer) : page());
  if (name === "status") {
    const status = await door.invoke("status", {});
    return print(status, () => statusPage(status as Parameters<typeof statusPage>[0]));
  }
  if (name === "evidence") {
    const [execution] = more;
    const found = (await door.invoke("status", { evidence: subject, ...(execution ? { execution } : {}) })) as FoundEvidence;
    if (!found.evidence) process.exitCode = 1;
    return print(found, () => evidenceText(found));
  }
  if (name === "backups") {
    const found = await findBackups(plan, subject ?? "", Date.now());
    return print(found, () => backupsPage(found));
  }
  if (name === "machine") {
    const found = await findSet(plan, subject ?? "", values.set as string | undefined);
    return print(found, () => machinePage(found));
  }
  if (name === "bucket") {
    const found = await findBucket(plan, subject ?? "");
    return print(found, () => bucketPage(found));
  }
  if (name === "cost") {
    const cost = askCost(plan, values as Record<string, string>);
    return print(cost, () => costPage(cost));
  }
  const text = (option: string) => values[option] as string | undefined;
  if (name === "explain") {
    const explained = await explainDecision(plan, subject ?? "", text("at"));
    return print(explained, () => explainPage(explained));
  }
  if (name === "replay") {
    const other = text("policy");
    if (other === undefined) throw new Error("Expected: --policy FILE, the plan whose policy is tried. See --help.");
    const replayed = await replayDecisions(plan, subject ?? "", readPlanFile(other), text("from"), text("until"));
    return print(replayed, () => replayPage(replayed));
  }
  if (verb.order === null) {
    const list = await door.requests(subject ?? null);
    return print(list, () => requestsPage(list, approveCommand));
  }
  const answer = await door.order(await verb.order(subject ?? "", values as Record<string, string>, door));
  print(answer, () => answerPage(answer));
  if (!answer.accepted) process.exitCode = 1;
});
