/** A bench whose plan has one machine with two volumes, and what tests ask of its sets. */
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { type Member, setsOf } from "../../core/machine-set.ts";
import { readJson } from "../../lab/look.ts";
import { type Bench, bench } from "./bench.ts";

export const HOME = "eu-central-1";
export const AWAY = "eu-west-1";
export const WEB = "i-0a1b2c3d4e5f60001";

/** `more`: what else the plan says of the machine. */
export const machineBench = (more = ""): (() => Bench) =>
  bench((text) => `${text}\nmachines:\n  - { name: web-1, instance: ${WEB}, region: ${HOME}, everyMinutes: 60, copyTo: ${AWAY}${more} }\n`);

/** One backup of the machine, by the very handler that ships. */
export async function runMachine(slot: string) {
  const { handler } = await import("../../functions/machine.ts");
  const runner = new LocalDurableTestRunner({ handlerFunction: handler as never });
  const execution = await runner.run({ payload: { machine: "web-1", slot } });
  return {
    status: execution.getStatus(),
    result: execution.getResult() as { outcome: string; snapshot: string; sentence: string },
    steps: execution.getOperations().map((it) => it.getName()),
  };
}

/** What is listed in a region: of one slot, or all of the account's. */
export async function members(slot?: string, region = HOME): Promise<Member[]> {
  const { listMembers } = await import("../../aws/machine-snapshots.ts");
  return await listMembers(region, slot === undefined ? {} : { "understudy:slot": slot });
}

export const slotsIn = async (region: string): Promise<string[]> =>
  setsOf(await members(undefined, region))
    .map(({ slot }) => slot)
    .sort();

export const note = <Note>({ lab, bucket }: Bench, slot: string): Promise<Note | null> =>
  readJson<Note>(lab, AWAY, bucket, `machines/web-1/${slot}.json`);

export const ec2 = ({ lab }: Bench, operation: string, input: object, region = HOME) => lab.world.call("ec2", operation, input, { region });

/** The volumes of the machine, by their device. */
export async function volumes(at: Bench): Promise<Record<string, string>> {
  const { Volumes } = await ec2(at, "DescribeVolumes", { Filters: [{ Name: "attachment.instance-id", Values: [WEB] }] });
  return Object.fromEntries(
    Volumes.map(({ VolumeId, Attachments }: { VolumeId: string; Attachments: { Device: string }[] }) => [Attachments[0]?.Device, VolumeId]),
  );
}
