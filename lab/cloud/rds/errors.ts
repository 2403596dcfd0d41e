/** RDS's errors by wire code, with the HTTP status each answers. Codes of instances and their snapshots carry no "Fault"; those of clusters and a few others do. */
import { ServiceError } from "../../wire/errors.ts";

const STATUS = {
  DBClusterAlreadyExistsFault: 400,
  DBClusterNotFoundFault: 404,
  DBClusterParameterGroupNotFound: 404,
  DBClusterQuotaExceededFault: 403,
  DBClusterSnapshotAlreadyExistsFault: 400,
  DBClusterSnapshotNotFoundFault: 404,
  DBInstanceNotFound: 404,
  DBInstanceAlreadyExists: 400,
  DBParameterGroupAlreadyExists: 400,
  DBParameterGroupNotFound: 404,
  DBSnapshotAlreadyExists: 400,
  DBSnapshotNotFound: 404,
  DBSubnetGroupNotFoundFault: 404,
  InstanceQuotaExceeded: 400,
  GlobalClusterAlreadyExistsFault: 400,
  GlobalClusterNotFoundFault: 404,
  InvalidDBClusterSnapshotStateFault: 400,
  InvalidDBClusterStateFault: 400,
  InvalidDBInstanceState: 400,
  InvalidDBParameterGroupState: 400,
  InvalidDBSnapshotState: 400,
  InvalidGlobalClusterStateFault: 400,
  InvalidParameterCombination: 400,
  InvalidRestoreFault: 400,
  PointInTimeRestoreNotEnabled: 400,
  InvalidParameterValue: 400,
  KMSKeyNotAccessibleFault: 400,
  MissingParameter: 400,
  SharedSnapshotQuotaExceeded: 400,
  SnapshotQuotaExceeded: 400,
} as const;

export function refuse(code: keyof typeof STATUS, message: string): ServiceError {
  return new ServiceError(code, message, STATUS[code]);
}
