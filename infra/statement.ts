/** One statement of a role's policy: what is allowed, on what, and when. */
import type { Json } from "./cloudformation.ts";

export interface Statement {
  readonly [key: string]: Json;
  readonly Sid: string;
  readonly Action: readonly string[];
  readonly Resource: Json;
}

export const allow = (Sid: string, Action: readonly string[], Resource: Json, Condition?: Json): Statement => ({
  Sid,
  Effect: "Allow",
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition }),
});
