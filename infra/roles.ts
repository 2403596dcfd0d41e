/**
 * One role a function, each with what its runbook calls and nothing else. A `Resource: "*"` stands only where AWS has no narrower
 * form, and says so in its Sid.
 */

import { hasRung } from "../core/ladder.ts";
import { LATCH_NAMESPACE, sideName } from "../core/latch.ts";
import type { Plan, RecordPlan } from "../core/plan/schema.ts";
import { slotName } from "../core/rebuild.ts";
import { DRILL, newestPointKey, OFFSITE, restoredPrefix } from "../core/restore.ts";
import { stampName } from "../core/stamp.ts";
import { BUCKET_FUNCTION, bucketStatements, hasBuckets } from "./buckets.ts";
import { type Json, logical, type Resources, ref, sub } from "./cloudformation.ts";
import { anyKey, onNamedKeys, through } from "./keys.ts";
import { expiresSets, hasMachines, MACHINE_FUNCTION, machineStatements, seesEstate } from "./machines.ts";
import { hasOffsite } from "./offsite.ts";
import { ordersSites, siteStatements } from "./site-role.ts";
import { allow, type Statement } from "./statement.ts";
import { fetchesFromVault, hasVault, seesWhatIsShared, takesOnVault, vaultStatements } from "./vault.ts";

export { allow, type Statement } from "./statement.ts";

