/** S3's endpoints as the bundles find them: with the rules that infra/slim-endpoints.ts leaves, and with all of the SDK's. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { BinaryDecisionDiagram, customEndpointFunctions, decideEndpoint } from "@smithy/core/endpoints";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Diagram, slimmed } from "../../infra/slim-endpoints.ts";

const CLIENT = join(createRequire(import.meta.url).resolve("@aws-sdk/client-s3"), "..", "..", "dist-es");

test("an ordinary bucket, and the list of all, have the same endpoint by the slim rules as by the SDK's, wherever it lies and however it is reached", async () => {
  const { awsEndpointFunctions } = createRequire(join(CLIENT, "x.js"))("@aws-sdk/core/client");
  // The SDK says of each address that is none what it thinks of it.
  const said = ["error", "warn", "log"].map((word) => vi.spyOn(console, word as "log").mockImplementation(() => {}));
  onTestFinished(() => {
    for (const each of said) each.mockRestore();
  });
  customEndpointFunctions.aws = awsEndpointFunctions;
  const { bdd } = (await import(join(CLIENT, "endpoint", "bdd.js"))) as { bdd: Diagram };
  const [small, listing] = [slimmed(bdd), slimmed(bdd, true)] as [Diagram, Diagram];
  expect(small.nodes.length).toBeLessThan(bdd.nodes.length / 4);
  expect(listing.nodes.length).toBeLessThan(bdd.nodes.length / 2);
  const answer = (diagram: Diagram, endpointParams: Record<string, unknown>) => {
    const { nodes, root, conditions, results } = diagram;
    try {
      const rules = BinaryDecisionDiagram.from(nodes as never, root, conditions as never, results as never);
      const { url, properties, headers } = decideEndpoint(rules, { endpointParams: endpointParams as never });
      return { url: url.href, properties, headers };
    } catch (error) {
      return { error: (error as Error).message };
    }
  };
  const cases = combinations({
    Bucket: ["understudy-corner-shop-statebucket-5bf40c02a850", "with.dots", "Upper_Case", "ab", undefined],
    Region: ["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "eu-central-2", "eusc-de-east-1", "not_a_region", undefined],
    UseFIPS: [false, true],
    UseDualStack: [false, true],
    ForcePathStyle: [false, true],
    UseGlobalEndpoint: [undefined, false],
    Endpoint: [undefined, "http://127.0.0.1:4566", "https://storage.example.com/base", "no url"],
  });
  expect(cases).toHaveLength(2560);
  const fixed = { Accelerate: false, DisableMultiRegionAccessPoints: false, UseArnRegion: false };
  for (const each of cases) {
    const params = { ...fixed, ...each };
    expect(answer(listing, params), JSON.stringify(params)).toEqual(answer(bdd, params));
    if (each.Bucket !== undefined) expect(answer(small, params), JSON.stringify(params)).toEqual(answer(bdd, params));
  }
});

function combinations(of: Record<string, readonly unknown[]>): Record<string, unknown>[] {
  return Object.entries(of).reduce<Record<string, unknown>[]>(
    (all, [name, values]) => all.flatMap((each) => values.map((value) => ({ ...each, [name]: value }))),
    [{}],
  );
}
