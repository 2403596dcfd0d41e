// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * CloudWatch: metrics and metric alarms of each region. Alarms with a period below a minute are evaluated every ten
 * seconds, others each minute; actions run on a change of state only. No metric math, dashboards or composite alarms.
 */
import { ServiceError } from "../wire/errors.ts";
import { act, stamp } from "./cloudwatch-actions.ts";
import { type Alarm, alarmFrom, alarmShape, type StateRecord } from "./cloudwatch-alarms.ts";
import { EXTRA_PERIODS, evaluate } from "./cloudwatch-evaluation.ts";
import { invalidAlarm, invalidCombination, invalidValue, type Metric, metricKey, putMetricData, windowed } from "./cloudwatch-metrics.ts";
import { getMetricData, getMetricStatistics, listMetrics, paged } from "./cloudwatch-queries.ts";
import { uuid } from "./ids.ts";
import type { Caller, Service, World } from "./world.ts";

export { extractEmf } from "./cloudwatch-emf.ts";

export interface CloudWatchOptions {
  /** How often alarms are looked at: those with a period below a minute, and the others. */
  readonly evaluateEveryMs?: { readonly fast: number; readonly slow: number };
  readonly retryDelaysMs?: readonly number[];
}

interface HistoryItem {
  AlarmName: string;
  at: number;
  HistoryItemType: "ConfigurationUpdate" | "StateUpdate" | "Action";
  HistorySummary: string;
}

interface RegionState {
  metrics: Record<string, Metric>;
  alarms: Record<string, Alarm>;
  /** Oldest first, bounded. */
  history: HistoryItem[];
}

