/**
 * The recovery plan: what is protected, how fast, and who is told. One source for the types, the checks and the editors' JSON Schema.
 * Knows nothing of files or lines; `parse.ts` turns its findings into places in the text.
 */
import * as z from "zod/mini";
import { RUNGS, WHAT } from "../ladder.ts";
import { backup, prune, quotas, unprotected } from "./backup.ts";
import { buckets } from "./bucket.ts";
import {
  databaseKey,
  described,
  dnsName,
  hostedZone,
  instanceId,
  matching,
  options,
  region,
  section,
  securityGroup,
  text,
  whole,
} from "./forms.ts";
import { machines } from "./machine.ts";
import { site } from "./site.ts";
import { vault } from "./vault.ts";
import { WINDOW } from "./window.ts";

const clusterId = matching(
  /^(?=.{1,63}$)[a-z](-?[a-z0-9])*$/,
  'expected a DB cluster identifier: 1 to 63 lower-case letters, digits and single hyphens, starting with a letter, like "shop"',
);
// DB parameter group names: 1-255, letter first, no double or trailing hyphen (RDS API reference, CreateDBParameterGroup).
const parameterGroup = matching(
  /^(?=.{1,255}$)(?!default\.)[a-z](-?[a-z0-9])*$/,
  'expected the name of a DB parameter group of your own in lower case, like "shop-a-own"',
);
const standby = section({
  instance: z.optional(described(instanceId, "The DB instance identifier. Either this or cluster.")),
  cluster: z.optional(described(clusterId, "The DB cluster identifier. Either this or instance.")),
  region: described(region, "The region it runs in."),
});
const primary = section({
  instance: z.optional(described(instanceId, "The DB instance identifier. Either this or cluster.")),
  cluster: z.optional(
    described(
      clusterId,
      "The identifier of an Aurora or Multi-AZ DB cluster. RDS fails over inside it by itself; its readers are no standbys here.",
    ),
  ),
  globalCluster: z.optional(
    described(
      clusterId,
      "The identifier of the Aurora Global Database the cluster belongs to; its standbys are the clusters in other regions.",
    ),
  ),
  region: described(region, "The region it runs in."),
});

const failover = section({
  mode: z.optional(
    described(
      z.enum(["automatic", "approval", "shadow"], { error: 'expected "automatic", "approval" or "shadow"' }),
      "What Understudy does by itself when the primary is down: move to the hot standby (automatic, the default), ask a person first (approval), or only say what it would have done (shadow).",
    ),
  ),
  probeEverySeconds: described(whole(1, 20, " of seconds"), "How often the probe looks at the primary."),
  missedProbes: described(whole(2, 20, " of probes"), "How many looks in a row must fail before the primary counts as lost."),
  maxLagSeconds: described(whole(1, 3600, " of seconds"), "A standby further behind than this is never promoted automatically."),
  cooldownMinutes: described(
    whole(1, 1440, " of minutes"),
    "After an automatic move ends, none follows for this long, unless a person acknowledges it.",
  ),
  restartGraceSeconds: z.optional(
    described(whole(0, 900, " of seconds"), "How long RDS may reboot, modify or upgrade a primary before its silence counts (60)."),
  ),
  fence: z.optional(
    described(
      z.array(z.enum(RUNGS, { error: `expected one of ${RUNGS.map((rung) => `"${rung}"`).join(", ")}` }), {
        error: "expected a list of rungs",
      }),
      `How an old primary is closed, rung by rung (network, sessions). ${Object.entries(WHAT)
        .map(([rung, what]) => `${rung}: ${what}`)
        .join("; ")}. network and sessions are always needed.`,
    ),
  ),
  nativeGraceSeconds: z.optional(
    described(
      whole(0, 1800, " of seconds"),
      "How long RDS may take to fail a Multi-AZ primary over by itself before its silence counts (180: AWS states 60 to 120 s as typical). No replica is promoted meanwhile.",
    ),
  ),
  rebuild: z.optional(
    described(
      z.enum(["automatic", "by-hand"], { error: 'expected "automatic" or "by-hand"' }),
      "Whether Understudy creates new standbys after a move, which AWS bills like any instance (automatic, the default), or leaves that to people.",
    ),
  ),
  maintenance: z.optional(
    described(
      z.array(matching(WINDOW, 'expected a weekly window in UTC, like "sun:02:00-04:00"')),
      "Weekly windows (UTC) in which people work on the database and nothing moves by itself.",
    ),
  ),
});

