/** Things that refer to one another: in which order to take them, and which of them stand in a circle. */

interface Visit<Item> {
  readonly item: Item;
  readonly next: readonly Item[];
  /** How many of `next` were looked at. */
  at: number;
}

/**
 * Groups of items, each after those that it refers to; more than one in a group refer to one another in circles
 * (Tarjan's strongly connected components, without recursion: a file may make long chains).
 */
export function groupsOf<Item>(
  items: readonly Item[],
  next: (item: Item) => readonly Item[],
): readonly (readonly Item[])[] {
  const groups: Item[][] = [];
  const numbers = new Map<Item, number>();
  const lowest = new Map<Item, number>();
  const open: Item[] = [];
  const isOpen = new Set<Item>();
  const enter = (item: Item): Visit<Item> => {
    numbers.set(item, numbers.size);
    lowest.set(item, numbers.get(item)!);
    open.push(item);
    isOpen.add(item);
    return { item, next: next(item), at: 0 };
  };
  const lower = (item: Item, number: number): void => void (number < lowest.get(item)! && lowest.set(item, number));

  for (const start of items) {
    if (numbers.has(start)) continue;
    const way = [enter(start)];
    for (let visit = way.at(-1); visit !== undefined; visit = way.at(-1)) {
      const { item } = visit;
      const other = visit.next[visit.at++];
      if (other !== undefined) {
        if (!numbers.has(other)) way.push(enter(other));
        else if (isOpen.has(other)) lower(item, numbers.get(other)!);
        continue;
      }
      way.pop();
      const before = way.at(-1);
      if (before) lower(before.item, lowest.get(item)!);
      if (lowest.get(item) !== numbers.get(item)) continue;
      const group = open.splice(open.lastIndexOf(item));
      for (const one of group) isOpen.delete(one);
      groups.push(group);
    }
  }
  return groups;
}

/** The others on a shortest way from an item back to it. */
export function wayBack<Item>(start: Item, next: (item: Item) => readonly Item[]): readonly Item[] {
  const from = new Map<Item, Item>();
  const queue = [start];
  for (const item of queue) {
    for (const other of next(item)) {
      if (other === start) {
        const way: Item[] = [];
        for (let at = item; at !== start; at = from.get(at)!) way.unshift(at);
        return way;
      }
      if (from.has(other)) continue;
      from.set(other, item);
      queue.push(other);
    }
  }
  return [];
}
