/**
 * Reads what `serverless package` left in its folder: the compiled template and the functions' zips. Merges and changes nothing.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const TEMPLATE = "cloudformation-template-update-stack.json";

export interface ServerlessPackage {
  readonly template: unknown;
  /** The path of the zip that a function's Code.S3Key means: the file of that name in the folder. */
  readonly artifacts: (s3Key: string) => string;
}

export function readPackage(folder: string): ServerlessPackage {
  const path = join(folder, TEMPLATE);
  if (!existsSync(path)) throw new Error(`There is no ${TEMPLATE} in ${folder}: run "serverless package" first.`);
  return {
    template: JSON.parse(readFileSync(path, "utf8")),
    artifacts(s3Key) {
      const zip = join(folder, basename(s3Key));
      if (!existsSync(zip)) throw new Error(`The template names the package ${s3Key}, but there is no ${basename(s3Key)} in ${folder}.`);
      return zip;
    },
  };
}
