/** Twenty behaviours of the lab, each with the change that switches it off and the test that must notice. */

import type { Mutation } from "./mutate.ts";

const L = "test/conformance/part-l.test.ts";
const REPLICAS = "test/conformance/part-l-replicas.test.ts";
const SERVICES = "test/conformance/part-l-services.test.ts";

export const MUTATIONS: readonly Mutation[] = [
  {
    behaviour: "L.1 each region is a store of its own",
    file: "lab/cloud/rds/state.ts",
    from: "export function regionState(world: World, region: string): RegionState {",
    to: 'export function regionState(world: World, _region: string, region = "one"): RegionState {',
    test: [L, "a snapshot and an instance are unknown in the other region"],
  },
  {
    behaviour: "L.2 codes of instances drop their Fault on the wire",
    file: "lab/wire/codec-errors.ts",
    from: "traits.awsQueryError ?? [shape, traits.httpError ?? 400]",
    to: "[shape, traits.httpError ?? 400]",
    test: ["test/conformance/part-l-codes.test.ts", "L.2 DBInstanceNotFound answers"],
  },
  {
    behaviour: "L.2 each code has its own HTTP status",
    file: "lab/wire/codec-errors.ts",
    from: "const status = error.status ?? modelled;",
    to: "const status = error.status ?? 400 + 0 * modelled;",
    test: ["test/conformance/part-l-codes.test.ts", "L.2 DBClusterQuotaExceededFault answers"],
  },
  {
    behaviour: "L.3 an instance's identifier has 63 characters at most",
    file: "lab/cloud/rds/input.ts",
    from: "value.length > longest",
    to: "value.length > 4 * longest",
    test: [L, "an instance's has 63 characters at most"],
  },
  {
    behaviour: "L.3 identifiers are kept in lower case",
    file: "lab/cloud/rds/input.ts",
    from: "return value.toLowerCase();",
    to: "return value;",
    test: [L, "they are kept in lower case and found in any"],
  },
  {
    behaviour: "L.4 copies of one instance's snapshots go one after another",
    file: "lab/cloud/rds/copies.ts",
    from: "copy.region, async () => next(rds, copy.resourceId));",
    to: "copy.region, async () => move(rds, copy));",
    test: [L, "two copies of one instance's snapshots go one after another"],
  },
  {
    behaviour: "L.4 twenty copies in flight are the limit",
    file: "lab/cloud/rds/copies.ts",
    from: "const ACROSS_AT_A_TIME = 20;",
    to: "const ACROSS_AT_A_TIME = 2000;",
    test: [L, "100 manual snapshots and 20 copies in flight"],
  },
  {
    behaviour: "L.4 a waiting copy shows 0 %",
    file: "lab/cloud/rds/shapes.ts",
    from: "record.copy ? record.copy.startedAt : record.takenSince;",
    to: "record.copy ? record.copy.queuedAt : record.takenSince;",
    test: [L, "two copies of one instance's snapshots go one after another"],
  },
  {
    behaviour: "L.5 SnapshotCreateTime is rewritten on copy",
    file: "lab/cloud/rds/copies.ts",
    from: "copy.createdAt = world.now();",
    to: "copy.createdAt = copy.originalCreatedAt;",
    test: [L, "SnapshotCreateTime is the copy's own"],
  },
  {
    behaviour: "L.5 a copy drops the tags",
    file: "lab/cloud/rds/copies.ts",
    from: "tags: input.CopyTags ? mergeTags(source.tags, own) : own,",
    to: "tags: mergeTags(source.tags, own),",
    test: [L, "tags are dropped, unless CopyTags asks for them"],
  },
  {
    behaviour: "L.6 a replica that is backing up is not promoted",
    file: "lab/cloud/rds/replicas.ts",
    from: 'mustBe(record, ["available"], "be promoted");',
    to: 'mustBe(record, ["available", "backing-up"], "be promoted");',
    test: [REPLICAS, "is refused while the replica is backing up"],
  },
  {
    behaviour: "L.6 `available` lingers after a promotion was asked for",
    file: "lab/cloud/rds/replicas.ts",
    from: "world.timings.promoteLingerMs,",
    to: "0,",
    test: [REPLICAS, "leaves `available` and the source standing for a moment"],
  },
  {
    behaviour: "L.6 the source forgets a promoted replica",
    file: "lab/cloud/rds/replicas.ts",
    from: "  forgetReplica(world, record);\n  record.source = undefined;",
    to: "  record.source = undefined;",
    test: [REPLICAS, "leaves `available` and the source standing for a moment"],
  },
  {
    behaviour: "L.7 PostgreSQL's replicas of other regions are not promoted when their source is deleted",
    file: "lab/cloud/rds/replicas.ts",
    from: 'if (rises && replica.status === "available") {',
    to: 'if ((rises || true) && replica.status === "available") {',
    test: [REPLICAS, "promotes PostgreSQL's replicas beside it"],
  },
  {
    behaviour: "L.8 the lag is -1 once replication has stopped",
    file: "lab/cloud/rds/metrics.ts",
    from: "replica.replication ? -1 : await lag()",
    to: "replica.replication ? 0 : await lag()",
    test: [REPLICAS, "is -1 once replication has stopped"],
  },
  {
    behaviour: "L.9 an alarm calls again until Lambda takes the call",
    file: "lab/cloud/attempts.ts",
    from: "if (wait === undefined) return error;",
    to: "if (wait === undefined || tries > 0) return error;",
    test: [SERVICES, "an alarm calls its function until Lambda takes the call"],
  },
  {
    behaviour: "L.10 Route 53 throttles with HTTP 400",
    file: "lab/cloud/route53-control.ts",
    from: 'new ServiceError("Throttling", "Rate exceeded", 400)',
    to: 'new ServiceError("Throttling", "Rate exceeded", 429)',
    test: ["test/lab/route53.test.ts", "the sixth request of a second is throttled"],
  },
  {
    behaviour: "L.11 If-None-Match: * lets one taker win",
    file: "lab/cloud/s3-state.ts",
    from: 'if (current) throw preconditionFailed("If-None-Match");',
    to: "",
    test: ["test/lab/s3.test.ts", "of two who take the same lock one gets 412"],
  },
  {
    behaviour: "L.12 an asynchronous invocation is tried two more times",
    file: "lab/cloud/lambda/queue.ts",
    from: "config?.MaximumRetryAttempts ?? 2;",
    to: "config?.MaximumRetryAttempts ?? 0;",
    test: [SERVICES, "a function that is killed at its timeout has had its effect"],
  },
  {
    behaviour: "L.12 more than ten mails a second suspend a subscription",
    file: "lab/cloud/sns.ts",
    from: "if (times.length < MAILS_A_SECOND) return false;",
    to: "if (times.length < 10 * MAILS_A_SECOND) return false;",
    test: ["test/lab/sns.test.ts", "a storm of more than ten mails a second"],
  },
];
