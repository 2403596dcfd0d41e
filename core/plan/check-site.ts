/** What a site must hold beyond its shape: databases and regions that exist, one zone for all its names, a dial that ends at 100 %. Pure. */
import type { Finding } from "./check.ts";
import type { Plan } from "./schema.ts";

export function siteFindings(plan: Plan): Finding[] {
  const findings: Finding[] = [];
  const { recovery } = plan.regions;
  const all = plan.sites ?? [];
  const names = all.flatMap((site) => site.records.map(({ name }) => name));
  all.forEach((site, index) => {
    const find = (path: readonly (string | number)[], problem: string) => findings.push({ path: ["sites", index, ...path], problem });
    // A request's name begins with what it is for: a site and a database of one name could not be told apart.
    if (plan.databases[site.name]) find(["name"], `"${site.name}" is a database of this plan, expected another name`);
    if (all.findIndex(({ name }) => name === site.name) !== index) find(["name"], `a second site "${site.name}", expected each name once`);
    site.databases.forEach((name, at) => {
      const database = plan.databases[name];
      if (!database) find(["databases", at], `unknown database "${name}", expected one of: ${Object.keys(plan.databases).join(", ")}`);
      else if (!database.standbys.some(({ region }) => region === recovery))
        find(["databases", at], `"${name}" has no standby in ${recovery}: it could not be moved there; add one to its standbys`);
    });
    if (site.recovery.region !== recovery) find(["recovery", "region"], `expected the recovery region, ${recovery}`);
    const there = (arn: string | undefined, path: readonly string[], what: string) => {
      if (arn !== undefined && arn.split(":")[3] !== recovery)
        find(path, `expected ${what} in ${recovery}: one in another region may be lost together with the site`);
    };
    there(site.recovery.targetGroupArn, ["recovery", "targetGroupArn"], "a target group");
    there(site.hooks?.before, ["hooks", "before"], "a function");
    there(site.hooks?.after, ["hooks", "after"], "a function");
    site.records.forEach((record, at) => {
      if (record.zone !== site.records[0]?.zone)
        find(
          ["records", at, "zone"],
          `expected ${site.records[0]?.zone}, as the site's first record has it: they are changed in one batch`,
        );
      if (names.indexOf(record.name) !== names.lastIndexOf(record.name) || plan.records.some(({ name }) => name === record.name))
        find(["records", at, "name"], `"${record.name}" stands in this plan twice, expected each name once`);
      if (record.primary === record.recovery) find(["records", at, "recovery"], "expected another target than the primary's");
    });
    const steps = site.dial?.steps ?? [];
    steps.forEach((step, at) => {
      if (at > 0 && step <= (steps[at - 1] as number))
        find(["dial", "steps", at], `expected more than the step before it, ${steps[at - 1]}`);
    });
    if (steps.length > 0 && steps.at(-1) !== 100) find(["dial", "steps"], "expected the last step to be 100: the site is to be evacuated");
  });
  return findings;
}
