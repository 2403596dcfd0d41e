/**
 * What goes wrong in one run: drawn from the seed before it starts, undone when the healing phase begins. Disasters strike the
 * databases and the network; the weather strikes single calls, wakes and processes all along.
 */
import { Chance } from "./chance.ts";
import type { VirtualClock } from "./clock.ts";
import type { EventLog } from "./log.ts";
import type { Network } from "./network.ts";
import type { Instance, SimulatedRds } from "./rds.ts";
import { noticeHang } from "./rds-native.ts";

/** Rates of one run, each the share of calls or wakes it strikes. */
export interface Climate {
  readonly throttled: number;
  readonly failing: number;
  readonly lostReplies: number;
  readonly killed: number;
  readonly lostWakes: number;
  readonly doubledWakes: number;
  readonly lateWakes: number;
  readonly slowMs: number;
  /** The most a function's clock is off, either way. */
  readonly skewMs: number;
}

export const FAIR: Climate = {
  throttled: 0,
  failing: 0,
  lostReplies: 0,
  killed: 0,
  lostWakes: 0,
  doubledWakes: 0,
  lateWakes: 0,
  slowMs: 0,
  skewMs: 0,
};

export function drawClimate(chance: Chance, mostSkewMs: number, without: ReadonlySet<string>): Climate {
  const drawn: Climate = {
    throttled: chance.pick([0, 0, 0.02, 0.2]),
    failing: chance.pick([0, 0, 0.02, 0.1]),
    lostReplies: chance.pick([0, 0, 0.01, 0.05]),
    killed: chance.pick([0, 0, 0.003, 0.02]),
    lostWakes: chance.pick([0, 0, 0.1, 0.5]),
    doubledWakes: chance.pick([0, 0, 0.1, 0.5]),
    lateWakes: chance.pick([0, 0, 0.1, 0.5]),
    slowMs: chance.pick([0, 0, 200, 2000]),
    skewMs: chance.pick([0, 0, Math.min(200, mostSkewMs), mostSkewMs]),
  };
  return Object.fromEntries(Object.entries(drawn).map(([name, rate]) => [name, without.has(name) ? 0 : rate])) as unknown as Climate;
}

export interface Battlefield {
  readonly clock: VirtualClock;
  readonly network: Network;
  readonly rds: SimulatedRds;
  readonly log: EventLog;
  /** On record at this moment. */
  readonly primary: Instance;
  /** On record at this moment, the plan's preferred one first; after a move there may be none, and the former one is struck. */
  readonly standby: Instance;
  readonly standbys: readonly Instance[];
  /** Names of the functions that reach the databases. */
  readonly functions: readonly string[];
  /** The probe in the primary's network; none without one. */
  readonly near: readonly string[];
  /** Regions whose APIs do not answer. */
  readonly dark: Set<string>;
}

export interface Disaster {
  readonly words: string;
  /** How long it lasts, in seconds, from and to. */
  readonly lasts: readonly [number, number];
  /** How often it is drawn, against the others. */
  readonly weight: number;
  /** Only where the plan has a probe in the primary's network. */
  readonly near?: boolean;
  /** Only where the database is a global one. */
  readonly global?: boolean;
  strike(field: Battlefield, chance: Chance, lastsMs: number): () => void;
}

const ids = ({ standbys }: Battlefield): string[] => standbys.map(({ id }) => id);

const cutAll = ({ network }: Battlefield, from: readonly string[], to: string) => {
  const heals = from.map((each) => network.cut(each, to));
  return () => {
    for (const heal of heals) heal();
  };
};

/** A change of the network is a change for every pair: what went over the wire before it did so. */
const settled = (field: Battlefield, change: () => () => void) => {
  for (const { server } of field.rds.instances.values()) server.settle();
  const undo = change();
  return () => {
    for (const { server } of field.rds.instances.values()) server.settle();
    undo();
    for (const { server } of field.rds.instances.values()) server.settle();
  };
};