const database = section({
  engine: described(z.enum(["postgres", "mariadb"], { error: 'expected "postgres" or "mariadb"' }), "The database engine."),
  database: described(text('expected the name of the database inside the server, like "shop"'), "The database inside the server."),
  port: described(whole(1024, 65535, ""), "The port all instances of this database listen on."),
  secret: described(
    text('expected the name of a Secrets Manager secret, like "understudy/shop"'),
    'A Secrets Manager secret in the recovery region: JSON with "username" and "password".',
  ),
  primary,
  standbys: described(
    z.array(standby, { error: "expected a list of standbys" }),
    "Read replicas of the primary, in order of preference. One in the primary's own region is hot and may take over by itself; one in another region is cold, and a person approves. Of a global database: its other clusters. Empty for any other cluster.",
  ),
  fenceSecurityGroups: described(
    z.record(region, securityGroup, { error: "expected a security group by region" }),
    "By region, a security group without any inbound rule: a fenced instance is left with this one alone. Every region an instance runs in needs one; clusters need none.",
  ),
  drainSecurityGroups: z.optional(
    described(
      z.record(region, securityGroup, { error: "expected a security group by region" }),
      "By region, a security group whose only inbound rule admits Understudy's functions: a switchover closes the primary to everybody else with it, and a failback asks the old primary through it. Without one a region has no planned moves.",
    ),
  ),
  restore: z.optional(
    described(
      z.record(
        region,
        section({
          subnetGroup: z.optional(described(text("expected the name of a DB subnet group"), "Its DB subnet group (the default one).")),
          parameterGroup: z.optional(
            described(text("expected the name of a DB parameter group"), "Its DB parameter group (the engine's default)."),
          ),
          securityGroups: z.optional(
            described(
              z.array(securityGroup).check(z.minLength(1, { error: "expected at least one security group id" })),
              "Through these its clients reach it, once it is the primary. Without them it cannot become the primary there.",
            ),
          ),
        }),
        { error: "expected, by region, what an instance that is restored there is given" },
      ),
      "By region, what an instance that is restored there is given, where no instance of the database shows it. It is verified in the region's drainSecurityGroups first.",
    ),
  ),
  fenceParameterGroups: z.optional(
    described(
      z.record(instanceId, parameterGroup, { error: "expected a parameter group by instance" }),
      'By instance, a DB parameter group that this instance alone uses: the rung "read-only" is set there, and would bind everybody else who shares it.',
    ),
  ),
  failover,
});

const record = section({
  name: described(dnsName("db.shop.internal"), "The name the database's clients use."),
  zone: described(hostedZone, "The hosted zone that holds the record."),
  ttlSeconds: described(whole(1, 60, " of seconds"), "How long clients may keep an answer. It is part of every outage."),
  database: described(databaseKey, "Which database stands behind the name."),
  repoint: z.optional(
    described(
      z.enum(["record", "latch"], { error: 'expected "record" or "latch"' }),
      "How the name moves: by a change of the record (record, the default; seconds, needs Route 53's control plane in us-east-1), or by health-checked records the stack makes beforehand (latch; a minute or two more, needs the recovery region alone). All records of a database move the same way.",
    ),
  ),
});

const subnets = z
  .array(matching(/^subnet-[0-9a-f]{8,17}$/, 'expected a subnet id, like "subnet-0123456789abcdef0"'))
  .check(z.minLength(1, { error: "expected at least one subnet id" }));
const securityGroups = z.array(securityGroup).check(z.minLength(1, { error: "expected at least one security group id" }));

