/**
 * CloudFormation's intrinsic functions: turns a template's value into a plain one. Asks its scope for what a name stands for; creates nothing.
 */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface Scope {
  /** A parameter's, pseudo parameter's or resource's Ref; undefined when there is none of that name. */
  ref(name: string): Json | undefined;
  /** A resource's attribute; undefined when there is no such resource. Throws for an attribute it does not have. */
  attribute(logicalId: string, attribute: string): Json | undefined;
  condition(name: string): boolean;
}

export class TemplateError extends Error {}

/** Stands for AWS::NoValue: the property that holds it goes away. */
export const NO_VALUE: unique symbol = Symbol("AWS::NoValue");
type Resolved = Json | typeof NO_VALUE;

/** Resolves every function in the value. `where` names the place in error messages, as in "Watch.Properties.Role". */
export function resolve(value: Json, scope: Scope, where: string): Resolved {
  if (Array.isArray(value))
    return value.map((item, at) => resolve(item, scope, `${where}[${at}]`)).filter((item) => item !== NO_VALUE) as Json[];
  if (value === null || typeof value !== "object") return value;
  const [name, ...more] = Object.keys(value);
  if (more.length === 0 && name !== undefined && (name === "Ref" || name.startsWith("Fn::"))) {
    const known = FUNCTIONS[name];
    if (known) return known(value[name] as Json, scope, where);
    checkFunctions(value, where);
  }
  const plain: { [key: string]: Json } = {};
  for (const [key, inner] of Object.entries(value)) {
    const resolved = resolve(inner, scope, `${where}.${key}`);
    if (resolved !== NO_VALUE) plain[key] = resolved;
  }
  return plain;
}

function value(given: Json, scope: Scope, where: string): Json {
  const resolved = resolve(given, scope, where);
  if (resolved === NO_VALUE) throw new TemplateError(`${where}: AWS::NoValue cannot stand here.`);
  return resolved;
}

function list(given: Json, scope: Scope, where: string, size?: number): Json[] {
  const resolved = value(given, scope, where);
  if (!Array.isArray(resolved) || (size !== undefined && resolved.length !== size)) {
    throw new TemplateError(`${where}: expected a list${size === undefined ? "" : ` of ${size}`}, got ${JSON.stringify(resolved)}.`);
  }
  return resolved;
}

function text(given: Json, where: string): string {
  if (typeof given === "string" || typeof given === "number" || typeof given === "boolean") return String(given);
  throw new TemplateError(`${where}: expected a text, got ${JSON.stringify(given)}.`);
}

function named(name: string, scope: Scope, where: string): Resolved {
  if (name === "AWS::NoValue") return NO_VALUE;
  const found = scope.ref(name);
  if (found === undefined) throw new TemplateError(`${where}: ${name} is no parameter and no resource of this template.`);
  return found;
}

function attributeOf(path: string, scope: Scope, where: string): Json {
  const [logicalId = "", ...attribute] = path.split(".");
  const found = scope.attribute(logicalId, attribute.join("."));
  if (found === undefined) throw new TemplateError(`${where}: ${logicalId} is no resource of this template.`);
  return found;
}

/** `${Name}`, `${Resource.Attribute}`; `${!Literal}` stays as ${Literal}. */
const IN_SUB = /\$\{(!?)([^}]*)\}/g;

