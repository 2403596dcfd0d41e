/**
 * What each service answers when it is throttled, broken or full: codes and statuses as they stand on the wire. Decides nothing.
 */
import { ServiceError } from "../wire/errors.ts";

type Answer = readonly [code: string, message: string, status: number];

const RATE = "Rate exceeded";
const THROTTLED: Record<string, Answer> = {
  ec2: ["RequestLimitExceeded", "Request limit exceeded.", 503],
  events: ["ThrottlingException", RATE, 400],
  kms: ["ThrottlingException", RATE, 400],
  lambda: ["TooManyRequestsException", RATE, 429],
  s3: ["SlowDown", "Please reduce your request rate.", 503],
  scheduler: ["ThrottlingException", RATE, 429],
  secretsmanager: ["ThrottlingException", RATE, 400],
  sns: ["ThrottlingException", RATE, 400],
  ssm: ["ThrottlingException", RATE, 400],
};

const BROKEN: Record<string, Answer> = {
  ec2: ["InternalError", "An internal error has occurred", 500],
  events: ["InternalException", "An internal error occurred.", 500],
  lambda: ["ServiceException", "An error occurred and the request cannot be processed.", 500],
  monitoring: ["InternalServiceFault", "An internal error occurred.", 500],
  route53: ["ServiceUnavailable", "Service is unavailable", 503],
  s3: ["InternalError", "We encountered an internal error. Please try again.", 500],
  secretsmanager: ["InternalServiceError", "An error occurred on the server side.", 500],
  sns: ["InternalError", "An internal error occurred.", 500],
};

const error = ([code, message, status]: Answer) => new ServiceError(code, message, status);

/** RDS, Route 53 and others answer a throttle with HTTP 400. */
export const throttled = (service: string): ServiceError => error(THROTTLED[service] ?? ["Throttling", RATE, 400]);

export const broken = (service: string): ServiceError =>
  error(BROKEN[service] ?? ["InternalFailure", "An internal failure has occurred", 500]);

export const unavailable = (): ServiceError => error(["ServiceUnavailable", "Service is unavailable", 503]);

interface Quota {
  readonly operations: readonly string[];
  readonly answer: Answer;
}

/** One code of RDS means two quotas; only the message tells them apart. */
const QUOTAS: Record<string, Record<string, Quota>> = {
  rds: {
    manualSnapshots: {
      operations: ["CreateDBSnapshot", "CopyDBSnapshot"],
      answer: ["SnapshotQuotaExceeded", "Cannot create more than 100 manual snapshots", 400],
    },
    snapshotCopies: {
      operations: ["CopyDBSnapshot"],
      answer: ["SnapshotQuotaExceeded", "Cannot copy more than 20 snapshots across regions", 400],
    },
    instances: {
      operations: ["CreateDBInstance", "CreateDBInstanceReadReplica", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime"],
      answer: ["InstanceQuotaExceeded", "DB Instance quota exceeded", 400],
    },
  },
  ec2: {
    snapshotCopies: {
      operations: ["CopySnapshot"],
      answer: ["ResourceLimitExceeded", "Too many snapshot copies in progress. The limit is 20 for this destination region.", 400],
    },
    pendingSnapshots: {
      operations: ["CreateSnapshot", "CreateSnapshots"],
      answer: ["ConcurrentSnapshotLimitExceeded", "Maximum allowed in-progress snapshots for a single volume exceeded.", 400],
    },
  },
  s3: {
    buckets: {
      operations: ["CreateBucket"],
      answer: ["TooManyBuckets", "You have attempted to create more buckets than allowed", 400],
    },
  },
};

export const quotasOf = (service: string): string[] => Object.keys(QUOTAS[service] ?? {});

/** The error of a full quota for an operation that would use it; undefined for any other. */
export function overQuota(service: string, quota: string, operation: string): ServiceError | undefined {
  const found = QUOTAS[service]?.[quota];
  return found?.operations.includes(operation) ? error(found.answer) : undefined;
}
