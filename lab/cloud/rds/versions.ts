/** The engines' versions, as RDS lists them: the lab runs one of each. An engine whose programs are not on this machine has none. */
import type { DBEngineVersion } from "@aws-sdk/client-rds";
import type { Operation } from "../world.ts";
import { FLAVOUR_NAMES, type FlavourName, familyOf, flavour } from "./flavours.ts";

const DESCRIPTIONS: Record<FlavourName, string> = {
  postgres: "PostgreSQL",
  mariadb: "MariaDB Community Edition",
  mysql: "MySQL Community Edition",
  "aurora-postgresql": "Aurora (PostgreSQL Compatible)",
};

export function versionOperations(): Record<string, Operation> {
  return {
    async DescribeDBEngineVersions(input) {
      const wanted = FLAVOUR_NAMES.filter((name) => !input.Engine || name === input.Engine);
      const versions = await Promise.all(
        wanted.map(async (engine): Promise<DBEngineVersion[]> => {
          const engineVersion = await flavour(engine)
            .version()
            .catch(() => undefined);
          if (engineVersion === undefined || (input.EngineVersion && !`${engineVersion}.`.startsWith(`${input.EngineVersion}.`))) return [];
          const record = { engine, engineVersion };
          return [
            {
              Engine: engine,
              EngineVersion: engineVersion,
              DBParameterGroupFamily: familyOf(record),
              DBEngineDescription: DESCRIPTIONS[engine],
              Status: "available",
              SupportsReadReplica: true,
            },
          ];
        }),
      );
      return {
        DBEngineVersions: versions
          .flat()
          .filter((each) => !input.DBParameterGroupFamily || each.DBParameterGroupFamily === input.DBParameterGroupFamily),
      };
    },
  };
}