/** Nothing in it is reached from outside, and nothing runs in it or all goes on. */
const loseRegion = (field: Battlefield, down: boolean) =>
  settled(field, () => {
    const { dark, primary, functions, near } = field;
    const heal = cutAll(field, [...functions, ...near, ...ids(field)], primary.id);
    dark.add(primary.region);
    if (down) primary.server.stop();
    return () => {
      heal();
      dark.delete(primary.region);
      if (down && !primary.server.up && primary.status === "available") primary.server.start();
    };
  });

export const DISASTERS: readonly Disaster[] = [
  {
    words: "the primary's host dies",
    lasts: [60, 1200],
    weight: 6,
    strike(field, _, lastsMs) {
      field.rds.kill(field.primary, lastsMs);
      return () => {};
    },
  },
  {
    words: "the primary hangs",
    lasts: [5, 400],
    weight: 4,
    strike({ rds, primary }) {
      primary.server.hang();
      noticeHang(rds, primary);
      return () => primary.server.wake();
    },
  },
  {
    words: "the primary is slow",
    lasts: [20, 400],
    weight: 2,
    strike({ primary }, chance) {
      primary.server.slowMs = chance.pick([300, 1200, 1600, 5000]);
      return () => {
        primary.server.slowMs = 0;
      };
    },
  },
  {
    words: "the primary is made read-only",
    lasts: [20, 600],
    weight: 1,
    strike({ primary }) {
      primary.server.readOnly = true;
      return () => {
        primary.server.readOnly = false;
      };
    },
  },
  {
    words: "the primary's disk is full",
    lasts: [20, 600],
    weight: 1,
    strike({ primary }) {
      primary.server.diskFull = true;
      return () => {
        primary.server.diskFull = false;
      };
    },
  },
  {
    words: "the near probe does not reach the primary",
    lasts: [10, 600],
    weight: 2,
    near: true,
    strike: (field) => cutAll(field, field.near, field.primary.id),
  },
  {
    words: "nobody but the near probe and the clients reaches the primary",
    lasts: [10, 600],
    weight: 2,
    near: true,
    strike: (field) => settled(field, () => cutAll(field, [...field.functions, ...ids(field)], field.primary.id)),
  },
  {
    words: "no function reaches the primary",
    lasts: [10, 600],
    weight: 2,
    strike: (field) => cutAll(field, field.functions, field.primary.id),
  },
  {
    words: "the probe alone does not reach the primary",
    lasts: [10, 600],
    weight: 2,
    strike: (field) => cutAll(field, ["probe"], field.primary.id),
  },
  {
    words: "the shop does not reach the primary",
    lasts: [10, 300],
    weight: 1,
    strike: (field) => cutAll(field, ["shop"], field.primary.id),
  },
  {
    words: "the standby does not reach the primary",
    lasts: [10, 600],
    weight: 2,
    strike: (field) => settled(field, () => cutAll(field, ids(field), field.primary.id)),
  },
  {
    words: "the primary's zone is cut off from functions and standby",
    lasts: [10, 600],
    weight: 2,
    strike: (field) => settled(field, () => cutAll(field, [...field.functions, ...field.near, ...ids(field)], field.primary.id)),
  },
  {
    words: "no function reaches the standby",
    lasts: [10, 600],
    weight: 2,
    strike: (field) => cutAll(field, field.functions, field.standby.id),
  },
  {
    words: "the standby's receiver stops",
    lasts: [10, 900],
    weight: 2,
    strike(field) {
      const { server } = field.standby;
      return settled(field, () => {
        server.receiverStopped = true;
        return () => {
          server.receiverStopped = false;
        };
      });
    },
  },
  {
    words: "the standby's replay is paused",
    lasts: [10, 600],
    weight: 2,
    strike(field) {
      const { server } = field.standby;
      return settled(field, () => {
        server.replayPaused = true;
        return () => {
          server.replayPaused = false;
        };
      });
    },
  },
  {
    words: "replication lags",
    lasts: [20, 900],
    weight: 2,
    strike(field, chance) {
      const { server } = field.standby;
      return settled(field, () => {
        server.lagMs = chance.pick([1000, 10_000, 29_000, 31_000, 90_000]);
        return () => {
          server.lagMs = 40;
        };
      });
    },
  },
  {
    words: "the standby hangs",
    lasts: [5, 300],
    weight: 1,
    strike({ standby }) {
      standby.server.hang();
      return () => standby.server.wake();
    },
  },
  {
    words: "the standby's host dies",
    lasts: [60, 600],
    weight: 1,
    strike(field, _, lastsMs) {
      field.rds.kill(field.standby, lastsMs);
      return () => {};
    },
  },
  {
    words: "the primary and a standby lose their hosts",
    lasts: [60, 600],
    weight: 1,
    strike({ rds, primary, standby }, _, lastsMs) {
      rds.kill(primary, lastsMs);
      rds.kill(standby, lastsMs);
      return () => {};
    },
  },
  {
    words: "somebody reboots the primary",
    lasts: [1, 2],
    weight: 1,
    strike({ rds, primary }) {
      if (primary.status === "available" && !primary.promoting) void rds.reboot(primary);
      return () => {};
    },
  },
  {
    words: "the primary region's APIs are dark",
    lasts: [10, 400],
    weight: 1,
    strike({ dark, primary }) {
      dark.add(primary.region);
      return () => dark.delete(primary.region);
    },
  },
  {
    words: "the primary's region is lost",
    lasts: [200, 900],
    weight: 6,
    global: true,
    strike: (field) => loseRegion(field, true),
  },
  {
    words: "the primary's region is cut off, and clients in it write on",
    lasts: [100, 900],
    weight: 3,
    global: true,
    strike: (field) => loseRegion(field, false),
  },
  {
    words: "the recovery region's APIs are dark",
    lasts: [5, 120],
    weight: 1,
    strike({ dark }) {
      dark.add("recovery");
      return () => dark.delete("recovery");
    },
  },
  {
    words: "Route 53's control plane is dark",
    lasts: [10, 200],
    weight: 1,
    strike({ dark }) {
      dark.add("us-east-1");
      return () => dark.delete("us-east-1");
    },
  },
];

