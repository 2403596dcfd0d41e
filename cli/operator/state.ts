/** Reads the deployed Understudy's bucket with the caller's own AWS credentials. Writes nothing. */
import { GetFunctionConfigurationCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { type Place, readDocument } from "../../aws/documents.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { Problem } from "../../core/problem.ts";

/** Documents read at a time. */
const AT_ONCE = 16;

export async function placeOf(plan: Plan): Promise<Place> {
  const region = plan.regions.recovery;
  const FunctionName = `understudy-${plan.name}-watch`;
  const { Environment } = await new LambdaClient({ region }).send(new GetFunctionConfigurationCommand({ FunctionName }));
  const bucket = Environment?.Variables?.STATE_BUCKET;
  if (bucket) return { region, bucket };
  throw new Problem("NoBucket", `${FunctionName} in ${region} names no bucket (STATE_BUCKET), so nothing can be read.`, {
    hint: "Deploy Understudy again.",
  });
}

/** Every key that begins so, in their order. */
export async function keysUnder({ region, bucket }: Place, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { Contents } of paginateListObjectsV2({ client: new S3Client({ region }) }, { Bucket: bucket, Prefix: prefix }))
    keys.push(...(Contents ?? []).flatMap(({ Key }) => Key ?? []));
  return keys;
}

/** In the order of the keys; one that is gone by now is left out. */
export async function readAll<Value>(place: Place, keys: readonly string[]): Promise<Value[]> {
  const read: Value[] = [];
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    const some = await Promise.all(keys.slice(from, from + AT_ONCE).map((key) => readDocument<Value>(place, key)));
    read.push(...some.flatMap((stored) => (stored ? [stored.value] : [])));
  }
  return read;
}
