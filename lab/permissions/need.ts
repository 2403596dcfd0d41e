// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The words of this folder: what one request needs to be allowed, as IAM puts it. Judges nothing.
 */
import type { World } from "../cloud/world.ts";

/** Condition keys and their values. */
export type Context = Record<string, string | string[]>;

/** One action on one resource. A request is allowed when every one of its needs is. */
export interface Need {
  /** As IAM writes it: rds:ModifyDBInstance */
  readonly action: string;
  /** An ARN, or "*" where AWS asks for the permission on everything. */
  readonly resource: string;
  /** What the request says beyond action and resource. */
  readonly context?: Context;
  /** Whose the resource is to be, where that is not to be seen from it yet. */
  readonly account?: string;
}

/** Where the request was sent. */
export interface At {
  readonly world: World;
  readonly region: string;
  readonly account: string;
}

/** What one operation needs, for a request's input. None: anyone with a signature may do it. */
export type Needs = (input: any, at: At) => Need[];

/** The last part of an ARN that stands for a whole list: granted by a pattern that covers everything there, and by nothing narrower. */
export const EVERY = "~every~";

/** As a person reads it: AWS writes a list's ARN with a star. */
export const shown = (resource: string): string => resource.replace(EVERY, "*");
