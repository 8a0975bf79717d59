/** The configuration of a daemon as it is compared with the next one. */
import type { Assembly } from './assemble.js';
import { sourcesOf, type Traced } from '../config/kept.js';

/** What is compared of an assembly. */
export function traced({ configuration, watchers, meant, apart }: Assembly): Traced {
  const { circus, sockets } = configuration;
  const sources = sourcesOf({ ...configuration, watchers: [...configuration.watchers, ...apart] }, meant);
  return { circus, watchers, sockets: sockets.map(({ spec }) => spec), plugins: meant, sources };
}

/** What is in effect after a change: the daemon's own options stay what they were when it was started. */
export function untilRestart(old: Traced, target: Traced): Traced {
  const started = old.plugins.filter(({ use }) => use === 'controller');
  const plugins = [...started, ...target.plugins.filter(({ use }) => use !== 'controller')];
  return { ...target, circus: old.circus, plugins };
}
