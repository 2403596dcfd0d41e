/** Durable: carries what is new in a bucket to another provider. Started by `snapshot`. */

import type { DurableContext } from "@aws/durable-execution-sdk-js";
import middy from "@middy/core";
import { executionModeDurableContext } from "@middy/core/executionModeDurableContext";
import { type BucketOrder, readBucketOrder } from "../events/orders.ts";
import { type BucketResult, bucket } from "../runbooks/bucket.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<BucketOrder, BucketResult>({ executionMode: executionModeDurableContext } as never)
  .use(reads(readBucketOrder))
  .handler((async (order: BucketOrder, context: DurableContext) => await bucket(order, context, readSettings())) as never);
