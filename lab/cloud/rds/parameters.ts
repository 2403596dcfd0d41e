/**
 * DB parameter groups. A value reaches the engine as on RDS: a dynamic one at once when asked so, everything at the next reboot.
 * What parameters exist, and which are static, the engine itself says.
 */
import type { Parameter as WireParameter } from "@aws-sdk/client-rds";
import type { Parameter } from "../../engines/engine.ts";
import type { Operation, World } from "../world.ts";
import { refuse } from "./errors.ts";
import { defaultParameterGroupOf, type Engined, type FlavourName, familyOf, flavour, flavourOfFamily } from "./flavours.ts";
import type { Fleet } from "./fleet.ts";
import { identifier, only, page, required, tags } from "./input.ts";
import { toParameterGroup } from "./shapes.ts";
import { arnOf, type InstanceRecord, type ParameterGroupRecord, parseArn, regionState } from "./state.ts";

const isDefault = (name: string): boolean => name.startsWith("default.");

/** Every parameter of the engine a group is for. */
const parametersOf = (group: ParameterGroupRecord): Promise<Map<string, Parameter>> =>
  flavourOfFamily(group.family)?.engine.parameters() ?? Promise.resolve(new Map());

/** A family's default group is there once somebody asks for it. */
export function findParameterGroup(world: World, region: string, name: string): ParameterGroupRecord {
  const { parameterGroups } = regionState(world, region);
  const key = name.toLowerCase();
  const family = key.slice("default.".length);
  if (isDefault(key) && flavourOfFamily(family)) {
    parameterGroups[key] ??= {
      name: key,
      arn: arnOf(world, region, "pg", key),
      region,
      family,
      description: `Default parameter group for ${family}`,
      tags: [],
      values: {},
    };
  }
  const found = parameterGroups[key];
  if (!found) throw refuse("DBParameterGroupNotFound", `DBParameterGroup not found: ${name}`);
  return found;
}

/** The group a request names, which must be of the instance's family. */
export function parameterGroupFor(world: World, region: string, name: string, instance: Engined): ParameterGroupRecord {
  const group = findParameterGroup(world, region, name);
  const family = familyOf(instance);
  if (group.family !== family)
    throw refuse(
      "InvalidParameterCombination",
      `The parameter group ${group.name} with DBParameterGroupFamily ${group.family} can't be used for this instance. Please use a Parameter Group with DBParameterGroupFamily ${family}`,
    );
  return group;
}

/** What a reboot gives the engine: all the group's values. Names with a dot belong to RDS or to extensions and are only remembered. */
export function settingsOf(group: ParameterGroupRecord): Record<string, string> {
  return Object.fromEntries(Object.entries(group.values).flatMap(([name, { value }]) => (name.includes(".") ? [] : [[name, value]])));
}

function check(name: string, value: string, known: Parameter): void {
  // A formula of RDS's own, like {DBInstanceClassMemory/32768}.
  if (/^\{.*\}$/.test(value)) return;
  if (known.type === "boolean" && !/^(on|off|true|false|yes|no|0|1)$/i.test(value))
    throw refuse("InvalidParameterValue", `Value: ${value} is not a boolean, for parameter: ${name}`);
  if (known.type !== "integer" && known.type !== "float") return;
  const number = Number(value);
  if (value.trim() === "" || Number.isNaN(number))
    throw refuse("InvalidParameterValue", `Value: ${value} is not a number, for parameter: ${name}`);
  if (number < Number(known.low) || number > Number(known.high))
    throw refuse("InvalidParameterValue", `Value: ${value} is outside of range: ${known.low}-${known.high}, for parameter: ${name}`);
}

const engined = async (engine: FlavourName): Promise<Engined> => ({ engine, engineVersion: await flavour(engine).version() });

/** Refuses the family of a version the lab does not run. */
async function mustRun(family: string): Promise<void> {
  const engine = flavourOfFamily(family)?.name ?? "postgres";
  const runs = familyOf(await engined(engine));
  if (family !== runs)
    throw refuse("InvalidParameterValue", `ParameterGroupFamily ${family} is not a valid parameter group family: the lab runs ${runs}.`);
}