export function createCloudWatch(world: World, options: CloudWatchOptions = {}): Service {
  const everyMs = options.evaluateEveryMs ?? { fast: 10_000, slow: 60_000 };
  const retryDelaysMs = options.retryDelaysMs ?? [500, 2000, 8000];
  const pollers: NodeJS.Timeout[] = [];
  const all = () => world.state<{ regions: Record<string, RegionState> }>("monitoring", () => ({ regions: {} })).regions;

  function regionState(region: string): RegionState {
    const regions = all();
    regions[region] ??= { metrics: {}, alarms: {}, history: [] };
    return regions[region];
  }

  function alarmOf(name: string, caller: Caller): Alarm {
    const alarm = regionState(caller.region).alarms[name];
    if (!alarm) throw new ServiceError("ResourceNotFound", `Alarm ${name} does not exist.`, 404);
    return alarm;
  }

  function note(region: string, alarm: Alarm, HistoryItemType: HistoryItem["HistoryItemType"], HistorySummary: string): void {
    const { history } = regionState(region);
    history.push({ AlarmName: alarm.name, at: world.now(), HistoryItemType, HistorySummary });
    if (history.length > 1000) history.splice(0, 200);
  }

  /** Actions follow a change of value only; a new reason for the same value is not told. */
  function become(region: string, alarm: Alarm, state: Omit<StateRecord, "at">): void {
    if (state.value === alarm.state.value) return;
    const before = alarm.state;
    const after = { ...state, at: world.now() };
    alarm.state = after;
    note(region, alarm, "StateUpdate", `Alarm updated from ${before.value} to ${after.value}`);
    world.tell({
      kind: "state",
      region,
      service: "monitoring",
      what: `alarm ${alarm.name} goes from ${before.value} to ${after.value}`,
      detail: { alarm: alarm.name, reason: after.reason, actions: alarm.actionsEnabled ? alarm.actions[after.value] : [] },
    });
    const transition = { region, alarm: structuredClone(alarm), before, after };
    world.later(0, `the actions of alarm ${alarm.name}`, () =>
      act(world, transition, retryDelaysMs, (summary) => note(region, alarm, "Action", summary)),
    );
  }

  /** Windows end on the last whole evaluation step, as long as the period, one period apart. */
  function look(region: string, alarm: Alarm): void {
    const now = world.now();
    const periodMs = alarm.periodS * 1000;
    const stepMs = alarm.periodS < 60 ? 10_000 : 60_000;
    const end = Math.floor(now / stepMs) * stepMs;
    const starts = Array.from({ length: alarm.rule.evaluationPeriods + EXTRA_PERIODS }, (_, at) => end - (at + 1) * periodMs);
    const metric = regionState(region).metrics[metricKey(alarm.metric)];
    const { state, reason, points } = evaluate(
      alarm.rule,
      windowed(metric, starts, periodMs, alarm.statistic, alarm.unit),
      alarm.state.value,
    );
    const reasonData = JSON.stringify({
      version: "1.0",
      queryDate: stamp(now),
      startDate: stamp(points.at(-1)?.at ?? starts.at(-1)!),
      statistic: alarm.statistic,
      period: alarm.periodS,
      recentDatapoints: points.map((point) => point.value).reverse(),
      threshold: alarm.rule.threshold,
      evaluatedDatapoints: points.map((point) => ({ timestamp: stamp(point.at), sampleCount: point.n, value: point.value })),
    });
    become(region, alarm, { value: state, reason, reasonData });
  }

  function lookAtAll(which: (alarm: Alarm) => boolean): void {
    for (const [region, { alarms }] of Object.entries(all()))
      for (const alarm of Object.values(alarms)) if (which(alarm)) look(region, alarm);
  }

  function poll(ms: number, which: (alarm: Alarm) => boolean): void {
    const poller = setInterval(() => {
      try {
        lookAtAll(which);
      } catch (error) {
        const { message, stack } = error as Error;
        world.tell({
          kind: "lab",
          region: "-",
          service: "monitoring",
          what: `alarms could not be evaluated: ${message}`,
          detail: { stack },
        });
      }
    }, ms);
    pollers.push(poller.unref());
  }

  return {
    name: "monitoring",
    start() {
      poll(everyMs.fast, (alarm) => alarm.periodS < 60);
      poll(everyMs.slow, (alarm) => alarm.periodS >= 60);
    },
    stop() {
      for (const poller of pollers.splice(0)) clearInterval(poller);
    },
    operations: {
      PutMetricData(input, caller) {
        if (input.Namespace.startsWith("AWS/") && caller.principal.startsWith("arn:")) {
          throw invalidValue("The value AWS/ for parameter Namespace is invalid: namespaces that begin with AWS/ belong to AWS services.");
        }
        putMetricData(regionState(caller.region).metrics, input, world.now(), world.timings.metricMinuteMs);
      },
      GetMetricStatistics: (input, caller) => getMetricStatistics(regionState(caller.region).metrics, input),
      GetMetricData: (input, caller) => getMetricData(regionState(caller.region).metrics, input),
      ListMetrics: (input, caller) => listMetrics(regionState(caller.region).metrics, input),

      PutMetricAlarm(input, caller) {
        const { alarms } = regionState(caller.region);
        const before = alarms[input.AlarmName];
        const alarm = alarmFrom(input, before, caller, world.now(), uuid(world));
        alarms[alarm.name] = alarm;
        note(caller.region, alarm, "ConfigurationUpdate", `Alarm "${alarm.name}" ${before ? "updated" : "created"}`);
        if (!before)
          world.tell({
            kind: "state",
            region: caller.region,
            service: "monitoring",
            what: `alarm ${alarm.name} watches ${alarm.metric.Namespace} ${alarm.metric.MetricName}`,
          });
      },
      DescribeAlarms(input, caller) {
        if (input.AlarmNames && input.AlarmNamePrefix) throw invalidCombination("AlarmNames and AlarmNamePrefix cannot be given together.");
        const found = Object.values(regionState(caller.region).alarms)
          .filter((alarm) => !input.AlarmNames?.length || input.AlarmNames.includes(alarm.name))
          .filter(
            (alarm) => alarm.name.startsWith(input.AlarmNamePrefix ?? "") && (input.StateValue ?? alarm.state.value) === alarm.state.value,
          )
          .filter(
            (alarm) =>
              !input.ActionPrefix || Object.values(alarm.actions).some((arns) => arns.some((arn) => arn.startsWith(input.ActionPrefix))),
          )
          .sort((a, b) => (a.name < b.name ? -1 : 1));
        const { page, NextToken } = paged(found, input.NextToken, input.MaxRecords ?? 50);
        return { MetricAlarms: page.map(alarmShape), CompositeAlarms: [], NextToken };
      },
      DeleteAlarms(input, caller) {
        const { alarms } = regionState(caller.region);
        // A name nobody has is passed over: the others are deleted all the same.
        for (const name of input.AlarmNames) delete alarms[name];
      },
      SetAlarmState(input, caller) {
        const alarm = alarmOf(input.AlarmName, caller);
        if (!["OK", "ALARM", "INSUFFICIENT_DATA"].includes(input.StateValue))
          throw invalidAlarm(`StateValue ${input.StateValue} is invalid: OK, ALARM or INSUFFICIENT_DATA.`);
        if (input.StateReasonData !== undefined) {
          try {
            JSON.parse(input.StateReasonData);
          } catch {
            throw new ServiceError("InvalidFormat", "StateReasonData is not valid JSON.", 400);
          }
        }
        become(caller.region, alarm, { value: input.StateValue, reason: input.StateReason, reasonData: input.StateReasonData });
      },
      EnableAlarmActions(input, caller) {
        for (const name of input.AlarmNames) alarmOf(name, caller).actionsEnabled = true;
      },
      DisableAlarmActions(input, caller) {
        for (const name of input.AlarmNames) alarmOf(name, caller).actionsEnabled = false;
      },
      DescribeAlarmHistory(input, caller) {
        const found = regionState(caller.region)
          .history.filter(
            (item) =>
              (input.AlarmName ?? item.AlarmName) === item.AlarmName &&
              (input.HistoryItemType ?? item.HistoryItemType) === item.HistoryItemType,
          )
          .map(({ at, ...item }) => ({ ...item, AlarmType: "MetricAlarm", Timestamp: new Date(at) }));
        if (input.ScanBy !== "TimestampAscending") found.reverse();
        const { page, NextToken } = paged(found, input.NextToken, input.MaxRecords ?? 100);
        return { AlarmHistoryItems: page, NextToken };
      },
      /** Lab-internal: looks at every alarm now, as the pollers do in their time. */
      LabEvaluate: () => lookAtAll(() => true),
    },
  };
}
