/**
 * The safety requirements of a failover, each with the guard that holds it, the test that misses the guard, and the change that takes
 * the guard away. `npm run mutate:safety` tries them all; docs/safety.md is written from this list. A requirement without guards is open.
 */
import type { Mutation } from "../../conformance/mutate.ts";

export interface Requirement {
  readonly number: number;
  readonly says: string;
  readonly guards: readonly Mutation[];
  /** What is still missing, where something is. */
  readonly open?: string;
}

const RULES = "test/unit/rules.test.ts";
const SIMULATION = "test/simulation/simulation.test.ts";
const LATCH = "test/unit/latch.test.ts";
const REPOINT = "test/runbooks/repoint.test.ts";

const guard = (behaviour: string, file: string, from: string, to: string, test: Mutation["test"]): Mutation => ({
  behaviour,
  file,
  from,
  to,
  test,
});
const any = "whatever the facts: an automatic failover needs every safety requirement at once";

export const REQUIREMENTS: readonly Requirement[] = [
  {
    number: 1,
    says: "At most one writer is advertised: the name leads to the primary on record.",
    guards: [
      guard("a mover without its claim changes no name", "runbooks/repoint-record.ts", "    await mover.holdsClaim();", "", [
        REPOINT,
        "a delayed mover's batch arrives after a later one's",
      ]),
    ],
  },
  {
    number: 2,
    says: "Fence before promote.",
    guards: [
      guard(
        "the fence is in force before the promotion",
        "runbooks/fences.ts",
        "  instance.securityGroups.length === 1 && instance.securityGroups[0] === `${fenceGroup}:active`;",
        "  instance.securityGroups.some((group) => group.startsWith(fenceGroup));",
        [SIMULATION, "whatever befalls the seeds 1 to 40"],
      ),
    ],
  },
  {
    number: 3,
    says: "A fence is proven by a refused write; open sessions are cut.",
    guards: [
      guard(
        "sessions are cut",
        "runbooks/failover-steps.ts",
        'const WITHOUT_SESSIONS = ["rebooting", "stopping", "stopped"];',
        'const WITHOUT_SESSIONS = ["available", "rebooting", "stopping", "stopped"];',
        [SIMULATION, "the primary hangs and wakes while it is being fenced"],
      ),
    ],
  },
  {
    number: 4,
    says: "The fence outlives a reboot of the old primary and of the controller.",
    guards: [
      guard("former primaries are looked at on every lap", "runbooks/watch.ts", "  await keepFences(settings, database, found);", "", [
        SIMULATION,
        "somebody gives the old primary its network back long after",
      ]),
    ],
  },
  {
    number: 5,
    says: "Never promote with a lag that is unknown, stale or above the limit.",
    guards: [
      guard("the lag's limit", "core/candidates.ts", "(prices[id]?.lagSeconds ?? 0) > policy.maxLagSeconds", "id === policy.mode", [
        RULES,
        "the standby is 94 s behind and the limit is 30",
      ]),
      guard("an unknown lag", "core/candidates.ts", "(prices[id]?.lagSeconds ?? null) === null", "prices[id] === undefined", [
        RULES,
        "the standby never applied a heartbeat",
      ]),
      guard(
        "a link that was lost earlier",
        "core/candidates.ts",
        "(prices[id]?.linkLostEarlierSeconds ?? 0) > confirmationSeconds(policy) + policy.probeEverySeconds",
        "(prices[id]?.linkLostEarlierSeconds ?? 0) > confirmationSeconds(policy) + 86_400",
        [RULES, "replication stopped long before the primary died"],
      ),
    ],
  },
  {
    number: 6,
    says: "Never promote what is no replica of the primary on record, not available, or of another major version.",
    guards: [
      guard("whose replica it is", "core/candidates.ts", "instance?.sourceId !== record.primary || ", "", [
        RULES,
        "the standby follows another instance",
      ]),
      guard("that it takes no writes", "core/candidates.ts", " || answer?.inRecovery !== true", "", [
        RULES,
        "the standby already takes writes",
      ]),
      guard("its status", "core/candidates.ts", 'instance?.status !== "available"', "instance?.id === undefined", [
        RULES,
        "the standby is backing up",
      ]),
    ],
  },
  {
    number: 7,
    says: "Automation never crosses a region.",
    guards: [
      guard("only a hot standby by itself", "core/rules.ts", " || best(s)?.hot === false)", ")", [
        RULES,
        "the hot standby is unfit: automation never crosses",
      ]),
    ],
  },
  {
    number: 8,
    says: "One observer is never enough, and old votes do not count.",
    guards: [
      guard("the links must have lost it too", "core/diagnosis.ts", '(reached || link === "alive")', "reached", [
        RULES,
        "the probe is broken but the primary is fine",
      ]),
      guard("a vote's age", "core/diagnosis.ts", "age !== null && age <= voteFreshSeconds(policy)", "age !== null", [
        RULES,
        "the probe has been silent for a minute",
      ]),
    ],
  },
  {
    number: 9,
    says: "A controller that cannot see does nothing, and its silence raises an outside alarm.",
    guards: [
      guard("an alarm on the probe's silence", "infra/alarms.ts", 'TreatMissingData: "breaching"', 'TreatMissingData: "notBreaching"', [
        "test/infra/template.test.ts",
        "the probe's silence raises an alarm that needs none of our code",
      ]),
    ],
  },
  {
    number: 10,
    says: "One operation a database, held by a claim with a rising number; a stale one is refused.",
    guards: [
      guard(
        "every effect makes sure of the claim",
        "runbooks/failover-steps.ts",
        "if (record.claim?.execution === this.execution && record.generation === this.generation) return;",
        "if (record.generation >= 0) return;",
        [SIMULATION, "between the fence and the promotion: its last call comes after its claim is gone"],
      ),
      guard("a late mover of the latch", "core/latch.ts", "LATE_GUARD", "", [LATCH, "a move of an older generation, or an older attempt"]),
    ],
  },
];
