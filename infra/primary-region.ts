/**
 * The small stack of the primary region: it sends RDS's events on to the recovery region, where the functions are, and holds the dead
 * man's check on the backups (overdue.ts). Where the plan names the primary's network it holds a second probe, too (near-probe.ts).
 * Nothing else of Understudy lives there, so nothing else is lost with it.
 */
import type { Plan } from "../core/plan/schema.ts";
import { arnOf, type Json, type Resources, sub } from "./cloudformation.ts";
import { nearProbe, nearProbeParameters } from "./near-probe.ts";
import { overdueCheck } from "./overdue.ts";

export interface SmallTemplate {
  readonly AWSTemplateFormatVersion: string;
  readonly Description: string;
  readonly Parameters?: Json;
  readonly Resources: Resources;
}

export function primaryRegionTemplate(plan: Plan, stack: string): SmallTemplate {
  const bus: Json = sub(`arn:\${AWS::Partition}:events:${plan.regions.recovery}:\${AWS::AccountId}:event-bus/default`);
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: `Understudy, primary region of ${plan.name}: forwards RDS events, looks for overdue backups${plan.network.primary ? ", looks at the databases from their own network" : ""}`,
    ...(plan.network.primary ? { Parameters: nearProbeParameters } : {}),
    Resources: {
      ...nearProbe(plan, stack),
      ...overdueCheck(plan, stack),
      ForwarderRole: {
        Type: "AWS::IAM::Role",
        Properties: {
          AssumeRolePolicyDocument: {
            Version: "2012-10-17",
            Statement: [{ Effect: "Allow", Principal: { Service: "events.amazonaws.com" }, Action: "sts:AssumeRole" }],
          },
          Policies: [
            {
              PolicyName: "forward",
              PolicyDocument: {
                Version: "2012-10-17",
                Statement: [{ Sid: "Forward", Effect: "Allow", Action: ["events:PutEvents"], Resource: bus }],
              },
            },
          ],
        },
      },
      Forwarder: {
        Type: "AWS::Events::Rule",
        Properties: {
          Description: "RDS events of the plan's databases, to the recovery region",
          EventPattern: rdsEvents(plan),
          Targets: [{ Id: "recovery-region", Arn: bus, RoleArn: arnOf("ForwarderRole") }],
        },
      },
    },
  };
}

export const rdsEvents = (plan: Plan): Json => ({
  source: ["aws.rds"],
  "detail-type": [
    "RDS DB Instance Event",
    ...(Object.values(plan.databases).some(({ primary }) => primary.cluster !== undefined) ? ["RDS DB Cluster Event"] : []),
  ],
  detail: {
    SourceIdentifier: Object.values(plan.databases).flatMap((database) =>
      [database.primary, ...database.standbys].map(({ instance }) => instance),
    ),
  },
});
