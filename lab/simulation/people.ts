// biome-ignore-all lint/suspicious/noExplicitAny: orders and answers are any JSON
/**
 * The people of a run: they order moves, answer the mails that ask them, pause and acknowledge, through the function `order` and with a
 * proof, as the command does it. What they do is drawn from the seed; each act has a name and can be left out.
 */
import { Chance } from "./chance.ts";
import type { RecordSeen } from "./checkers.ts";
import type { VirtualClock } from "./clock.ts";
import type { EventLog } from "./log.ts";
import type { VirtualWorld } from "./world.ts";

export const PEOPLE = ["alice", "bob"] as const;
type Person = (typeof PEOPLE)[number];

/** An access key says whose it is; there is no signature to check. */
export const keyOf = (person: Person): string => `AKIA${person.toUpperCase()}`;
export const personBehind = (accessKey: string, account: string): string =>
  `arn:aws:iam::${account}:user/${accessKey.replace(/^AKIA/, "").toLowerCase()}`;

export interface Town {
  readonly world: VirtualWorld;
  readonly clock: VirtualClock;
  readonly log: EventLog;
  readonly database: string;
  /** What stands behind it, which says what people order. */
  readonly kind: "replicas" | "multi-az" | "cluster" | "global";
  /** Where Understudy runs. */
  readonly region: string;
  record(): RecordSeen | undefined;
}

type Ordered = { readonly verb: string; readonly [field: string]: unknown };

/** Who is told that nobody looked, or nothing at all, orders once more. */
async function orderAgain(town: Town, person: Person, asked: Ordered, afterMs: number): Promise<void> {
  if (/^(accepted|refused)$/.test(await order(town, person, asked))) return;
  await town.clock.sleep(afterMs);
  await order(town, person, asked);
}

