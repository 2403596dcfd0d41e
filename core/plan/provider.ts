/** How a plan names another provider and what leaves AWS for it (docs/offsite.md). */
import * as z from "zod/mini";
import { described, matching, text, whole } from "./forms.ts";

export const provider = {
  everyDays: described(whole(1, 31, " of days"), "It is brought up to date so often."),
  endpoint: described(
    matching(
      /^(https:\/\/[^\s/]+|http:\/\/(127\.0\.0\.1|localhost):\d+)$/,
      'expected the https address of an S3-compatible endpoint, without a path, like "https://s3.eu-central-003.backblazeb2.com"',
    ),
    "Where another provider speaks S3.",
  ),
  region: described(text('expected the region as the provider calls it, like "eu-central-003"'), "The provider's own name of its region."),
  bucket: described(text("expected the name of a bucket of the provider's"), "The bucket it goes to."),
  prefix: z.optional(
    described(
      matching(/^[^/\s]+(\/[^/\s]+)*$/, 'expected the beginning of names without a slash at its ends, like "understudy/shop"'),
      "Begins the name of everything that is stored there.",
    ),
  ),
  secret: described(
    text("expected the name of a secret of the recovery region"),
    'Secrets Manager\'s secret with "accessKeyId" and "secretAccessKey" of the provider and "masterKey", 64 hexadecimal digits that seal what is stored.',
  ),
};

export interface ProviderPlan {
  readonly everyDays: number;
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly prefix?: string | undefined;
  readonly secret: string;
}
