// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Answers recorded from the real AWS go through the lab's codec over HTTP and come back equal in the SDK's client; recorded
 * faults come back as faults. What the codec does not speak is listed by name.
 */
import { NormalizedSchema } from "@smithy/core/schema";
import { afterAll, describe, expect, test } from "vitest";
import { ServiceError } from "../../lab/wire/errors.ts";
import { codecFor } from "../../lab/wire/protocols.ts";
import { labWith, type TestLab } from "../lab/on-the-wire.ts";
import { comparable, type Recording, readRecordings, recordingsFolder } from "./recorded.ts";

/** botocore's name for a service: the one in a signature's scope, and the SDK's package. */
const SERVICES: Record<string, readonly [scope: string, client: string]> = {
  autoscaling: ["autoscaling", "auto-scaling"],
  ec2: ["ec2", "ec2"],
  iam: ["iam", "iam"],
  kms: ["kms", "kms"],
  rds: ["rds", "rds"],
};

const recordings = readRecordings();
const counts = { equal: 0, faults: 0 };
const operations = new Set<string>();
const uncovered = new Map<string, string>();

/** Members whose recorded value has no place in AWS's present model, and how often. */
const misfits = new Map<string, number>();

async function sent(lab: TestLab, recording: Recording): Promise<any> {
  const [scope, client] = SERVICES[recording.service]!;
  const module: any = await import(`@aws-sdk/client-${client}`);
  const Client = Object.entries(module).find(([name]) => /^[A-Z]\w+Client$/.test(name))?.[1] as any;
  const operation = codecFor(scope)!.operations.get(recording.operation)!;
  const input = NormalizedSchema.of(operation.input);
  const given = Object.fromEntries(operation.required.map((name) => [name, someValue(input.getMemberSchema(name))]));
  const open = new Client(lab.client("us-east-1"));
  try {
    return await open.send(new module[`${recording.operation}Command`](given));
  } finally {
    open.destroy();
  }
}

/** Any value of a required member: the answer does not depend on it. */
function someValue(schema: NormalizedSchema): unknown {
  if (schema.isListSchema()) return [someValue(schema.getValueSchema())];
  if (schema.isMapSchema()) return {};
  if (schema.isStructSchema()) {
    const [name, member] = [...schema.structIterator()][0]!;
    return { [name]: someValue(member) };
  }
  if (schema.isBooleanSchema()) return true;
  if (schema.isNumericSchema()) return 1;
  if (schema.isTimestampSchema()) return new Date(0);
  return "any";
}

/** The recorded answer in the present model's types: dates become dates, and what does not fit is left out and counted. */
function modelled(schema: NormalizedSchema, value: any, path: string): any {
  const misfit = () => misfitAt(path);
  if (schema.isListSchema()) return Array.isArray(value) ? value.map((each) => modelled(schema.getValueSchema(), each, path)) : misfit();
  if (schema.isTimestampSchema()) {
    const date = value instanceof Date ? value : new Date(typeof value === "string" ? value : Number.NaN);
    return Number.isNaN(date.getTime()) ? misfit() : date;
  }
  if (!schema.isStructSchema()) return schema.isMapSchema() || typeof value !== "object" ? value : misfit();
  const members = Object.fromEntries(schema.structIterator());
  const entries = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(
    entries.map(([name, each]) => [name, members[name] ? modelled(members[name], each, `${path}.${name}`) : misfitAt(`${path}.${name}`)]),
  );
}

function misfitAt(path: string): undefined {
  misfits.set(path, (misfits.get(path) ?? 0) + 1);
}

function reasonAgainst({ service, operation }: Recording): string | undefined {
  const codec = SERVICES[service] && codecFor(SERVICES[service][0]);
  if (!codec) return `the lab does not speak ${service}`;
  return codec.operations.has(operation) ? undefined : `today's SDK has no ${operation}`;
}

describe.skipIf(recordings.length === 0)("what the real AWS answered is read back equal", () => {
  const covered = recordings.filter((recording) => {
    const reason = reasonAgainst(recording);
    if (reason) uncovered.set(`${recording.service}:${recording.operation}`, reason);
    return !reason;
  });

  for (const [operation, all] of Map.groupBy(covered, ({ service, operation }) => `${service}:${operation}`)) {
    test(`${operation}, ${all.length} recorded`, async () => {
      operations.add(operation);
      let now: Recording;
      let answer: any;
      const run = () => {
        if (now.fault) throw new ServiceError(now.fault.code, now.fault.message, now.status);
        return answer;
      };
      const [scope] = SERVICES[all[0]!.service]!;
      const lab = await labWith(() => [{ name: scope, operations: { [all[0]!.operation]: run } }]);
      for (now of all) {
        if (now.fault) {
          const { code, message } = now.fault;
          const refused = await sent(lab, now).catch((error) => error);
          expect({ code: refused.Code, message: refused.message, status: refused.$metadata?.httpStatusCode }, now.name).toEqual({
            code,
            message,
            status: now.status,
          });
          counts.faults += 1;
        } else {
          const output = NormalizedSchema.of(codecFor(scope)!.operations.get(now.operation)!.output);
          answer = output.isStructSchema() ? modelled(output, now.data, operation) : {};
          expect(comparable(await sent(lab, now)), now.name).toEqual(comparable(answer));
          counts.equal += 1;
        }
      }
    });
  }

  afterAll(() => {
    const reasons = [...uncovered].map(([name, reason]) => `\n  not covered: ${name} (${reason})`);
    const strangers = [...misfits].map(([path, n]) => `\n  left out: ${path}, not of today's model (${n} times)`);
    console.log(
      `recordings: ${recordings.length} files, ${operations.size} operations, ${counts.equal} answers equal, ` +
        `${counts.faults} faults replayed, ${recordings.length - covered.length} files not covered${reasons.join("")}${strangers.join("")}\n` +
        "  normalised: dates, members without a value, empty lists, maps and texts",
    );
  });
});

test.runIf(recordings.length === 0)("no recordings here", () => {
  console.log(`recordings: skipped, there are none in ${recordingsFolder} (AWS_RECORDINGS names another folder)`);
});
