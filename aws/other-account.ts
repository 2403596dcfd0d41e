/** Another account, by a role of its own that STS gives for a quarter of an hour at a time. Whoever calls there says so by where. */
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { CLIENT_SETTINGS, type OtherAccount, perRegion } from "./clients.ts";

/** STS of the region itself: what the global one gives is not good everywhere (RDS User Guide, copying across regions). */
const sts = perRegion((region) => new STSClient({ region, ...CLIENT_SETTINGS }));

/** The least that STS gives. */
const SECONDS = 900;

export interface RoleThere {
  /** What people call the place. */
  readonly name: string;
  readonly region: string;
  readonly role: string;
  readonly externalId?: string | undefined;
  /** Stands in that account's CloudTrail. */
  readonly session: string;
}

export const otherAccount = ({ name, region, role, externalId, session }: RoleThere): OtherAccount => ({
  name,
  region,
  credentials: async () => {
    const { Credentials } = await sts(region).send(
      new AssumeRoleCommand({ RoleArn: role, RoleSessionName: session, ExternalId: externalId, DurationSeconds: SECONDS }),
    );
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken, Expiration } = Credentials ?? {};
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken, expiration: Expiration };
  },
});
