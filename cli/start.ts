/**
 * `npm start`, the main job: a shop with a client that never stops writing, a scheduled backup, a killed primary, a failover that
 * happens by itself, and a report. Exits non-zero if anything promised did not happen.
 */
import { parseArgs } from "node:util";
import type { DatabaseRecord } from "../core/facts.ts";
import type { Plan } from "../core/plan/schema.ts";
import { readPlanFile } from "../infra/plan-file.ts";
import { engineNamed } from "../lab/engines/engines.ts";
import { type ShopDatabase, seedShop } from "../lab/estate.ts";
import { keptFolder } from "../lab/folder.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { endpoint, readJson, snapshots, stateBucket, waitFor } from "../lab/look.ts";
import { lookUp } from "../lab/shop/lookup.ts";
import { countLost } from "../lab/shop/orders.ts";
import { Traffic } from "../lab/shop/traffic.ts";
import { endWell } from "./endings.ts";
import { planWithEngine } from "./engine.ts";
import { packageProduct } from "./package.ts";
import { outageSeconds, type Report, writeReport } from "./report.ts";
import { storyLine } from "./story.ts";
import { Timeline } from "./timeline.ts";

const HELP = `npm start -- [options]

  --plan FILE     your own plan (recovery-plan.yml is the example)
  --engine NAME   postgres or mariadb, whatever the plan says`;

const TICK_MS = 20;
const BACKUP_PATIENCE_MS = 60_000;
const MOVE_PATIENCE_MS = 90_000;

