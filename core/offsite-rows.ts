/**
 * Rows in bulk text form, as COPY and LOAD DATA read them: fields parted by tabs, rows ended by newlines, `\N` for NULL, a backslash
 * before what would be misread. Pure.
 */

const NAMED: Readonly<Record<string, string>> = { "0": "\0", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

export const fieldsOf = (row: string): string[] => row.split("\t");

/** A field that is not NULL, as the value's text. */
export const unescaped = (field: string): string => field.replace(/\\(.)/g, (_, mark: string) => NAMED[mark] ?? mark);
