/** The endpoint of a plain bucket, as the bundles find it, is the one the SDK's own rules give. */
import { S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { defaultEndpointResolver, type S3Place } from "../../aws/plain-s3.ts";

const sdk = (place: S3Place) => {
  const { endpointProvider } = new S3Client({ region: "eu-west-1" }).config as unknown as {
    endpointProvider: (place: S3Place) => ReturnType<typeof defaultEndpointResolver>;
  };
  return endpointProvider(place);
};
const flat = ({ url, properties, headers }: ReturnType<typeof defaultEndpointResolver>) => ({ url: url.href, properties, headers });

test("a plain bucket is where the SDK finds it: every partition, FIPS, dual stack, an endpoint of one's own", () => {
  const regions = ["eu-west-1", "us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "eu-isoe-west-1", "eusc-de-east-1"];
  const endpoints = [undefined, "http://127.0.0.1:4566", "http://[::1]:80/under", "https://s3.example.com", "http://localhost:9000/a/"];
  const compared = regions.flatMap((Region) =>
    endpoints.flatMap((Endpoint) =>
      [false, true].flatMap((ForcePathStyle) =>
        [false, true].flatMap((UseFIPS) =>
          [false, true].flatMap((UseDualStack) => {
            // The SDK refuses an endpoint of one's own together with either, and FIPS in China.
            if ((Endpoint && (UseFIPS || UseDualStack)) || (UseFIPS && Region.startsWith("cn-"))) return [];
            const place = { Bucket: "understudy-state-1a2b", Region, Endpoint, UseFIPS, UseDualStack, ForcePathStyle };
            expect(flat(defaultEndpointResolver(place)), JSON.stringify(place)).toEqual(flat(sdk(place)));
            return [place];
          }),
        ),
      ),
    ),
  );
  expect(compared.length).toBeGreaterThan(90);
});

test("what is no plain bucket is refused by name, not looked for elsewhere", () => {
  for (const Bucket of [
    "fast--euw1-az1--x-s3",
    "arn:aws:s3:eu-west-1:111122223333:accesspoint/a",
    "point-s3alias",
    "Upper",
    "a.b",
    undefined,
  ])
    expect(() => defaultEndpointResolver({ Bucket, Region: "eu-west-1" })).toThrow("is no plain bucket");
});
