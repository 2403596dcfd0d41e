/**
 * What a plan must hold beyond its shape: names that must exist, things that must differ. Pure; returns every finding at once.
 */
import { hasRung, wrongLadder } from "../ladder.ts";
import { latchNames } from "../latch.ts";
import { bucketFindings } from "./check-buckets.ts";
import { keepFindings } from "./check-keep.ts";
import { excuseFindings, machineFindings } from "./check-machines.ts";
import { scheduleFindings } from "./check-schedule.ts";
import { siteFindings } from "./check-site.ts";
import { vaultFindings } from "./check-vault.ts";
import type { Member, Plan } from "./schema.ts";

export interface Finding {
  /** Where in the plan, as keys and indexes from the top. */
  readonly path: readonly (string | number)[];
  /** What was expected and what to do, in one sentence without the path. */
  readonly problem: string;
}

export function checkPlan(plan: Plan): Finding[] {
  const findings: Finding[] = [];
  const known = Object.keys(plan.databases);
  const find = (path: (string | number)[], problem: string) => findings.push({ path, problem });
  const mustBeKnown = (path: (string | number)[], name: string) => {
    if (!known.includes(name)) find(path, `unknown database "${name}", expected one of: ${known.join(", ")}`);
  };

  if (plan.regions.recovery === plan.regions.primary) {
    find(
      ["regions", "recovery"],
      `expected a region other than the primary's, ${plan.regions.primary}: a lost region would take its own rescue along`,
    );
  }

  const owners = new Map<string, string>();
  for (const [key, database] of Object.entries(plan.databases)) {
    const at = (...rest: string[]) => ["databases", key, ...rest];
    if (database.primary.region !== plan.regions.primary) {
      find(at("primary", "region"), `expected the primary region, ${plan.regions.primary}`);
    }
    const members: [path: (string | number)[], member: Member, role: string][] = [
      [["primary"], database.primary, "primary"],
      ...database.standbys.map((standby, index): (typeof members)[number] => [["standbys", index], standby, "standby"]),
    ];
    for (const [path, member, role] of members) {
      if (member.region !== plan.regions.primary && member.region !== plan.regions.recovery)
        find(
          ["databases", key, ...path, "region"],
          `expected one of the plan's regions, ${plan.regions.primary} or ${plan.regions.recovery}`,
        );
      else if (!member.cluster && !database.fenceSecurityGroups[member.region])
        find(at("fenceSecurityGroups"), `expected a security group for ${member.region}, where ${member.instance} runs`);
      const owner = owners.get(member.instance);
      if (owner)
        find(["databases", key, ...path, "instance"], `the instance "${member.instance}" is already ${owner}, expected another one`);
      else owners.set(member.instance, `the ${role} of ${key}`);
    }
    for (const [where, group] of Object.entries(database.drainSecurityGroups ?? {})) {
      if (group === database.fenceSecurityGroups[where])
        find(
          at("drainSecurityGroups", where),
          "expected another group than the fence's: that one admits nobody, this one Understudy's functions",
        );
    }
    if (database.restore && database.primary.cluster)
      find(at("restore"), "expected none: Understudy takes no backups of a cluster, so it restores none");
    for (const where of Object.keys(database.restore ?? {}))
      if (!database.primary.cluster && !database.drainSecurityGroups?.[where])
        find(at("restore", where), `expected a drainSecurityGroups entry for ${where} too: what is restored is verified through it`);
    if (plan.drills && !database.primary.cluster && !database.drainSecurityGroups?.[plan.regions.recovery])
      find(
        at("drainSecurityGroups"),
        `expected a security group for ${plan.regions.recovery}, where drills restore the newest copy, which Understudy's functions alone may reach`,
      );
    if (plan.backups.some((backup) => backup.database === key && backup.offsite) && !database.drainSecurityGroups?.[plan.regions.recovery])
      find(
        at("drainSecurityGroups"),
        `expected a security group for ${plan.regions.recovery}, where the newest copy is restored for offsite dumps, which Understudy's functions alone may reach`,
      );
    findings.push(...fenceFindings(key, database));
    const names = plan.records.filter((record) => record.database === key);
    if (names.length === 0)
      find(["records"], `no record names the database "${key}", expected one with "database: ${key}": clients could not follow it`);
    if (!database.primary.cluster && !plan.backups.some((backup) => backup.database === key))
      find(["backups"], `no backup of the database "${key}", expected one with "database: ${key}"`);
  }

  plan.records.forEach((record, index) => {
    mustBeKnown(["records", index, "database"], record.database);
    const first = plan.records.findIndex((other) => other.name === record.name);
    if (first !== index)
      find(["records", index, "name"], `a second record for "${record.name}" (the first is records[${first}]), expected each name once`);
    const ways = plan.records.filter((other) => other.database === record.database).map((other) => other.repoint ?? "record");
    if (ways[0] !== (record.repoint ?? "record"))
      find(["records", index, "repoint"], `expected "${ways[0]}", as the first record of "${record.database}" has it: they move together`);
    if (record.repoint === "latch") findings.push(...latchFindings(plan, index));
  });

  plan.backups.forEach((backup, index) => {
    mustBeKnown(["backups", index, "database"], backup.database);
    if (backup.copyTo === plan.regions.primary)
      find(["backups", index, "copyTo"], `expected a region other than the primary's, ${plan.regions.primary}`);
    if (backup.copyTo !== plan.regions.primary && backup.copyTo !== plan.regions.recovery) {
      find(["backups", index, "copyTo"], `expected the recovery region, ${plan.regions.recovery}`);
    }
    findings.push(...scheduleFindings(backup, index));
    const first = plan.backups.findIndex((other) => other.database === backup.database);
    if (first !== index)
      find(["backups", index, "database"], `a second backup of "${backup.database}" (the first is backups[${first}]), expected one each`);
  });

  findings.push(
    ...keepFindings(plan),
    ...machineFindings(plan),
    ...bucketFindings(plan),
    ...excuseFindings(plan),
    ...vaultFindings(plan),
    ...siteFindings(plan),
  );

  const { people = 1, from } = plan.approvals ?? {};
  from?.forEach((arn, index) => {
    if (!/^arn:[\w-]+:(iam::\d{12}:(user|role)|sts::\d{12}:assumed-role)\/\S+$/.test(arn))
      find(["approvals", "from", index], 'expected the ARN of an IAM user or role, like "arn:aws:iam::111122223333:user/alice"');
  });
  // A role may stand for many people, if Identity Center names its sessions.
  if (from && from.length < people && !from.some((arn) => arn.includes(":role/")))
    find(["approvals", "people"], `expected at most ${from.length}, as many as approvals.from names: nobody could approve anything`);

  plan.notify.email.forEach((address, index) => {
    if (plan.notify.email.indexOf(address) !== index)
      find(["notify", "email", index], `"${address}" stands here twice, expected each address once`);
  });
  return findings;
}

