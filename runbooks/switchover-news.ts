/** What is told of planned moves: how they ended, what was called off, and what people may delete by now. Understudy deletes nothing. */
import type { DatabaseRecord } from "../core/facts.ts";
import type { News } from "../core/news.ts";

/** The exact commands, one an instance: with a final snapshot, and protection taken off first. */
export function deletable(record: DatabaseRecord, instances: readonly string[]): (readonly [string, string])[] {
  return instances.map((id) => {
    const where = `--region ${record.regions[id]} --db-instance-identifier ${id}`;
    return [
      `May be deleted: ${id}`,
      `aws rds modify-db-instance ${where} --no-deletion-protection --apply-immediately && aws rds delete-db-instance ${where} --final-db-snapshot-identifier understudy-final-${id}`,
    ];
  });
}

/** Former primaries, except those that hold what nobody else does. */
export const settled = (record: DatabaseRecord): string[] =>
  record.retired.flatMap(({ instance, lossless, alone }) => (lossless || alone?.count === 0 || alone?.rescue ? [instance] : []));

export function calledOff(news: News, primary: string, standby: string, again: string | null): News {
  return {
    ...news,
    details: [
      ...news.details.filter(([label]) => label === "Execution"),
      ["Old primary", again ?? `${primary}: closed to its clients`],
      ["Target", again === null ? standby : `${standby}: still a replica`],
    ],
    next:
      again === null
        ? `Look at ${standby} and at the clients' name now; ${primary} must stay closed.`
        : again.includes("COULD NOT")
          ? `Give ${primary} its security groups back now: its clients cannot reach it.`
          : "Nothing was promoted and the name was not touched. Order again when the reason above is gone.",
  };
}
