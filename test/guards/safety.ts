/**
 * The safety requirements of a failover, each with the guards that hold it, the test that misses each guard, and the change that takes
 * the guard away. `npm run mutate:safety` tries them all, and docs/safety.md is written from this list. What is still open says so.
 */
import { guard, type Requirement } from "./requirement.ts";

const RULES = "test/unit/rules.test.ts";
const REQUESTS = "test/unit/requests.test.ts";
const SIMULATION = "test/simulation/simulation.test.ts";
const LATCH = "test/unit/latch.test.ts";
const LATCHED = "test/simulation/latch.test.ts";
const SWITCHOVER = "test/runbooks/switchover.test.ts";
const RACES = "test/lab/races.test.ts";
const NATIVE = "test/unit/native.test.ts";
const DEAF = "test/lab/deaf-bus.test.ts";
const SITE = "test/runbooks/site.test.ts";
const TEMPLATE = "test/infra/safety.test.ts";

export const SAFETY: readonly Requirement[] = [
  {
    number: 1,
    says: "At most one writer is advertised: the name leads to the primary on record",
    guards: [
      guard(
        "a latch turns the nodes nobody sees first",
        "core/latch.ts",
        "return behind.some((bit, at) => bit !== bits[at]) ? [behind, last] : [last];",
        "return [last];",
        LATCH,
        "from every state to every side",
      ),
    ],
  },
  {
    number: 2,
    says: "The old primary is fenced before another is promoted",
    guards: [
      guard(
        "a fence counts once RDS says it is in force",
        "runbooks/failover-steps.ts",
        "return isFenced(instance, this.fenceGroup(instance.id));",
        'return isFenced(instance, this.fenceGroup(instance.id)) || instance.id !== "";',
        SIMULATION,
        "the primary's host dies: one move",
      ),
      guard(
        "one lost call to RDS is no dark region, whose primary may stay open",
        "runbooks/failover-steps.ts",
        "if (unfenced !== null) await this.staysDark(record);",
        "",
        "test/simulation/people.test.ts",
        "one call to RDS gets no answer while an approved move begins",
      ),
    ],
  },
  {
    number: 3,
    says: "A fence is proven by a refused write, and open sessions are cut",
    guards: [
      guard(
        "sessions are cut",
        "runbooks/failover-steps.ts",
        'const WITHOUT_SESSIONS = ["rebooting"',
        'const WITHOUT_SESSIONS = ["available", "rebooting"',
        SIMULATION,
        "the primary hangs and wakes while it is being fenced",
      ),
      guard(
        "no plan's fence is without what proves it",
        "core/ladder.ts",
        'const ALWAYS: readonly Rung[] = ["network", "sessions"];',
        'const ALWAYS: readonly Rung[] = ["network"];',
        "test/unit/plan.test.ts",
        "a fence without what proves it is refused",
      ),
      guard(
        "a former primary that answers is not fenced, whatever it answers",
        "runbooks/fences.ts",
        "if (attempt?.wrote || (attempt?.answered && !STOPPED.includes(instance.status))) return;",
        "if (attempt?.wrote) return;",
        "test/runbooks/ladder.test.ts",
        "a refused old password proves no fence",
      ),
      guard(
        "a write that goes through is no fence, whatever RDS says",
        "runbooks/failover-steps.ts",
        "if (!answered || (!wrote && STOPPED.includes(instance.status)))",
        "if (answered || !answered)",
        "test/runbooks/failover.test.ts",
        "somebody has opened the fence's group",
      ),
      guard(
        "a server that is down and refuses has been reached: its fence is open",
        "runbooks/failover-steps.ts",
        "if (!answered || (!wrote && STOPPED.includes(instance.status)))",
        "if (!wrote)",
        "test/runbooks/failover.test.ts",
        "and the primary is dead",
      ),
      guard(
        "that a fence let somebody in outlives the run of the function that saw it",
        "runbooks/until.ts",
        "proof = await lookAfter(look, proof);",
        "proof = await lookAfter(look, notYet(proof.seen));",
        "test/runbooks/failover.test.ts",
        "and the primary is dead",
      ),
      guard(
        "a server that has said anything is not silent",
        "databases/silence.ts",
        "stream.bytesRead === 0",
        "stream.bytesRead >= 0",
        "test/unit/silence.test.ts",
        "a server whose first word comes in time",
      ),
    ],
  },
  {
    number: 4,
    says: "The fence outlives a reboot of the old primary and of the controller",
    guards: [
      guard(
        "former primaries are looked at on every lap",
        "runbooks/watch.ts",
        "  await keepFences(settings, database, found);",
        "  if (found.generation < 0) await keepFences(settings, database, found);",
        SIMULATION,
        "somebody gives the old primary its network back long after",
      ),
      guard(
        "one that was stopped and that AWS starts again is stopped again",
        "runbooks/fences.ts",
        "return await stopAgain(settings, database, retired, region);",
        "return;",
        "test/runbooks/ladder.test.ts",
        "the fence's last rungs change the old primary's password and stop it",
      ),
      guard(
        "its master user's password is another one",
        "runbooks/afterwards.ts",
        "setMasterPassword(region, id, retiredPassword(password, retired))",
        "setMasterPassword(region, id, password)",
        "test/runbooks/ladder.test.ts",
        "the fence's last rungs change the old primary's password and stop it",
      ),
    ],
  },
  {
    number: 5,
    says: "Nothing is promoted whose lag is unknown, stale or above the limit, unless this one order says so",
    guards: [
      guard(
        "the lag's limit",
        "core/candidates.ts",
        "(prices[id]?.lagSeconds ?? 0) > policy.maxLagSeconds",
        "(prices[id]?.lagSeconds ?? 0) > policy.maxLagSeconds * 1e6",
        RULES,
        "the standby is 94 s behind and the limit is 30",
      ),
      guard(
        "an unknown lag is no lag of zero",
        "core/candidates.ts",
        "(prices[id]?.lagSeconds ?? null) === null",
        "prices[id] === undefined",
        RULES,
        "the standby never applied a heartbeat",
      ),
      guard(
        "a link that was lost long before",
        "core/candidates.ts",
        "> confirmationSeconds(policy) + policy.probeEverySeconds",
        "> confirmationSeconds(policy) + 1e6",
        RULES,
        "replication stopped long before the primary died",
      ),
      guard(
        "what the near probe last heard while the far one was blind",
        "core/diagnosis.ts",
        "Math.max(farWritten, near?.lastHeartbeatAtMs ?? farWritten)",
        "farWritten",
        RULES,
        "clients wrote on while the route between the regions was cut",
      ),
      guard(
        "a failover of a global database gives data up, and needs the word for it",
        "core/rules.ts",
        "s.order?.allowDataLoss !== true",
        "s.order?.allowDataLoss === null",
        NATIVE,
        "a failover of a global database needs the word for it",
      ),
    ],
  },
  {
    number: 6,
    says: "Only a replica of the primary on record, available and of its major version is promoted",
    guards: [
      guard(
        "whose replica it is",
        "core/candidates.ts",
        "instance?.sourceId !== record.primary ||",
        "record.primary === undefined ||",
        RULES,
        "the standby follows another instance",
      ),
      guard(
        "it takes no writes yet",
        "core/candidates.ts",
        "answer?.inRecovery !== true",
        "answer === undefined",
        RULES,
        "the standby already takes writes",
      ),
      guard(
        "its status",
        "core/candidates.ts",
        '=> instance?.status !== "available",',
        "=> instance === undefined,",
        RULES,
        "the standby is backing up",
      ),
      guard(
        "a cluster must be of the primary's own global database",
        "core/candidates.ts",
        "instance?.native?.global !== policy.globalCluster",
        "instance?.native?.global === null",
        NATIVE,
        "a cluster of another global database",
      ),
    ],
  },
  {
    number: 7,
    says: "Automation never crosses a region",
    guards: [
      guard(
        "the best standby must be hot",
        "core/rules.ts",
        's.policy.mode === "approval" || best(s)?.hot === false',
        's.policy.mode === "approval"',
        RULES,
        "the hot standby is unfit: automation never crosses a region",
      ),
      guard(
        "a global database is never failed over by itself",
        "core/rules.ts",
        "byItself(s) && globalIsLost(s)",
        "byItself(s) && globalIsLost(s) && s.policy.mode === null",
        NATIVE,
        "a global database whose region is dark never moves by itself",
      ),
    ],
  },
  {
    number: 8,
    says: "One observer is never enough, and old votes do not count",
    guards: [
      guard(
        "a link that streams saves the primary",
        "core/diagnosis.ts",
        '&& (reached || link === "alive")) return named("PrimaryUnreachable");',
        '&& reached) return named("PrimaryUnreachable");',
        RULES,
        "the probe is broken but the primary is fine",
      ),
      guard(
        "a vote's age",
        "core/diagnosis.ts",
        "age !== null && Math.abs(age) <= voteFreshSeconds(policy)",
        "age !== null",
        RULES,
        "the probe has been silent for a minute",
      ),
    ],
  },
  {
    number: 9,
    says: "A controller that cannot see does nothing, and its silence raises an outside alarm",
    guards: [
      guard(
        "missing data breaches",
        "infra/alarms.ts",
        'TreatMissingData: "breaching"',
        'TreatMissingData: "notBreaching"',
        TEMPLATE,
        "the probe falls silent",
      ),
      guard(
        "a probe in the primary's own network that still has it",
        "core/diagnosis.ts",
        "const votes = [far, near].filter",
        "const votes = [far].filter",
        RULES,
        "the primary's own network still reaches it",
      ),
    ],
  },
  {
    number: 10,
    says: "One operation a database, held by a claim with a rising number; a stale one is refused",
    guards: [
      guard(
        "a site's execution without the claim does nothing",
        "runbooks/site.ts",
        'if (!claim) return { outcome: "not ours"',
        'if (!claim && execution === "") return { outcome: "not ours"',
        SITE,
        "an execution that holds no claim does nothing",
      ),
      guard(
        "who comes late may not speak",
        "core/latch.ts",
        "now.generation > last.generation || (now.generation === last.generation && now.attempt >= last.attempt)",
        "now.generation >= 0 && last.attempt >= 0",
        LATCH,
        "a move of an older generation",
      ),
    ],
  },
  {
    number: 11,
    says: "A crash between any two steps resumes without repeating an effect",
    guards: [
      guard(
        "a promotion is looked for before it is asked for",
        "runbooks/failover-steps.ts",
        "if (instance.sourceId === null) return { atMs: storeNowMs(), already: true };",
        "",
        RACES,
        "the move is killed after each effect and before its note",
      ),
    ],
  },
  {
    number: 12,
    says: "Duplicate and out-of-order triggers are harmless",
    guards: [
      guard(
        "an execution bears the name of its claim: started again, it is the same one",
        "aws/functions.ts",
        "DurableExecutionName: name,",
        "DurableExecutionName: `${name}-${Date.now()}`,",
        RACES,
        "the alarm is delivered twice and the watcher races itself",
      ),
    ],
  },
  {
    number: 13,
    says: "A second runner re-reads real state first",
    guards: [
      guard(
        "a move that died after the promotion is gone on with, not begun anew",
        "runbooks/failover-steps.ts",
        'if (record.claim.stage === "promoted") {',
        'if (record.claim.stage === "promoted" && record.generation < 0) {',
        SIMULATION,
        "after the promotion: another execution goes on where it ended",
      ),
      guard(
        "one that goes on after the promotion undoes nothing that was promoted",
        "runbooks/failover.ts",
        "const undone = refused || (early && !goesOn);",
        "const undone = refused || early;",
        "test/runbooks/failover-successor.test.ts",
        "its successor cannot prove the fence",
      ),
      guard(
        "a move to a restored instance that goes on never opens the old primary",
        "runbooks/restore-move.ts",
        '= goesOn ? "write" : "fence";',
        '= "fence";',
        "test/runbooks/restore-deaths.test.ts",
        "it dies at each step after that",
      ),
    ],
  },
  {
    number: 14,
    says: "Success is observed: no source, a canary written, a write through the clients' name",
    guards: [
      guard(
        "the new primary must take a write before the name moves",
        "runbooks/failover-steps.ts",
        "    if (instance.sourceId !== null) return notYet(`${id} is still a replica`);",
        "    if (instance.sourceId !== null) return proven(`${id} is still a replica`);",
        SIMULATION,
        "the primary's host dies: one move",
      ),
    ],
  },
  {
    number: 15,
    says: "Every state has a deadline and an exit",
    guards: [
      guard(
        "a torn end of the log is not waited for",
        "runbooks/failover-steps.ts",
        "const torn = !answer.drained && (await this.engine.endsTorn(target, LOOK_MS));",
        "const torn = false;",
        "test/runbooks/torn-log.test.ts",
        "the primary dies while it sends a huge record",
      ),
      guard(
        "after the promotion a move goes forward",
        "runbooks/failover.ts",
        "if (round >= FORWARD.rounds) throw error;",
        "if (round > 0) throw error;",
        SIMULATION,
        "Route 53 goes dark with the promotion",
      ),
      guard(
        "what a dead move did is undone",
        "runbooks/watch.ts",
        'stage === "promoted" ? "promoted" : "undoing"',
        '"promoted"',
        SIMULATION,
        "between the fence and the promotion: the primary gets its network back",
      ),
      guard(
        "a move that is called off ends the read-only rung",
        "runbooks/failover-steps.ts",
        "await endReadOnly(this.database, { regions: this.regions }, id);",
        "",
        "test/runbooks/ladder-read-only.test.ts",
        "the move is called off after the read-only rung",
      ),
    ],
  },
  {
    number: 16,
    says: "Every refusal is told, with its reason, the value and the limit",
    guards: [
      guard(
        "refusals are mailed",
        "runbooks/watch.ts",
        "else if (decision.tell) await tell(",
        "else if (decision.tell && decision.rule < 0) await tell(",
        SIMULATION,
        "replication had stopped long before the primary dies",
      ),
      guard(
        "people are told of what was undone before its claim ends",
        "runbooks/watch.ts",
        'await tell(settings, diedNews(record, held, "UNDONE",',
        'await endClaim(settings, database, held.execution, "failed", storeNowMs());\n  await tell(settings, diedNews(record, held, "UNDONE",',
        SWITCHOVER,
        "the watcher opens the primary again",
      ),
    ],
  },
  {
    number: 17,
    says: "After a move the cooldown holds, until its time is over or a person acknowledges",
    guards: [
      guard(
        "the cooldown",
        "core/rules.ts",
        "(s.facts.atMs - lastMove.endedAtMs) / 60_000 < s.policy.cooldownMinutes",
        "(s.facts.atMs - lastMove.endedAtMs) / 60_000 < 0",
        RULES,
        "the last move failed ten minutes ago",
      ),
    ],
  },
  {
    number: 18,
    says: "More than so many automatic moves stop automation everywhere",
    guards: [
      guard(
        "the fleet's brake",
        "core/rules.ts",
        "recentMoves(s).length >= s.policy.brake.moves",
        "recentMoves(s).length >= s.policy.brake.moves * 100",
        RULES,
        "three databases have moved within the hour",
      ),
    ],
  },
  {
    number: 19,
    says: "Overrides are single-use and never change the standing policy",
    guards: [
      guard(
        "a request counts once",
        "core/requests.ts",
        "matches: ({ request }) => request.usedBy !== null,",
        'matches: ({ request }) => request.usedBy === "",',
        REQUESTS,
        "a request that is used, withdrawn",
      ),
    ],
  },
  {
    number: 20,
    says: "The name never returns by itself to a former primary",
    guards: [
      guard(
        "the watcher repeats the latch's last word",
        "runbooks/latch.ts",
        "database.name, latch.bits, asOfMs)",
        "database.name, latch.bits.map(() => 0 as const), asOfMs)",
        LATCHED,
        "us-east-1 is dark and stays so",
      ),
    ],
  },
  {
    number: 21,
    says: "The name is never empty and never leads to a database that takes no writes",
    guards: [
      guard(
        "exactly one side answers",
        "core/latch.ts",
        "return behind.some((bit, at) => bit !== bits[at]) ? [behind, last] : [last];",
        "return [last];",
        LATCH,
        "while each stage spreads only the old or the new side answers",
      ),
      guard(
        "a restored instance never gets the side that answers",
        "core/latch.ts",
        ".filter(({ side }) => side !== answered)",
        ".filter(({ side }) => side >= 0)",
        "test/runbooks/repoint.test.ts",
        "the way from a side to a restored instance",
      ),
    ],
  },
  {
    number: 22,
    says: "Both health checks red never lead to the old primary",
    guards: [
      guard(
        "a check without data keeps its last word",
        "infra/latch.ts",
        'InsufficientDataHealthStatus: "LastKnownStatus"',
        'InsufficientDataHealthStatus: "Healthy"',
        LATCHED,
        "nothing is said any more after the move",
      ),
    ],
  },
  {
    number: 23,
    says: "A planned switchover loses nothing, or leaves everything as it was",
    guards: [
      guard(
        "the standby has all of the primary's log before it is promoted",
        "runbooks/switchover-steps.ts",
        "if (!this.engine.hasReached(position, after)) return",
        "if (position.log === after.log + after.log) return",
        SWITCHOVER,
        "the standby does not apply what it receives",
      ),
      guard(
        "no client has a session on the primary when the two are compared",
        "runbooks/switchover-steps.ts",
        "if (strangers.length > 0)",
        "if (strangers.length < 0)",
        SWITCHOVER,
        "a client comes through the group that should admit Understudy alone",
      ),
      guard(
        "a move that is called off opens the primary again",
        "runbooks/switchover-steps.ts",
        "if (!(await this.isIn(id, claim.network))) {",
        'if (id === "") {',
        SWITCHOVER,
        "the fence is refused: called off",
      ),
      guard(
        "a promotion that never began is called off, not waited for",
        "runbooks/switchover.ts",
        "refused || !(await began(ctx, move, standby))",
        "refused",
        SWITCHOVER,
        "RDS answers the promotion with errors and does not begin it",
      ),
    ],
  },
  {
    number: 24,
    says: "Planned and automatic operations exclude each other",
    guards: [
      guard(
        "a claim holds against orders too",
        "core/rules.ts",
        "({ facts }) => facts.record.claim !== null",
        "({ facts, order }) => facts.record.claim !== null && order === null",
        RULES,
        "a move already runs: held",
      ),
    ],
  },
  {
    number: 25,
    says: "Failback is refused while the old side holds transactions the new primary lacks",
    guards: [
      guard(
        "a site does not go back before its databases",
        "runbooks/site.ts",
        'if (refused.length > 0 && claim.direction === "return") throw',
        'if (refused.length > 99 && claim.direction === "return") throw',
        SITE,
        "the failback of its database is refused",
      ),
      guard(
        "what a former primary holds alone forbids the way back",
        "core/rules.ts",
        '(s) => ordered("failback")(s) && unsettled(s) !== undefined',
        "(s) => s.policy.mode === null",
        RULES,
        "a failback is refused while a former primary holds what the primary lacks",
      ),
      guard(
        "transactions after the branch are counted",
        "databases/postgres.ts",
        "const ids = committed.filter((id) => !known.has(id));",
        "const ids = committed.filter((id) => known.has(id));",
        "test/runbooks/failback.test.ts",
        "(S25",
      ),
      guard(
        "an old primary that is stopped is started, to be asked what it holds alone",
        "runbooks/gate.ts",
        "await startInstance(this.regionOf(id), id);",
        "",
        "test/runbooks/ladder.test.ts",
        // The failback's test goes on from the one before it: both are run.
        "stopped",
      ),
    ],
  },
  {
    number: 26,
    says: "Nothing is deleted by automation",
    guards: [
      guard(
        "no role may delete what holds data",
        "infra/roles.ts",
        '["rds:ModifyDBInstance", "rds:RebootDBInstance"]',
        '["rds:ModifyDBInstance", "rds:RebootDBInstance", "rds:DeleteDBInstance"]',
        TEMPLATE,
        "no role may delete what holds data",
      ),
    ],
  },
  {
    number: 27,
    says: "Pause wins, ends by itself and reminds",
    guards: [
      guard(
        "a pause holds automation",
        "core/rules.ts",
        "(s.facts.record.pause?.untilMs ?? 0) > s.facts.atMs",
        "(s.facts.record.pause?.untilMs ?? 0) > s.facts.atMs * 2",
        RULES,
        "pause wins: nothing moves by itself",
      ),
      guard(
        "people are reminded at half time",
        "core/pause.ts",
        'return nowMs >= halfMs ? "half" : null;',
        "return nowMs >= halfMs ? null : null;",
        REQUESTS,
        "a pause reminds at half time",
      ),
    ],
  },
  {
    number: 28,
    says: "A notification that fails never blocks a recovery, and shows",
    guards: [
      guard(
        "what cannot be told stops nothing",
        "runbooks/tell.ts",
        "        return false;",
        "        throw error;",
        DEAF,
        "the event bus takes no news",
      ),
      guard(
        "news that is lost is counted where an alarm hears it",
        "runbooks/tell.ts",
        "{ NewsNotTold: 1 }",
        "{ NewsNotTold: 0 }",
        DEAF,
        "the event bus takes no news",
      ),
    ],
  },
  {
    number: 29,
    says: "The failing region is never needed",
    guards: [
      guard(
        "where a region is dark its own standby is no candidate",
        "core/candidates.ts",
        'primaryRegion === "dark" && region === record.regions[record.primary]',
        'primaryRegion === "dark" && region === ""',
        RULES,
        "whatever the facts: an automatic failover needs every safety requirement at once",
      ),
      guard(
        "a region whose RDS does not answer is dark, not in error",
        "runbooks/observe.ts",
        'if (isNoAnswer(error)) return "dark";',
        "if (isNoAnswer(error)) return null;",
        "test/lab/disasters-region.test.ts",
        "the primary's region and every us-east-1 endpoint are dark",
      ),
    ],
  },
  {
    number: 30,
    says: "Slow is not dead",
    guards: [
      guard(
        "a slow primary is held, under its own rule",
        "core/rules.ts",
        '(s) => byItself(s) && is("PrimarySlow")(s),',
        '(s) => byItself(s) && is("Blind")(s),',
        RULES,
        "each trouble of a primary that answers has its own diagnosis",
      ),
      guard(
        "a port that opened tells hung from gone",
        "databases/postgres.ts",
        "{ opened: opened.has(client) }",
        "{ opened: false }",
        "test/lab/conditions-postgres.test.ts",
        "slow, hung, read-only, full",
      ),
      guard(
        "what RDS fails over by itself has its time",
        "core/native.ts",
        "return Math.min(lostForSeconds, begun) < policy.nativeGraceSeconds;",
        "return Math.min(lostForSeconds, begun) < 0;",
        NATIVE,
        "a Multi-AZ primary is lost: RDS has its time",
      ),
    ],
  },
  {
    number: 31,
    says: "Clock skew of up to 60 s between runners changes no decision",
    guards: [
      guard(
        "all who judge by time use the store's clock",
        "aws/store-clock.ts",
        "Date.now() + offsetMs(bounds)",
        "Date.now()",
        SIMULATION,
        "the primary's host dies: the same is decided as with right clocks",
      ),
      guard(
        "a right clock is not disturbed",
        "aws/store-clock.ts",
        "leastMs <= 0 && mostMs >= 0 ? 0 :",
        "leastMs > mostMs ? 0 :",
        "test/unit/store-clock.test.ts",
        "a right clock is never touched",
      ),
    ],
  },
  {
    number: 32,
    says: "Drills have no permission on production",
    guards: [
      guard(
        "a drill's role sees, makes and deletes what begins like a drill alone",
        "infra/roles.ts",
        "const drilledArn = instanceArn(recovery, `${DRILL}*`);",
        'const drilledArn = instanceArn("*", `${DRILL.slice(0, 0)}*`);',
        TEMPLATE,
        "a drill's role is allowed nothing on what production runs on",
      ),
    ],
  },
  {
    number: 33,
    says: "The audit is append-only, and a recorded event gives the same decision again",
    guards: [
      guard(
        "a changed record is found out",
        "core/recorded.ts",
        "again.sentence === decision.sentence",
        'again.sentence !== ""',
        "test/unit/recorded.test.ts",
        "a sentence that was changed afterwards is found out",
      ),
    ],
  },
  {
    number: 34,
    says: "Orders are authenticated, authorised and never replayed; dangerous ones need a second person",
    guards: [
      guard(
        "one person counts once",
        "core/requests.ts",
        "personOf(by) === personOf(approval.by)",
        'personOf(by) === ""',
        REQUESTS,
        "two people agree: enough",
      ),
    ],
  },
  {
    number: 35,
    says: "Two writable databases of one lineage raise an alarm at any time",
    guards: [
      guard(
        "a standby that takes writes is told",
        "core/rules.ts",
        "writers(s).length > 0",
        "writers(s).length > 100",
        RULES,
        "somebody promoted the standby by hand",
      ),
    ],
  },
];
