/** What a plan must say of machines, and of what needs no protection, beyond its shape. Pure; every finding at once. */
import type { Finding } from "./check.ts";
import { tierFindings } from "./check-keep.ts";
import { scheduleFindings } from "./check-schedule.ts";
import type { Plan } from "./schema.ts";

export function machineFindings(plan: Plan): Finding[] {
  const machines = plan.machines ?? [];
  const { primary, recovery } = plan.regions;
  return machines.flatMap((machine, index) => {
    const { name, instance, region, copyTo } = machine;
    const find = (field: string, problem: string): Finding => ({ path: ["machines", index, field], problem });
    const findings: Finding[] = [];
    if (region !== primary && region !== recovery)
      findings.push(find("region", `expected one of the plan's regions, ${primary} or ${recovery}`));
    else if (copyTo !== (region === primary ? recovery : primary))
      findings.push(find("copyTo", `expected the plan's other region, ${region === primary ? recovery : primary}`));
    const first = (same: (other: typeof machine) => boolean) => machines.findIndex(same);
    const named = first((other) => other.name === name);
    if (named !== index)
      findings.push(find("name", `a second machine "${name}" (the first is machines[${named}]), expected each name once`));
    if (plan.databases[name]) findings.push(find("name", `expected another name: "${name}" is a database, and mails are headed by it`));
    const covered = first((other) => other.instance === instance);
    if (covered !== index)
      findings.push(find("instance", `a second entry for ${instance} (the first is machines[${covered}]), expected one each`));
    return [...findings, ...scheduleFindings(machine, index, "machines"), ...tierFindings(machine, index, "machines")];
  });
}

export const excuseFindings = ({ unprotected = [] }: Plan): Finding[] =>
  unprotected.flatMap(({ instance, volume, bucket }, index) => {
    const named = [instance, volume, bucket].filter((each) => each !== undefined).length;
    return named === 1
      ? []
      : [{ path: ["unprotected", index], problem: `expected one of instance, volume and bucket, got ${named === 0 ? "none" : named}` }];
  });
