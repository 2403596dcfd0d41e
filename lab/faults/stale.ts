// biome-ignore-all lint/suspicious/noExplicitAny: outputs are typed by the SDK's schemas at run time
/**
 * Stale reads: lists and descriptions in which every item is as it was a while ago. While such a fault is in force the lists are looked
 * at several times a second; an answer is made afresh, so that paging and filters hold, and its items are exchanged for older ones.
 * What did not exist then is left out, or not found; what has gone since is there again when it is asked for by name.
 */
import { refuse } from "../cloud/rds/errors.ts";
import { rdsState } from "../cloud/rds/state.ts";
import type { World } from "../cloud/world.ts";

interface Listing {
  readonly list: string;
  readonly key: (item: any) => string;
  /** The member of the input that asks for one item by name, and the item's member it names. */
  readonly byName?: readonly [input: string, item: string];
  readonly missing?: (name: string) => Error;
}

const LISTINGS: Record<string, Record<string, Listing>> = {
  rds: {
    DescribeDBInstances: {
      list: "DBInstances",
      key: (item) => item.DBInstanceArn,
      byName: ["DBInstanceIdentifier", "DBInstanceIdentifier"],
      missing: (name) => refuse("DBInstanceNotFound", `DBInstance ${name} not found.`),
    },
    DescribeDBSnapshots: {
      list: "DBSnapshots",
      key: (item) => item.DBSnapshotArn,
      byName: ["DBSnapshotIdentifier", "DBSnapshotIdentifier"],
      missing: (name) => refuse("DBSnapshotNotFound", `DBSnapshot ${name} not found.`),
    },
    DescribeDBClusters: {
      list: "DBClusters",
      key: (item) => item.DBClusterArn,
      byName: ["DBClusterIdentifier", "DBClusterIdentifier"],
      missing: (name) => refuse("DBClusterNotFoundFault", `DBCluster ${name} not found.`),
    },
    DescribeDBClusterSnapshots: {
      list: "DBClusterSnapshots",
      key: (item) => item.DBClusterSnapshotArn,
      byName: ["DBClusterSnapshotIdentifier", "DBClusterSnapshotIdentifier"],
      missing: (name) => refuse("DBClusterSnapshotNotFoundFault", `DBClusterSnapshot ${name} not found.`),
    },
  },
  route53: {
    ListResourceRecordSets: { list: "ResourceRecordSets", key: (item) => [item.Name, item.Type, item.SetIdentifier ?? ""].join(" ") },
  },
};

interface Sample {
  readonly at: number;
  readonly items: ReadonlyMap<string, any>;
}

const LOOKS_A_DELAY = 8;

/** The remembered past of one service, as long as one fault is in force. */
export class Past {
  private readonly world: World;
  private readonly service: string;
  private readonly ms: number;
  /** By operation and place (a region, a zone). */
  private readonly samples = new Map<string, Sample[]>();
  private stopTimer: () => void = () => {};
  private stopped = false;

  constructor(world: World, service: string, ms: number) {
    this.world = world;
    this.service = service;
    this.ms = ms;
  }

  /** Looks for the first time before it resolves: the view stands still from then on, until the delay has passed. */
  async begin(): Promise<void> {
    await this.look();
    if (this.stopped) return;
    const everyMs = Math.min(Math.max(this.ms / LOOKS_A_DELAY, 25), 1000);
    this.stopTimer = this.world.later(everyMs, "a look for stale reads", () => this.begin());
  }

  stop(): void {
    this.stopped = true;
    this.stopTimer();
  }

  private async look(): Promise<void> {
    for (const [operation, { list, key }] of Object.entries(LISTINGS[this.service] ?? {})) {
      for (const { place, region, input } of this.places()) {
        const items = new Map<string, any>();
        let page: any = input;
        for (let more = true; more; ) {
          const answer = await this.world.call(this.service, operation, page, { region }).catch(() => ({ [list]: [] }));
          for (const item of answer[list] ?? []) items.set(key(item), structuredClone(item));
          more = Boolean(answer.Marker) || answer.IsTruncated === true;
          page = { ...input, Marker: answer.Marker, StartRecordName: answer.NextRecordName, StartRecordType: answer.NextRecordType };
        }
        const samples = this.samples.get(`${operation} ${place}`) ?? [];
        this.samples.set(`${operation} ${place}`, samples);
        samples.push({ at: this.world.now(), items });
        // The newest of those old enough stays; older ones are never asked for again.
        const old = samples.findLastIndex(({ at }) => at <= this.world.now() - this.ms);
        if (old > 0) samples.splice(0, old);
      }
    }
  }

  private places(): { place: string; region: string; input: any }[] {
    if (this.service === "rds") return Object.keys(rdsState(this.world).regions).map((region) => ({ place: region, region, input: {} }));
    const { zones } = this.world.state<{ zones: Record<string, unknown> }>("route53", () => ({ zones: {} }));
    return Object.keys(zones).map((id) => ({ place: id, region: "us-east-1", input: { HostedZoneId: id } }));
  }

  /** The operation's answer as it would have been. Anything that is no such list is answered afresh. */
  async answer(operation: string, input: any, region: string, run: () => unknown): Promise<unknown> {
    const listing = LISTINGS[this.service]?.[operation];
    const place = this.service === "rds" ? region : String(input.HostedZoneId ?? "").replace(/^\/?hostedzone\//, "");
    const then = listing && this.seenThen(`${operation} ${place}`);
    if (!then) return await run();
    const { list, key, byName, missing } = listing;
    const name = byName && input[byName[0]];
    if (name) {
      const wanted = [...then.values()].filter(
        (item) => String(item[byName[1]]).toLowerCase() === String(name).split(":").at(-1)?.toLowerCase(),
      );
      if (wanted.length === 0 && missing) throw missing(name);
      return { [list]: wanted };
    }
    const fresh: any = await run();
    return { ...fresh, [list]: fresh[list].flatMap((item: any) => then.get(key(item)) ?? []) };
  }

  private seenThen(place: string): ReadonlyMap<string, any> | undefined {
    const samples = this.samples.get(place);
    return (samples?.findLast(({ at }) => at <= this.world.now() - this.ms) ?? samples?.[0])?.items;
  }
}
