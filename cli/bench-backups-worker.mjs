/** The function `retain` as Lambda starts it, once: says how much memory it took at most. */
import { pathToFileURL } from "node:url";
import { peakBytes } from "./peak-memory.ts";

const { handler } = await import(pathToFileURL(process.env.RETAIN_BUNDLE ?? "").href);
const event = { source: "aws.events", "detail-type": "Scheduled Event", account: process.env.ACCOUNT_ID, time: new Date().toISOString() };
const looked = await handler({ ...event, region: process.env.AWS_REGION, resources: [], detail: {} }, {});
if (!Array.isArray(looked)) throw new Error(`retain answered: ${JSON.stringify(looked)}`);
console.log(JSON.stringify({ databases: looked.length, peakBytes: peakBytes() }));
