/**
 * The alarms that watch the old primary by its name, made anew for the new one: the same metric, limits and actions. An alarm that is
 * there already is never written over. Composite alarms stand outside: they watch alarms, not instances. Pure.
 */

/** A metric alarm. The settings are PutMetricAlarm's members but the name, as CloudWatch gives them. */
export interface Alarm {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

const DIMENSION = "DBInstanceIdentifier";

/** Those with a metric of the instance. */
export const alarmsOn = (instance: string, alarms: readonly Alarm[]): Alarm[] =>
  alarms.filter(({ settings }) => JSON.stringify(moved(settings, instance, "")) !== JSON.stringify(settings));

export interface AlarmDifferences {
  readonly make: readonly Alarm[];
  readonly person: readonly string[];
}

export interface Place {
  readonly instance: string;
  readonly region: string;
}

/** `there`: every alarm in the new primary's region. */
export function compareAlarms(from: Place, wanted: readonly Alarm[], to: Place, there: readonly Alarm[]): AlarmDifferences {
  const make: Alarm[] = [];
  const person: string[] = [];
  if (from.instance === to.instance) return { make, person };
  for (const alarm of wanted) {
    const copy: Alarm = {
      name: nameFor(alarm.name, from.instance, to.instance),
      settings: moved(alarm.settings, from.instance, to.instance),
    };
    if (there.some((other) => sameWatch(other, copy)) || make.some((other) => sameWatch(other, copy))) continue;
    const taken = [...there, ...make].some(({ name }) => name === copy.name);
    if (from.region !== to.region)
      person.push(
        `The alarm ${alarm.name} watches ${from.instance} in ${from.region}; its actions cannot be used in ${to.region}: make one there.`,
      );
    else if (mentions(copy, from.instance))
      person.push(`The alarm ${alarm.name} names ${from.instance} in an expression: make one for ${to.instance} by hand.`);
    else if (taken) person.push(`The alarm ${copy.name} is there already and differs from ${alarm.name}: compare the two.`);
    else make.push(copy);
  }
  return { make, person };
}

/** The copy's name holds the new instance's: the role may write no other alarms. */
export function nameFor(name: string, from: string, to: string): string {
  const renamed = name.replace(wordOf(from), () => to);
  return renamed === name ? `${name}-${to}`.slice(-255) : renamed;
}

const wordOf = (word: string): RegExp => new RegExp(`(?<![A-Za-z0-9])${word.replace(/[.*+?^$()|[\]\\{}]/g, "\\$&")}(?![A-Za-z0-9])`, "g");

const watched = ({ settings }: Alarm): string => JSON.stringify({ ...settings, AlarmDescription: undefined });
const sameWatch = (one: Alarm, other: Alarm): boolean => watched(one) === watched(other);

const mentions = ({ settings }: Alarm, instance: string): boolean => wordOf(instance).test(JSON.stringify(settings.Metrics ?? ""));

/** The same settings, with the dimension of one instance turned into another's, however deep it stands. */
function moved(settings: Alarm["settings"], from: string, to: string): Alarm["settings"] {
  return walk(settings) as Alarm["settings"];

  function walk(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value);
    const { Name, Value } = value as { Name?: unknown; Value?: unknown };
    if (Name === DIMENSION && Value === from) return Object.fromEntries(entries.map(([key, each]) => [key, key === "Value" ? to : each]));
    return Object.fromEntries(
      entries.map(([key, each]) => [
        key,
        key === "AlarmDescription" && typeof each === "string" && to !== "" ? each.replace(wordOf(from), () => to) : walk(each),
      ]),
    );
  }
}
