/** A drill of a MariaDB database under AWS's durable kit, where MariaDB is installed. */
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { engineNamed } from "../../lab/engines/engines.ts";
import { endpoint, readJson } from "../../lab/look.ts";
import { openSession } from "../../lab/shop/session.ts";
import { bench } from "./bench.ts";

const AWAY = "eu-west-1";
const missing = await engineNamed("mariadb")
  .version()
  .then(
    () => null,
    (error: Error) => error.message,
  );
if (missing) console.warn(`The drill of a MariaDB database is not tested. ${missing}`);

describe.skipIf(missing)("mariadb", () => {
  const open = bench((text) => text.replace("engine: postgres", "engine: mariadb").replace("port: 5432", "port: 3306"));

  async function run(file: "backup" | "drill", payload: object) {
    const { handler } = await import(`../../functions/${file}.ts`);
    const execution = await new LocalDurableTestRunner({ handlerFunction: handler as never }).run({ payload });
    return execution.getResult() as { outcome: string; sentence: string; report: string };
  }
  const drill = (second: string) => run("drill", { database: "shop", name: `understudy-drill-shop-20261121t0900${second}`, by: "alice" });
  const instances = async () => (await open().lab.world.call("rds", "DescribeDBInstances", {}, { region: AWAY })).DBInstances;

  test("the newest copy is restored aside, its tables are counted, and nothing of it is left; one that lost a table fails", async () => {
    const { lab, bucket, plan } = open();
    const { probeLap } = await import("../../runbooks/probe.ts");
    const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
    const { SecretString } = await lab.world.call(
      "secretsmanager",
      "GetSecretValue",
      { SecretId: plan.databases.shop?.secret },
      { region: AWAY },
    );
    const { username, password } = JSON.parse(SecretString);
    const place = await endpoint(lab, plan.regions.primary, "shop-a");
    const session = await openSession({ engine: "mariadb", ...place, database: "shop", username, password }, 5000);
    onTestFinished(() => session.drop());
    await session.run(["create table invoices (id int primary key)", "insert into invoices values (1), (2), (3)"]);
    await probeLap(readSettings(), protectedDatabase(readSettings().plan, "shop"));
    await run("backup", { database: "shop", slot: "20261121t0600" });
    const first = await drill("01");
    expect(first.sentence).toMatch(/^The newest backup of shop can be restored: .+, and holds \d+ tables, \d+ rows counted\.$/);
    expect(first.outcome).toBe("passed");
    expect(await readJson(lab, AWAY, bucket, first.report)).toMatchObject({
      held: { tables: { "shop.invoices": 3 } },
      trouble: [],
      leftOver: null,
    });

    await session.run(["drop table invoices"]);
    await probeLap(readSettings(), protectedDatabase(readSettings().plan, "shop"));
    await run("backup", { database: "shop", slot: "20261121t1200" });
    const second = await drill("02");
    expect(second.sentence).toContain("are missing: shop.invoices");
    expect(second.outcome).toBe("failed");
    expect(await instances()).toEqual([]);
  }, 90_000);
});
