/** Looks at what watchers say of each other without the plugin: for whoever checks a file. */
import type { WatcherSpec } from '#core';
import type { Judge } from '../flaw.js';
import { Graph } from './graph.js';

/** Judges watchers among all of their file. */
export function judge(): Judge {
  const graphs = new WeakMap<readonly WatcherSpec[], Graph>();
  return (_options, { spec, watchers }) => {
    const graph = graphs.get(watchers) ?? new Graph(watchers);
    graphs.set(watchers, graph);
    return graph.flawsOf(spec);
  };
}
