/**
 * The list of AWS operations our functions use, read from the commands that aws/ imports: the lab has each of them, each is called by
 * a test of the lab through the SDK, and nothing outside aws/ adds to the list.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { throwawayFolder } from "../../lab/folder.ts";
import { startLab } from "../../lab/lab.ts";
import { codecFor } from "../../lab/wire/protocols.ts";

const ROOT = join(import.meta.dirname, "../..");
/** The SDK's package of a service by the name in a signature's scope. */
const SCOPES: Record<string, string> = {
  "auto-scaling": "autoscaling",
  cloudwatch: "monitoring",
  "elastic-load-balancing-v2": "elasticloadbalancing",
  eventbridge: "events",
  lambda: "lambda",
  rds: "rds",
  "route-53": "route53",
  s3: "s3",
  "secrets-manager": "secretsmanager",
  sns: "sns",
};
/** The durable SDK inside our bundles calls these two for us. */
const DURABLE = [
  ["lambda", "CheckpointDurableExecution"],
  ["lambda", "GetDurableExecutionState"],
] as const;

const sources = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(ROOT, folder, file), "utf8"));

/** Every command that is imported from a client's package in a source text. */
function commandsOf(source: string): (readonly [service: string, operation: string])[] {
  return [...source.matchAll(/import\s+\{([^}]*)\}\s+from\s+"@aws-sdk\/client-([\w-]+)"/g)].flatMap(([, names = "", client = ""]) =>
    [...names.matchAll(/\b(\w+)Command\b/g)].map(([, operation = ""]) => [SCOPES[client] ?? client, operation] as const),
  );
}

const used = [...sources("aws").flatMap(commandsOf), ...DURABLE].sort((a, b) => `${a}`.localeCompare(`${b}`));

describe("each operation a function uses", () => {
  test("is imported in aws/ alone", () => {
    for (const folder of ["core", "databases", "events", "functions", "runbooks"])
      expect(sources(folder).flatMap(commandsOf), folder).toEqual([]);
    expect(used.length).toBeGreaterThanOrEqual(19);
  });

  test("is one the lab answers: 100 %", async () => {
    const lab = await startLab({ folder: throwawayFolder() });
    const missing = used.filter(
      ([service, operation]) => !codecFor(service)?.operations.has(operation) || !lab.world.services.get(service)?.operations[operation],
    );
    await lab.close();
    expect(missing).toEqual([]);
    console.log(`operations the functions use: ${used.length}, in the lab: ${used.length - missing.length}`);
  });

  const tests = ["test/conformance", "test/lab", "test/runbooks"]
    .flatMap(sources)
    .filter((source) => !source.includes("SCOPES"))
    .join("\n");
  // Sent through the SDK, asked of the world, or counted in the story of a failover that the deployed functions make.
  test.each(used)("%s:%s is called by a test of the lab", (service, operation) => {
    expect(new RegExp(`\\b${operation}Command\\(|"${operation}"|"${service}:${operation}"`).test(tests)).toBe(true);
  });
});
