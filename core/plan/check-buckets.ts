/** What a plan must say of the buckets whose objects are carried away, beyond its shape. Pure; every finding at once. */
import type { Finding } from "./check.ts";
import type { Plan } from "./schema.ts";

export function bucketFindings({ buckets = [], machines = [], databases }: Plan): Finding[] {
  return buckets.flatMap(({ name, bucket, offsite }, index) => {
    const find = (field: string, problem: string): Finding => ({ path: ["buckets", index, field], problem });
    const findings: Finding[] = [];
    const named = buckets.findIndex((other) => other.name === name);
    if (named !== index) findings.push(find("name", `a second bucket "${name}" (the first is buckets[${named}]), expected each name once`));
    if (databases[name] || machines.some((machine) => machine.name === name))
      findings.push(find("name", `expected another name: "${name}" is a database or a machine, and mails are headed by it`));
    const covered = buckets.findIndex((other) => other.bucket === bucket && other.offsite.endpoint === offsite.endpoint);
    if (covered !== index)
      findings.push(
        find("bucket", `a second entry for ${bucket} at ${offsite.endpoint} (the first is buckets[${covered}]), expected one each`),
      );
    return findings;
  });
}