export function roles(plan: Plan, stackName: string): Resources {
  const { primary, recovery } = plan.regions;
  const databases = Object.values(plan.databases);
  const members = databases.flatMap((database) => [database.primary, ...database.standbys]);
  const rdsArn = (region: string, rest: string) => sub(`arn:\${AWS::Partition}:rds:${region}:\${AWS::AccountId}:${rest}`);
  // Rebuilt standbys carry their slot's name and the generation.
  const instances = members.filter(({ cluster }) => cluster === undefined);
  const rebuilt = instances.flatMap(({ instance, region }) => [instance, `${slotName(instance)}*`].map((id) => ({ id, region })));
  // What is restored may become the primary, in either region.
  const restored = Object.entries(plan.databases).flatMap(([name, database]) =>
    database.primary.cluster === undefined ? [primary, recovery].map((region) => ({ id: `${restoredPrefix(name)}*`, region })) : [],
  );
  const slots = [...rebuilt, ...restored];
  const instanceArn = (region: string, id: string) => rdsArn(region, `db:${id}`);
  const instanceArns = slots.map(({ id, region }) => instanceArn(region, id));
  const restoredArns = restored.map(({ id, region }) => instanceArn(region, id));
  const drilledArn = instanceArn(recovery, `${DRILL}*`);
  const offsiteArn = instanceArn(recovery, `${OFFSITE}*`);
  const secretArn = (secret: string) => sub(`arn:\${AWS::Partition}:secretsmanager:${recovery}:\${AWS::AccountId}:secret:${secret}-*`);
  const offsiteSecrets = [...new Set(plan.backups.flatMap(({ offsite }) => offsite?.secret ?? []))];
  const instanceRegions = [...new Set([...instances.map(({ region }) => region), recovery])];
  // A standby is made like the one before it: with whatever groups that one has.
  const parameterGroups = (region: string) => rdsArn(region, "pg:*");
  const groupArns = (region: string) => ["pg:*", "og:*", "subgrp:*"].map((rest) => rdsArn(region, rest));
  const rescueArns = instanceRegions.map((region) => rdsArn(region, "snapshot:understudy-rescue-*"));
  const snapshotArns = (regions: string[]) =>
    regions.map((region) => sub(`arn:\${AWS::Partition}:rds:${region}:\${AWS::AccountId}:snapshot:understudy-*`));
  const functionArn = (name: string) => `arn:\${AWS::Partition}:lambda:${recovery}:\${AWS::AccountId}:function:${stackName}-${name}`;
  const bucketKeys = (...prefixes: string[]) => prefixes.map((prefix) => sub(`\${StateBucket.Arn}/${prefix}/*`));

  const readsRecords = [
    allow("ReadRecords", ["s3:GetObject"], bucketKeys("databases")),
    // Without it S3 answers 403 for a missing document, and unknown is not absent.
    allow("TellMissingFromForbidden", ["s3:ListBucket"], sub("${StateBucket.Arn}")),
  ];
  const keepsRecords = [...readsRecords, allow("WriteRecords", ["s3:PutObject"], bucketKeys("databases"))];
  const keepsRequests = [
    allow("ReadRequests", ["s3:GetObject"], bucketKeys("requests")),
    allow("WriteRequests", ["s3:PutObject"], bucketKeys("requests")),
  ];
  const clusterArns = members.flatMap(({ cluster, region }) => (cluster === undefined ? [] : [rdsArn(region, `cluster:${cluster}`)]));
  // The ARN of a global database has no region.
  const globalArns = databases.flatMap(({ primary: { globalCluster } }) =>
    globalCluster === undefined ? [] : [sub(`arn:\${AWS::Partition}:rds::\${AWS::AccountId}:global-cluster:${globalCluster}`)],
  );
  const seesInstances = [
    allow("SeeInstances", ["rds:DescribeDBInstances"], instanceArns),
    allow("SeeClusters", ["rds:DescribeDBClusters"], clusterArns),
  ];
  const alarmArns = (names: (region: string) => readonly string[]) =>
    instanceRegions.flatMap((region) =>
      names(region).map((name) => sub(`arn:\${AWS::Partition}:cloudwatch:${region}:\${AWS::AccountId}:alarm:${name}`)),
    );
  // CloudWatch finds no alarm by what it watches: all of a region are read.
  const seesAlarms = [
    allow(
      "SeeAlarms",
      ["cloudwatch:DescribeAlarms"],
      alarmArns(() => ["*"]),
    ),
  ];
  const restores = [
    // A copy is named after the instance it watches.
    allow(
      "CopyAlarms",
      ["cloudwatch:PutMetricAlarm"],
      alarmArns((region) =>
        [...members.map(({ instance: id, region: where }) => ({ id, region: where })), ...restored]
          .filter((each) => each.region === region)
          .map(({ id }) => `*${id}*`.replace("**", "*")),
      ),
    ),
  ];
  // Only where a plan's fence has this rung.
  const stopped = databases.filter(({ failover }) => hasRung(failover, "stop"));
  const stoppedArns = stopped.flatMap((database) =>
    [database.primary, ...database.standbys].flatMap(({ instance, region }) =>
      [instance, `${slotName(instance)}*`].map((id) => instanceArn(region, id)),
    ),
  );
  const stops = (...more: string[]) => (stopped.length === 0 ? [] : [allow("StopTheFenced", ["rds:StopDBInstance", ...more], stoppedArns)]);
  const readOnlyArns = databases
    .filter(({ failover }) => hasRung(failover, "read-only"))
    .flatMap(({ primary, standbys, fenceParameterGroups = {} }) =>
      [primary, ...standbys].flatMap(({ instance, region }) => {
        const group = fenceParameterGroups[instance];
        return group ? [rdsArn(region, `pg:${group}`)] : [];
      }),
    );
  const readOnly = (...actions: string[]) => (readOnlyArns.length === 0 ? [] : [allow("MakeReadOnly", actions, readOnlyArns)]);
  const fences = [allow("Fence", ["rds:ModifyDBInstance", "rds:RebootDBInstance"], instanceArns)];
  const entersNetwork = allow(
    "NetworkInterfacesHaveNoArnBeforeTheyExist",
    ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"],
    "*",
  );
  const entersDatabases = [
    allow(
      "EnterDatabases",
      ["secretsmanager:GetSecretValue"],
      databases.map(({ secret }) => secretArn(secret)),
    ),
    entersNetwork,
  ];
  const tells = [
    allow("Tell", ["events:PutEvents"], sub(`arn:\${AWS::Partition}:events:${recovery}:\${AWS::AccountId}:event-bus/default`)),
  ];
  const starts = (name: string, ...more: string[]) =>
    allow(`Start${logical(name)}`, ["lambda:InvokeFunction", ...more], [sub(functionArn(name)), sub(`${functionArn(name)}:*`)]);
  const lasts = (name: string) => [
    allow(
      "KeepItsStory",
      ["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"],
      [sub(functionArn(name)), sub(`${functionArn(name)}:*`)],
    ),
  ];
  const zonesOf = (records: readonly RecordPlan[]) =>
    [...new Set(records.map(({ zone }) => zone))].map((zone) => sub(`arn:\${AWS::Partition}:route53:::hostedzone/${zone}`));
  const latched = plan.records.filter(({ repoint }) => repoint === "latch");
  const rewritten = plan.records.filter(({ repoint }) => repoint !== "latch");
  const readsNames = (records: readonly RecordPlan[]) =>
    records.length === 0 ? [] : [allow("ReadNames", ["route53:ListResourceRecordSets"], zonesOf(records))];
  const changesNames = (Sid: string, records: readonly RecordPlan[], names: string[], types: string[], actions: string[]) =>
    records.length === 0
      ? []
      : [
          allow(Sid, ["route53:ChangeResourceRecordSets"], zonesOf(records), {
            "ForAllValues:StringEquals": {
              "route53:ChangeResourceRecordSetsNormalizedRecordNames": names,
              "route53:ChangeResourceRecordSetsRecordTypes": types,
              "route53:ChangeResourceRecordSetsActions": actions,
            },
          }),
        ];
  const speaksToLatch =
    latched.length === 0
      ? []
      : [
          allow("MetricsHaveNoArnTheNamespaceIsTheLimit", ["cloudwatch:PutMetricData"], "*", {
            StringEquals: { "cloudwatch:namespace": LATCH_NAMESPACE },
          }),
        ];
  // The side of a restored instance, or of a standby that was built anew.
  const keepsSides = () => changesNames("KeepSides", latched, latched.flatMap(sidesOf), ["CNAME"], ["UPSERT"]);
  const sidesOf = ({ name, database }: RecordPlan) =>
    Array.from({ length: 1 + (plan.databases[database]?.standbys.length ?? 0) }, (_, side) => sideName(name, side));

  // Out of the newest copy, beside everything, and deleted again.
  const restoresForAWhile = (made: Json) => [
    allow(
      "ReadTheNewestPoint",
      ["s3:GetObject"],
      Object.keys(plan.databases).map((name) => sub(`\${StateBucket.Arn}/${newestPointKey(name)}`)),
    ),
    ...entersDatabases,
    allow("SeeCopies", ["rds:DescribeDBSnapshots"], snapshotArns([recovery])),
    allow("SeeItsOwn", ["rds:DescribeDBInstances"], made),
    allow("RestoreAside", ["rds:RestoreDBInstanceFromDBSnapshot"], [made, ...snapshotArns([recovery]), ...groupArns(recovery)]),
    allow("TagItsOwn", ["rds:AddTagsToResource"], made),
    allow("DeleteItsOwn", ["rds:DeleteDBInstance"], made),
    ...usesKeys(plan).filter(({ Sid }) => Sid !== "ReadEncryptedSnapshots"),
    ...tells,
  ];

  const statements: Record<string, Statement[]> = {
    probe: [...keepsRecords, ...seesInstances, ...entersDatabases, starts("watch")],
    watch: [
      ...keepsRecords,
      ...keepsRequests,
      ...seesInstances,
      ...entersDatabases,
      allow("KeepDecisions", ["s3:PutObject"], bucketKeys("decisions")),
      // Former primaries stay closed, and a move that died is undone, without a move.
      ...fences,
      ...stops(),
      ...readOnly("rds:ResetDBParameterGroup"),
      ...readsNames(rewritten),
      ...speaksToLatch,
      ...keepsSides(),
      ...tells,
      starts("move", "lambda:ListDurableExecutionsByFunction"),
    ],
    order: [
      ...keepsRecords,
      allow("ReadCatalogue", ["s3:GetObject"], bucketKeys("catalogue")),
      ...keepsRequests,
      allow("NoteOrders", ["s3:PutObject"], bucketKeys("orders")),
      // Whether an order was taken before is told by the note that is there.
      allow("ReadOrders", ["s3:GetObject"], bucketKeys("orders")),
      allow("KeepDecisions", ["s3:PutObject"], bucketKeys("decisions")),
      ...tells,
      // It looks at nothing and moves nothing itself; what only makes something new beside it starts at once, and what it starts for a site
      // finds a request that enough people have agreed to.
      starts("watch"),
      starts("restore"),
      starts("drill"),
      ...ordersSites(plan, bucketKeys, starts("site", "lambda:ListDurableExecutionsByFunction")),
    ],
    move: [
      ...keepsRecords,
      allow("KeepEvidence", ["s3:PutObject"], bucketKeys("evidence")),
      ...seesInstances,
      ...fences,
      // A failback asks an old primary, also one that is stopped.
      ...stops("rds:StartDBInstance"),
      ...readOnly("rds:ModifyDBParameterGroup", "rds:ResetDBParameterGroup"),
      allow("FailOverClusters", ["rds:FailoverDBCluster"], clusterArns),
      allow("SeeGlobalDatabases", ["rds:DescribeGlobalClusters"], globalArns),
      allow(
        "MoveGlobalDatabases",
        ["rds:SwitchoverGlobalCluster", "rds:FailoverGlobalCluster"],
        globalArns.length > 0 ? [...globalArns, ...clusterArns] : [],
      ),
      allow("Promote", ["rds:PromoteReadReplica"], instanceArns),
      allow("RebuildStandbys", ["rds:CreateDBInstanceReadReplica"], [...instanceArns, ...instanceRegions.flatMap(groupArns)]),
      // Which group the old primary has, or a standby before this one had, is not in the plan.
      allow("TakeParameters", ["rds:ModifyDBInstance"], instanceRegions.map(parameterGroups)),
      allow("RescueLostWrites", ["rds:CreateDBSnapshot", "rds:DescribeDBSnapshots"], [...instanceArns, ...rescueArns]),
      allow("TagWhatIsMade", ["rds:AddTagsToResource"], [...instanceArns, ...rescueArns]),
      starts("move"),
      ...seesAlarms,
      ...restores,
      ...entersDatabases,
      ...readsNames(plan.records),
      ...changesNames(
        "PointNames",
        rewritten,
        rewritten.flatMap(({ name }) => [name, stampName(name)]),
        ["CNAME", "TXT"],
        // The stamp beside the name is exchanged, never overwritten: that is what refuses a late writer.
        ["UPSERT", "CREATE", "DELETE"],
      ),
      ...keepsSides(),
      ...speaksToLatch,
      ...tells,
      ...lasts("move"),
    ],
    site: [entersNetwork, ...siteStatements(plan, bucketKeys, [...keepsRequests, ...tells, starts("watch"), ...lasts("site")])],
    snapshot: [
      allow("SeeSnapshots", ["rds:DescribeDBSnapshots"], snapshotArns([recovery])),
      starts("backup"),
      ...(plan.drills ? [starts("drill")] : []),
      ...(hasOffsite(plan) ? [starts("offsite")] : []),
      ...(hasBuckets(plan) ? [starts(BUCKET_FUNCTION)] : []),
      ...(hasMachines(plan) ? [starts(MACHINE_FUNCTION)] : []),
      ...keepsRecords,
      ...seesInstances,
      ...seesAlarms,
    ],
    backup: [
      ...keepsRecords,
      allow("NoteRecoveryPoints", ["s3:PutObject"], bucketKeys("backups")),
      allow("KeepTheLine", ["s3:GetObject", "s3:PutObject"], bucketKeys("copies")),
      // Other people's copies take slots too.
      allow(
        "SeeSnapshots",
        ["rds:DescribeDBSnapshots"],
        [primary, recovery].map((region) => rdsArn(region, "snapshot:*")),
      ),
      allow("TakeSnapshots", ["rds:CreateDBSnapshot"], [...instanceArns, ...snapshotArns([primary, recovery])]),
      allow("CopySnapshots", ["rds:CopyDBSnapshot"], snapshotArns([primary, recovery])),
      allow("TagSnapshots", ["rds:AddTagsToResource"], snapshotArns([primary, recovery])),
      // The primary may run in either region, and be copied to the other.
      ...usesKeys(plan, [primary, recovery]),
      ...(hasVault(plan) ? [starts("vault")] : []),
      ...tells,
      ...lasts("backup"),
    ],
    retain: [
      // What people have said of holds lies beside the records.
      ...readsRecords,
      allow(
        "ReadCatalogue",
        ["s3:GetObject"],
        bucketKeys(
          "catalogue",
          "drills",
          ...(hasOffsite(plan) || hasBuckets(plan) ? ["offsite"] : []),
          ...(hasMachines(plan) ? ["machines"] : []),
        ),
      ),
      allow("KeepCatalogue", ["s3:PutObject"], bucketKeys("catalogue")),
      allow(
        "SeeAllInstances",
        ["rds:DescribeDBInstances"],
        [primary, recovery].map((region) => rdsArn(region, "db:*")),
      ),
      allow(
        "SeeAllSnapshots",
        ["rds:DescribeDBSnapshots"],
        [primary, recovery].map((region) => rdsArn(region, "snapshot:*")),
      ),
      allow("SeeWhoIsTold", ["sns:ListSubscriptionsByTopic"], ref("Topic")),
      // What was never copied is tried again.
      starts("backup"),
      ...seesEstate(),
      ...looksAtKeys(plan),
      ...expiresSets(plan),
      ...takesOnVault(plan),
      ...seesWhatIsShared(plan, bucketKeys),
      ...expires(plan, (database) => [primary, recovery].map((region) => rdsArn(region, `snapshot:understudy-${database}-*`))),
      ...tells,
    ],
    restore: [
      ...keepsRecords,
      ...keepsRequests,
      allow("KeepEvidence", ["s3:PutObject"], bucketKeys("evidence")),
      ...seesInstances,
      ...entersDatabases,
      allow(
        "SeeSnapshots",
        ["rds:DescribeDBSnapshots"],
        [...new Set(slots.map(({ id }) => id))].flatMap((id) => [primary, recovery].map((region) => instanceArn(region, id))),
      ),
      allow(
        "RestoreBeside",
        ["rds:RestoreDBInstanceFromDBSnapshot"],
        [...restoredArns, ...snapshotArns([primary, recovery]), ...instanceRegions.flatMap(groupArns)],
      ),
      // Of the original it reads the automated backups; what it makes has another name.
      allow("RestoreToATime", ["rds:RestoreDBInstanceToPointInTime"], [...instanceArns, ...instanceRegions.flatMap(groupArns)]),
      allow("TagWhatIsMade", ["rds:AddTagsToResource"], restoredArns),
      // Never the original.
      allow("GuardWhatIsRestored", ["rds:ModifyDBInstance"], [...restoredArns, ...instanceRegions.map(parameterGroups)]),
      ...usesKeys(plan),
      ...takesOnVault(plan),
      ...fetchesFromVault(plan),
      ...readsNames(plan.records),
      starts("move"),
      ...tells,
      ...lasts("restore"),
    ],
    // Contained (S32): of what production runs on it may read the login and the note of the newest copy, and restore from copies.
    drill: [
      ...restoresForAWhile(drilledArn),
      allow("TellMissingFromForbidden", ["s3:ListBucket"], sub("${StateBucket.Arn}")),
      allow("ReadTheLastDrill", ["s3:GetObject"], bucketKeys("drills")),
      allow("KeepReports", ["s3:PutObject"], bucketKeys("drills")),
      ...lasts("drill"),
    ],
    ...(hasOffsite(plan)
      ? {
          // Contained in the same way. What leaves AWS does so by the provider's own credentials.
          offsite: [
            ...restoresForAWhile(offsiteArn),
            allow("EnterTheSecondProvider", ["secretsmanager:GetSecretValue"], offsiteSecrets.map(secretArn)),
            allow("NoteWhatIsOffsite", ["s3:PutObject"], bucketKeys("offsite")),
            ...lasts("offsite"),
          ],
        }
      : {}),
    ...(hasBuckets(plan)
      ? {
          [BUCKET_FUNCTION]: [
            ...bucketStatements(plan, secretArn),
            allow("NoteWhatIsOffsite", ["s3:PutObject"], bucketKeys("offsite")),
            ...tells,
            ...lasts(BUCKET_FUNCTION),
          ],
        }
      : {}),
    ...(hasMachines(plan)
      ? {
          [MACHINE_FUNCTION]: [
            ...machineStatements(plan),
            allow("NoteSets", ["s3:PutObject"], bucketKeys("machines")),
            ...tells,
            ...lasts(MACHINE_FUNCTION),
          ],
        }
      : {}),
    ...(hasVault(plan) ? { vault: vaultStatements(plan, bucketKeys, [...tells, ...lasts("vault")]) } : {}),
    notify: [
      allow("ReadWhatWasTold", ["s3:GetObject"], bucketKeys("told")),
      allow("TellMissingFromForbidden", ["s3:ListBucket"], sub("${StateBucket.Arn}")),
      allow("NoteWhatWasTold", ["s3:PutObject"], bucketKeys("told")),
      allow("Mail", ["sns:Publish"], ref("Topic")),
    ],
    status: [
      ...keepsRecords,
      ...seesInstances,
      allow(
        "SeeSnapshots",
        ["rds:DescribeDBSnapshots"],
        [...instanceArns, ...slots.map(({ id }) => instanceArn(recovery, id)), ...snapshotArns([recovery])],
      ),
      ...entersDatabases,
      ...readsNames(plan.records),
      allow("ReadEvidence", ["s3:GetObject"], bucketKeys("evidence")),
    ],
  };
  // A plan without instances, or without clusters, has nothing to allow there.
  return Object.fromEntries(
    Object.entries(statements).map(([name, list]) => [
      `${logical(name)}Role`,
      role(
        stackName,
        name,
        list.filter(({ Resource }) => !Array.isArray(Resource) || Resource.length > 0),
      ),
    ]),
  );
}

