/** The graph as text: those that nobody waits for at the left, and below each what it waits for. */
import type { Watcher, WatcherState } from '#core';
import type { Follower } from './follower.js';
import { isAddress } from './outside.js';
import { settingsOf, type Condition, type Kind } from './settings.js';

/** One entry of a list of a watcher. */
export interface Branch {
  readonly on: string;
  readonly kind: Kind;
  readonly condition: Condition;
  /** Also of what is outside, once the watcher runs: nobody looks any more. */
  readonly met: boolean;
  /** Why it is not met; empty when it is, or nobody knows. */
  readonly why: string;
}

/** One watcher. */
export interface Node {
  readonly name: string;
  readonly state: WatcherState;
  readonly needs: readonly Branch[];
}

/** What fits on a terminal of the usual size, and from where on a branch is drawn as a tree of its own. */
const width = 80;
const deepest = 36;

/** The watchers with what they wait for. */
export const nodesOf = (watchers: readonly Watcher[], follower: Pick<Follower, 'isMet' | 'why'>): readonly Node[] =>
  watchers.map(({ name, state, spec, processes }) => ({
    name,
    state,
    needs: settingsOf(spec).needs.map((need) => ({
      ...{ on: need.on, kind: need.kind, condition: need.condition },
      // Of what is outside it is known that it was there when the watcher started.
      ...{ met: follower.isMet(need) || (isAddress(need.on) && processes.length > 0), why: follower.why(need) },
    })),
  }));

const clip = (line: string) => (line.length > width ? `${line.slice(0, width - 1)}…` : line);

/** Draws the graph, or what one watcher waits for; each watcher is drawn once, with all that is below it. */
export function draw(nodes: readonly Node[], only?: Node): readonly string[] {
  const byName = new Map(nodes.map((node) => [node.name.toLowerCase(), node]));
  const find = ({ on }: Branch) => byName.get(on.toLowerCase());
  const named = new Set(nodes.flatMap(({ needs }) => needs.flatMap((need) => find(need) ?? [])));
  const roots = nodes.filter((node) => !named.has(node));
  // Those that wait for something come first; what stands in a circle, which nobody could write into a file, at the end.
  const order = only
    ? [only]
    : [...roots.filter(({ needs }) => needs.length > 0), ...roots.filter(({ needs }) => needs.length === 0), ...nodes];
  const drawn = new Set<Node>();
  const lines: string[] = [];

  const grow = (node: Node, indent: string): void => {
    drawn.add(node);
    node.needs.forEach((need, at) => {
      const isLast = at === node.needs.length - 1;
      const below = find(need);
      const isOpen = below !== undefined && below.needs.length > 0 && !drawn.has(below);
      const isDeep = indent.length >= deepest;
      const more = below && below.needs.length > 0 && (drawn.has(below) ? ' (above)' : isDeep ? ' (below)' : '');
      const state = below ? ` [${below.state}]` : '';
      const what = `${need.kind}${isAddress(need.on) ? '' : ` ${need.condition}`}${need.met ? ', met' : need.why && `: ${need.why}`}`;
      lines.push(clip(`${indent}${isLast ? '└─' : '├─'} ${below?.name ?? need.on}${state} ${what}${more || ''}`));
      if (below && !isOpen) drawn.add(below);
      if (isOpen && isDeep) order.push(below);
      else if (isOpen) grow(below, `${indent}${isLast ? '   ' : '│  '}`);
    });
  };

  for (const node of order) {
    if (drawn.has(node)) continue;
    lines.push(clip(`${node.name} [${node.state}]`));
    grow(node, '');
  }
  return lines;
}
