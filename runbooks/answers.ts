/** What a person's order is answered with, and the news of it. */
import type { News } from "../core/news.ts";
import type { MoveRequest } from "../core/requests.ts";

export interface OrderAnswer {
  readonly accepted: boolean;
  readonly sentence: string;
  readonly next: string;
  readonly commands: readonly string[];
  /** The request's name, when there is one. */
  readonly request: string | null;
  /** The move that was started. */
  readonly execution: string | null;
}

export interface ListAnswer {
  readonly audience: string;
  readonly databases: Readonly<
    Record<
      string,
      { readonly generation: number; readonly primary: string; readonly requests: readonly (MoveRequest & { open: boolean })[] }
    >
  >;
}

export const yes = (sentence: string, next = "Nothing.", more: Partial<OrderAnswer> = {}): OrderAnswer => ({
  accepted: true,
  sentence,
  next,
  commands: [],
  request: null,
  execution: null,
  ...more,
});

export const taken = (id: string, database: string, sentence: string, atMs: number, ...commands: string[]): News => ({
  kind: "Order Taken",
  id: `order-${id}`,
  database,
  atMs,
  sentence,
  details: [],
  next: commands.length > 0 ? "Nothing, unless you want otherwise:" : "Nothing.",
  commands,
});
