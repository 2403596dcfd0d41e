/**
 * The order of the test files: those that take longest begin, so that no worker is left with one of them at the end. What is not listed
 * follows as vitest would have it. A file that takes more than half a minute by itself belongs here, or in two.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

const LONGEST = [
  "lab/disasters-moves-mariadb",
  "lab/disasters-moves-postgres",
  "runbooks/switchover-steps",
  "lab/disasters-region",
  "lab/disasters-holds-postgres",
  "lab/disasters-holds-mariadb",
  "lab/mariadb",
  "lab/native-global",
  "lab/least-privilege",
  "lab/faults-wakes",
  "cli/commands",
  "lab/races",
  "lab/deaf-bus",
  "lab/faults-failover",
  "lab/refusals",
  "lab/failover",
  "conformance/durable-runbooks",
  "lab/site",
  "runbooks/site",
  "lab/rds",
  "lab/faults-events",
  "runbooks/ladder",
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