const FUNCTIONS: Record<string, (argument: Json, scope: Scope, where: string) => Resolved> = {
  Ref: (argument, scope, where) => named(text(argument, where), scope, where),
  "Fn::GetAtt": (argument, scope, where) =>
    attributeOf(
      Array.isArray(argument) ? argument.map((part) => text(value(part, scope, where), where)).join(".") : text(argument, where),
      scope,
      where,
    ),
  "Fn::Sub": (argument, scope, where) => {
    const [template, own] = Array.isArray(argument) ? argument : [argument, {}];
    const variables = value(own ?? {}, scope, where) as { [name: string]: Json };
    return text(template ?? null, where).replace(IN_SUB, (_all, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      const found =
        name in variables ? (variables[name] as Json) : name.includes(".") ? attributeOf(name, scope, where) : named(name, scope, where);
      return found === NO_VALUE ? "" : text(found as Json, `${where} \${${name}}`);
    });
  },
  "Fn::Join": (argument, scope, where) => {
    const [separator, parts] = list(argument, scope, where, 2);
    return list(parts ?? null, scope, where)
      .map((part) => text(part, where))
      .join(text(separator ?? null, where));
  },
  "Fn::Select": (argument, scope, where) => {
    const [at, from] = list(argument, scope, where, 2);
    const found = list(from ?? null, scope, where)[Number(at)];
    if (found === undefined) throw new TemplateError(`${where}: there is no item ${at} in ${JSON.stringify(from)}.`);
    return found;
  },
  "Fn::Split": (argument, scope, where) => {
    const [separator, whole] = list(argument, scope, where, 2);
    return text(whole ?? null, where).split(text(separator ?? null, where));
  },
  "Fn::If": (argument, scope, where) => {
    if (!Array.isArray(argument) || argument.length !== 3) throw new TemplateError(`${where}: Fn::If needs [condition, then, else].`);
    return resolve((scope.condition(text(argument[0] ?? null, where)) ? argument[1] : argument[2]) as Json, scope, where);
  },
};

/** Throws for a function the lab does not know, anywhere in the value. */
export function checkFunctions(given: Json | undefined, where: string): void {
  if (given === null || typeof given !== "object") return;
  for (const [key, inner] of Object.entries(given)) {
    if (key.startsWith("Fn::") && !FUNCTIONS[key])
      throw new TemplateError(`${where}: the lab does not know ${key}; it knows ${Object.keys(FUNCTIONS).join(", ")}.`);
    checkFunctions(inner, where);
  }
}

/** Judges a condition of the template's Conditions section, or of another condition. */
export function judge(given: Json, scope: Scope, where: string): boolean {
  if (given !== null && typeof given === "object" && !Array.isArray(given)) {
    const [name, ...more] = Object.keys(given);
    const argument = given[name ?? ""] as Json;
    const all = () => (Array.isArray(argument) ? argument : []).map((item) => judge(item, scope, where));
    if (more.length === 0 && name === "Fn::Equals") {
      const [left, right] = list(argument, scope, where, 2);
      return JSON.stringify(left) === JSON.stringify(right);
    }
    if (more.length === 0 && name === "Fn::And") return all().every(Boolean);
    if (more.length === 0 && name === "Fn::Or") return all().some(Boolean);
    if (more.length === 0 && name === "Fn::Not") return !all()[0];
    if (more.length === 0 && name === "Condition") return scope.condition(text(argument, where));
  }
  throw new TemplateError(
    `${where}: ${JSON.stringify(given)} is no condition; expected Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition.`,
  );
}

/** The names a value refers to, by Ref, Fn::GetAtt and Fn::Sub. */
export function references(given: Json | undefined): Set<string> {
  const found = new Set<string>();
  const visit = (inner: Json): void => {
    if (inner === null || typeof inner !== "object") return;
    for (const [key, argument] of Object.entries(inner)) {
      if (key === "Ref" && typeof argument === "string") found.add(argument);
      else if (key === "Fn::GetAtt") found.add(String(Array.isArray(argument) ? argument[0] : argument).split(".")[0] ?? "");
      else if (key === "Fn::Sub") {
        const [template, own] = Array.isArray(argument) ? argument : [argument, {}];
        const variables = own && typeof own === "object" ? own : {};
        for (const [, literal, name = ""] of String(template).matchAll(IN_SUB))
          if (!literal && !(name in variables)) found.add(name.split(".")[0] ?? "");
        visit((own ?? {}) as Json);
      } else visit(argument);
    }
  };
  if (given !== undefined) visit(given);
  return found;
}
