/** One order from two: the graph's, and between those that it leaves open, that of priorities. */
import type { Edges } from '#core';
import { groupsOf } from '../circles.js';

const nobody: readonly string[] = [];

/** How many steps each name comes after the first ones. */
function depths(edges: Edges): Map<string, number> {
  const listOf = (name: string) => edges.get(name) ?? nobody;
  // Those of one priority share one list, which is gone through once.
  const seen = new Set<readonly string[]>();
  const next = (name: string) => {
    const list = listOf(name);
    if (seen.has(list)) return nobody;
    seen.add(list);
    return list;
  };
  const found = new Map<string, number>();
  const ofLists = new Map<readonly string[], number>();
  for (const name of groupsOf([...edges.keys()], next).flat()) {
    const before = listOf(name);
    if (!ofLists.has(before))
      ofLists.set(
        before,
        before.reduce((most, other) => Math.max(most, (found.get(other) ?? -1) + 1), 0),
      );
    found.set(name, ofLists.get(before)!);
  }
  return found;
}

/**
 * The edges of priorities with a graph put over them: whatever is waited for has at least the priority of those who wait
 * for it. Where priorities alone have one after the other, as with a pause between any two, it stays so.
 */
export function withGraph(priorities: Edges, graph: Edges): Edges {
  const next = (name: string) => graph.get(name) ?? nobody;
  const ranks = depths(priorities);
  const names = [...priorities.keys()].sort((a, b) => ranks.get(a)! - ranks.get(b)!);
  const inOrder = groupsOf(names, next).flat();
  const isChain = names.length > 1 && new Set(ranks.values()).size === names.length;
  if (isChain) return new Map(inOrder.map((name, at) => [name, inOrder.slice(Math.max(0, at - 1), at)]));
  for (const name of inOrder.toReversed())
    for (const other of next(name)) ranks.set(other, Math.min(ranks.get(other)!, ranks.get(name)!));
  const levels = new Map<number, string[]>();
  for (const name of inOrder) {
    const level = levels.get(ranks.get(name)!);
    if (level) level.push(name);
    else levels.set(ranks.get(name)!, [name]);
  }
  let earlier = nobody;
  const order = new Map<string, readonly string[]>();
  for (const [rank, level] of [...levels].sort(([a], [b]) => a - b)) {
    // One that waits for another of its level comes after the earlier ones with that.
    for (const name of level)
      order.set(name, next(name).some((other) => ranks.get(other) === rank) ? next(name) : earlier);
    earlier = level;
  }
  return order;
}
