/** Which of the orders a client was told were kept are in the database. */
import { openSession, type ShopAccess } from "./session.ts";

/** Order numbers that were acknowledged and are not there. */
export async function countLost(
  address: { host: string; port: number },
  database: string,
  access: Pick<ShopAccess, "engine" | "username" | "password">,
  acknowledged: readonly number[],
): Promise<number[]> {
  const { engine, username, password } = access;
  const session = await openSession({ ...address, database, engine, username, password }, 5000);
  try {
    const there = await session.orders();
    return acknowledged.filter((order) => !there.has(order));
  } finally {
    session.drop();
  }
}
