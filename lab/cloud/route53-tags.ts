// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Tags of hosted zones and health checks. Nothing else of Route 53 carries any.
 */
import { invalidInput } from "./route53-records.ts";
import { healthCheckOf, stateOf, zoneOf } from "./route53-state.ts";
import type { Operation, World } from "./world.ts";

const MAX_TAGS = 10;
const MAX_RESOURCES = 10;

export function tagOperations(world: World): Record<string, Operation> {
  /** The resource's place among the tags; throws when there is no such resource. */
  function keyOf(type: string, given: string): { key: string; id: string } {
    if (type === "healthcheck") return { key: `healthcheck/${given}`, id: healthCheckOf(world, given).id };
    if (type !== "hostedzone") throw invalidInput(`ResourceType ${type} is not known: healthcheck or hostedzone.`);
    const { id } = zoneOf(world, given);
    return { key: `hostedzone/${id}`, id };
  }

  function tagSet(type: string, given: string): any {
    const { key, id } = keyOf(type, given);
    const tags = Object.entries(stateOf(world).tags[key] ?? {}).map(([Key, Value]) => ({ Key, Value }));
    return { ResourceType: type, ResourceId: id, Tags: tags };
  }

  return {
    ChangeTagsForResource(input) {
      const { key } = keyOf(input.ResourceType, input.ResourceId);
      const tags = { ...stateOf(world).tags[key] };
      if (!input.AddTags?.length && !input.RemoveTagKeys?.length)
        throw invalidInput("AddTags or RemoveTagKeys must name at least one tag.");
      for (const removed of input.RemoveTagKeys ?? []) delete tags[removed];
      for (const { Key, Value } of input.AddTags ?? []) {
        if (!Key || Key.length > 128) throw invalidInput(`The tag key "${Key}" must have 1 to 128 characters.`);
        if ((Value ?? "").length > 256) throw invalidInput(`The value of the tag ${Key} must have at most 256 characters.`);
        tags[Key] = Value ?? "";
      }
      if (Object.keys(tags).length > MAX_TAGS) throw invalidInput(`A resource can have at most ${MAX_TAGS} tags.`);
      stateOf(world).tags[key] = tags;
      return {};
    },
    ListTagsForResource: (input) => ({ ResourceTagSet: tagSet(input.ResourceType, input.ResourceId) }),
    ListTagsForResources(input) {
      const ids: string[] = input.ResourceIds ?? [];
      if (ids.length < 1 || ids.length > MAX_RESOURCES) throw invalidInput(`ResourceIds must name 1 to ${MAX_RESOURCES} resources.`);
      return { ResourceTagSets: ids.map((id) => tagSet(input.ResourceType, id)) };
    },
  };
}
