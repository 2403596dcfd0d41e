/** The orders of a rehearsal: as many people as the plan wants, each order signed as `npm run understudy` signs it. */
import type { OperatorOrder } from "../core/order.ts";
import type { Plan } from "../core/plan/schema.ts";
import { requestId } from "../core/requests.ts";
import { userKeyFor } from "../lab/cloud/iam.ts";
import type { Lab } from "../lab/lab.ts";
import { Door } from "./operator/door.ts";

type Send = (payload: object) => Promise<unknown>;

const NO_PROOF = { proof: null, reason: "a rehearsal" } as const;

export async function orderTheMove(lab: Lab, plan: Plan, name: string, send: Send): Promise<void> {
  // Healthy, and no probe has voted yet: what stands in the way is passed over by number.
  const order = {
    verb: "failover",
    overrides: [207, 304, 305],
    database: name,
    generation: 1,
    target: null,
    notBefore: null,
    ...NO_PROOF,
  } as const;
  await orderedByAll(lab, plan, send, "rehearsal", name, order, 2);
}

/** A fit standby, and a primary that may not count as lost yet, are passed over by number. */
export async function orderRestore(lab: Lab, plan: Plan, name: string, generation: number, send: Send): Promise<void> {
  const wish = { from: null, at: null, region: null, promote: true, instance: null } as const;
  const order = { verb: "restore", overrides: [603, 604], database: name, generation, ...wish, ...NO_PROOF } as const;
  await orderedByAll(lab, plan, send, "rehearsalrestore", name, order);
}

/** Beside the original, out of its automated backups. */
export async function orderRestoreAside(lab: Lab, plan: Plan, name: string, send: Send): Promise<void> {
  const wish = { from: null, at: "latest", region: null, promote: false, instance: null, overrides: [] } as const;
  const order = { verb: "restore", id: "rehearsalaside00", database: name, generation: 1, ...wish, ...NO_PROOF } as const;
  await signed(lab, plan, send)(peopleOf(plan)[0], order);
}

/** Beside the original, out of the vault: no other copy of the recovery region is left. */
export async function orderRestoreOut(lab: Lab, plan: Plan, name: string, from: string, send: Send): Promise<void> {
  const wish = { from, at: null, region: plan.regions.recovery, promote: false, instance: null, overrides: [] } as const;
  const order = { verb: "restore", id: "rehearsalout0000", database: name, generation: 1, ...wish, ...NO_PROOF } as const;
  await signed(lab, plan, send)(peopleOf(plan)[0], order);
}

export async function orderHold(lab: Lab, plan: Plan, name: string, backup: string, send: Send): Promise<void> {
  const order = { verb: "hold", id: "rehearsalhold000", database: name, backup, ...NO_PROOF } as const;
  await signed(lab, plan, send)(peopleOf(plan)[0], order);
}

export async function orderDrill(lab: Lab, plan: Plan, name: string, send: Send): Promise<void> {
  await signed(lab, plan, send)(peopleOf(plan)[0], { verb: "drill", id: "rehearsaldrill00", database: name, proof: null });
}

/** The first orders, as often as it is said, the others approve. */
async function orderedByAll(
  lab: Lab,
  plan: Plan,
  send: Send,
  ids: string,
  name: string,
  order: Omit<Extract<OperatorOrder, { generation: number }>, "id">,
  times = 1,
): Promise<void> {
  const say = signed(lab, plan, send);
  const id = (index: number) => `${ids}${String(index).padStart(4, "0")}`;
  const [first, ...others] = peopleOf(plan);
  await say(first, { ...order, id: id(0) } as OperatorOrder, times);
  for (const [index, person] of others.entries())
    await say(person, { verb: "approve", id: id(index + 1), request: requestId(name, order.generation, id(0)), proof: null });
}

function peopleOf(plan: Plan): [string, ...string[]] {
  const named = (plan.approvals?.from ?? []).flatMap((arn) => /^arn:aws:iam::(\d+):user\/(\w+)$/.exec(arn)?.[2] ?? []);
  return Array.from({ length: plan.approvals?.people ?? 1 }, (_, index) => named[index] ?? `person${index}`) as [string, ...string[]];
}

const signed =
  (lab: Lab, plan: Plan, send: Send) =>
  async (person: string, order: OperatorOrder, times = 1): Promise<void> => {
    const door = new Door(plan, { credentials: userKeyFor(lab.world, person), endpoint: lab.wire.url });
    const proven = { ...order, proof: await door.prove(order) };
    for (let time = 0; time < times; time++) await send(proven);
  };
