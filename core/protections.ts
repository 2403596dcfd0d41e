/**
 * What guards a primary besides its standby: backups, a second zone, protection against deletion, parameters, tags. A promoted replica
 * lacks most of it (RDS User Guide, working with read replicas). Compares what the old primary had with what the new one has, and never
 * makes anything weaker than it is. Asks nobody, changes nothing; alarms are compared in alarm-copies.ts.
 */
import type { Alarm } from "./alarm-copies.ts";
import { isWithin, readWindow, WINDOW } from "./plan/window.ts";

/** As RDS describes them. null: not said. */
export interface Protections {
  readonly backupRetentionDays: number | null;
  /** Like "03:00-03:30", UTC. */
  readonly backupWindow: string | null;
  /** Like "sun:05:00-sun:06:00", UTC. */
  readonly maintenanceWindow: string | null;
  readonly multiAz: boolean | null;
  readonly deletionProtection: boolean | null;
  readonly parameterGroup: string | null;
  readonly copyTagsToSnapshot: boolean | null;
  /** How far storage grows by itself; null where it does not. */
  readonly storageLimitGb: number | null;
  readonly performanceInsights: boolean | null;
  /** Of enhanced monitoring; 0 is off. */
  readonly monitoringSeconds: number | null;
  readonly iamAuthentication: boolean | null;
  readonly logExports: readonly string[];
}

/** What the primary had when all was well: kept in the recovery region, so that a dark region does not hide it. */
export interface Baseline {
  readonly instance: string;
  readonly region: string;
  readonly atMs: number;
  readonly protections: Protections;
  readonly tags: Readonly<Record<string, string>>;
  /** Those that watch the instance; null when CloudWatch did not say. */
  readonly alarms: readonly Alarm[] | null;
}

/** The new primary as it is. */
export interface Held {
  readonly instance: string;
  readonly region: string;
  readonly arn: string;
  readonly status: string;
  readonly protections: Protections;
  readonly tags: Readonly<Record<string, string>>;
  readonly storageGb: number | null;
  /** What RDS has been asked for and has not done yet, by RDS's names. */
  readonly pending: readonly string[];
}

/** What Understudy changes by itself: none of it interrupts the instance. */
export type Changes = Partial<
  Pick<
    Protections,
    | "backupRetentionDays"
    | "backupWindow"
    | "maintenanceWindow"
    | "multiAz"
    | "deletionProtection"
    | "parameterGroup"
    | "copyTagsToSnapshot"
    | "storageLimitGb"
  >
>;

export interface Mend {
  readonly change: Changes;
  /** What it becomes, for a person: "backups kept for 14 days, were 7". */
  readonly sentence: string;
}

export const settingOf = (mend: Mend): string => Object.keys(mend.change)[0] as string;

export interface Differences {
  readonly mend: readonly Mend[];
  /** What a person has to do, each a sentence with the reason. */
  readonly person: readonly string[];
}

