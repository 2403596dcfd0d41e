/** Which of the orders a client was told were kept are in the database. */
import pg from "pg";

/** Order numbers that were acknowledged and are not there. */
export async function countLost(
  address: { host: string; port: number },
  database: string,
  access: { username: string; password: string },
  acknowledged: readonly number[],
): Promise<number[]> {
  const client = new pg.Client({ ...address, database, user: access.username, password: access.password, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    const { rows } = await client.query("select unnest($1::bigint[]) as id except select id from orders order by 1", [acknowledged]);
    return rows.map((row) => Number(row.id));
  } finally {
    await client.end();
  }
}
