/**
 * The order of the test files: those that take longest begin, so that no worker is left with one of them at the end. What is not listed
 * follows as vitest would have it. A file that takes more than half a minute by itself belongs here, or in two.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

const LONGEST = [
  "lab/site",
  "simulation/month",
  "runbooks/switchover",
  "lab/disasters-region",
  "lab/disasters-moves-mariadb",
  "runbooks/switchover-steps",
  "runbooks/failover",
  "lab/faults-wakes",
  "lab/mariadb",
  "lab/orders",
  "lab/offsite",
  "lab/places",
  "lab/vault",
  "lab/machines",
  "lab/faults-failover",
  "runbooks/failback",
  "runbooks/restore-deaths",
  "runbooks/site",
  "cli/commands",
  "lab/native-global",
  "runbooks/copy-queue",
  "permissions/rehearsal",
  "lab/races",
  "lab/disasters-moves-postgres",
  "lab/latch",
  "lab/refusals",
  "lab/near-probe",
  "lab/disasters-holds-mariadb",
  "runbooks/repoint",
  "runbooks/ladder",
  "lab/least-privilege",
  "lab/failover",
  "lab/native-clusters",
  "conformance/durable-runbooks",
];

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return place < 0 ? LONGEST.length : place;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((one, other) => placeOf(one) - placeOf(other));
  }
}
