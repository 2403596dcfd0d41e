/**
 * The latch of each database whose records are moved by one: for every node an alarm on the node's metric, a health check on the alarm,
 * and for every name the node's failover pair. Made once, in quiet times; a move touches none of it. The names of the sides are not
 * here: the watcher keeps them, for they change with every standby that is built anew.
 *
 * All of it outlives the stack: without it the name would have no answer. A health check that is replaced forgets what it last saw, so
 * nothing here may depend on what changes with time.
 */
import { LATCH_METRIC, LATCH_NAMESPACE, latchDimensions, nodeName, sideName } from "../core/latch.ts";
import type { Plan, RecordPlan } from "../core/plan/schema.ts";
import { type Json, logical, type Resources, ref } from "./cloudformation.ts";

export function latches(plan: Plan): Resources {
  return Object.assign({}, ...latchedDatabases(plan).map((database) => latch(plan, database)));
}

/** Names of the databases whose records are moved by the latch. */
export const latchedDatabases = (plan: Plan): string[] =>
  Object.keys(plan.databases).filter((database) => recordsOf(plan, database).some((record) => record.repoint === "latch"));

export const recordsOf = (plan: Plan, database: string): RecordPlan[] => plan.records.filter((record) => record.database === database);

const KEPT = { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" };

function latch(plan: Plan, database: string): Resources {
  const resources: Resources = {};
  const nodes = plan.databases[database]?.standbys.length ?? 0;
  for (let node = 0; node < nodes; node++) {
    const name = `understudy-${plan.name}-${database}-latch-${node}`;
    const alarm = `${logical(database)}Latch${node}Alarm`;
    const check = `${logical(database)}Latch${node}Check`;
    resources[alarm] = {
      Type: "AWS::CloudWatch::Alarm",
      ...KEPT,
      Properties: {
        AlarmName: name,
        AlarmDescription: `Node ${node} of the latch of ${database} leads on. A health check reads its metric; it wakes nobody.`,
        Namespace: LATCH_NAMESPACE,
        MetricName: LATCH_METRIC,
        Dimensions: latchDimensions(plan.name, database, node) as unknown as Json,
        // Of two who speak in one minute, the one who leads on is heard.
        Statistic: "Maximum",
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        // No data is insufficient data, for which the health check keeps its last known status.
        TreatMissingData: "missing",
      },
    };
    resources[check] = {
      Type: "AWS::Route53::HealthCheck",
      ...KEPT,
      Properties: {
        HealthCheckConfig: {
          Type: "CLOUDWATCH_METRIC",
          AlarmIdentifier: { Region: plan.regions.recovery, Name: ref(alarm) },
          InsufficientDataHealthStatus: "LastKnownStatus",
        },
        HealthCheckTags: [{ Key: "Name", Value: name }],
      },
    };
    for (const record of recordsOf(plan, database)) Object.assign(resources, pair(record, node, nodes, check));
  }
  return resources;
}

/** One node of one name. Only the PRIMARY carries the check: a SECONDARY without one is always fit, whatever else there is to see. */
function pair(record: RecordPlan, node: number, nodes: number, check: string): Resources {
  const onward = node + 1 < nodes ? nodeName(record.name, node + 1) : sideName(record.name, node + 1);
  const idOf = (at: number, role: "PRIMARY" | "SECONDARY") =>
    `${logical(record.name)}Latch${at}${role === "PRIMARY" ? "Stays" : "LeadsOn"}`;
  const set = (role: "PRIMARY" | "SECONDARY", value: string, more: Record<string, Json>): Resources => ({
    [idOf(node, role)]: {
      Type: "AWS::Route53::RecordSet",
      // A node is there before anything leads to it, when a plan grows too.
      ...(role === "SECONDARY" && node + 1 < nodes ? { DependsOn: [idOf(node + 1, "PRIMARY"), idOf(node + 1, "SECONDARY")] } : {}),
      ...KEPT,
      Properties: {
        HostedZoneId: record.zone,
        Name: nodeName(record.name, node),
        Type: "CNAME",
        TTL: String(record.ttlSeconds),
        SetIdentifier: role === "PRIMARY" ? "stays" : "leads-on",
        Failover: role,
        ResourceRecords: [value],
        ...more,
      },
    },
  });
  return {
    ...set("PRIMARY", sideName(record.name, node), { HealthCheckId: ref(check) }),
    ...set("SECONDARY", onward, {}),
  };
}
