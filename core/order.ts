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
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): readonly string[] | undefined => {
    if (done.has(name)) return undefined;
    const at = path.indexOf(name);
    if (at >= 0) return [...path.slice(at), name];
    path.push(name);
    for (const before of edges.get(name) ?? []) {
      const found = visit(before);
      if (found) return found;
    }
    path.pop();
    done.add(name);
    return undefined;
  };
  for (const name of edges.keys()) {
    const found = visit(name);
    if (found) return found;
  }
  return undefined;
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
  const begin = (name: string): Promise<void> => {
    const running = begun.get(name);
    if (running) return running;
    const before = edges.get(name) ?? nobody;
    let ready = lists.get(before);
    if (!ready) lists.set(before, (ready = Promise.all(before.map(begin))));
    const promise = ready
      .then(() => (chosen.has(name) ? act(name) : undefined))
      .then(
        () => undefined,
        (error: unknown) => void failures.push(error),
      );
    begun.set(name, promise);
    return promise;
  };
  await Promise.all(names.map(begin));
  return failures;
}
