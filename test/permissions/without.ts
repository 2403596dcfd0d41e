/**
 * The package with one action taken out of one role, in a folder of its own: the template is changed, the code stays as it is.
 * "MoveRole rds:PromoteReadReplica" takes the action out of every statement, "MoveRole Promote rds:PromoteReadReplica" out of one.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const TEMPLATES = ["cloudformation-template-update-stack.json", "primary-region.json"];

interface Statement {
  readonly Sid?: string;
  readonly Action: string[];
}

/** The folder goes with the test. */
export function packageWithout(packaged: string, taken: string): string {
  const words = taken.split(" ");
  const [role, action] = [words[0], words.at(-1)];
  const sid = words.length > 2 ? words[1] : undefined;
  if (!role || !action?.includes(":"))
    throw new Error(
      `"${taken}" takes nothing away: expected a role, perhaps a Sid, and an action, like "MoveRole rds:PromoteReadReplica".`,
    );

  const folder = mkdtempSync(join(tmpdir(), "without-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // A test that is cut off never finishes.
  process.once("exit", remove);
  onTestFinished(() => {
    process.removeListener("exit", remove);
    remove();
  });
  cpSync(packaged, folder, { recursive: true });
  let places = 0;
  for (const name of TEMPLATES) {
    const file = join(folder, name);
    const template = JSON.parse(readFileSync(file, "utf8"));
    for (const { PolicyDocument } of template.Resources[role]?.Properties.Policies ?? []) {
      PolicyDocument.Statement = PolicyDocument.Statement.flatMap((statement: Statement) => {
        if (!statement.Action.includes(action) || (sid !== undefined && statement.Sid !== sid)) return [statement];
        places++;
        const Action = statement.Action.filter((each) => each !== action);
        return Action.length > 0 ? [{ ...statement, Action }] : [];
      });
    }
    writeFileSync(file, JSON.stringify(template));
  }
  if (places === 0) throw new Error(`"${taken}" takes nothing away: no statement of the compiled templates grants that.`);
  return folder;
}
