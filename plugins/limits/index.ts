/** The plugin limits: puts its chain in front of each program. */
import * as v from 'valibot';
import { definePlugin, type WatcherSpec } from '#core';
import { refuse } from '../flaw.js';
import { standard } from '../schema.js';
import { chainOf, flawsIn, rights } from './chain.js';
import { sheltered } from './loader.js';
import { thisMachine } from './machine.js';
import { isPinned } from './values.js';

/** After the links of other plugins: the rights that those may need are given up last. */
const stage = 100;

/** Puts the programs in front of a command that set its user, its limits and its priorities. */
export default definePlugin({
  name: 'limits',
  options: standard(v.strictObject({})),
  apply({ hooks }) {
    /** A spec's chains by wid, or the one for all: users are looked up once, not at each spawn. */
    const chains = new WeakMap<WatcherSpec, Map<number, ReturnType<typeof chainOf>>>();

    hooks.watcherSpec.tap('limits', (spec) => {
      refuse(flawsIn(spec.options, thisMachine()));
      // Also where it was set at run time: without the plugin it would be started with all rights.
      const bare = rights.every((key) => spec.options[key] == null) || spec.needs.includes('limits');
      return bare ? spec : { ...spec, needs: [...spec.needs, 'limits'] };
    });

    hooks.spawnSpec.tap({ name: 'limits', stage }, (process, _watcher, { wid, spec }) => {
      const known = chains.get(spec) ?? new Map<number, ReturnType<typeof chainOf>>();
      chains.set(spec, known);
      const key = isPinned(spec.options['cpu_affinity']) ? wid : 0;
      const links = known.get(key) ?? chainOf(spec.options, wid, thisMachine());
      known.set(key, links);
      if (links.length === 0) return process;
      return sheltered({ ...process, chain: [...process.chain, ...links] }, thisMachine().program('env'));
    });
  },
});