export const planSchema = section({
  version: described(z.literal(1, { error: "expected 1" }), "The version of this file's form."),
  name: described(
    matching(/^[a-z][a-z0-9-]{1,24}$/, 'expected 2 to 25 lower-case letters, digits and hyphens, like "corner-shop"'),
    "Names the deployed stack and everything in it.",
  ),
  regions: section({
    primary: described(region, "Where the product runs."),
    recovery: described(region, "Where Understudy runs and backups are copied to. Must not be the primary region."),
  }),
  network: section({
    subnetIds: described(subnets, "Subnets of the recovery region from which the databases can be reached."),
    securityGroupIds: described(securityGroups, "Security groups of the functions there."),
    primary: z.optional(
      described(
        section({ subnetIds: described(subnets, "Subnets of the primary's network."), securityGroupIds: securityGroups }),
        "The primary's own network, in the primary region. With it a second probe stands there, so that a broken route between the regions is known from a dead primary.",
      ),
    ),
  }),
  databases: z
    .record(databaseKey, database, { error: "expected databases by name" })
    .check(z.refine((all) => Object.keys(all).length > 0, { error: "expected at least one database" })),
  records: z.array(record, { error: "expected a list of DNS records" }),
  brake: options({
    moves: described(
      whole(1, 100, " of moves"),
      "So many automatic moves, over all databases, stop automation until a person releases it (3).",
    ),
    withinMinutes: described(whole(1, 1440, " of minutes"), "Within this time (60)."),
  }),
  approvals: options({
    people: described(whole(1, 5, " of people"), "How many people a move to another region, or one that overrides a rule, needs (1)."),
    expireMinutes: described(whole(5, 1440, " of minutes"), "A request nobody has approved by then is void (60)."),
    from: z.optional(
      described(
        z.array(text("expected the ARN of an IAM user or role")),
        "Who may order and approve, as ARNs of IAM users or roles. Without it everybody may who may invoke the function.",
      ),
    ),
  }),
  backups: z.array(backup, { error: "expected a list of backups" }),
  machines,
  buckets,
  vault,
  prune,
  quotas,
  unprotected,
  sites: z.optional(
    described(
      z.array(site, { error: "expected a list of sites" }),
      "What moves to the recovery region as a whole when a person orders it: instances, databases, the site's own names, its CDN.",
    ),
  ),
  drills: z.optional(
    section({
      everyDays: described(
        whole(1, 60, " of days"),
        "So often the newest copy of each database is restored into an instance of its own, looked through and deleted again, which AWS bills like any instance.",
      ),
    }),
  ),
  notify: section({
    email: described(
      z
        .array(z.email({ error: 'expected a mail address, like "ops@shop.example"' }))
        .check(z.minLength(1, { error: "expected at least one mail address" })),
      "Who gets the mails.",
    ),
  }),
});

export type WrittenPlan = z.infer<typeof planSchema>;
type WrittenDatabase = WrittenPlan["databases"][string];

/** An instance or a cluster. `instance` is what it is called on record: for a cluster, the cluster's identifier. */
export interface Member {
  readonly instance: string;
  readonly cluster?: string;
  readonly globalCluster?: string;
  readonly region: string;
}
export type DatabasePlan = Omit<WrittenDatabase, "primary" | "standbys"> & { primary: Member; standbys: Member[] };
export type Plan = Omit<WrittenPlan, "databases"> & { databases: Record<string, DatabasePlan> };

/** The plan with every member called by one name. What names neither an instance nor a cluster is called "". */
export function namedPlan(written: WrittenPlan): Plan {
  const named = <M extends { instance?: string; cluster?: string; region: string }>(member: M) => ({
    ...member,
    instance: member.instance ?? member.cluster ?? "",
  });
  const databases = Object.entries(written.databases).map(([key, database]) => [
    key,
    { ...database, primary: named(database.primary), standbys: database.standbys.map(named) },
  ]);
  return { ...written, databases: Object.fromEntries(databases) };
}
export type RecordPlan = Plan["records"][number];
export type BackupPlan = Plan["backups"][number];
export type { BucketPlan } from "./bucket.ts";
export type { MachinePlan } from "./machine.ts";
export type VaultPlan = NonNullable<Plan["vault"]>;
export type { SitePlan } from "./site.ts";

/** JSON Schema (draft 2020-12) of the plan, for editors. */
export function planJsonSchema(): Record<string, unknown> {
  return {
    $id: "https://understudy.example/recovery-plan.schema.json",
    title: "Understudy recovery plan",
    ...(z.toJSONSchema(planSchema) as Record<string, unknown>),
  };
}
