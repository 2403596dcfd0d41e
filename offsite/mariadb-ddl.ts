/** Takes SHOW CREATE apart: what a table needs to take rows, and what is built once they are in. Knows MariaDB's own spelling alone. */

export interface TableStatements {
  readonly create: string;
  readonly keys: readonly string[];
  readonly foreignKeys: readonly string[];
}

const SECONDARY = /^ {2}(UNIQUE |FULLTEXT |SPATIAL )?KEY /;
const FOREIGN = /^ {2}CONSTRAINT `(?:[^`]|``)*` FOREIGN KEY /;
/** A foreign key on what such a column is made of is taken by CREATE and by a copying ALTER, not by one in place. */
const STORED = /^ {2}`.* GENERATED ALWAYS AS .* STORED\b/;
/** Each of these is built alone. */
const ALONE = /^(FULLTEXT|SPATIAL) /;

/** A column that counts by itself needs a key from the start: the first that begins with it stays. */
export function takenApart(table: string, createTable: string): TableStatements {
  const lines = createTable.split("\n");
  const counting = /^ {2}(`(?:[^`]|``)*`)/.exec(lines.find((line) => /^ {2}`.* AUTO_INCREMENT\b/.test(line)) ?? "")?.[1];
  const serves = (line: string) => counting !== undefined && line.includes(`(${counting}`);
  const stays =
    lines.find((line) => /^ {2}PRIMARY KEY /.test(line) && serves(line)) ?? lines.find((line) => SECONDARY.test(line) && serves(line));
  const kept: string[] = [];
  const keys: string[] = [];
  const foreignKeys: string[] = [];
  for (const line of lines) {
    if (FOREIGN.test(line)) foreignKeys.push(bare(line));
    else if (SECONDARY.test(line) && line !== stays) keys.push(bare(line));
    else kept.push(line);
  }
  // The line before the closing one has lost what its comma parted it from.
  const closing = kept.findIndex((line) => line.startsWith(")"));
  const last = kept[closing - 1];
  if (last !== undefined) kept[closing - 1] = last.replace(/,$/, "");
  const together = keys.filter((key) => !ALONE.test(key));
  return {
    create: kept.join("\n"),
    keys: [together, ...keys.filter((key) => ALONE.test(key)).map((key) => [key])].flatMap((each) => altered(table, each)),
    foreignKeys: altered(table, foreignKeys, lines.some((line) => STORED.test(line)) ? ", ALGORITHM=COPY" : ""),
  };
}

const bare = (line: string): string => line.trim().replace(/,$/, "");
const altered = (table: string, additions: readonly string[], how = ""): string[] =>
  additions.length === 0 ? [] : [`ALTER TABLE ${table} ${additions.map((addition) => `ADD ${addition}`).join(", ")}${how}`];

/** A definer of another server is nobody here, and only a superuser may name one: whoever restores becomes it. */
export const withoutDefiner = (statement: string): string => statement.replace(/ DEFINER=`(?:[^`]|``)*`(@`(?:[^`]|``)*`)?/, "");
