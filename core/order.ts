/** Order as pure functions: who starts after whom, and going along a graph in parallel. */
import type { Edges } from './hooks.js';

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
  return new Map(levels.flatMap((level, at) => level.map((name) => [name, levels[at - 1] ?? []] as const)));
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
  const turned = new Map<string, string[]>([...edges.keys()].map((name) => [name, []]));
  for (const [name, before] of edges) {
    for (const other of before) turned.set(other, [...(turned.get(other) ?? []), name]);
  }
  return turned;
}

/**
 * Acts on each name once those it comes after are through, side by side where nothing orders them. Only the given names
 * count; a failure of one does not hold up the others. Resolves with what failed.
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
    const before = edges.get(name) ?? [];
    let ready = lists.get(before);
    if (!ready) lists.set(before, (ready = Promise.all(before.filter((other) => chosen.has(other)).map(begin))));
    const promise = ready
      .then(() => act(name))
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
