/**
 * `npm run permissions`: rehearses everything in a lab and prints, function by function, which granted permissions were used and
 * which never. Exits non-zero on a wildcard, an unexplained star, a permission nobody uses and one that somebody lacks.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { readPlanFile } from "../infra/plan-file.ts";
import { type Proof, prove } from "../lab/permissions/least-privilege.ts";
import type { LoggedNote } from "../lab/permissions/notes.ts";
import { endWell } from "./endings.ts";
import { grantedBy, type Judged, judge } from "./granted.ts";
import { packageProduct } from "./package.ts";
import { rehearse } from "./rehearsal.ts";

const HELP = `npm run permissions -- [options]

  --plan FILE   the plan whose roles are looked at (recovery-plan.yml)
  --prove       takes each permission away, one at a time: something must be refused
  --log FILE    reads what a test run noted instead of rehearsing:
                UNDERSTUDY_PERMISSIONS_LOG=FILE npm test`;

await endWell(async (atEnd) => {
  const { values } = parseArgs({
    options: {
      plan: { type: "string", default: "recovery-plan.yml" },
      prove: { type: "boolean", default: false },
      log: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  if (values.log && values.prove) throw new Error("--prove needs a rehearsal: leave --log out.");
  const plan = readPlanFile(values.plan);
  const logged = values.log === undefined ? undefined : readLog(values.log);
  console.log(`Packaging ${values.plan} (serverless package)`);
  const packaged = await packageProduct(values.plan);

  let notes = logged ?? [];
  let proofs: Proof[] | undefined;
  if (!logged) {
    const lab = await rehearse(plan, packaged, (line) => console.log(`  ${line}`));
    atEnd(() => lab.close());
    notes = [...lab.permissions.notes.all];
    if (values.prove) proofs = await prove(lab.world, lab.permissions.notes.all);
  }

  const judged = judge(grantedBy(packaged), notes);
  console.log(page(judged));
  if (proofs) console.log(proofPage(proofs));

  const problems = judged.filter(({ problem }) => problem !== null).length;
  const unproven = proofs?.filter(({ refusal }) => refusal === undefined).length ?? 0;
  if (problems > 0) throw new Error(`${problems} of the permissions are not as they should be: see above, and infra/roles.ts.`);
  if (unproven > 0) throw new Error(`${unproven} permissions could be taken away unnoticed: see above.`);
});

function readLog(file: string): LoggedNote[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line, at) => {
    if (line === "") return [];
    try {
      return [JSON.parse(line) as LoggedNote];
    } catch (cause) {
      throw new Error(`${file}:${at + 1} is not JSON: expected the lines that UNDERSTUDY_PERMISSIONS_LOG leaves.`, { cause });
    }
  });
}

/** "MoveRole" is the function move's; the forwarder has a role and no function. */
function functionOf(role: string): string {
  return role.replace(/Role$/, "").toLowerCase();
}

function page(judged: readonly Judged[]): string {
  const width = Math.max(...judged.map(({ action }) => action.length));
  const roles = [...new Set(judged.map(({ role }) => role))];
  const lines = roles.flatMap((role) => {
    const own = judged.filter((grant) => grant.role === role);
    return ["", `${functionOf(role)} (${role})`, ...own.map((grant) => `  ${line(grant, width)}`)];
  });
  const used = judged.filter(({ times }) => times > 0).length;
  const stars = new Set(judged.filter(({ onEverything }) => onEverything).map(({ sid }) => sid));
  const sum = `${judged.length} permissions of ${roles.length} roles: ${used} used, ${judged.length - used} never. Wildcards: ${judged.filter(({ problem }) => problem?.startsWith("names")).length}. On everything: ${[...stars].join(", ") || "none"}.`;
  return [...lines, "", sum].join("\n");
}

function line({ action, sid, times, problem, reason }: Judged, width: number): string {
  const remark = problem ? `  <- ${problem}` : reason ? `  (${reason})` : "";
  return `${times > 0 ? "used " : "never"}  ${action.padEnd(width)}  ${sid}${remark}`;
}

function proofPage(proofs: readonly Proof[]): string {
  const proven = proofs.filter(({ refusal }) => refusal !== undefined);
  const rest = proofs.filter(({ refusal }) => refusal === undefined);
  return [
    `Taken away one at a time: ${proven.length} of ${proofs.length} permissions are missed by an AccessDenied that names role and action.`,
    ...rest.map(({ grant }) => `  nobody misses ${grant.action} (${grant.sid}) of ${grant.role}`),
    `For example: ${proven[0]?.refusal ?? "none"}`,
  ].join("\n");
}
