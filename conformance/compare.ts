/** Two normal answers side by side: every place where they differ, with both values. Knows no reasons. */
import type { Json } from "./json.ts";

export interface Difference {
  /** `DBInstances.Endpoint.Port`: without the places in lists. */
  readonly path: string;
  readonly lab: Json | undefined;
  readonly moto: Json | undefined;
}

export function differences(lab: Json | undefined, moto: Json | undefined, path = ""): Difference[] {
  if (JSON.stringify(lab) === JSON.stringify(moto)) return [];
  if (Array.isArray(lab) && Array.isArray(moto) && lab.length === moto.length)
    return once(lab.flatMap((item, at) => differences(item, moto[at], path)));
  if (isObject(lab) && isObject(moto) && !("error" in lab) && !("error" in moto)) {
    const names = [...new Set([...Object.keys(lab), ...Object.keys(moto)])].sort();
    return names.flatMap((name) => differences(lab[name], moto[name], path ? `${path}.${name}` : name));
  }
  if (path === "" && (isObject(lab) || isObject(moto))) return [{ path: "error", lab: outcome(lab), moto: outcome(moto) }];
  return [{ path, lab, moto }];
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function outcome(answer: Json | undefined): Json {
  return isObject(answer) && answer.error !== undefined ? answer.error : "ok";
}

/** The same difference in each item of a list is one. */
function once(all: readonly Difference[]): Difference[] {
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
}
