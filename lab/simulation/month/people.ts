/** Who reads the month's mails: a person who agrees to a large prune within half a day, as `understudy prune` would note it. */
import { Chance } from "../chance.ts";
import { BUCKET } from "./deployment.ts";
import type { Month } from "./troubles.ts";

const HOUR_MS = 3_600_000;
const ASKED = /(\d+) backups of (\w+) are not deleted in \S+ before a person agrees/;

export function readMails({ world, clock, log, plan }: Month, seed: number): void {
  const chance = new Chance(seed, "people");
  const region = plan.regions.recovery;
  let orders = 0;
  const agree = async (database: string, most: number): Promise<void> => {
    const Key = `databases/${database}/retention.json`;
    const order = `order-${++orders}`;
    const allowed = { by: "alice", most, atMs: clock.nowMs, order };
    log.tell("person", `alice agrees that ${most} backups of ${database} are deleted`, {});
    const Body = Buffer.from(JSON.stringify({ holds: {}, allowed }));
    await world.call("s3", "PutObject", { Bucket: BUCKET, Key, Body }, { region });
  };
  log.listen(({ kind, data }) => {
    const [, most, database] = (kind === "mail" && ASKED.exec(data.text)) || [];
    if (database !== undefined) clock.after(chance.whole(1, 12) * HOUR_MS, () => void agree(database, Number(most)));
  });
}
