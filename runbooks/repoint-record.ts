/**
 * The record way: one batch a zone takes the old stamp away, sets the move's own and points the names, all or nothing. It needs Route
 * 53's control plane in us-east-1, and says so before anything is touched.
 */
import { pointCnames, readCname, readTxt } from "../aws/dns.ts";
import { codeOf, isCode, isNoAnswer } from "../aws/errors.ts";
import type { RecordPlan } from "../core/plan/schema.ts";
import { mayReplace, type Stamp, stampName, stampText } from "../core/stamp.ts";
import { addressOf, lateMover, type Mover, recordsOf, type Way, wrongAnswer } from "./repoint.ts";
import type { Protected, Settings } from "./settings.ts";
import { notYet, proven } from "./until.ts";

/** Another's batch may come between the look and ours; then ours is refused and the look is repeated. */
const TRIES = 3;

export function recordWay(settings: Settings, database: Protected): Way {
  const records = recordsOf(settings, database);
  return {
    async trouble() {
      for (const { name, zone } of records) {
        try {
          if ((await readCname(zone, name)) === null) return `the zone ${zone} holds no CNAME ${name}`;
        } catch (error) {
          if (isNoAnswer(error))
            return `Route 53's control plane does not answer, and ${name} moves by its record; "repoint: latch" in the plan moves it without`;
          // What passes with time is no reason to stay.
          if (isCode(error, "AccessDenied", "NoSuchHostedZone")) return `the zone ${zone} cannot be read (${codeOf(error)})`;
        }
      }
      return null;
    },

    async change(target, mover) {
      const zones = [...new Set(records.map(({ zone }) => zone))];
      let changeId: string | null = null;
      for (const zone of zones) {
        const inside = records.filter((record) => record.zone === zone);
        changeId = (await changeZone(zone, inside, addressOf(target), mover)) ?? changeId;
      }
      return { changeId };
    },

    async settled(target) {
      const address = addressOf(target);
      for (const { name } of records) {
        const wrong = await wrongAnswer(name, address);
        if (wrong) return notYet(wrong);
      }
      return proven(`${records.map(({ name }) => name).join(", ")} lead to ${address}`);
    },
  };
}

/** null: the names lead there already, and the stamp is ours. */
async function changeZone(zone: string, records: readonly RecordPlan[], target: string, mover: Mover): Promise<string | null> {
  const { generation, attempt, execution } = mover;
  const ours: Stamp = { generation, attempt, execution };
  for (let tries = 1; ; tries++) {
    await mover.holdsClaim();
    const found = [];
    for (const { name, ttlSeconds } of records) {
      const [cname, stamp] = await Promise.all([readCname(zone, name), readTxt(zone, stampName(name))]);
      if (!mayReplace(stamp, ours)) throw lateMover(mover, name, `its stamp is ${stamp}`);
      found.push({ name, ttlSeconds, stamp, done: cname?.target === target && stamp === stampText(ours) });
    }
    if (found.every(({ done }) => done)) return null;
    try {
      return await pointCnames(
        zone,
        found.map(({ name, ttlSeconds }) => ({ name, target, ttlSeconds })),
        found.map(({ name, stamp }) => ({ name: stampName(name), old: stamp, new: stampText(ours) })),
        `Understudy ${execution}: ${found.map(({ name }) => name).join(", ")} to ${target}`,
      );
    } catch (error) {
      // Our own batch whose reply was lost, or another's: the next look tells.
      if (!isCode(error, "InvalidChangeBatch") || tries === TRIES) throw error;
    }
  }
}