const bagFor = ({ near, rds }: Battlefield): Disaster[] =>
  DISASTERS.flatMap((disaster) =>
    (disaster.near && near.length === 0) || (disaster.global && !rds.global) ? [] : Array<Disaster>(disaster.weight).fill(disaster),
  );

/** Plans the safety phase's disasters on the clock, but for those named "disaster N" in `without`. The returned function ends what still lasts. */
export function unleash(field: Battlefield, seed: number, without: ReadonlySet<string>, fromMs: number, untilMs: number): () => void {
  const lasting = new Set<() => void>();
  const drawn = new Chance(seed, "disasters");
  const bag = bagFor(field);
  // One to four in ten minutes.
  const count = Math.max(1, Math.round((drawn.whole(1, 4) * (untilMs - fromMs)) / 600_000));
  for (let n = 1; n <= count; n++) {
    const name = `disaster ${n}`;
    const disaster = drawn.pick(bag);
    const lastsMs = drawn.whole(...disaster.lasts) * 1000;
    const atMs = drawn.whole(fromMs, untilMs - 1);
    if (without.has(name)) continue;
    field.clock.after(atMs - field.clock.nowMs, () => {
      field.log.tell("fault", `${disaster.words}, for ${Math.round(lastsMs / 1000)} s (${name})`, { disaster: disaster.words });
      const undo = disaster.strike(field, new Chance(seed, name), lastsMs);
      const end = () => {
        if (!lasting.delete(end)) return;
        undo();
        field.log.tell("fault", `over: ${disaster.words} (${name})`);
      };
      lasting.add(end);
      field.clock.after(lastsMs, end);
    });
  }
  return () => {
    for (const end of [...lasting]) end();
  };
}
