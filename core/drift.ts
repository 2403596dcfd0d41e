/** What infrastructure code still says after a promotion, in words: which attributes to change before it is applied again. Pure. */

export interface Drift {
  readonly sentence: string;
  readonly hints: readonly string[];
}

export function driftAfter(oldPrimary: string, newPrimary: string, newRegion: string): Drift {
  return {
    sentence: `Your infrastructure code still names ${oldPrimary} as the primary and ${newPrimary} as its replica: hold its pipelines until it is changed (the evidence says where).`,
    hints: [
      `${newPrimary} no longer has ReadReplicaSourceDBInstanceIdentifier: it stands alone.`,
      `Terraform: take replicate_source_db out of the aws_db_instance of ${newPrimary} and give it backup_retention_period, backup_window, maintenance_window, multi_az, deletion_protection, copy_tags_to_snapshot, parameter_group_name and tags as ${oldPrimary} has them. If it is not in the state: terraform import aws_db_instance.NAME ${newPrimary} (region ${newRegion}). The plan must show no replacement.`,
      `CloudFormation and CDK: do not just remove SourceDBInstanceIdentifier, which replaces the instance by an empty one. Set DeletionPolicy: Retain, take the resource out of the stack, and import it again as an AWS::RDS::DBInstance of its own with DBInstanceIdentifier ${newPrimary}.`,
      `${oldPrimary} is fenced, on purpose: code that gives it its security groups back opens it again. Take it out of the code, or keep VpcSecurityGroupIds (vpc_security_group_ids) out of its reach.`,
      `Whatever else refers to ${oldPrimary} (outputs, dashboards, replicas that name it as their source, alarms) is to name ${newPrimary}.`,
    ],
  };
}
