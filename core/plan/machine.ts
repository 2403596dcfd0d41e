/** The plan's section about machines: EC2 instances whose volumes are backed up, each time as one set. What it must hold beyond is in check-machines.ts. */
import * as z from "zod/mini";
import { keep, when } from "./backup.ts";
import { databaseKey, described, matching, region, section, text } from "./forms.ts";

const machine = section({
  name: described(databaseKey, "What people call it, and what its mails are headed by: no database's name."),
  instance: described(
    matching(/^i-([0-9a-f]{8}|[0-9a-f]{17})$/, 'expected the id of an EC2 instance, like "i-0123456789abcdef0"'),
    "The EC2 instance. All its volumes are backed up together, as they are at one moment.",
  ),
  region: described(region, "The region it runs in: one of the plan's two."),
  ...when,
  copyTo: described(region, "The plan's other region, which every set is copied to."),
  kmsKeyId: z.optional(
    described(
      text("expected a KMS key id or ARN of the region in copyTo"),
      "Key for the copies; needed when a volume is encrypted under a key of your own. Without it they are encrypted under EBS's own key of that region.",
    ),
  ),
  keep: z.optional(
    described(
      keep,
      "Which sets stay, in each region for itself; all others Understudy made of this machine are deleted, never the newest good one. Without it every one stays.",
    ),
  ),
});

export const machines = z.optional(
  described(
    z.array(machine, { error: "expected a list of machines" }),
    "EC2 instances whose volumes are backed up as sets of EBS snapshots, with what is needed to build the instance anew.",
  ),
);

export type MachinePlan = z.infer<typeof machine>;
