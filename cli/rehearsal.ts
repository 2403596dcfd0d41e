/**
 * Everything the functions do, once, on purpose and in order: each of them on an empty bucket, a backup, a failover with a look in
 * between, a refusal, a status, a drill, a restore. For whoever wants to know what they need. Schedules never fire here: all waking is done by hand.
 * It ends at once when a role is refused anything.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseRecord } from "../core/facts.ts";
import type { Plan } from "../core/plan/schema.ts";
import { backupName, snapshotName } from "../core/slots.ts";
import { NEAR_PROBE } from "../infra/near-probe.ts";
import { OVERDUE } from "../infra/overdue.ts";
import { VAULT_TEMPLATE } from "../infra/vault-account.ts";
import { APP_GROUP, seedShop } from "../lab/estate.ts";
import { throwawayFolder } from "../lab/folder.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { endpoint, readJson, stateBucket, waitFor } from "../lab/look.ts";
import type { Note } from "../lab/permissions/notes.ts";
import { sentence } from "../lab/permissions/refusal.ts";
import { buildVault } from "../lab/vault.ts";
import { failedBackup, knownForDays, lists, uncopiedBackup } from "./rehearsal-backups.ts";
import { orderDrill, orderHold, orderRestore, orderRestoreAside, orderRestoreOut, orderTheMove } from "./rehearsal-orders.ts";

const NEVER_MS = 30 * 86_400_000;
/** So small that every durable function has to ask for the rest of its own story. */
const FIRST_PAGE = 2;
/** Longer than a first look, so that the move and the backup have to wait, and come back to a story of many steps. */
const SLOW_MS = 3_500;
const LONG_AGO = "20260101t0000";
const LATER = "20260101t0600";
const PATIENCE_MS = 120_000;

/** The lab it happened in, still up: its owner closes it. */
export async function rehearse(plan: Plan, packaged: string, say: (line: string) => void = () => {}): Promise<Lab> {
  const lab = await startLab({
    folder: throwawayFolder(),
    timings: { firstTickMs: NEVER_MS, dnsInsyncMs: SLOW_MS, copyMs: SLOW_MS },
    durableFirstPage: FIRST_PAGE,
  });
  const { notes } = lab.permissions;
  const played = play(lab, plan, packaged, say);
  // A refused function fails late or, like the one that mails, never: the refusal itself is the earliest sign.
  const ended = await Promise.race([
    played.then(
      () => null,
      (error: Error) => error,
    ),
    notes.firstRefusal,
  ]);
  const refusal = notes.all.find(({ allowed }) => !allowed);
  if (!ended && !refusal) return lab;
  await lab.close();
  throw refusal ? new Error(accessDenied(refusal)) : ended;
}

/** Names the role as the template does, then AWS's own sentence. */
const accessDenied = ({ role, action, resource, principal, because }: Note): string =>
  `AccessDenied: ${role} may not ${action} on ${resource}\n${sentence(principal, action, resource, because)}`;

