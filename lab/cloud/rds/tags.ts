/** Tags of instances, snapshots and parameter groups, by ARN. */
import type { Operation, World } from "../world.ts";
import { findCluster, findClusterSnapshot } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { findGlobal } from "./global-members.ts";
import { mergeTags, required, tags } from "./input.ts";
import { findParameterGroup } from "./parameters.ts";
import { findInstance, findSnapshot, parseArn, type Tag } from "./state.ts";

const MOST = 50;

export function tagOperations(world: World): Record<string, Operation> {
  const tagged = (input: { ResourceName?: string }, region: string): { tags: Tag[] } => {
    const name = required(input, "ResourceName");
    const arn = parseArn(name);
    if (arn?.region === region && arn.kind === "db") return findInstance(world, region, name);
    if (arn?.region === region && arn.kind === "snapshot") return findSnapshot(world, region, name);
    if (arn?.region === region && arn.kind === "pg") return findParameterGroup(world, region, arn.id);
    if (arn?.region === region && arn.kind === "cluster") return findCluster(world, region, name);
    if (arn?.region === region && arn.kind === "cluster-snapshot") return findClusterSnapshot(world, region, name);
    if (name.includes(":global-cluster:")) return findGlobal(world, name);
    throw refuse(
      "InvalidParameterValue",
      `ResourceName is not the ARN of an instance, a cluster, a global cluster, a snapshot or a parameter group in ${region}: ${name}`,
    );
  };

  return {
    AddTagsToResource(input, { region }) {
      const resource = tagged(input, region);
      const merged = mergeTags(resource.tags, tags(input.Tags));
      if (merged.length > MOST) throw refuse("InvalidParameterValue", `A resource holds at most ${MOST} tags, not ${merged.length}.`);
      resource.tags = merged;
      return {};
    },
    ListTagsForResource(input, { region }) {
      return { TagList: tagged(input, region).tags };
    },
    RemoveTagsFromResource(input, { region }) {
      const resource = tagged(input, region);
      const keys: string[] = input.TagKeys ?? [];
      resource.tags = resource.tags.filter((tag) => !keys.includes(tag.Key));
      return {};
    },
  };
}