function fenceFindings(key: string, { failover, fenceParameterGroups = {}, primary, standbys }: Plan["databases"][string]): Finding[] {
  const at = (...rest: string[]) => ["databases", key, ...rest];
  const findings: Finding[] = [];
  const wrong = failover.fence ? wrongLadder(failover.fence) : null;
  if (wrong) findings.push({ path: at("failover", "fence"), problem: wrong });
  const readOnly = hasRung(failover, "read-only");
  const members = [primary, ...standbys].map(({ instance }) => instance);
  const groups = Object.entries(fenceParameterGroups);
  if (readOnly && !fenceParameterGroups[primary.instance])
    findings.push({
      path: at("failover", "fence"),
      problem: `"read-only" needs fenceParameterGroups to name the group that ${primary.instance} alone uses`,
    });
  if (!readOnly && groups.length > 0)
    findings.push({ path: at("fenceParameterGroups"), problem: 'expected "read-only" in failover.fence: nothing else uses these groups' });
  groups.forEach(([instance, group], index) => {
    if (!members.includes(instance))
      findings.push({
        path: at("fenceParameterGroups", instance),
        problem: `expected one of this database's instances: ${members.join(", ")}`,
      });
    const first = groups.findIndex(([, other]) => other === group);
    if (first !== index)
      findings.push({
        path: at("fenceParameterGroups", instance),
        problem: `expected another group than ${groups[first]?.[0]}'s: what makes one read-only would bind the other too`,
      });
  });
  return findings;
}

const MAX_LABEL = 63;

/** The latch needs names of its own beside the clients' name, and they must be free. */
function latchFindings(plan: Plan, index: number): Finding[] {
  const { name, database } = plan.records[index] as Plan["records"][number];
  const own = latchNames(name, 1 + (plan.databases[database]?.standbys.length ?? 0));
  const path = ["records", index, "name"];
  const long = own.find((each) => (each.split(".")[0] ?? "").length > MAX_LABEL);
  const taken = plan.records.find((other) => own.includes(other.name));
  return [
    ...(long
      ? [
          {
            path,
            problem: `expected a first label short enough for the latch's own names, like "${long}" (at most ${MAX_LABEL} characters)`,
          },
        ]
      : []),
    ...(taken ? [{ path, problem: `its latch needs the name "${taken.name}", which is another record of this plan` }] : []),
  ];
}
