/**
 * Who ordered, proven by STS, allowed by the plan, and never twice with one proof. What may be ordered without a proof stands here too:
 * automation may be stopped by anybody who may invoke the function, because stopping is safe.
 */
import { createHash, randomUUID } from "node:crypto";
import { createDocument } from "../aws/documents.ts";
import { whoSigned } from "../aws/identity.ts";
import { audienceOf, type OperatorOrder, type Proof, signedText } from "../core/order.ts";
import { mayOrder } from "../core/people.ts";
import { Problem } from "../core/problem.ts";
import type { Settings } from "./settings.ts";

const WITHOUT_PROOF: readonly OperatorOrder["verb"][] = ["pause", "requests"];

export const audience = (settings: Settings): string => audienceOf(settings.account, settings.region, settings.plan.name);

/** The ARN of whoever signed; null for what needs no proof and came without. */
export async function identify(settings: Settings, order: OperatorOrder, nowMs: number): Promise<string | null> {
  const proof = "proof" in order ? order.proof : null;
  if (proof === null) {
    if (WITHOUT_PROOF.includes(order.verb)) return null;
    throw new Problem("ProofMissing", `Refused: ${order.verb} needs a proof of who orders it, and this order has none.`, {
      hint: "Order with the command below, which signs it with your own AWS credentials.",
    });
  }
  const arn = await prove(settings, order, proof, nowMs);
  const { approvals } = settings.plan;
  if (!mayOrder(arn, settings.account, approvals?.from))
    throw new Problem("NotAllowed", `Refused: ${arn} may not order: the plan's approvals.from does not name it.`, {
      hint: approvals?.from ? `Ask one of: ${approvals.from.join(", ")}.` : `Order as somebody of the account ${settings.account}.`,
    });
  await useOnce(settings, order, arn, nowMs);
  return arn;
}

async function prove(settings: Settings, order: OperatorOrder, proof: Proof, nowMs: number): Promise<string> {
  const digest = createHash("sha256")
    .update(signedText(audience(settings), order))
    .digest("hex");
  return (await whoSigned(settings.identityEndpoint, settings.region, digest, proof, nowMs)).arn;
}

/** The note of the order is what uses its id up, and the audit of who ordered what. It is written before anything is done. */
async function useOnce(settings: Settings, order: OperatorOrder, arn: string, nowMs: number): Promise<void> {
  const { proof: _, ...said } = order as OperatorOrder & { proof?: unknown; id: string };
  const note = { ...said, by: arn, atMs: nowMs, taken: randomUUID() };
  if (await createDocument(settings.state, `orders/${said.id}.json`, note)) return;
  throw new Problem("Replayed", `Refused: the order ${said.id} was taken already; an order counts once.`, {
    hint: "Look at what became of it before you order again.",
  });
}
