/**
 * Which questions have one answer: what policies say of a resource depends on which of their patterns it fits, not on its name. A lab
 * asks of thousands of names, and of a few hundred kinds of them. Pure.
 */
import type { Question } from "./evaluate.ts";

interface Shape {
  /** The policies with a number for each pattern of resources. */
  readonly skeleton: string;
  readonly patterns: readonly Pattern[];
  /** In lower case: what conditions may ask for stands in it. */
  readonly text: string;
}

interface Pattern {
  readonly whole: RegExp;
  readonly parts: readonly RegExp[];
}

const MOST_SHAPES = 1_000;
const shapes = new Map<string, Shape>();

/** Equal for questions that cannot be answered differently. Where that is hard to tell, the question itself. */
export function likeness(question: Question): string {
  const { principal, account, action, resource, context, policies, resourcePolicy } = question;
  const text = JSON.stringify(policies);
  // A resource's policy names principals, variables stand for what a request says, and a pattern that is asked for may fit in part.
  if (resourcePolicy !== undefined || text.includes("${") || /[*?]/.test(resource)) return JSON.stringify(question);
  const shape = shapeOf(text, policies);
  const asked = Object.entries(context).filter(([key]) => shape.text.includes(key.toLowerCase()));
  const parts = partsOf(resource);
  const fits = shape.patterns.map(({ whole, parts: of }) => [whole.test(resource), ...of.map((part, at) => part.test(parts[at] ?? ""))]);
  const own = principal.split(":")[4] === account;
  return JSON.stringify([shape.skeleton, action, kindOf(parts), fits.map((each) => each.map(Number).join("")), own, asked]);
}

function shapeOf(text: string, policies: Question["policies"]): Shape {
  const known = shapes.get(text);
  if (known) return known;
  const patterns: Pattern[] = [];
  const numbered = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(numbered);
    return patterns.push(patternOf(String(value))) - 1;
  };
  const skeleton = JSON.stringify(Object.values(policies), (key, value) =>
    (key === "Resource" || key === "NotResource") && value !== undefined ? numbered(value) : value,
  );
  const shape = { skeleton, patterns, text: text.toLowerCase() };
  if (shapes.size >= MOST_SHAPES) shapes.clear();
  shapes.set(text, shape);
  return shape;
}

/** An ARN's six parts; the last may hold colons. */
const partsOf = (arn: string): string[] => {
  const parts = arn.split(":");
  return [...parts.slice(0, 5), parts.slice(5).join(":")];
};

const patternOf = (pattern: string): Pattern => ({ whole: glob(pattern), parts: partsOf(pattern).map(glob) });

const glob = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
    "s",
  );

/** What of a service it is: "db" of RDS, a bucket or an object of S3. */
function kindOf([, , service = "", region = "", account = "", rest = ""]: readonly string[]): string {
  const kind = service === "s3" ? rest.includes("/") : (/^([^:/]*)[:/]/.exec(rest)?.[1] ?? "");
  return [service, region !== "", account !== "", kind, rest.split(/[:/]/).length].join("|");
}