/** Of its own keys and of those instances lie under, which the plan does not name. */
function looksAtKeys({ backups, machines = [], regions }: Plan): Statement[] {
  const named = [
    ...backups.flatMap(({ kmsKeyId, primaryKmsKeyId }) => [kmsKeyId, primaryKmsKeyId]),
    ...machines.map(({ kmsKeyId }) => kmsKeyId),
  ];
  if (named.every((key) => key === undefined)) return [];
  return [allow("LookAtKeys", ["kms:DescribeKey"], [regions.primary, regions.recovery].map(anyKey))];
}

/**
 * RDS works with a customer's key in its caller's name, who must be let to describe it and to grant on it (RDS User Guide, AWS KMS key
 * management): for a copy on the plan's key, and on the source's, which the plan does not name. Through RDS alone, of the regions in `sources`.
 */
function usesKeys(plan: Plan, sources: readonly string[] = [plan.regions.primary]): Statement[] {
  const keys = plan.backups.flatMap(({ kmsKeyId }) => kmsKeyId ?? []);
  if (keys.length === 0) return [];
  const { recovery } = plan.regions;
  const actions = ["kms:DescribeKey", "kms:CreateGrant"];
  return [
    ...onNamedKeys("EncryptCopies", "rds", recovery, keys, actions),
    allow("ReadEncryptedSnapshots", actions, sources.map(anyKey), through("rds", ...sources)),
  ];
}

export function role(stackName: string, name: string, statements: Statement[]): Resources[string] {
  const logs = allow(
    "Log",
    ["logs:CreateLogStream", "logs:PutLogEvents"],
    sub(`arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/${stackName}-${name}:*`),
  );
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      AssumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
      },
      Policies: [{ PolicyName: name, PolicyDocument: { Version: "2012-10-17", Statement: [logs, ...statements] } }],
    },
  };
}

/** Only what Understudy made for a database whose plan says what stays: by the name it gives, and by the tags it sets. */
const expires = (plan: Plan, snapshots: (database: string) => Json[]): Statement[] =>
  plan.backups
    .filter(({ keep }) => keep !== undefined)
    .map(({ database }) =>
      allow(`ExpireBackupsOf${logical(database)}`, ["rds:DeleteDBSnapshot"], snapshots(database), {
        StringEquals: { "aws:ResourceTag/understudy:plan": plan.name, "aws:ResourceTag/understudy:database": database },
      }),
    );
