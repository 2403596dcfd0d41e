// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * EventBridge: buses, rules, schedules and events of each region. Events are handed on at least once and only while the lab
 * runs; archives, pipes, partner sources and the Scheduler service are not here.
 */
import { ServiceError } from "../wire/errors.ts";
import { ruleClock } from "./eventbridge-clock.ts";
import { matches, parsePattern } from "./eventbridge-pattern.ts";
import { checkTarget, paged, parsed, type Rule, refuse, ruleShape } from "./eventbridge-rules.ts";
import { parseSchedule } from "./eventbridge-schedule.ts";
import { deliver, type Target } from "./eventbridge-targets.ts";
import { uuid } from "./ids.ts";
import type { Caller, Service, World } from "./world.ts";

export interface EventBridgeOptions {
  /** Waits between tries of a failing target. */
  readonly retryDelaysMs?: readonly number[];
  /** Stands between an event and the rules: may hand it on late, twice or never. */
  readonly carry?: (region: string, event: Record<string, unknown>, handOn: () => void) => void;
}

interface RegionState {
  buses: Record<string, { arn: string; createdAt: number }>;
  rules: Record<string, Rule>;
}

const MAX_ENTRY_BYTES = 256 * 1024;

export function createEventBridge(world: World, options: EventBridgeOptions = {}): Service {
  const retryDelaysMs = options.retryDelaysMs ?? [250, 1000, 4000];
  const carry = options.carry ?? ((_region, _event, handOn) => handOn());
  const clock = ruleClock(world, tick);
  const all = () => world.state<{ regions: Record<string, RegionState> }>("events", () => ({ regions: {} })).regions;

  function regionState(region: string): RegionState {
    const regions = all();
    regions[region] ??= { buses: { default: { arn: busArn(region, "default"), createdAt: world.now() } }, rules: {} };
    return regions[region];
  }

  const busArn = (region: string, name: string) => `arn:aws:events:${region}:${world.account}:event-bus/${name}`;

  /** By name or ARN; the default bus when none is named. */
  function busOf(given: string | undefined, region: string): string {
    const name = given?.split("event-bus/").at(-1) ?? "default";
    if (!regionState(region).buses[name]) throw new ServiceError("ResourceNotFoundException", `Event bus ${name} does not exist.`);
    return name;
  }

  function ruleOf(input: any, caller: Caller): Rule {
    const bus = busOf(input.EventBusName, caller.region);
    const name = input.Name ?? input.Rule;
    const rule = regionState(caller.region).rules[`${bus}/${name}`];
    if (!rule) throw new ServiceError("ResourceNotFoundException", `Rule ${name} does not exist on EventBus ${bus}.`);
    return rule;
  }

  const told = (region: string, what: string, detail?: Record<string, unknown>) =>
    world.tell({ kind: "event", region, service: "events", what, detail });

  function tick(region: string, rule: Rule): void {
    const event = envelope(world, { source: "aws.events", "detail-type": "Scheduled Event", region, resources: [rule.arn], detail: {} });
    told(region, `rule ${rule.name} fires on its schedule`, { rule: rule.name, schedule: rule.schedule });
    carry(region, event, () => send(region, rule, event));
  }

  function send(region: string, rule: Rule, event: any): void {
    for (const target of rule.targets)
      world.later(0, `rule ${rule.name}`, () => deliver(world, { region, rule, target, event }, retryDelaysMs));
  }

  /** Hands an event to every enabled rule of the bus that matches it, unless it is lost on the way. */
  function route(region: string, bus: string, event: any): void {
    carry(region, event, () => match(region, bus, event));
  }

  function match(region: string, bus: string, event: any): void {
    const hit = Object.values(regionState(region).rules).filter(
      (rule) => rule.bus === bus && rule.enabled && rule.pattern !== undefined && matches(JSON.parse(rule.pattern), event),
    );
    told(region, `${event["detail-type"]}${event.detail?.Message ? `: ${event.detail.Message}` : ""}`, {
      source: event.source,
      id: event.id,
      from: event.region,
      resources: event.resources,
      rules: hit.map((rule) => rule.name),
    });
    for (const rule of hit) send(region, rule, event);
  }

  function putEvent(entry: any, caller: Caller): any {
    for (const field of ["Source", "DetailType", "Detail"]) {
      if (!entry[field]) return failed("InvalidArgument", `Parameter ${field} is not valid. Reason: ${field} is a required argument.`);
    }
    if (entry.Source.startsWith("aws.")) return failed("NotAuthorizedForSource", "Not authorized for the source.");
    const size = Buffer.byteLength(entry.Detail) + Buffer.byteLength(entry.Source) + Buffer.byteLength(entry.DetailType);
    if (size > MAX_ENTRY_BYTES) return failed("InvalidArgument", `The entry is ${size} bytes; the limit is ${MAX_ENTRY_BYTES}.`);
    const detail = parsed(entry.Detail);
    if (typeof detail !== "object" || detail === null || Array.isArray(detail)) return failed("MalformedDetail", "Detail is malformed.");
    try {
      const bus = busOf(entry.EventBusName, caller.region);
      const fields = {
        source: entry.Source,
        "detail-type": entry.DetailType,
        region: caller.region,
        resources: entry.Resources ?? [],
        detail,
      };
      const event = envelope(world, fields, entry.Time);
      route(caller.region, bus, event);
      return { EventId: event.id };
    } catch (error) {
      if (error instanceof ServiceError) return failed(error.code, error.message);
      throw error;
    }
  }

  function setEnabled(input: any, caller: Caller, enabled: boolean): void {
    const rule = ruleOf(input, caller);
    rule.enabled = enabled;
    clock.arm(caller.region, rule);
    told(caller.region, `rule ${rule.name} is ${enabled ? "enabled" : "disabled"}`);
  }

  return {
    name: "events",
    start() {
      for (const [region, state] of Object.entries(all())) for (const rule of Object.values(state.rules)) clock.arm(region, rule);
    },
    stop: () => clock.stop(),
    operations: {
      CreateEventBus(input, caller) {
        const { buses } = regionState(caller.region);
        if (!/^[/.\-_A-Za-z0-9]{1,256}$/.test(input.Name)) throw refuse(`Parameter Name is not valid: "${input.Name}".`);
        if (buses[input.Name]) throw new ServiceError("ResourceAlreadyExistsException", `Event bus ${input.Name} already exists.`);
        buses[input.Name] = { arn: busArn(caller.region, input.Name), createdAt: world.now() };
        return { EventBusArn: buses[input.Name]!.arn };
      },
      DeleteEventBus(input, caller) {
        if (input.Name === "default") throw refuse("Cannot delete event bus default.");
        const state = regionState(caller.region);
        if (Object.values(state.rules).some((rule) => rule.bus === input.Name))
          throw refuse(`Event bus ${input.Name} still has rules; delete them first.`);
        delete state.buses[input.Name];
      },
      DescribeEventBus(input, caller) {
        const name = busOf(input.Name, caller.region);
        const { arn, createdAt } = regionState(caller.region).buses[name]!;
        return { Name: name, Arn: arn, CreationTime: new Date(createdAt), LastModifiedTime: new Date(createdAt) };
      },
      ListEventBuses: (input, caller) => ({
        EventBuses: Object.entries(regionState(caller.region).buses)
          .filter(([name]) => name.startsWith(input.NamePrefix ?? ""))
          .map(([Name, { arn, createdAt }]) => ({ Name, Arn: arn, CreationTime: new Date(createdAt) })),
      }),
      PutRule(input, caller) {
        const bus = busOf(input.EventBusName, caller.region);
        if (!/^[.\-_A-Za-z0-9]{1,64}$/.test(input.Name))
          throw refuse(`Parameter Name is not valid: "${input.Name}" must be 1 to 64 characters of [.-_A-Za-z0-9].`);
        if (!input.EventPattern && !input.ScheduleExpression)
          throw refuse("Parameter(s) EventPattern or ScheduleExpression must be specified.");
        if (input.EventPattern) parsePattern(input.EventPattern);
        if (input.ScheduleExpression) {
          if (bus !== "default") throw refuse("ScheduleExpression is supported only on the default event bus.");
          parseSchedule(input.ScheduleExpression);
        }
        const state = regionState(caller.region);
        const key = `${bus}/${input.Name}`;
        const rule: Rule = {
          name: input.Name,
          bus,
          arn: `arn:aws:events:${caller.region}:${caller.account}:rule/${bus === "default" ? "" : `${bus}/`}${input.Name}`,
          pattern: input.EventPattern,
          schedule: input.ScheduleExpression,
          enabled: input.State !== "DISABLED",
          description: input.Description,
          roleArn: input.RoleArn,
          targets: state.rules[key]?.targets ?? [],
        };
        state.rules[key] = rule;
        clock.arm(caller.region, rule);
        told(caller.region, `rule ${rule.name} is in place`, { pattern: rule.pattern, schedule: rule.schedule });
        return { RuleArn: rule.arn };
      },
      DeleteRule(input, caller) {
        const bus = busOf(input.EventBusName, caller.region);
        const rule = regionState(caller.region).rules[`${bus}/${input.Name}`];
        if (!rule) return;
        if (rule.targets.length > 0) throw refuse("Rule can't be deleted since it has targets.");
        rule.enabled = false;
        clock.arm(caller.region, rule);
        delete regionState(caller.region).rules[`${bus}/${input.Name}`];
        told(caller.region, `rule ${rule.name} is deleted`);
      },
      DescribeRule: (input, caller) => ({ ...ruleShape(ruleOf(input, caller)), CreatedBy: caller.account }),
      ListRules(input, caller) {
        const bus = busOf(input.EventBusName, caller.region);
        const rules = Object.values(regionState(caller.region).rules).filter(
          (rule) => rule.bus === bus && rule.name.startsWith(input.NamePrefix ?? ""),
        );
        const { page, NextToken } = paged(rules, input);
        return { Rules: page.map(ruleShape), NextToken };
      },
      EnableRule: (input, caller) => setEnabled(input, caller, true),
      DisableRule: (input, caller) => setEnabled(input, caller, false),
      PutTargets(input, caller) {
        const rule = ruleOf(input, caller);
        const given: Target[] = input.Targets;
        for (const target of given) checkTarget(target);
        const kept = rule.targets.filter((target) => !given.some((each) => each.Id === target.Id));
        if (kept.length + given.length > 5)
          throw new ServiceError(
            "LimitExceededException",
            "The requested resource exceeds the maximum number allowed: a rule has at most 5 targets.",
          );
        rule.targets = [...kept, ...given];
        return { FailedEntryCount: 0, FailedEntries: [] };
      },
      RemoveTargets(input, caller) {
        const rule = ruleOf(input, caller);
        const missing = input.Ids.filter((id: string) => !rule.targets.some((target) => target.Id === id));
        rule.targets = rule.targets.filter((target) => !input.Ids.includes(target.Id));
        const entries = missing.map((TargetId: string) => ({
          TargetId,
          ErrorCode: "ResourceNotFoundException",
          ErrorMessage: `Rule ${rule.name} has no target ${TargetId}.`,
        }));
        return { FailedEntryCount: entries.length, FailedEntries: entries };
      },
      ListTargetsByRule(input, caller) {
        const { page, NextToken } = paged(ruleOf(input, caller).targets, input);
        return { Targets: page, NextToken };
      },
      ListRuleNamesByTarget(input, caller) {
        const bus = busOf(input.EventBusName, caller.region);
        const rules = Object.values(regionState(caller.region).rules).filter((rule) => rule.bus === bus);
        const { page, NextToken } = paged(
          rules.filter((rule) => rule.targets.some((target) => target.Arn === input.TargetArn)),
          input,
        );
        return { RuleNames: page.map((rule) => rule.name), NextToken };
      },
      PutEvents(input, caller) {
        if (input.Entries.length < 1 || input.Entries.length > 10) {
          throw refuse(
            "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10",
          );
        }
        const Entries = input.Entries.map((entry: any) => putEvent(entry, caller));
        return { FailedEntryCount: Entries.filter((entry: any) => entry.ErrorCode).length, Entries };
      },
      TestEventPattern(input) {
        const event = parsed(input.Event);
        const fields = ["id", "account", "source", "time", "region", "resources", "detail-type"];
        const missing = typeof event === "object" && event !== null ? fields.find((field) => !(field in event)) : fields[0];
        if (missing)
          throw refuse(`Parameter Event is not valid: it must be a JSON event with ${fields.join(", ")}; ${missing} is missing.`);
        return { Result: matches(parsePattern(input.EventPattern), event) };
      },
      /** Lab-internal: a service's event, in its full envelope, or an event handed on by another bus. */
      LabDeliver(input, caller) {
        route(caller.region, busOf(input.EventBusName, caller.region), input.event);
      },
    },
  };
}

function envelope(world: World, fields: Record<string, unknown>, time?: Date): any {
  const id = uuid(world);
  return { version: "0", id, account: world.account, time: new Date(time ?? world.now()).toISOString().replace(/\.\d+Z$/, "Z"), ...fields };
}

function failed(ErrorCode: string, ErrorMessage: string): any {
  return { ErrorCode, ErrorMessage };
}
