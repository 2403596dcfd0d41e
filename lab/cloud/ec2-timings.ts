/** How long EC2's own transitions take in the lab, in milliseconds. Snapshots and copies take the world's. */
export interface Ec2Timings {
  /** pending to running, stopping to stopped, shutting-down to terminated. */
  readonly instanceMs: number;
  readonly volumeMs: number;
  /** Between two snapshots of a volume while the first is under way: AWS asks for 15 seconds. */
  readonly snapshotIntervalMs: number;
}

export const EC2_TIMINGS: Ec2Timings = { instanceMs: 250, volumeMs: 30, snapshotIntervalMs: 40 };
