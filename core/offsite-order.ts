/** Puts statements in an order in which each finds what it needs. Knows nothing of what they say. */

export interface Item {
  readonly id: string;
}

/** Keeps the given order where nothing speaks against it; a ring of needs is entered at its first item. */
export function inOrder<T extends Item>(items: readonly T[], needs: readonly (readonly [id: string, needed: string])[]): T[] {
  const known = new Map(items.map((item) => [item.id, item]));
  const needed = new Map<string, string[]>();
  for (const [id, other] of needs) {
    if (id === other || !known.has(id) || !known.has(other)) continue;
    const list = needed.get(id);
    if (list) list.push(other);
    else needed.set(id, [other]);
  }
  const ordered: T[] = [];
  const begun = new Set<string>();
  const visit = (first: string): void => {
    // A list instead of the call stack: chains of views may be long.
    const open: [string, number][] = [[first, 0]];
    begun.add(first);
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const [id, next] = top;
      const other = needed.get(id)?.[next];
      if (other === undefined) {
        ordered.push(known.get(id) as T);
        open.pop();
      } else {
        top[1]++;
        if (!begun.has(other)) {
          begun.add(other);
          open.push([other, 0]);
        }
      }
    }
  };
  for (const { id } of items) if (!begun.has(id)) visit(id);
  return ordered;
}