async function play(lab: Lab, plan: Plan, packaged: string, say: (line: string) => void): Promise<void> {
  const region = plan.regions.recovery;
  const shops = await lab.estate(plan);
  for (const shop of shops) {
    const database = plan.databases[shop.name] as Plan["databases"][string];
    await seedShop(await endpoint(lab, plan.regions.primary, database.primary.instance), database.database, shop);
  }
  await lab.deploy(plan, packaged);
  if (plan.vault) await buildVault(lab, plan, JSON.parse(readFileSync(join(packaged, VAULT_TEMPLATE), "utf8")));
  const [name] = shops.map((shop) => shop.name) as [string];
  const database = plan.databases[name] as Plan["databases"][string];
  const bucket = await stateBucket(lab, region, `understudy-${plan.name}-watch`);
  const record = () => readJson<DatabaseRecord>(lab, region, bucket, `databases/${name}/record.json`);
  const mails = (words: string) => lab.mail.mails.filter((mail) => mail.subject.includes(words)).length;
  const until = <T>(what: string, look: () => Promise<T> | T) =>
    waitFor(what, PATIENCE_MS, () => {
      if (lab.world.closed) throw new Error(`the lab was closed before this: ${what}`);
      return look();
    }).catch((error: Error) => {
      const told = lab.mail.mails.filter(({ subject }) => !subject.startsWith("ALARM")).map(({ subject }) => subject);
      const failed = lab.mail.mails.findLast(({ subject }) => /FAILED|refused/.test(subject));
      const story = lab.world.story.filter(({ kind, what }) => kind === "durable" || (kind === "lab" && /fail/.test(what))).slice(-12);
      const lines = story.map(({ at, what }) => `${new Date(at).toISOString()} ${what}`);
      throw new Error([`${error.message}; mails: ${told.slice(-12).join("; ")}`, ...lines, failed?.text ?? ""].join("\n"), {
        cause: error,
      });
    });
  const told = (words: string) => until(`the mail "${words}"`, () => mails(words) > 0);

  const invoke = async (run: string, payload: object, more: object = {}, where = region) => {
    const FunctionName = `understudy-${plan.name}-${run}`;
    const answer = await lab.world.call(
      "lambda",
      "Invoke",
      { FunctionName, Payload: Buffer.from(JSON.stringify(payload)), ...more },
      { region: where },
    );
    if (answer.FunctionError) throw new Error(`${run} failed: ${Buffer.from(answer.Payload).toString("utf8")}`);
  };
  const durably = (run: string, as: string, payload: object) =>
    invoke(run, payload, { Qualifier: "durable", InvocationType: "Event", DurableExecutionName: as });
  /** Each function in turn is the first to come: it finds no record and makes it. */
  const first = () => lab.world.call("s3", "DeleteObject", { Bucket: bucket, Key: `databases/${name}/record.json` }, { region });

  /** A failback is ordered and claimed, and what was seen of the branch at the failover is forgotten. */
  const unclear = async () => {
    const now = (await record()) as DatabaseRecord;
    const { generation, attempts, standbys } = now;
    const [target] = standbys as [string];
    const order = {
      id: "rehearsal",
      verb: "failback",
      target,
      overrides: [],
      reason: "a rehearsal",
      by: "nobody",
      atMs: Date.now(),
      generation,
    };
    const execution = `move-${name}-g${generation}-a${attempts + 1}`;
    const claim = {
      execution,
      attempt: attempts + 1,
      kind: "failback",
      target,
      takenAtMs: Date.now(),
      stage: "claimed",
      network: null,
      rule: 403,
      sentence: "",
      order,
    };
    const retired = now.retired.map((each) => ({ ...each, branchedAt: null }));
    const Body = Buffer.from(JSON.stringify({ ...now, attempts: attempts + 1, claim, retired }));
    await lab.world.call("s3", "PutObject", { Bucket: bucket, Key: `databases/${name}/record.json`, Body }, { region });
  };

  say("the primary has a parameter group, a tag and an alarm of its own; status and watch come first");
  await furnish(lab, plan, database.primary.instance, database.engine);
  for (const run of ["status", "watch"]) {
    await first();
    await invoke(run, {});
  }
  const backedUp = plan.backups.some((backup) => backup.database === name);
  if (backedUp) {
    say("a backup of long ago comes first");
    await first();
    await durably("backup", backupName(name, LONG_AGO), { database: name, slot: LONG_AGO });
    await told("backup done");
  }
  say("what the primary has around it is noted; a backup, from the snapshot's schedule");
  await first();
  await invoke("snapshot", {});
  if (backedUp) {
    await until("the second backup", () => mails("backup done") > 1);
    await invoke("snapshot", {});
  }
  const vaulted = plan.backups.some((backup) => backup.database === name && backup.vault);
  if (vaulted) {
    say("the backups go into the vault, the oldest first");
    await told("a copy is in the vault");
  }
  await until("the note", () => readJson(lab, region, bucket, `databases/${name}/baseline.json`));
  if (backedUp && plan.backups.some(({ keep }) => keep)) {
    say(
      "one more backup has failed: what is kept is looked through, and that one is deleted; the dead man's check looks; a person holds the oldest",
    );
    const failed = failedBackup(lab, plan, name, LONG_AGO);
    await invoke("retain", {});
    await until("the failed backup to be gone", async () => !(await lists(lab, plan.regions.primary, failed)));
    say("another one was never copied, for two days: its copy is tried again");
    const uncopied = uncopiedBackup(lab, plan, name, LONG_AGO);
    await invoke("retain", {});
    await knownForDays(lab, region, bucket, name, uncopied);
    await invoke("retain", {});
    await until("its copy", () => lists(lab, region, uncopied));
    say("somebody deletes the copy of the oldest: people are told");
    await lab.world.call("rds", "DeleteDBSnapshot", { DBSnapshotIdentifier: snapshotName(name, LONG_AGO) }, { region });
    await invoke("retain", {});
    await told("backups need you");
    await invoke(OVERDUE, {}, {}, plan.regions.primary);
    await orderHold(lab, plan, name, snapshotName(name, LONG_AGO), (payload) => invoke("order", payload));
    if (vaulted) {
      say("that one is restored beside the primary, out of the vault");
      await orderRestoreOut(lab, plan, name, snapshotName(name, LONG_AGO), (payload) => invoke("order", payload));
      await told("restored beside");
    }
  }
  if (database.engine === "postgres") {
    say("the primary is restored beside itself, as late as its automated backups go");
    const before = mails("restored beside");
    await orderRestoreAside(lab, plan, name, (payload) => invoke("order", payload));
    await until("the restore's end", () => mails("restored beside") > before);
  }
  say("a move that nobody claimed is refused");
  await first();
  await durably("move", `move-${name}-g1-a9`, { kind: "failover", database: name, generation: 1, attempt: 9 });
  await told("failover called off");

  say("a site that the plan does not have is ordered away");
  await durably("site", "site-nobody-g1-a1", { site: "nobody", generation: 1, attempt: 1 });

  say("somebody pauses automation");
  await first();
  await invoke("order", { verb: "pause", id: "rehearsalpause", database: name, minutes: 5, reason: "a rehearsal" });
  await told("order taken");

  say("a person orders that very move, and sends the order twice; it has ended before, so nothing moves");
  await first();
  await invoke("order", { verb: "requests" });
  const fresh = { ...(await record()), attempts: 8 };
  await lab.world.call(
    "s3",
    "PutObject",
    { Bucket: bucket, Key: `databases/${name}/record.json`, Body: Buffer.from(JSON.stringify(fresh)) },
    { region },
  );
  await orderTheMove(lab, plan, name, (payload) => invoke("order", payload));
  await invoke("order", { verb: "requests" });
  if ((await record())?.claim?.execution !== `move-${name}-g1-a9`) throw new Error(`the order of ${name} was not claimed`);

  say("the probe watches");
  await first();
  await invoke("probe", {}, { InvocationType: "Event" });
  const vote = () =>
    readJson<{ primarySeen: string; linkSeen: string; lagSeconds: number | null }>(lab, region, bucket, `databases/${name}/vote.json`);
  await until("the probe's votes to be well", async () => {
    const seen = await vote();
    return seen?.primarySeen === "alive" && seen.linkSeen === "streaming" && seen.lagSeconds !== null;
  });
  if (plan.network.primary) {
    say("the near probe watches too");
    await invoke(NEAR_PROBE, {}, { InvocationType: "Event" }, plan.regions.primary);
    await until("the near probe's first vote", () => readJson(lab, region, bucket, `databases/${name}/vote-near.json`));
  }
  say("the primary is killed; the probe wakes the watcher, the watcher starts the move");
  await lab.rds.faults.kill(plan.regions.primary, database.primary.instance);
  await until("a claim", async () => (await record())?.claim);
  await invoke("watch", { database: name });
  await until("the move's end", async () => (await record())?.generation === 2);
  await told("failover done");
  await told("protections restored");

  say("a new standby follows; the way back is refused: nobody knows what the old primary holds alone, so a snapshot keeps it");
  await told("standby rebuilt");
  // It looks through a whole minute; one at a time is enough.
  await invoke("probe", {}, { InvocationType: "Event" });
  await waitFor("the new standby's link", PATIENCE_MS, async () => (await vote())?.linkSeen === "streaming");
  await unclear();
  await invoke("watch", { database: name });
  await told("failback called off");
  say("somebody opens the old primary: it is closed again");
  const rds = (operation: string, input: object) => lab.world.call("rds", operation, input, { region: plan.regions.primary });
  const old = { DBInstanceIdentifier: database.primary.instance };
  await until("the old primary to be available", async () => {
    const { DBInstances } = await rds("DescribeDBInstances", old);
    return DBInstances[0].DBInstanceStatus === "available";
  });
  await rds("ModifyDBInstance", { ...old, VpcSecurityGroupIds: [APP_GROUP], ApplyImmediately: true });
  await until("the fence to be closed", async () => {
    await invoke("watch", { database: name });
    return mails("an old primary is fenced") > 0;
  });

  say("somebody reads the evidence of the first move");
  await invoke("status", { evidence: name });

  say("the new primary is lost too: refused");
  const asked = mails("needs you");
  await lab.rds.faults.kill(plan.regions.primary, String(database.standbys[0]?.instance));
  await until("the votes to turn again", async () => (await vote())?.primarySeen === "lost");
  await until("a refusal's mail", async () => {
    await invoke("watch", { database: name });
    return mails("needs you") > asked;
  });
  await invoke("status", {});
  const { generation } = (await record()) as DatabaseRecord;
  say(
    "the newest copy is drilled: it is from before the first heartbeat, and the drill says so; then it is restored and takes the primary's place",
  );
  await orderDrill(lab, plan, name, (payload) => invoke("order", payload));
  await told("drill FAILED");
  await orderRestore(lab, plan, name, generation, (payload) => invoke("order", payload));
  await until("the restored instance to be the primary", async () => (await record())?.generation === generation + 1);
  await told("restore done");
  if (backedUp) {
    say("the primary runs in the recovery region now, and is backed up there");
    const done = mails("backup done");
    await durably("backup", backupName(name, LATER), { database: name, slot: LATER });
    await until("a backup from there", () => mails("backup done") > done);
  }
}

