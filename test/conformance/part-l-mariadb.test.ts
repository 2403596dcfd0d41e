/** Part L.7 of the AWS facts for the engines that replicate by binary log. Left out with a notice when MariaDB is not on this machine. */
import * as api from "@aws-sdk/client-rds";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { engineNamed } from "../../lab/engines/engines.ts";
import { openSession } from "../../lab/shop/session.ts";
import { ACCOUNT, AWAY, HOME, patient, RdsLab, refusal } from "./rds-lab.ts";

const missing = await engineNamed("mariadb")
  .version()
  .then(
    () => null,
    (error: Error) => error.message,
  );
if (missing) console.warn(`The MariaDB tests are skipped. ${missing}`);

describe.skipIf(missing).each(["mariadb", "mysql"])("L.7 the deletion of a source of %s", (engine) => {
  let lab: RdsLab;
  beforeAll(async () => {
    lab = await RdsLab.open({ empty: true });
  });
  afterAll(async () => {
    await lab?.close();
  });

  const write = async (id: string, region: string): Promise<void> => {
    const { Endpoint } = await lab.instance(id, region);
    const host = lab.world.state<Record<string, string>>("hosts", () => ({}))[Endpoint?.Address ?? ""] as string;
    const access = { database: "shop", username: "shop", password: "correct-horse" };
    const session = await openSession({ engine: "mariadb", host, port: Endpoint?.Port as number, ...access }, 3000);
    try {
      await session.run(["create table written (id int)"]);
    } finally {
      session.drop();
    }
  };

  test("its replicas promote themselves in every region: they take writes, and keep no source", async () => {
    await lab.create("source", { Engine: engine });
    await lab.available("source");
    await lab.replica("near", "source");
    await lab.replica("far", `arn:aws:rds:${HOME}:${ACCOUNT}:db:source`, AWAY);
    await lab.available("source");
    await expect(write("far", AWAY)).rejects.toThrow(/read-only/);
    await lab.send(new api.DeleteDBInstanceCommand({ DBInstanceIdentifier: "source", SkipFinalSnapshot: true }));
    await vi.waitFor(() => expect(lab.instance("source")).rejects.toEqual(refusal("DBInstanceNotFound", 404)), patient);
    for (const [id, region] of [
      ["near", HOME],
      ["far", AWAY],
    ] as const) {
      await vi.waitFor(async () => {
        const instance = await lab.instance(id, region);
        expect(instance).toMatchObject({ DBInstanceStatus: "available", Engine: engine, BackupRetentionPeriod: 1 });
        expect(instance.ReadReplicaSourceDBInstanceIdentifier).toBeUndefined();
        expect(instance.StatusInfos).toBeUndefined();
      }, patient);
      await write(id, region);
    }
  });
});