export function parameterOperations(world: World, fleet: Fleet): Record<string, Operation> {
  /** Instances of the group take up what changed; static values show as pending-reboot. */
  const spread = async (group: ParameterGroupRecord, changed: string[], known: Map<string, Parameter>): Promise<void> => {
    const users = Object.values(regionState(world, group.region).instances).filter(
      (instance) => instance.parameterGroup.name === group.name,
    );
    await Promise.all(users.map((instance) => take(instance, group, changed, known)));
  };
  const take = async (
    instance: InstanceRecord,
    group: ParameterGroupRecord,
    changed: string[],
    known: Map<string, Parameter>,
  ): Promise<void> => {
    let waits = false;
    for (const name of changed.filter((each) => !each.includes("."))) {
      const set = group.values[name];
      const atOnce = known.get(name)?.dynamic && (set === undefined || set.method === "immediate");
      if (!atOnce) waits = true;
      else if (set) instance.settings[name] = set.value;
      else delete instance.settings[name];
    }
    await fleet.cluster(instance).configure(instance.settings);
    if (waits) instance.parameterGroup.status = "pending-reboot";
    world.tell({
      kind: "state",
      region: group.region,
      service: "rds",
      what: `${instance.id} ${waits ? "will take up parameters at its next reboot" : "has taken up parameters"}`,
      detail: { group: group.name, changed },
    });
  };

  return {
    async CreateDBParameterGroup(input, { region }) {
      only(input, "CreateDBParameterGroup", "DBParameterGroupName", "DBParameterGroupFamily", "Description", "Tags");
      const name = identifier(input, "DBParameterGroupName", 255);
      const family = required(input, "DBParameterGroupFamily");
      const description = required(input, "Description");
      await mustRun(family);
      const { parameterGroups } = regionState(world, region);
      if (name in parameterGroups) throw refuse("DBParameterGroupAlreadyExists", `Parameter group ${name} already exists`);
      const record: ParameterGroupRecord = {
        name,
        arn: arnOf(world, region, "pg", name),
        region,
        family,
        description,
        tags: tags(input.Tags),
        values: {},
      };
      parameterGroups[name] = record;
      return { DBParameterGroup: toParameterGroup(record) };
    },

    async ModifyDBParameterGroup(input, { region }) {
      const group = findParameterGroup(world, region, required(input, "DBParameterGroupName"));
      if (isDefault(group.name))
        throw refuse("InvalidParameterValue", `The parameter group ${group.name} is a default parameter group and cannot be modified.`);
      const list: WireParameter[] = input.Parameters ?? [];
      if (list.length === 0 || list.length > 20)
        throw refuse("InvalidParameterValue", `Parameters must hold 1 to 20 parameters, not ${list.length}.`);
      const known = await parametersOf(group);
      const values = { ...group.values };
      for (const { ParameterName: name = "", ParameterValue: value, ApplyMethod: method = "immediate" } of list) {
        const entry = known.get(name);
        if (!entry && !name.includes(".")) throw refuse("InvalidParameterValue", `Could not find parameter with name: ${name}`);
        if (entry && !entry.modifiable) throw refuse("InvalidParameterValue", `The parameter ${name} cannot be modified.`);
        if (value === undefined) throw refuse("InvalidParameterValue", `The parameter ${name} has no ParameterValue.`);
        if (method !== "immediate" && method !== "pending-reboot")
          throw refuse("InvalidParameterValue", `ApplyMethod ${method} is neither immediate nor pending-reboot.`);
        if (method === "immediate" && entry && !entry.dynamic)
          throw refuse("InvalidParameterCombination", `cannot use immediate apply method for static parameter ${name}`);
        if (entry) check(name, value, entry);
        values[name] = { value, method };
      }
      group.values = values;
      await spread(
        group,
        list.map((parameter) => parameter.ParameterName ?? ""),
        known,
      );
      return { DBParameterGroupName: group.name };
    },

    async ResetDBParameterGroup(input, { region }) {
      const group = findParameterGroup(world, region, required(input, "DBParameterGroupName"));
      const named = ((input.Parameters ?? []) as WireParameter[]).map((parameter) => parameter.ParameterName ?? "");
      const reset = input.ResetAllParameters ? Object.keys(group.values) : named;
      for (const name of reset) delete group.values[name];
      await spread(group, reset, await parametersOf(group));
      return { DBParameterGroupName: group.name };
    },

    DeleteDBParameterGroup(input, { region }) {
      const group = findParameterGroup(world, region, required(input, "DBParameterGroupName"));
      const { instances, parameterGroups } = regionState(world, region);
      const user = Object.values(instances).find((instance) => instance.parameterGroup.name === group.name);
      if (isDefault(group.name)) throw refuse("InvalidDBParameterGroupState", "A default parameter group cannot be deleted.");
      if (user)
        throw refuse(
          "InvalidDBParameterGroupState",
          `One or more database instances are still members of this parameter group ${group.name}, so the group cannot be deleted`,
        );
      delete parameterGroups[group.name];
      return {};
    },

    async DescribeDBParameterGroups(input, { region }) {
      const usual = findParameterGroup(world, region, defaultParameterGroupOf(await engined("postgres")));
      const name = input.DBParameterGroupName as string | undefined;
      const all = name
        ? [findParameterGroup(world, region, parseArn(name)?.id ?? name)]
        : Object.values({ [usual.name]: usual, ...regionState(world, region).parameterGroups });
      const { page: shown, marker } = page(all, (group) => group.name, input);
      return { Marker: marker, DBParameterGroups: shown.map(toParameterGroup) };
    },

    async DescribeDBParameters(input, { region }) {
      const group = findParameterGroup(world, region, required(input, "DBParameterGroupName"));
      const known = await parametersOf(group);
      const names = new Set([...known.keys(), ...Object.keys(group.values)]);
      const all = [...names].map((name): WireParameter & { ParameterName: string } => {
        const set = group.values[name];
        const entry = known.get(name);
        return {
          ParameterName: name,
          ParameterValue: set?.value,
          Description: entry?.description,
          Source: set ? "user" : "engine-default",
          ApplyType: (entry?.dynamic ?? true) ? "dynamic" : "static",
          DataType: entry?.type ?? "string",
          IsModifiable: entry?.modifiable ?? true,
          ApplyMethod: set?.method ?? "pending-reboot",
          AllowedValues: entry?.low ? `${entry.low}-${entry.high}` : undefined,
        };
      });
      const wanted = all.filter((parameter) => !input.Source || parameter.Source === input.Source);
      const { page: shown, marker } = page(wanted, (parameter) => parameter.ParameterName, input);
      return { Marker: marker, Parameters: shown };
    },
  };
}
