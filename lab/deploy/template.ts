/**
 * A compiled template as the deployer reads it: its parts, its checks, and the order its resources are created in. Creates nothing.
 */
import { type Json, judge, references, type Scope, TemplateError } from "./intrinsics.ts";

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: { [name: string]: Json };
  readonly DependsOn?: string | string[];
  readonly Condition?: string;
}

export interface Template {
  readonly Parameters?: Record<string, { readonly Type?: string; readonly Default?: Json }>;
  readonly Conditions?: Record<string, Json>;
  readonly Resources: Record<string, TemplateResource>;
  readonly Outputs?: Record<string, { readonly Value: Json; readonly Condition?: string }>;
}

/** The values of the template's parameters: given, or their defaults. */
export function parametersOf(template: Template, given: Record<string, string>): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const name of Object.keys(given))
    if (!template.Parameters?.[name]) throw new TemplateError(`Parameters: [${name}] do not exist in the template.`);
  for (const [name, parameter] of Object.entries(template.Parameters ?? {})) {
    const found = given[name] ?? parameter.Default;
    if (found === undefined) throw new TemplateError(`Parameters: [${name}] must have values.`);
    const isList = parameter.Type === "CommaDelimitedList" || parameter.Type?.startsWith("List<");
    values[name] = isList && typeof found === "string" ? found.split(",").map((item) => item.trim()) : String(found);
  }
  return values;
}

/** Judges the template's conditions, each once. */
export function conditionsOf(template: Template, scope: Omit<Scope, "condition">): (name: string) => boolean {
  const judged = new Map<string, boolean | "busy">();
  const condition = (name: string): boolean => {
    const earlier = judged.get(name);
    if (earlier === "busy") throw new TemplateError(`Conditions.${name} depends on itself.`);
    if (earlier !== undefined) return earlier;
    const given = template.Conditions?.[name];
    if (given === undefined) throw new TemplateError(`Condition ${name} is not in the template.`);
    judged.set(name, "busy");
    const verdict = judge(given, { ...scope, condition }, `Conditions.${name}`);
    judged.set(name, verdict);
    return verdict;
  };
  return condition;
}

/** The logical ids to create, those that others refer to or depend on first; otherwise as they stand in the template. */
export function creationOrder(resources: Record<string, TemplateResource>): string[] {
  const order: string[] = [];
  const state = new Map<string, "busy" | "done">();
  const visit = (id: string, path: readonly string[]): void => {
    if (state.get(id) === "done") return;
    if (state.get(id) === "busy")
      throw new TemplateError(`Circular dependency between resources: [${[...path.slice(path.indexOf(id)), id].join(" -> ")}]`);
    state.set(id, "busy");
    const resource = resources[id] as TemplateResource;
    for (const needed of [...[resource.DependsOn ?? []].flat(), ...references(resource.Properties)])
      if (resources[needed]) visit(needed, [...path, id]);
    state.set(id, "done");
    order.push(id);
  };
  for (const id of Object.keys(resources)) visit(id, []);
  return order;
}
