/**
 * A dump in a process of its own, so that it can be killed. Takes its order as JSON in DUMP_ORDER, prints the outcome as JSON.
 * For tests and measurements.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "../databases/engines.ts";
import { dump } from "../offsite/dump.ts";
import { Kit } from "../offsite/kit.ts";
import { openSource } from "../offsite/open.ts";
import { Store } from "../offsite/store.ts";
import { peakBytes } from "./peak-memory.ts";

export interface DumpOrder {
  readonly engine: "postgres" | "mariadb";
  readonly target: Target;
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly masterKey: string;
  readonly token: string;
}

/** Lambda's longest. */
const LONGEST_MS = 900_000;

const order = JSON.parse(process.env.DUMP_ORDER ?? "{}") as DumpOrder;
const { endpoint, region, bucket, target } = order;
const credentials = { accessKeyId: "offsite", secretAccessKey: "secret" };
const outcome = await dump({
  openSource: () => openSource(order.engine, target),
  load: (source) => source.load(),
  store: new Store({ endpoint, region, bucket, prefix: "", credentials, patienceMs: 5_000 }),
  masterKey: Buffer.from(order.masterKey, "hex"),
  database: "shop",
  kit: Kit.beside(),
  accepted: [],
  token: order.token,
  now: Date.now,
  sleep,
  untilMs: Date.now() + LONGEST_MS,
  deadlineMs: Date.now() + LONGEST_MS,
  tell: (sentence) => console.error(sentence),
});
console.log(JSON.stringify({ ...outcome, manifest: undefined, totals: outcome.manifest?.totals, maxMemoryBytes: peakBytes() }));
process.exit(0);
