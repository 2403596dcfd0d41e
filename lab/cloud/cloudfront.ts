// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * CloudFront, as far as invalidations go: distributions by id, what was invalidated in them and when that was done. Nothing is cached or
 * served, and nothing of a distribution's configuration is read.
 */
import { ServiceError } from "../wire/errors.ts";
import type { Service, World } from "./world.ts";

interface Invalidation {
  readonly id: string;
  readonly callerReference: string;
  readonly paths: readonly string[];
  readonly createdAt: number;
}

interface Distribution {
  readonly id: string;
  readonly invalidations: Invalidation[];
}

export interface CdnTimings {
  readonly invalidationMs: number;
}

export const distributionsOf = (world: World): Record<string, Distribution> =>
  world.state<{ distributions: Record<string, Distribution> }>("cloudfront", () => ({ distributions: {} })).distributions;

export function createCloudFront(world: World, timings: Partial<CdnTimings> = {}): Service {
  const { invalidationMs } = { invalidationMs: 200, ...timings };

  function find(id: string): Distribution {
    const distribution = distributionsOf(world)[id];
    if (!distribution) throw new ServiceError("NoSuchDistribution", "The specified distribution does not exist.", 404);
    return distribution;
  }

  const shown = ({ id, callerReference, paths, createdAt }: Invalidation): any => ({
    Id: id,
    Status: world.now() >= createdAt + invalidationMs ? "Completed" : "InProgress",
    CreateTime: new Date(createdAt),
    InvalidationBatch: { CallerReference: callerReference, Paths: { Quantity: paths.length, Items: paths } },
  });

  return {
    name: "cloudfront",
    operations: {
      CreateInvalidation({ DistributionId, InvalidationBatch }) {
        const { invalidations } = find(DistributionId);
        const { CallerReference: callerReference, Paths } = InvalidationBatch;
        const paths: string[] = Paths.Items ?? [];
        if (Paths.Quantity !== paths.length)
          throw new ServiceError("InconsistentQuantities", "The value of Quantity and the size of Items don't match.", 400);
        const wrong = paths.find((path) => !path.startsWith("/"));
        if (paths.length === 0 || wrong !== undefined)
          throw new ServiceError("InvalidArgument", "Your request contains one or more invalid invalidation paths.", 400);
        const before = invalidations.find((each) => each.callerReference === callerReference);
        // The same reference and paths again is the same invalidation.
        if (before && before.paths.join("\n") !== paths.join("\n"))
          throw new ServiceError("InvalidArgument", "Invalidation batch with the same caller reference and other paths exists.", 400);
        const made = before ?? { id: `I${world.id(13).toUpperCase()}`, callerReference, paths, createdAt: world.now() };
        if (!before) invalidations.push(made);
        return {
          Location: `https://cloudfront.amazonaws.com/2020-05-31/distribution/${DistributionId}/invalidation/${made.id}`,
          Invalidation: shown(made),
        };
      },
      GetInvalidation({ DistributionId, Id }) {
        const found = find(DistributionId).invalidations.find(({ id }) => id === Id);
        if (!found) throw new ServiceError("NoSuchInvalidation", "The specified invalidation does not exist.", 404);
        return { Invalidation: shown(found) };
      },
      ListInvalidations({ DistributionId }) {
        const { invalidations } = find(DistributionId);
        const Items = [...invalidations].reverse().map((each) => {
          const { Id, Status, CreateTime } = shown(each);
          return { Id, Status, CreateTime };
        });
        return { InvalidationList: { Marker: "", MaxItems: 100, IsTruncated: false, Quantity: Items.length, Items } };
      },
      /** Lab-internal: a distribution by the id a plan has for it. */
      LabPutDistribution({ DistributionId }) {
        distributionsOf(world)[DistributionId] ??= { id: DistributionId, invalidations: [] };
        return {};
      },
    },
  };
}
