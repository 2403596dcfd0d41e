// biome-ignore-all lint/suspicious/noExplicitAny: events and patterns are any JSON
/**
 * Event patterns: whether an event matches one, and why a pattern is refused. Knows exact values, prefix, suffix,
 * equals-ignore-case, wildcard, anything-but, exists, numeric and $or; cidr is refused as unknown.
 */
import { ServiceError } from "../wire/errors.ts";

type Pattern = Record<string, any>;

export function parsePattern(text: string): Pattern {
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch (error) {
    throw invalid((error as Error).message);
  }
  checkObject(pattern, "the pattern");
  return pattern as Pattern;
}

export function matches(pattern: Pattern, event: any): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    if (field === "$or") return (wanted as Pattern[]).some((alternative) => matches(alternative, event));
    const value = isObject(event) ? event[field] : undefined;
    if (Array.isArray(wanted)) return wanted.some((rule) => fits(rule, value));
    return Array.isArray(value) ? value.some((item) => matches(wanted, item)) : matches(wanted, value);
  });
}

/** One rule against a leaf; an array of the event fits when one of its items does. */
function fits(rule: any, value: any): boolean {
  if (isObject(rule) && "exists" in rule) return rule.exists === (value !== undefined && !isObject(value));
  if (value === undefined) return false;
  if (Array.isArray(value)) return value.some((item) => fits(rule, item));
  if (!isObject(rule)) return value === rule;
  const [[kind, wanted]] = Object.entries(rule) as [[string, any]];
  switch (kind) {
    case "prefix":
    case "suffix":
    case "equals-ignore-case":
    case "wildcard":
      return typeof value === "string" && fitsText(kind, wanted, value);
    case "numeric":
      return typeof value === "number" && fitsNumber(wanted, value);
    case "anything-but":
      if (isObject(wanted)) {
        const [[inner, texts]] = Object.entries(wanted) as [[string, any]];
        return ![texts].flat().some((text) => typeof value === "string" && fitsText(inner, text, value));
      }
      return ![wanted].flat().includes(value);
    default:
      return false;
  }
}

function fitsText(kind: string, wanted: any, value: string): boolean {
  if (isObject(wanted)) return fitsText(kind, wanted["equals-ignore-case"].toLowerCase(), value.toLowerCase());
  if (kind === "prefix") return value.startsWith(wanted);
  if (kind === "suffix") return value.endsWith(wanted);
  if (kind === "equals-ignore-case") return value.toLowerCase() === wanted.toLowerCase();
  const expression = wanted
    .split(/(?<!\\)\*/)
    .map((part: string) => part.replace(/\\([*\\])/g, "$1").replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("[^]*");
  return new RegExp(`^${expression}$`).test(value);
}

const COMPARE: Record<string, (value: number, limit: number) => boolean> = {
  "=": (value, limit) => value === limit,
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
};

function fitsNumber(terms: any[], value: number): boolean {
  for (let at = 0; at < terms.length; at += 2) if (!COMPARE[terms[at]]!(value, terms[at + 1])) return false;
  return true;
}

function checkObject(pattern: unknown, where: string): void {
  if (!isObject(pattern)) throw invalid(`${where} must be an object`);
  if (Object.keys(pattern).length === 0) throw invalid(`${where} is empty; name at least one field`);
  for (const [field, wanted] of Object.entries(pattern)) {
    if (field === "$or") {
      if (!Array.isArray(wanted) || wanted.length < 2) throw invalid("$or needs an array of at least two patterns");
      for (const alternative of wanted) checkObject(alternative, "an alternative of $or");
    } else if (Array.isArray(wanted)) {
      if (wanted.length === 0) throw invalid(`Empty arrays are not allowed ("${field}")`);
      for (const rule of wanted) checkRule(rule, field);
    } else if (isObject(wanted)) checkObject(wanted, `"${field}"`);
    else throw invalid(`"${field}" must be an object or an array`);
  }
}

function checkRule(rule: unknown, field: string): void {
  if (Array.isArray(rule)) throw invalid(`"${field}" has an array inside its array`);
  if (!isObject(rule)) return;
  const entries = Object.entries(rule);
  const [kind, wanted] = entries[0] ?? [];
  if (entries.length !== 1 || !kind) throw invalid(`"${field}": a rule names exactly one match type`);
  const text = (value: unknown) => typeof value === "string";
  const plain = (value: unknown) => value === null || ["string", "number", "boolean"].includes(typeof value);
  const sound = {
    exists: () => typeof wanted === "boolean",
    prefix: () => text(wanted) || (isObject(wanted) && text(wanted["equals-ignore-case"])),
    suffix: () => text(wanted) || (isObject(wanted) && text(wanted["equals-ignore-case"])),
    "equals-ignore-case": () => text(wanted),
    wildcard: () => text(wanted) && !wanted.includes("**"),
    numeric: () =>
      Array.isArray(wanted) &&
      [2, 4].includes(wanted.length) &&
      wanted.every((term, at) => (at % 2 === 0 ? term in COMPARE : Number.isFinite(term))),
    "anything-but": () => {
      if (!isObject(wanted)) return [wanted].flat().length > 0 && [wanted].flat().every(plain);
      const [inner, texts] = Object.entries(wanted)[0] ?? [];
      return ["prefix", "suffix", "equals-ignore-case", "wildcard"].includes(inner ?? "") && [texts].flat().every(text);
    },
  }[kind];
  if (!sound) throw invalid(`Unrecognized match type ${kind}`);
  if (!sound()) throw invalid(`"${field}": the value of ${kind} is not of the form it takes`);
}

function isObject(value: unknown): value is Record<string, any> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(reason: string): ServiceError {
  return new ServiceError("InvalidEventPatternException", `Event pattern is not valid. Reason: ${reason}`);
}
