/** The one family of errors Understudy throws: what went wrong, what a person can do about it, and whether trying again can help. */
export class Problem extends Error {
  /** What an operator does next, as one sentence. */
  readonly hint: string;
  /** Whether the same call may succeed later without anyone doing anything. */
  readonly retry: boolean;
  constructor(name: string, message: string, options: { hint: string; retry?: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = name;
    this.hint = options.hint;
    this.retry = options.retry ?? false;
  }
}
