// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * SSM's Parameter Store: parameters by account and region, with their versions. No labels, policies, advanced tier or commands.
 * Errors of a caller are HTTP 400 on the wire, whatever the model's query codes say.
 */
import { ServiceError } from "../wire/errors.ts";
import { keyUsable } from "./kms-keys.ts";
import type { Caller, Service, World } from "./world.ts";

interface ParameterVersion {
  readonly value: string;
  readonly version: number;
  readonly type: string;
  readonly at: number;
  readonly by: string;
  readonly description?: string;
  readonly keyArn?: string;
}

/** Oldest version first. */
interface Parameter {
  readonly name: string;
  versions: ParameterVersion[];
  tags: { Key: string; Value: string }[];
}

type Parameters = Record<string, Parameter>;

const TYPES = ["String", "StringList", "SecureString"];
const STANDARD_BYTES = 4096;
const VERSIONS_KEPT = 100;
const DEEPEST = 15;

const refuse = (code: string, message: string) => new ServiceError(code, message, 400);

export function createSsm(world: World): Service {
  function parametersOf({ account, region }: Caller): Parameters {
    const { accounts } = world.state<{ accounts: Record<string, Record<string, Parameters>> }>("ssm", () => ({ accounts: {} }));
    accounts[account] ??= {};
    accounts[account][region] ??= {};
    return accounts[account][region];
  }

  const arnOf = (name: string, { region, account }: Caller) => `arn:aws:ssm:${region}:${account}:parameter/${name.replace(/^\//, "")}`;

  /** `name`, `name:version` or an ARN, as one version; undefined when there is none. */
  function find(given: string, caller: Caller): { parameter: Parameter; version: ParameterVersion; selector?: string } | undefined {
    const ofArn = /^arn:aws:ssm:[^:]+:\d{12}:parameter(\/.+)$/.exec(given)?.[1];
    const [name = "", selector] = (ofArn ?? given).split(":");
    const parameters = parametersOf(caller);
    const parameter = parameters[name] ?? (ofArn ? parameters[name.slice(1)] : undefined);
    if (!parameter) return undefined;
    if (selector === undefined) return { parameter, version: parameter.versions.at(-1)! };
    const version = parameter.versions.find((each) => String(each.version) === selector);
    if (!version)
      throw refuse(
        "ParameterVersionNotFound",
        `Systems Manager could not find version ${selector} of ${name}. Verify the version and try again.`,
      );
    return { parameter, version, selector: `:${selector}` };
  }

  /** What a reader gets: a SecureString only in clear when decryption is asked for and its key can be used. */
  function shape({ parameter, version, selector }: NonNullable<ReturnType<typeof find>>, caller: Caller, decrypt: boolean): any {
    const secure = version.type === "SecureString";
    if (secure && decrypt) {
      const key = keyUsable(world, caller.region, version.keyArn ?? "", caller.account);
      if (!key.usable) throw refuse("InvalidKeyId", key.reason);
    }
    return {
      Name: parameter.name,
      Type: version.type,
      Value: secure && !decrypt ? Buffer.from(`sealed with ${version.keyArn}`).toString("base64") : version.value,
      Version: version.version,
      Selector: selector,
      LastModifiedDate: new Date(version.at),
      ARN: arnOf(parameter.name, caller),
      DataType: "text",
    };
  }

  function checkName(name: string): void {
    if (!/^[a-zA-Z0-9_.\-/]{1,1011}$/.test(name) || (name.includes("/") && !name.startsWith("/")))
      throw refuse(
        "ValidationException",
        `Parameter name: can't be prefixed with "ssm" (case-insensitive), has letters, digits and . - _ only, and begins with / when it has parts; it is "${name}".`,
      );
    if (/^\/?(aws|ssm)/i.test(name))
      throw refuse("ValidationException", `Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive); it is "${name}".`);
    if (name.split("/").length - 1 > DEEPEST)
      throw refuse("HierarchyLevelLimitExceededException", `A hierarchy can have a maximum of ${DEEPEST} levels; ${name} has more.`);
  }

  return {
    name: "ssm",
    operations: {
      PutParameter(input, caller) {
        checkName(input.Name);
        const parameters = parametersOf(caller);
        const known = parameters[input.Name];
        if (known && !input.Overwrite)
          throw refuse(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
          );
        if (input.Overwrite && input.Tags)
          throw refuse(
            "ValidationException",
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag.",
          );
        const last = known?.versions.at(-1);
        const type = input.Type ?? last?.type;
        if (!type) throw refuse("ValidationException", "A parameter type is required when you create a parameter.");
        if (!TYPES.includes(type))
          throw refuse("UnsupportedParameterType", `The parameter type ${type} is not one of ${TYPES.join(", ")}.`);
        if (last && (last.type === "SecureString") !== (type === "SecureString"))
          throw refuse(
            "HierarchyTypeMismatchException",
            `${input.Name} is a ${last.type}: it cannot become a ${type}. Create a new, unique parameter.`,
          );
        if (!input.Value) throw refuse("ValidationException", "Parameter Value must not be empty.");
        if (Buffer.byteLength(input.Value) > STANDARD_BYTES)
          throw refuse(
            "ValidationException",
            `Standard tier parameters support a maximum parameter value of ${STANDARD_BYTES} characters.`,
          );
        if (input.AllowedPattern && !new RegExp(input.AllowedPattern).test(input.Value))
          throw refuse(
            "ParameterPatternMismatchException",
            `Parameter value, cannot be validated against allowedPattern: ${input.AllowedPattern}`,
          );
        let keyArn: string | undefined;
        if (type === "SecureString") {
          const key = keyUsable(world, caller.region, input.KeyId ?? "alias/aws/ssm", caller.account);
          if (!key.usable) throw refuse("InvalidKeyId", key.reason);
          keyArn = key.arn;
        }
        const version: ParameterVersion = {
          value: input.Value,
          version: (last?.version ?? 0) + 1,
          type,
          at: world.now(),
          by: caller.principal,
          description: input.Description ?? last?.description,
          keyArn,
        };
        const parameter = known ?? { name: input.Name, versions: [], tags: input.Tags ?? [] };
        parameter.versions = [...parameter.versions, version].slice(-VERSIONS_KEPT);
        parameters[input.Name] = parameter;
        world.tell({
          kind: "state",
          region: caller.region,
          service: "ssm",
          what: `the parameter ${parameter.name} has version ${version.version}`,
          detail: { arn: arnOf(parameter.name, caller) },
        });
        return { Version: version.version, Tier: "Standard" };
      },
      GetParameter(input, caller) {
        const found = find(input.Name, caller);
        if (!found) throw refuse("ParameterNotFound", `Parameter ${input.Name} not found.`);
        return { Parameter: shape(found, caller, input.WithDecryption === true) };
      },
      GetParameters(input, caller) {
        const names: string[] = input.Names;
        if (names.length > 10)
          throw refuse(
            "ValidationException",
            "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to 10",
          );
        const InvalidParameters: string[] = [];
        const Parameters: any[] = [];
        for (const name of new Set(names)) {
          let found: ReturnType<typeof find>;
          try {
            found = find(name, caller);
          } catch (error) {
            if ((error as ServiceError).code !== "ParameterVersionNotFound") throw error;
          }
          if (found) Parameters.push(shape(found, caller, input.WithDecryption === true));
          else InvalidParameters.push(name);
        }
        return { Parameters, InvalidParameters };
      },
      GetParametersByPath(input, caller) {
        if (!String(input.Path).startsWith("/"))
          throw refuse(
            "ValidationException",
            `The parameter doesn't meet the parameter name requirements: a path must begin with "/"; it is "${input.Path}".`,
          );
        if (input.ParameterFilters?.length) throw refuse("InvalidFilterKey", "The lab's Parameter Store has no filters on paths.");
        const path = input.Path.endsWith("/") ? input.Path : `${input.Path}/`;
        const under = Object.values(parametersOf(caller))
          .filter(({ name }) => {
            const full = name.startsWith("/") ? name : `/${name}`;
            return full.startsWith(path) && (input.Recursive === true || !full.slice(path.length).includes("/"));
          })
          .sort((a, b) => (a.name < b.name ? -1 : 1));
        const { page, NextToken } = paged(under, input);
        const shown = page.map((parameter) => ({ parameter, version: parameter.versions.at(-1)! }));
        return { Parameters: shown.map((each) => shape(each, caller, input.WithDecryption === true)), NextToken };
      },
      GetParameterHistory(input, caller) {
        const parameter = parametersOf(caller)[input.Name];
        if (!parameter) throw refuse("ParameterNotFound", `Parameter ${input.Name} not found.`);
        const { page, NextToken } = paged(parameter.versions, { MaxResults: 50, ...input });
        const Parameters = page.map((version) => ({
          ...shape({ parameter, version }, caller, input.WithDecryption === true),
          LastModifiedUser: version.by,
          Description: version.description,
          KeyId: version.keyArn,
          Tier: "Standard",
        }));
        return { Parameters, NextToken };
      },
      DeleteParameter(input, caller) {
        const parameters = parametersOf(caller);
        if (!parameters[input.Name]) throw refuse("ParameterNotFound", `Parameter ${input.Name} not found.`);
        delete parameters[input.Name];
      },
      DeleteParameters(input, caller) {
        const parameters = parametersOf(caller);
        const DeletedParameters = input.Names.filter((name: string) => parameters[name]);
        for (const name of DeletedParameters) delete parameters[name];
        return { DeletedParameters, InvalidParameters: input.Names.filter((name: string) => !DeletedParameters.includes(name)) };
      },
    },
  };
}

function paged<T>(items: T[], input: any): { page: T[]; NextToken: string | undefined } {
  const size = input.MaxResults ?? 10;
  const start = input.NextToken ? Number(Buffer.from(input.NextToken, "base64url").toString()) : 0;
  if (!Number.isInteger(start)) throw refuse("InvalidNextToken", "The specified token is not valid.");
  const more = start + size < items.length;
  return { page: items.slice(start, start + size), NextToken: more ? Buffer.from(String(start + size)).toString("base64url") : undefined };
}
