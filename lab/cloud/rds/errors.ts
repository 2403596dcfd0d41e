/** RDS's errors by wire code, with the HTTP status each answers. Codes of instances and snapshots carry no "Fault"; a few others do. */
import { ServiceError } from "../../wire/errors.ts";

const STATUS = {
  DBInstanceNotFound: 404,
  DBInstanceAlreadyExists: 400,
  DBParameterGroupAlreadyExists: 400,
  DBParameterGroupNotFound: 404,
  DBSnapshotAlreadyExists: 400,
  DBSnapshotNotFound: 404,
  DBSubnetGroupNotFoundFault: 404,
  InstanceQuotaExceeded: 400,
  InvalidDBInstanceState: 400,
  InvalidDBParameterGroupState: 400,
  InvalidDBSnapshotState: 400,
  InvalidParameterCombination: 400,
  InvalidParameterValue: 400,
  KMSKeyNotAccessibleFault: 400,
  MissingParameter: 400,
  SharedSnapshotQuotaExceeded: 400,
  SnapshotQuotaExceeded: 400,
} as const;

export function refuse(code: keyof typeof STATUS, message: string): ServiceError {
  return new ServiceError(code, message, STATUS[code]);
}
