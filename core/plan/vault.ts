/** The plan's section about the vault: another account, of which Understudy takes on one role, keeps copies under a key of its own. */
import * as z from "zod/mini";
import { described, matching, options, region } from "./forms.ts";

export const vault = options({
  account: described(
    matching(/^\d{12}$/, 'expected an account of twelve digits, in quotes, like "222233334444"'),
    "The account that keeps the copies. It needs no AWS Organization, and must not be the one Understudy runs in.",
  ),
  region: described(
    region,
    "Where it keeps them: the recovery region, because an encrypted snapshot that is shared is copied within its own.",
  ),
  role: described(
    matching(
      /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,128}$/,
      'expected the ARN of a role of the vault\'s account, like "arn:aws:iam::222233334444:role/understudy-vault"',
    ),
    "The role of the vault's account that Understudy takes on. The template vault.json makes it; it may copy and look, and delete nothing.",
  ),
  externalId: z.optional(
    described(
      matching(/^[\w+=,.@:/-]{2,128}$/, "expected 2 to 128 letters, digits or any of +=,.@:/-"),
      "What Understudy must say to take the role on.",
    ),
  ),
  kmsKeyId: described(
    matching(
      /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key\/[0-9a-f-]+|alias\/(?!aws\/)[\w/-]+)$/,
      'expected the ARN of a key of the vault\'s account or of its alias, like "arn:aws:kms:eu-west-1:222233334444:alias/understudy-vault"',
    ),
    "The key of the vault's account that encrypts the copies there. Where it is an alias, the template vault.json makes the key.",
  ),
});
