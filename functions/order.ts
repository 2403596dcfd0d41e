/** The operator's one door: a person orders, approves, pauses; `npm run understudy` is the command that knocks. */
import middy from "@middy/core";
import type { OperatorOrder } from "../core/order.ts";
import { readOperatorOrder } from "../events/operator.ts";
import type { ListAnswer, OrderAnswer } from "../runbooks/answers.ts";
import { takeOrder } from "../runbooks/orders.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<OperatorOrder, OrderAnswer | ListAnswer>()
  .use(reads(readOperatorOrder))
  .handler(async (order: OperatorOrder) => await takeOrder(readSettings(), order));
