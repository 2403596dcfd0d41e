/** `npm run lab`: a local AWS with the plan's shop and Understudy deployed, until Ctrl-C. */
import { parseArgs } from "node:util";
import type { Plan } from "../core/plan/schema.ts";
import { readPlanFile } from "../infra/plan-file.ts";
import { SECOND_ACCOUNT } from "../lab/accounts.ts";
import { userKeyFor } from "../lab/cloud/iam.ts";
import { engineNamed } from "../lab/engines/engines.ts";
import { keptFolder, throwawayFolder } from "../lab/folder.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { endWell } from "./endings.ts";
import { packageProduct } from "./package.ts";

const HELP = `npm run lab -- [options]

  --plan FILE   the plan to build and deploy (recovery-plan.yml)
  --port N      the AWS endpoint's port (a free one)
  --resume      go on with the world the last npm start left
  --empty       services only: no shop, nothing deployed
  --json        print ports and ids as one line, for scripts`;

await endWell(async (atEnd, stopped) => {
  const { values } = parseArgs({
    options: {
      plan: { type: "string", default: "recovery-plan.yml" },
      port: { type: "string", default: "0" },
      resume: { type: "boolean", default: false },
      empty: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port is "${values.port}", expected a number from 0 to 65535.`);
  const say = (line: string) => {
    if (!values.json) console.log(line);
  };

  const plan = readPlanFile(values.plan);
  const folder = values.resume ? await keptFolder({ fresh: false }) : throwawayFolder();
  const lab = await startLab({ folder, port, resume: values.resume });
  atEnd(() => lab.close());
  if (!values.resume && !values.empty) {
    // A server that cannot run on this machine is said before anything is made.
    for (const { engine } of Object.values(plan.databases)) await engineNamed(engine).version();
    say("Packaging (serverless package) …");
    const packaged = await packageProduct(values.plan);
    say("Building the shop: databases, standby, name, credentials …");
    await lab.estate(plan);
    await lab.deploy(plan, packaged);
  }
  console.log(values.json ? JSON.stringify(facts(lab, plan.regions)) : welcome(lab, plan, values.empty));
  await stopped;
  say("\nStopping …");
});

function facts(lab: Lab, regions: { primary: string; recovery: string }): Record<string, unknown> {
  return {
    endpoint: lab.wire.url,
    port: lab.wire.port,
    dns: lab.dns.port,
    smtp: lab.mail.port,
    account: lab.world.account,
    regions,
    folder: lab.world.dir,
    pid: process.pid,
  };
}

function welcome(lab: Lab, plan: Plan, empty: boolean): string {
  const { primary, recovery } = plan.regions;
  return `
The lab is up: account ${lab.world.account}, every service and region on one port.

  export AWS_ACCESS_KEY_ID=lab AWS_SECRET_ACCESS_KEY=lab
  aws --endpoint-url ${lab.wire.url} --region ${primary} rds describe-db-instances
  aws --endpoint-url ${lab.wire.url} --region ${recovery} rds describe-db-snapshots
  aws --endpoint-url ${lab.wire.url} --region ${recovery} lambda list-functions

A second account, ${SECOND_ACCOUNT}, with stores of its own (any twelve digits are an account's key):

  export AWS_ACCESS_KEY_ID=${SECOND_ACCOUNT} AWS_SECRET_ACCESS_KEY=lab

Two people, to order and approve as (npm run understudy -- --help):

${["alice", "bob"].map((name) => personLine(lab, name)).join("\n")}

Break things:

${breaking(lab.wire.url, empty ? undefined : Object.values(plan.databases)[0]?.primary)}

  DNS   127.0.0.1:${lab.dns.port}     mails   127.0.0.1:${lab.mail.port} (SMTP)
  files ${lab.world.dir}

Ctrl-C stops it.`;
}

/** A user's key, to be put before a command. */
function personLine(lab: Lab, name: string): string {
  const { accessKeyId, secretAccessKey } = userKeyFor(lab.world, name);
  return `  ${name}: AWS_ENDPOINT_URL=${lab.wire.url} AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey}`;
}

/** Lines that break a running lab, ready to be pasted into another terminal. */
function breaking(endpoint: string, primary: { region: string; instance: string } | undefined): string {
  const database = primary ? `--region ${primary.region} --instance ${primary.instance}` : "";
  const lines = [
    ...(primary ? [`databaseKilled ${database}`, `databasePartitioned ${database} --from probe`] : []),
    "throttle --service rds --rate 0.3 --forMs 60000",
    "eventLost --source aws.rds",
    "list",
    "clear",
    "--help",
  ];
  return lines.map((line) => `  npm run fault -- ${line}${line === "--help" ? "" : ` --endpoint ${endpoint}`}`).join("\n");
}
