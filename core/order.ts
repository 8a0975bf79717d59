/** Order as pure functions: who starts after whom, and going along a graph in parallel. */
import type { Edges } from './hooks.js';

const nobody: readonly string[] = [];

/** What the default order needs of a watcher. */
interface Ranked {
  readonly name: string;
  readonly spec: { readonly priority: number };
}

/**
 * Circus's order as edges: each priority after the next higher one, equals together; with `oneByOne` (a pause is to be
 * kept between any two) equals one after the other, by name.
 */
export function priorityEdges(watchers: readonly Ranked[], oneByOne: boolean): Edges {
  const ranked = [...watchers].sort((a, b) => b.spec.priority - a.spec.priority || (a.name < b.name ? -1 : 1));
  const levels: string[][] = [];
  let last: number | undefined;
  for (const { name, spec } of ranked) {
    if (oneByOne || spec.priority !== last) levels.push([]);
    levels.at(-1)!.push(name);
    last = spec.priority;
  }
  return new Map(levels.flatMap((level, at) => level.map((name) => [name, levels[at - 1] ?? nobody] as const)));
}

/** The names of a circle in a graph, in its order; undefined when there is none. */
export function findCycle(edges: Edges): readonly string[] | undefined {
  return walk(edges.keys(), edges).cycle;
}

/** Goes back from `names`: all that is met, each name after those it comes after, up to the first circle. */
function walk(names: Iterable<string>, edges: Edges) {
  const met = new Set<string>();
  // The way to where we are, and what is still to be looked at from each step; recursion would not bear a long chain.
  const way = new Map<string, Iterator<string>>();
  const path: string[] = [];
  // Those of one priority share one list: thousands of equals are gone through once, not once for each.
  const lists = new Set<readonly string[]>();
  const enter = (name: string) => {
    const before = edges.get(name) ?? nobody;
    path.push(name);
    way.set(name, (lists.has(before) ? nobody : before)[Symbol.iterator]());
  };
  for (const start of names) {
    if (!met.has(start)) enter(start);
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const { done, value } = way.get(last)!.next();
      if (done) {
        met.add(last);
        lists.add(edges.get(last) ?? nobody);
        way.delete(last);
        path.pop();
      } else if (way.has(value)) return { met, cycle: [...path.slice(path.indexOf(value)), value] };
      else if (!met.has(value)) enter(value);
    }
  }
  return { met };
}

/** The same graph with every edge turned round: for stopping. */
export function reversed(edges: Edges): Edges {
  // Those that wait for the same list are kept as one list too: `along` is fast because of it.
  const followers = new Map<readonly string[], string[]>();
  for (const [name, before] of edges) {
    const list = followers.get(before);
    if (list) list.push(name);
    else followers.set(before, [name]);
  }
  const turned = new Map<string, readonly string[]>([...edges.keys()].map((name) => [name, nobody]));
  for (const [before, names] of followers) {
    for (const other of before)
      turned.set(other, turned.get(other)?.length ? [...turned.get(other)!, ...names] : names);
  }
  return turned;
}

/**
 * Acts on each name once those it comes after are through, side by side where nothing orders them. The names in between
 * that were not given order the others, and are not acted on; a failure of one does not hold up the others. Resolves
 * with what failed. The graph must have no circle.
 */
export async function along(
  names: readonly string[],
  edges: Edges,
  act: (name: string) => Promise<unknown>,
): Promise<readonly unknown[]> {
  const chosen = new Set(names);
  const failures: unknown[] = [];
  const begun = new Map<string, Promise<void>>();
  // Levels share one list of predecessors; waiting for each list once keeps a thousand equals from a million waits.
  const lists = new Map<readonly string[], Promise<unknown>>();
  const begin = async (name: string, ready: Promise<unknown>) => {
    await ready;
    try {
      if (chosen.has(name)) await act(name);
    } catch (error) {
      failures.push(error);
    }
  };
  for (const name of walk(names, edges).met) {
    const before = edges.get(name) ?? nobody;
    if (!lists.has(before)) lists.set(before, Promise.all(before.map(async (other) => begun.get(other))));
    begun.set(name, begin(name, lists.get(before)!));
  }
  await Promise.all(begun.values());
  return failures;
}
