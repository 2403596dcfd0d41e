/**
 * What RDS or EBS means when it does not start a snapshot or a copy, by its code and its words. Says nothing of what to do about it.
 * One code has two meanings (SnapshotQuotaExceeded), and the message alone tells them apart.
 */
import type { BackOff } from "./copy-queue.ts";

/** "refused": asking again is of no use. "passes": everything else, a state in between or a lost connection. */
export type CopyFault = BackOff | "exists" | "refused" | "passes";

interface Row {
  readonly code: RegExp;
  readonly message?: RegExp;
  readonly means: CopyFault;
}

/** The first that fits. Codes are without "Fault" at their end, as `codeOf` gives them. */
const TABLE: readonly Row[] = [
  { code: /^DB(Cluster)?SnapshotAlreadyExists$/, means: "exists" },
  { code: /^SnapshotQuotaExceeded$/, message: /cannot copy more than/i, means: "slots are taken" },
  // "Cannot create more than 100 manual snapshots", and words nobody has met yet: people had better look.
  { code: /^SnapshotQuotaExceeded$/, means: "region is full" },
  // Of EBS: copies into a region, snapshots of one volume, and of an account, that are under way.
  {
    code: /^(ResourceLimitExceeded|ConcurrentSnapshotLimitExceeded|PendingSnapshotLimitExceeded|SnapshotCreationPerVolumeRateExceeded)$/,
    means: "slots are taken",
  },
  { code: /^SnapshotLimitExceeded$/, means: "region is full" },
  { code: /^(Throttl|RequestLimitExceeded$|RequestThrottled|TooManyRequests|SlowDown$)/, means: "throttled" },
  {
    code: /^(KMSKeyNotAccessible|InvalidParameterCombination|InvalidParameterValue|AccessDenied|UnauthorizedOperation)$/,
    means: "refused",
  },
];

export const faultOf = (code: string, message: string): CopyFault =>
  TABLE.find((row) => row.code.test(code) && (row.message?.test(message) ?? true))?.means ?? "passes";

/** Whether it is only a matter of waiting in the queue: never a failure. */
export const isHeldUp = (fault: CopyFault): fault is BackOff =>
  fault === "slots are taken" || fault === "region is full" || fault === "throttled";
