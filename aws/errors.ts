/**
 * One way to name an AWS error. The SDK names modelled errors by shape ("DBInstanceNotFoundFault") and others by wire code
 * ("DBInstanceNotFound"), and which of the two arrives depends on what was bundled; this gives the same word for both.
 */
export function codeOf(error: unknown): string {
  const { Code, name } = (error ?? {}) as { Code?: unknown; name?: unknown };
  const code = typeof Code === "string" ? Code : typeof name === "string" ? name : "Unknown";
  return code.replace(/(Fault|Exception)$/, "");
}

export const isCode = (error: unknown, ...codes: string[]): boolean => codes.includes(codeOf(error));
