/** A plain function for durable stories to ask: says what it got, or fails when it is told to. */
export const handler = async (event: { fail?: boolean }): Promise<unknown> => {
  if (event.fail) throw new TypeError("the helper cannot");
  return { got: event };
};
