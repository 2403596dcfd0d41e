/**
 * Points of part L that another file's test proves already: named here so that the list is whole, and checked to be still there.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const TESTS = join(import.meta.dirname, "..");

/** `title` as it stands in the file, `%s` and all. */
export function elsewhere(point: string, file: string, title: string): void {
  const path = join(TESTS, file);
  if (!existsSync(path)) {
    test.todo(`${point}: test/${file} is not here yet`);
    return;
  }
  test(`${point} (test/${file})`, () => {
    expect(readFileSync(path, "utf8"), `test/${file} has no test named: ${title}`).toMatch(
      new RegExp(`test(\\.each\\(.*\\))?\\(\\s*["'\`]${title.replace(/[.*+?^$(){}|[\]\\]/g, "\\$&")}["'\`]`),
    );
  });
}