/** What a promotion loses, and the standby never had. */
async function furnish(lab: Lab, plan: Plan, instance: string, engine: string): Promise<void> {
  const region = plan.regions.primary;
  const rds = (operation: string, input: object) => lab.world.call("rds", operation, input, { region });
  const { DBEngineVersions } = await rds("DescribeDBEngineVersions", { Engine: engine, DefaultOnly: true });
  const DBParameterGroupName = `${instance}-own`;
  const DBParameterGroupFamily = DBEngineVersions[0].DBParameterGroupFamily;
  await rds("CreateDBParameterGroup", { DBParameterGroupName, DBParameterGroupFamily, Description: "The primary's own" });
  await rds("ModifyDBInstance", { DBInstanceIdentifier: instance, DBParameterGroupName });
  const ResourceName = `arn:aws:rds:${region}:${lab.world.account}:db:${instance}`;
  await rds("AddTagsToResource", { ResourceName, Tags: [{ Key: "team", Value: "shop" }] });
  const alarm = {
    AlarmName: `${instance}-cpu`,
    Namespace: "AWS/RDS",
    MetricName: "CPUUtilization",
    Dimensions: [{ Name: "DBInstanceIdentifier", Value: instance }],
    Statistic: "Average",
    Period: 60,
    EvaluationPeriods: 5,
    Threshold: 90,
    ComparisonOperator: "GreaterThanThreshold",
  };
  await lab.world.call("monitoring", "PutMetricAlarm", alarm, { region });
}