/** One order, sent to the function as the command sends it. Rejects never: whoever orders sees an answer or none. */
export async function order(town: Town, person: Person, asked: Ordered): Promise<"accepted" | "refused" | "lost"> {
  const { world, clock, log, region } = town;
  const day = new Date(clock.nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const proof = {
    credential: `${keyOf(person)}/${day.slice(0, 8)}/${region}/sts/aws4_request`,
    date: day,
    signature: "0".repeat(64),
    token: null,
  };
  const sent = { id: world.id(16), ...asked, proof };
  const said = Object.entries(asked).map(([field, value]) => `${field} ${JSON.stringify(value)}`);
  log.tell("person", `${person}: ${said.join(", ")}`, {});
  try {
    const answer = await world.call("lambda", "Invoke", { FunctionName: "order", Payload: Buffer.from(JSON.stringify(sent)) }, { region });
    const text = Buffer.from(answer.Payload ?? "{}").toString("utf8");
    const { accepted, sentence } = JSON.parse(text);
    log.tell("person", `${person} is answered: ${sentence ?? text.slice(0, 200)}`, {});
    if (accepted) return "accepted";
    return sentence === undefined || sentence.includes("did not look") ? "lost" : "refused";
  } catch (error) {
    log.tell("person", `${person} hears nothing: ${(error as Error).message}`, {});
    return "lost";
  }
}

const OVERRIDES = [[], [], [], [207], [303], [305, 306], [207, 303, 304, 305, 306]] as const;

interface Act {
  readonly weight: number;
  asked(record: RecordSeen, chance: Chance, database: string, nowMs: number): Ordered;
}

const move = (verb: string, weight: number, overrides: readonly (readonly number[])[] = [[]], more: object = {}): Act => ({
  weight,
  asked: ({ generation, standbys }, chance, database, nowMs) => ({
    verb,
    database,
    // Now and then somebody orders by what they saw long ago.
    generation: chance.happens(0.05) && generation > 1 ? generation - 1 : generation,
    target: standbys.length > 0 && chance.happens(0.3) ? chance.pick(standbys) : null,
    overrides: [...chance.pick(overrides)],
    reason: "it seems right",
    ...more,
    ...(verb !== "failover" && chance.happens(0.2) ? { notBefore: new Date(nowMs + chance.whole(30, 240) * 1000).toISOString() } : {}),
  }),
});

const BRAKES: readonly Act[] = [
  { weight: 1, asked: (_, chance, database) => ({ verb: "pause", database, minutes: chance.whole(1, 20), reason: "we look at it" }) },
  { weight: 1, asked: (_, __, database) => ({ verb: "resume", database }) },
  { weight: 1, asked: (_, __, database) => ({ verb: "acknowledge", database }) },
];
const REPLICAS = [move("switchover", 6), move("failover", 3, OVERRIDES), move("failback", 2, [[], [209]])];
const ACTS: Readonly<Record<Town["kind"], readonly Act[]>> = {
  replicas: REPLICAS,
  "multi-az": [...REPLICAS, move("reboot-failover", 11)],
  cluster: [move("reboot-failover", 10), move("switchover", 1), move("failover", 1, OVERRIDES)],
  global: [
    move("switchover", 6),
    move("failover", 2, [[], [207]]),
    move("failover", 5, [[], [207]], { allowDataLoss: true }),
    move("failback", 1, [[], [209]]),
    move("reboot-failover", 2),
  ],
};
const bagOf = (kind: Town["kind"]): Act[] => [...ACTS[kind], ...BRAKES].flatMap((act) => Array<Act>(act.weight).fill(act));

/** What they do by themselves until `untilMs`, and how they answer mails. The names of what they did are given to `did`. */
export function settle(
  town: Town,
  seed: number,
  without: ReadonlySet<string>,
  fromMs: number,
  untilMs: number,
  did: (name: string) => void,
): void {
  const { clock, database } = town;
  const drawn = new Chance(seed, "people");
  const bag = bagOf(town.kind);
  const count = drawn.pick([0, 1, 1, 2, 3]);
  for (let n = 1; n <= count; n++) {
    const name = `person ${n}`;
    const act = drawn.pick(bag);
    const atMs = drawn.whole(fromMs, untilMs - 1);
    const person = drawn.pick(PEOPLE);
    if (without.has(name)) continue;
    clock.after(atMs - clock.nowMs, () => {
      const record = town.record();
      if (!record) return;
      did(name);
      void orderAgain(town, person, act.asked(record, new Chance(seed, name), database, clock.nowMs), 20_000);
    });
  }
  answerMails(town, seed, without, did);
}

/** How the mails are answered, if anybody reads them. */
function answerMails({ ...town }: Town, seed: number, without: ReadonlySet<string>, did: (name: string) => void): void {
  const { clock, log, database } = town;
  const chance = new Chance(seed, "answers");
  const attentive = chance.happens(0.8);
  const name = "answers";
  if (!attentive || without.has(name)) return;
  const answered = new Set<string>();
  const later = (what: string, seconds: number, then: () => void) => {
    if (answered.has(what)) return;
    answered.add(what);
    did(name);
    clock.after(seconds * 1000, then);
  };
  log.listen((event) => {
    if (event.kind !== "mail") return;
    const text: string = event.data.text;
    const request = /-- approve (\S+)/.exec(text)?.[1];
    if (request) {
      const verb = chance.happens(0.1) ? "withdraw" : "approve";
      PEOPLE.forEach((person, at) => {
        later(`${request} ${person}`, chance.whole(5, 120) * (at + 1), () => void orderAgain(town, person, { verb, request }, 20_000));
      });
    }
    if (text.includes("(rule 202)") && chance.happens(0.5))
      later(
        `acknowledge ${town.record()?.generation}`,
        chance.whole(5, 120),
        () => void order(town, "alice", { verb: "acknowledge", database }),
      );
    if (text.includes("(rule 213)") && chance.happens(0.7)) {
      const generation = town.record()?.generation ?? 1;
      const asked = {
        verb: "failover",
        database,
        generation,
        target: null,
        overrides: [],
        reason: "the region is lost",
        allowDataLoss: true,
      };
      later(`global failover from ${generation}`, chance.whole(5, 120), () => void orderAgain(town, "bob", asked, 20_000));
    }
    if (text.includes("(rule 205)")) later("brake", chance.whole(5, 120), () => void order(town, "bob", { verb: "release-brake" }));
    if (text.includes("has a standby again") && chance.happens(0.8)) {
      const generation = town.record()?.generation ?? 1;
      const verb = chance.pick(["failback", "failback", "failback", "switchover"]);
      const overrides = chance.pick([[], [209]]);
      later(`back from ${generation}`, chance.whole(5, 90), () => {
        void order(town, "alice", {
          verb,
          database,
          generation,
          target: null,
          overrides: verb === "failback" ? overrides : [],
          reason: "as it was",
        });
      });
    }
  });
}