export function compareProtections(had: Baseline, now: Held, atMs: number): Differences {
  const mend: Mend[] = [];
  const person: string[] = [];
  const [was, is] = [had.protections, now.protections];
  const by = (change: Changes, sentence: string) => mend.push({ change, sentence });
  const cli = (options: string) => `aws rds modify-db-instance --region ${now.region} --db-instance-identifier ${now.instance} ${options}`;

  if (was.backupRetentionDays !== null && is.backupRetentionDays !== null && was.backupRetentionDays > is.backupRetentionDays) {
    const days = was.backupRetentionDays;
    if (is.backupRetentionDays > 0) by({ backupRetentionDays: days }, `backups are kept for ${days} days, were ${is.backupRetentionDays}`);
    else
      person.push(
        `Automated backups are off (${had.instance} kept ${days} days); turning them on interrupts the instance: ${cli(`--backup-retention-period ${days} --apply-immediately`)}`,
      );
  }
  if (was.backupWindow && is.backupWindow && was.backupWindow !== is.backupWindow)
    by({ backupWindow: was.backupWindow }, `the backup window is ${was.backupWindow}, was ${is.backupWindow}`);
  const window = was.maintenanceWindow;
  if (window && is.maintenanceWindow && window !== is.maintenanceWindow) {
    if (isOpen(window, atMs))
      person.push(
        `The maintenance window ${window} of ${had.instance} is open now, and moving into it may reboot the instance; later: ${cli(`--preferred-maintenance-window ${window}`)}`,
      );
    else by({ maintenanceWindow: window }, `the maintenance window is ${window}, was ${is.maintenanceWindow}`);
  }
  if (was.multiAz && is.multiAz === false) {
    const others = now.pending.filter((name) => name !== "MultiAZ");
    // What is asked for "immediately" takes everything along that waits for its window, and that may restart the instance.
    if (others.length > 0)
      person.push(
        `It has no standby in a second zone; asking for one now would also carry out what is pending (${others.join(", ")}): ${cli("--multi-az --apply-immediately")}`,
      );
    else by({ multiAz: true }, "it has a standby in a second zone (Multi-AZ), had none");
  }
  if (was.deletionProtection && is.deletionProtection === false)
    by({ deletionProtection: true }, "it is protected against deletion, was not");
  if (was.copyTagsToSnapshot && is.copyTagsToSnapshot === false)
    by({ copyTagsToSnapshot: true }, "its tags are copied to snapshots, were not");
  const group = was.parameterGroup;
  if (group && is.parameterGroup && group !== is.parameterGroup && !isDefault(group)) {
    // In another region a group that is not the default was chosen for that region.
    if (had.region === now.region || isDefault(is.parameterGroup))
      by(
        { parameterGroup: group },
        `the parameter group is ${group}, was ${is.parameterGroup}; what is static in it waits for a reboot, which Understudy leaves to you`,
      );
    else
      person.push(`It keeps its own parameter group ${is.parameterGroup}; ${had.instance} had ${group} in ${had.region}: compare the two.`);
  }
  const limit = was.storageLimitGb;
  if (limit !== null && limit > (is.storageLimitGb ?? 0)) {
    if (now.storageGb !== null && limit > now.storageGb)
      by(
        { storageLimitGb: limit },
        `its storage may grow to ${limit} GB by itself, ${is.storageLimitGb === null ? "could not grow" : `was ${is.storageLimitGb} GB`}`,
      );
    else
      person.push(
        `Its storage does not grow by itself, and ${had.instance}'s limit of ${limit} GB is not above what it has: choose a new limit.`,
      );
  }
  // These need a role or a key that the plan does not name.
  if (was.performanceInsights && is.performanceInsights === false)
    person.push(`Performance Insights is off: ${cli("--enable-performance-insights")}`);
  if (was.monitoringSeconds && is.monitoringSeconds === 0)
    person.push(
      `Enhanced monitoring is off (${had.instance}: every ${was.monitoringSeconds} s): ${cli(`--monitoring-interval ${was.monitoringSeconds} --monitoring-role-arn ROLE`)}`,
    );
  if (was.iamAuthentication && is.iamAuthentication === false)
    person.push(`Sign-in with IAM is off: ${cli("--enable-iam-database-authentication --apply-immediately")}`);
  const logs = was.logExports.filter((log) => !is.logExports.includes(log));
  if (logs.length > 0)
    person.push(
      `These logs are not exported to CloudWatch: ${logs.join(", ")}: ${cli(`--cloudwatch-logs-export-configuration '${JSON.stringify({ EnableLogTypes: logs })}'`)}`,
    );
  return { mend, person };
}

const isDefault = (group: string): boolean => group.startsWith("default.");

/** "sun:23:30-mon:00:30" as the plan writes windows. One that cannot be read counts as open. */
function isOpen(window: string, atMs: number): boolean {
  const text = window.toLowerCase().replace(/-[a-z]{3}:/, "-");
  return !WINDOW.test(text) || isWithin(readWindow(text), atMs);
}

export interface TagDifferences {
  readonly add: Readonly<Record<string, string>>;
  readonly person: readonly string[];
}

/** Tags the new primary lacks. One it has with another value was given to it on purpose. */
export function compareTags(had: Baseline, now: Held): TagDifferences {
  const add: Record<string, string> = {};
  const person: string[] = [];
  for (const [key, value] of Object.entries(had.tags)) {
    // AWS's own cannot be set; a Name is the instance's own.
    if (/^aws:/i.test(key) || key === "Name") continue;
    const own = Object.hasOwn(now.tags, key) ? now.tags[key] : undefined;
    if (own === undefined) add[key] = value;
    else if (own !== value) person.push(`Its tag ${key} is "${own}", ${had.instance}'s is "${value}": left as it is.`);
  }
  return { add, person };
}
