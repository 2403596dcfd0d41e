/**
 * Pages of a list, as Lambda's list operations answer them. Knows nothing of what is listed.
 */
import { ServiceError } from "../../wire/errors.ts";

/** One page of a list; markers are positions. */
export function paged<T>(all: readonly T[], marker: string | undefined, size: number): { page: T[]; next: string | undefined } {
  const from = marker ? Number(Buffer.from(marker, "base64").toString("utf8")) : 0;
  if (!Number.isInteger(from) || from < 0)
    throw new ServiceError("InvalidParameterValueException", "Marker is not one this operation gave out.");
  const page = all.slice(from, from + size);
  return { page, next: from + size < all.length ? Buffer.from(String(from + size)).toString("base64") : undefined };
}
