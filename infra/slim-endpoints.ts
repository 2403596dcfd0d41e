// biome-ignore-all lint/suspicious/noExplicitAny: the rules are the SDK's own data
/**
 * Slims the SDK's rules for S3's endpoints, a decision diagram of 18 KB, to those an ordinary bucket can meet, or the list of all. What is fixed is said
 * below; every way through the diagram that it closes is left out. Regions, partitions, FIPS, dual-stack, custom endpoints and path
 * style stay as they are; test/infra/endpoints.test.ts compares both diagrams.
 */

/** One diagram of @smithy/core/endpoints: rows of condition, next if true, next if false. */
export interface Diagram {
  readonly nodes: ArrayLike<number>;
  readonly root: number;
  readonly conditions: readonly (readonly [fn: string, argv: any, assign?: string])[];
  readonly results: readonly unknown[];
}

/** From here on a reference is a result's; 1 and -1 are ends without one. */
const RESULT = 100_000_000;

type Fixed = readonly (readonly [holds: boolean, condition: RegExp])[];

/** Whoever lists an account's buckets names none. */
const NAMED: Fixed = [[true, /^\["isSet",\[\{"ref":"Bucket"\}\]/]];
/** A bucket goes by its name: no ARN, no directory bucket, no outpost, no access point. */
const FIXED: Fixed = [
  [false, /"ref":"(Accelerate|UseObjectLambdaEndpoint|UseS3ExpressControlEndpoint)"/],
  [false, /"--(x|xa|op)-s3"/],
  // Without the legacy global endpoint, a region that has its name is none either.
  [false, /"ref":"UseGlobalEndpoint"|"aws-global"/],
  [false, /^\["aws\.parseArn"/],
  [false, /"arn:"/],
];

/** A smaller diagram with the same answers, or undefined when this one is built in a way not known here. */
export function slimmed({ nodes, root, conditions, results }: Diagram, listsBuckets = false): Diagram | undefined {
  const rows = listsBuckets ? FIXED : [...NAMED, ...FIXED];
  const fixed = conditions.map((condition) => rows.find(([, pattern]) => pattern.test(JSON.stringify(condition)))?.[0]);
  const isNode = (ref: number) => ref > 1 && ref < RESULT;
  const kept = new Map<number, readonly [condition: number, high: number, low: number]>();
  const reduced = new Map<number, number>();
  const open = JSON.stringify([conditions.filter((_, at) => fixed[at] === undefined), results]);
  const named = (name: string | undefined) => name !== undefined && (open.includes(`"ref":"${name}"`) || open.includes(`{${name}`));
  let strange = false;

  /** Where a reference leads once what is fixed is left out. */
  const follow = (ref: number): number => {
    if (ref < -1) strange = true;
    if (!isNode(ref)) return ref;
    const known = reduced.get(ref);
    if (known !== undefined) return known;
    const [condition, high, low] = [0, 1, 2].map((at) => nodes[3 * (ref - 1) + at]) as [number, number, number];
    const holds = fixed[condition];
    const to = holds === undefined ? ref : follow(holds ? high : low);
    reduced.set(ref, to);
    if (holds === undefined) {
      const next = [follow(high), follow(low)] as const;
      // Both ways are one; a condition that also names something for others is asked all the same.
      if (next[0] === next[1] && !named(conditions[condition]?.[2])) reduced.set(ref, next[0]);
      else kept.set(ref, [condition, ...next]);
    }
    return reduced.get(ref) as number;
  };
  const start = follow(root);
  if (strange || !isNode(start)) return undefined;

  const reached = [...reach(start, kept)];
  const used = (of: (row: readonly number[]) => readonly number[]) => [...new Set(reached.flatMap((ref) => of(kept.get(ref) as any)))];
  const asked = used(([condition]) => [condition as number]);
  const given = used(([, high, low]) => [high as number, low as number].filter((ref) => ref >= RESULT));
  // The first row is the end's own, as in every diagram.
  const place = (ref: number): number => (isNode(ref) ? reached.indexOf(ref) + 2 : ref >= RESULT ? RESULT + given.indexOf(ref) : ref);
  const left = reached.map((ref) => kept.get(ref) as readonly [number, number, number]);
  return {
    nodes: [-1, 1, -1, ...left.flatMap(([condition, high, low]) => [asked.indexOf(condition), place(high), place(low)])],
    root: place(start),
    conditions: asked.map((at) => conditions[at] as Diagram["conditions"][number]),
    results: given.map((ref) => results[ref - RESULT]),
  };
}

function reach(start: number, rows: ReadonlyMap<number, readonly number[]>): Set<number> {
  const found = new Set([start]);
  for (const ref of found) for (const next of (rows.get(ref) ?? []).slice(1)) if (rows.has(next)) found.add(next);
  return found;
}

/** The module that stands in for the SDK's. */
export const moduleOf = ({ nodes, root, conditions, results }: Diagram): string =>
  `import { BinaryDecisionDiagram } from "@smithy/core/endpoints";
export const bdd = BinaryDecisionDiagram.from(new Int32Array(${JSON.stringify(nodes)}), ${root}, ${JSON.stringify(conditions)}, ${JSON.stringify(results)});`;
