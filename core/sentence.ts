/** Sentences with {places} for what was measured. Pure. */

export const rounded = (value: number | null): string => (value === null ? "an unknown number of" : String(Math.round(value * 10) / 10));

/** A place nobody fills stays as it is, braces and all, and a test finds it. */
export function fill(sentence: string, from: Readonly<Record<string, string>>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, word: string) => from[word] ?? whole);
}
