/** How MariaDB's statements get their values. */
import { expect, test } from "vitest";
import { filled } from "../../databases/mariadb.ts";

test("a text that would end its literal stays a text", () => {
  expect(filled("select ? from t where name = ?", [7, "o'; drop table t; -- ?"])).toBe(
    `select 7 from t where name = _utf8mb4 x'${Buffer.from("o'; drop table t; -- ?").toString("hex")}'`,
  );
});

test("a statement with a value that is missing, or no text and no whole number, is not sent", () => {
  expect(() => filled("select ?", [])).toThrow(/expected a text or a whole number/);
  expect(() => filled("select ?", [Number.NaN])).toThrow(/NaN/);
});
