// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** What RDS says about the form of a request, before it looks at any resource. Pages of lists are cut here too. */
import { refuse } from "./errors.ts";
import type { Tag } from "./state.ts";

const RULE =
  "Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.";

/** A new identifier, checked and in lower case, as AWS stores it. */
export function identifier(input: any, member: string, longest: number): string {
  const value = required(input, member);
  if (value.length > longest || !/^[a-z](?:-?[a-z0-9])*$/i.test(value)) {
    throw refuse("InvalidParameterValue", `The parameter ${member} is not a valid identifier. ${RULE} It has 1 to ${longest} characters.`);
  }
  return value.toLowerCase();
}

export function required(input: any, member: string): string {
  const value = input[member];
  if (value === undefined || value === null || value === "")
    throw refuse("MissingParameter", `The request must contain the parameter ${member}.`);
  return String(value);
}

export function between(value: number | undefined, member: string, low: number, high: number): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Number.isInteger(value) || value < low || value > high)
    throw refuse("InvalidParameterValue", `Invalid value ${value} for ${member}: must be between ${low} and ${high}.`);
  return value;
}

/** `hh:mm-hh:mm` in UTC, at least half an hour. */
export function backupWindow(given: string | undefined): string | undefined {
  if (given === undefined || given === null) return undefined;
  const times = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(given)?.slice(1).map(Number);
  const [h = 0, m = 0, toH = 0, toM = 0] = times ?? [];
  if (!times || ((toH - h) * 60 + toM - m + 1440) % 1440 < 30)
    throw refuse(
      "InvalidParameterValue",
      `Invalid backup window format: ${given}. Expected hh24:mi-hh24:mi in UTC, at least 30 minutes long.`,
    );
  return given;
}

/** Refuses what the lab would otherwise leave undone in silence. */
export function only(input: any, operation: string, ...members: string[]): void {
  const known = new Set(members);
  const strange = Object.keys(input).filter((member) => input[member] !== undefined && !known.has(member));
  if (strange.length > 0)
    throw refuse("InvalidParameterCombination", `The lab's RDS does not model ${strange.join(", ")} of ${operation}.`);
}

export function tags(list: any): Tag[] {
  return ((list ?? []) as Partial<Tag>[]).map(({ Key, Value }) => {
    if (!Key || Key.length > 128) throw refuse("InvalidParameterValue", "A tag's Key has 1 to 128 characters.");
    if (Key.startsWith("aws:")) throw refuse("InvalidParameterValue", `The tag key ${Key} is reserved: keys cannot begin with aws:.`);
    return { Key, Value: Value ?? "" };
  });
}

/** `into` with `more` written over it, key by key. */
export function mergeTags(into: Tag[], more: Tag[]): Tag[] {
  const keys = new Set(more.map((tag) => tag.Key));
  return [...into.filter((tag) => !keys.has(tag.Key)), ...more];
}

/** One page of a sorted list: 20 to 100 records, and the marker of the next. */
export function page<T>(
  items: T[],
  keyOf: (item: T) => string,
  input: { MaxRecords?: number; Marker?: string },
): { page: T[]; marker: string | undefined } {
  const size = between(input.MaxRecords, "MaxRecords", 20, 100) ?? 100;
  const sorted = [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const after = input.Marker ? Buffer.from(input.Marker, "base64url").toString() : undefined;
  if (after !== undefined && !after.startsWith("after:"))
    throw refuse("InvalidParameterValue", "The parameter Marker is not one this service has given out.");
  const start = after === undefined ? 0 : sorted.findIndex((item) => keyOf(item) > after.slice(6));
  const shown = start < 0 ? [] : sorted.slice(start, start + size);
  const last = shown.at(-1);
  const more = start >= 0 && start + size < sorted.length && last !== undefined;
  return { page: shown, marker: more ? Buffer.from(`after:${keyOf(last)}`).toString("base64url") : undefined };
}

/** A test for the request's Filters; `fields` says what each known filter compares with. */
export function filters<T>(list: any, fields: Record<string, (item: T) => (string | undefined)[]>): (item: T) => boolean {
  const tests = ((list ?? []) as { Name?: string; Values?: string[] }[]).map(({ Name = "", Values = [] }) => {
    const field = fields[Name];
    if (!field) throw refuse("InvalidParameterValue", `Unrecognized filter name: ${Name}. Known: ${Object.keys(fields).join(", ")}.`);
    if (Values.length === 0) throw refuse("InvalidParameterValue", `The filter ${Name} has no values.`);
    return (item: T) => field(item).some((value) => value !== undefined && Values.includes(value));
  });
  return (item) => tests.every((test) => test(item));
}

/** RDS's own rule: printable ASCII characters, without / " @ and space; at least 8, at most 128 for PostgreSQL and 41 for MySQL and MariaDB. */
export function checkPassword(password: string, longest: number): string {
  if (!/^[!#-.0-?A-~]{8,}$/.test(password) || password.length > longest)
    throw refuse(
      "InvalidParameterValue",
      `The parameter MasterUserPassword is not a valid password: 8 to ${longest} printable ASCII characters besides /, @, " and space.`,
    );
  return password;
}
