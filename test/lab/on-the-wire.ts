/**
 * A lab with some services on a free port, for tests that speak to it with the real SDK clients. Closes all it starts.
 */
import { afterEach } from "vitest";
import { type LabEvent, type Service, World, type WorldOptions } from "../../lab/cloud/world.ts";
import { startWire, type Wire, type WireOptions } from "../../lab/wire/server.ts";

export interface TestLab {
  readonly world: World;
  readonly wire: Wire;
  /** What a client's constructor takes, for a region. */
  client(region?: string): {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
    maxAttempts: number;
  };
  told(part: string): LabEvent[];
}

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** Closed after the test, last opened first. */
export function closing<T extends { close(): Promise<void> }>(each: T): T {
  open.push(each);
  return each;
}

export async function labWith(
  services: (world: World, url: () => string) => Service[],
  options: Partial<WorldOptions> & { wire?: Partial<WireOptions> } = {},
): Promise<TestLab> {
  const world = closing(new World({ dir: "/nonexistent", ...options }));
  let url = "";
  for (const service of services(world, () => url)) world.register(service);
  const wire = closing(
    await startWire(world, { port: 0, principalFor: (key) => `arn:aws:iam::${world.account}:user/${key}`, ...options.wire }),
  );
  url = wire.url;
  await world.start();
  return {
    world,
    wire,
    client: (region = "eu-central-1") => ({
      endpoint: wire.url,
      region,
      credentials: { accessKeyId: "tester", secretAccessKey: "secret" },
      maxAttempts: 1,
    }),
    told: (part) => world.story.filter((line) => line.what.includes(part)),
  };
}