await endWell(async (atEnd) => {
  const { values } = parseArgs({
    options: {
      plan: { type: "string", default: "recovery-plan.yml" },
      engine: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const planFile = planWithEngine(values.plan, values.engine);
  const plan = readPlanFile(planFile);
  // A server that is not on this machine is said before anything begins.
  for (const { engine } of Object.values(plan.databases)) await engineNamed(engine).version();
  let traffic: Traffic | undefined;
  const timeline = new Timeline(() => statusOf(traffic));
  atEnd(() => timeline.close());

  timeline.say(`Packaging ${planFile} (serverless package)`);
  const packaged = await packageProduct(planFile);
  timeline.say("Starting the lab: a local AWS with two regions");
  const lab = await startLab({ folder: await keptFolder({ fresh: true }) });
  atEnd(() => lab.close());
  const [name, access] = await build(lab, plan, timeline);
  await lab.deploy(plan, packaged);
  timeline.say("Understudy is deployed; its schedules, alarms and rules are live", "good");
  lab.world.on("story", (event) => {
    const line = storyLine(event);
    if (line) timeline.say(line.text, line.kind, event.at);
  });

  const database = plan.databases[name] as Plan["databases"][string];
  const record = plan.records.find((entry) => entry.database === name) as Plan["records"][number];
  const dns = { host: "127.0.0.1", port: lab.dns.port };
  traffic = new Traffic({
    dns,
    engine: access.engine,
    name: record.name,
    port: database.port,
    database: database.database,
    username: access.username,
    password: access.password,
    tickMs: TICK_MS,
  });
  const running = traffic;
  atEnd(() => running.stop());
  timeline.say(`The shop's client writes an order every ${TICK_MS} ms to ${record.name}`);

  const promises: [string, boolean][] = [];
  const promise = async (words: string, patienceMs: number, look: () => unknown): Promise<boolean> => {
    const kept = await waitFor(words, patienceMs, async () => Boolean(await look())).catch(() => false);
    promises.push([words, kept]);
    if (!kept) timeline.say(`Did not happen: ${words}`, "bad");
    return kept;
  };
  const bucket = await stateBucket(lab, plan.regions.recovery, `understudy-${plan.name}-watch`);
  const onRecord = () => readJson<DatabaseRecord>(lab, plan.regions.recovery, bucket, `databases/${name}/record.json`);
  const mailed = (words: string) =>
    plan.notify.email.every((address) => lab.mail.mails.some((mail) => mail.subject.includes(words) && mail.to.includes(address)));

  await promise("a scheduled backup finished and its copy arrived in the recovery region", BACKUP_PATIENCE_MS, async () => {
    const found = await snapshots(lab, [plan.regions.primary, plan.regions.recovery]);
    return [plan.regions.primary, plan.regions.recovery].every((region) =>
      found.some((it) => it.region === region && it.status === "available"),
    );
  });
  await promise("the backup was told to everybody in the plan", BACKUP_PATIENCE_MS, () => mailed("backup done"));
  await promise("the probe watches and the standby follows", BACKUP_PATIENCE_MS, async () => {
    const vote = await readJson<{ primarySeen: string; linkSeen: string; lagSeconds: number | null }>(
      lab,
      plan.regions.recovery,
      bucket,
      `databases/${name}/vote.json`,
    );
    return vote?.primarySeen === "alive" && vote.linkSeen === "streaming" && vote.lagSeconds !== null;
  });

  const before = await lookUp(dns, record.name);
  const killedAtMs = Date.now();
  await lab.rds.faults.kill(plan.regions.primary, database.primary.instance);
  const moved = await promise(
    "the move ended by itself and raised the generation",
    MOVE_PATIENCE_MS,
    async () => (await onRecord())?.generation === 2,
  );
  const wrote = await promise(
    "the client writes again through the same name",
    30_000,
    () => running.firstAfter(killedAtMs + 1) && running.last?.address !== before?.address,
  );
  await promise("the failover was told to everybody in the plan", 30_000, () => mailed("failover done"));
  await running.stop();

  const after = await lookUp(dns, record.name);
  const evidence = await readJson<Evidence>(lab, plan.regions.recovery, bucket, `evidence/${name}/move-${name}-g1-a1.json`);
  const primaryNow = (await onRecord())?.primary ?? database.primary.instance;
  const lost = moved
    ? await countLost(
        await endpoint(lab, plan.regions.primary, primaryNow),
        database.database,
        access,
        running.acknowledged.map((one) => one.order),
      )
    : [];
  promises.push(["no acknowledged row was lost", moved && lost.length === 0]);

  const report: Report = {
    plan: plan.name,
    database: name,
    name: record.name,
    killedAtMs,
    stages: stages(evidence, wrote ? (running.firstAfter(killedAtMs + 1)?.atMs ?? null) : null, votesTurnedAt(lab, killedAtMs)),
    acknowledged: running.acknowledged.length,
    lost,
    troubles: running.troubles.length,
    rule: evidence?.confirmed.rule ?? null,
    sentence: evidence?.confirmed.sentence ?? null,
    dnsBefore: before && `${before.address}  (${database.primary.instance})`,
    dnsAfter: after && `${after.address}  (${primaryNow})`,
    backups: await snapshots(lab, [plan.regions.primary, plan.regions.recovery]),
    mails: lab.mail.mails
      .filter((mail) => !/confirm/i.test(mail.subject))
      .flatMap((mail) => mail.to.map((to) => ({ to, subject: mail.subject, atMs: mail.at }))),
    promises,
  };
  timeline.close();
  console.log(writeReport(report));
  const broken = promises.filter(([, kept]) => !kept).length;
  if (broken > 0 || outageSeconds(report) === null) throw new Error(`${broken} of ${promises.length} promises were not kept.`);
  console.log(`The world is kept in ${lab.world.dir}; open it again with: npm run lab -- --resume`);
});

/** The plan's databases as the lab makes them; the story is told about the first one. */
async function build(lab: Lab, plan: Plan, timeline: Timeline): Promise<[name: string, access: ShopDatabase]> {
  const shops = await lab.estate(plan);
  for (const shop of shops) {
    const database = plan.databases[shop.name] as Plan["databases"][string];
    const rows = await seedShop(await endpoint(lab, plan.regions.primary, database.primary.instance), database.database, shop);
    timeline.say(
      `${shop.name}: ${database.primary.instance} with ${database.standbys.map(({ instance, region }) => `its standby ${instance} in ${region}`).join(" and ")}, ${rows} products`,
    );
  }
  const [first] = shops;
  if (!first) throw new Error("the plan has no database");
  return [first.name, first];
}

interface Evidence {
  readonly confirmed: {
    readonly rule: number;
    readonly sentence: string;
    readonly facts: { readonly record: { readonly claim: { readonly takenAtMs: number } } };
  };
  readonly fenced: { readonly atMs: number };
  readonly promoted: { readonly atMs: number };
  readonly repointed: { readonly atMs: number };
}

function stages(evidence: Evidence | null, firstWriteAtMs: number | null, turnedAtMs: number | null): Report["stages"] {
  // The client may write before the move has looked: then the name was repointed by then.
  const repointed = evidence && Math.min(evidence.repointed.atMs, firstWriteAtMs ?? Number.POSITIVE_INFINITY);
  return [
    ["detect", turnedAtMs ?? evidence?.confirmed.facts.record.claim.takenAtMs ?? null],
    ["decide", evidence?.confirmed.facts.record.claim.takenAtMs ?? null],
    ["fence", evidence?.fenced.atMs ?? null],
    ["promote", evidence?.promoted.atMs ?? null],
    ["repoint", repointed],
    ["first good write", firstWriteAtMs],
  ];
}

/** When the probe said that its votes had turned; null when another way woke the watcher. */
function votesTurnedAt(lab: Lab, afterMs: number): number | null {
  return lab.world.story.find((event) => event.at > afterMs && event.kind === "log" && event.what.includes('"votes turned"'))?.at ?? null;
}

function statusOf(traffic: Traffic | undefined): string {
  if (!traffic) return "…";
  const sinceMs = Date.now() - (traffic.last?.atMs ?? Date.now());
  const silent = sinceMs > 500 ? `, no write for ${(sinceMs / 1000).toFixed(1)} s` : "";
  return `${traffic.acknowledged.length} orders acknowledged by ${traffic.last?.address ?? "nobody yet"}${silent}`;
}
