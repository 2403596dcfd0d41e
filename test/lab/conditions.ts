/**
 * A primary in each of its troubles, looked at as the probe looks: which word it gets. One lab and one real server a test file.
 */
import { expect, test } from "vitest";
import { engineOf, type Target } from "../../databases/engines.ts";
import { engineNamed } from "../../lab/engines/engines.ts";
import type { Fault } from "../../lab/faults/vocabulary.ts";
import { waitFor } from "../../lab/look.ts";
import { LOOK_MS, look, type Seen } from "../../runbooks/observe.ts";
import { BrokenLab, PASSWORD, REGION } from "./faults-lab.ts";

export interface EngineUnderTest {
  readonly engine: "postgres" | "mariadb";
  /** The parameter that makes a primary refuse writes. */
  readonly readOnly: readonly [name: string, value: string];
}

export async function conditions({ engine, readOnly }: EngineUnderTest): Promise<void> {
  const missing = await engineNamed(engine)
    .version()
    .then(
      () => null,
      (error: Error) => error.message,
    );
  if (missing) console.warn(`The tests of ${engine} are skipped. ${missing}`);

  test.skipIf(missing)(`${engine}: slow, hung, read-only, full, with a wrong password, gone: each is its own condition (S30)`, async () => {
    const broken = await BrokenLab.open();
    const { DBEngineVersions } = await broken.call("rds", "DescribeDBEngineVersions", { Engine: engine, DefaultOnly: true });
    const group = { DBParameterGroupName: "shop" };
    const family = { DBParameterGroupFamily: DBEngineVersions[0].DBParameterGroupFamily, Description: "the shop's" };
    await broken.call("rds", "CreateDBParameterGroup", { ...group, ...family });
    const address = await broken.database("shop-a", { Engine: engine, Port: 5432, ...group });
    const target: Target = { ...address, database: "shop", username: "keeper", password: PASSWORD };
    const words = engineOf(engine);
    const seen = (at = target): Promise<Seen> =>
      look(words, at, async (to) => {
        await words.beat(to, { database: "shop", atMs: Date.now(), generation: 1 }, LOOK_MS);
      });
    const becomes = (what: Partial<Seen>) =>
      waitFor(`the primary to be ${what.condition}`, 20_000, async () => (await seen()).condition === what.condition).then(async () =>
        expect(await seen()).toMatchObject(what),
      );
    const well = { sight: "alive", condition: "writes", wrote: true, trouble: null } as const;
    const during = async (fault: Fault, what: Partial<Seen>) => {
      const { stop } = await broken.inject(fault);
      await becomes(what);
      await stop();
      await becomes(well);
    };
    const at = { region: REGION, instance: "shop-a" };

    await becomes(well);
    await during({ fault: "databaseSlow", ...at, ms: SLOW[engine] }, { sight: "alive", condition: "slow", wrote: true });
    await during({ fault: "databaseHung", ...at }, { sight: "lost", condition: "hung", wrote: false });
    await during({ fault: "databaseDiskFull", ...at }, { sight: "alive", condition: "disk-full", wrote: false });

    expect(await seen({ ...target, password: "wrong" })).toMatchObject({ sight: "alive", condition: "refuses", wrote: false });

    const set = (ParameterValue: string) =>
      broken.call("rds", "ModifyDBParameterGroup", {
        ...group,
        Parameters: [{ ParameterName: readOnly[0], ParameterValue, ApplyMethod: "immediate" }],
      });
    await set(readOnly[1]);
    await becomes({ sight: "alive", condition: "read-only", wrote: false });
    await set("0");
    await becomes(well);

    await broken.inject({ fault: "databaseKilled", ...at });
    await becomes({ sight: "lost", condition: "gone", wrote: false });
  });
}

/** So many ways to the server and back a look takes that the sum is slow and still in time. */
const SLOW = { postgres: 200, mariadb: 300 } as const;
