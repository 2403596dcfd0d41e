/**
 * Gives every database of the lab its own loopback address, so that several listen on the port they were created with, as on AWS,
 * and every function one to call from, as its network interface gives it in a VPC. Addresses of databases come from 127.64.0.0/10,
 * those of functions from 127.128.0.0/10, which a machine's own services do not use.
 */
import { createHash, randomInt } from "node:crypto";
import { type Gate, type GateOptions, openGate } from "./gate.ts";

const ATTEMPTS = 5;

/** Where functions call from. */
export const FUNCTION_RANGE = "127.128.0.0/10";

/** Opens a gate at `port` of a free loopback address, the `preferred` one if it can be had. */
export async function openGateSomewhere(options: Omit<GateOptions, "address">, preferred?: string): Promise<Gate> {
  for (let attempt = 0; ; attempt++) {
    const address = attempt === 0 && preferred ? preferred : randomAddress();
    try {
      return await openGate({ ...options, address });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EADDRINUSE" && attempt < ATTEMPTS) continue;
      throw new Error(explain(code, options.port, address), { cause: error });
    }
  }
}

/** Where a function's connections come from: the same for all its processes. */
export function functionAddress(region: string, name: string): string {
  const [a = 0, b = 0, c = 0] = createHash("sha256").update(`${region}/${name}`).digest();
  return `127.${128 + (a % 64)}.${b}.${1 + (c % 254)}`;
}

function randomAddress(): string {
  return `127.${64 + randomInt(64)}.${randomInt(256)}.${1 + randomInt(254)}`;
}

function explain(code: string | undefined, port: number, address: string): string {
  if (code === "EADDRINUSE")
    return `Port ${port} is taken on every address of this machine (a database of its own listens on 0.0.0.0?). Stop that one, or give the database another port: \`port\` in the plan.`;
  if (code === "EACCES") return `Port ${port} cannot be opened by this user. Give the database a port above 1023: \`port\` in the plan.`;
  return `No database can listen at ${address}:${port} (${code}). The lab needs the loopback network 127.0.0.0/8.`;
}
