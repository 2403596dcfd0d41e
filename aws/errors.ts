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

const statusOf = (error: unknown): number => ((error ?? {}) as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;

/** The account has asked too often: the same question has its answer a moment later. */
export const isThrottled = (error: unknown): boolean =>
  statusOf(error) === 429 || /Throttl|^RequestLimitExceeded$|TooManyRequests/.test(codeOf(error));

/** The service has understood and will not: asking again is of no use. */
export function isRefusal(error: unknown): boolean {
  const status = statusOf(error);
  return status >= 400 && status < 500 && !isThrottled(error) && !/Expired/.test(codeOf(error));
}

/** Nothing came back: a dark region, a cut line, a service that fails inside. What was asked may have been done all the same. */
export function isNoAnswer(error: unknown): boolean {
  if (statusOf(error) >= 500) return true;
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return (
    name === "TimeoutError" ||
    ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"].includes(String(code))
  );
}
